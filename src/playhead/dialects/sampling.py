"""How much chance there is in an answer, ``temperature`` and ``top_p``, on its way out.

Models that reason refuse both. A hand that says so leaves them out with a warning, which is the same on every wire.
"""

from __future__ import annotations

from typing import Any

from playhead.dialects.base import EncodeWarning
from playhead.request import Request


def encode_sampling(
    request: Request, taken: bool, body: dict[str, Any], warnings: list[EncodeWarning], *, top_p: str = "top_p"
) -> None:
    """Put into ``body`` what the request says of both, where the model takes them. ``top_p`` is the wire's name."""
    for name, key, value in (("temperature", "temperature", request.temperature), ("top_p", top_p, request.top_p)):
        if value is None:
            continue
        if taken:
            body[key] = value
        else:
            warnings.append(EncodeWarning(name, f"{request.model} takes no {name}; it was left out"))
