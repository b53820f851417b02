"""The error of a body that should be an answer and is none: cut before its JSON ends, no JSON, or of another shape.

Each shows how the body begins, so that whoever reads the error sees whose words they are: a proxy's page, another
wire's answer, half of the right one.
"""

from __future__ import annotations

from playhead.dialects.base import Endpoint
from playhead.errors import CutStreamError, ProtocolError


def not_json(
    what: str, problem: str, body: bytes, endpoint: Endpoint, *, whole: bool = True
) -> CutStreamError | ProtocolError:
    """``what`` was expected as JSON, and msgspec's ``problem`` was found. ``whole`` says that nothing more was to come:
    what ends too early was cut."""
    text = body.strip()
    if whole and (not text or (text.startswith(b"{") and problem.startswith("Input data was truncated"))):
        return CutStreamError(
            f"{what} expected as JSON; the answer ended after {len(body)} bytes, before its end",
            provider=endpoint.provider,
            body=body,
        )
    start = text[:200].decode("utf-8", "replace")
    return ProtocolError(
        f"{what} expected as JSON: {problem}; it begins {start!r}", provider=endpoint.provider, body=body
    )


def not_expected(what: str, body: bytes, endpoint: Endpoint) -> ProtocolError:
    """The error of an answer, or event of one, that lacks what it must have."""
    start = body.lstrip()[:200].decode("utf-8", "replace")
    return ProtocolError(f"{what} expected in the answer; it begins {start!r}", provider=endpoint.provider, body=body)
