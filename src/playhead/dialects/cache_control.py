"""A mark for a prompt cache as Anthropic's API spells it, ``cache_control``, both ways.

The routers that speak OpenAI's chat wire take the same mark and pass it on.
"""

from __future__ import annotations

from typing import Any

from playhead.messages import Cache


def encode_cache(cache: Cache) -> dict[str, str]:
    """``cache_control``."""
    return {"type": "ephemeral"} if cache.ttl is None else {"type": "ephemeral", "ttl": cache.ttl}


def decode_cache(value: Any) -> Cache | None:
    """The mark of a part, message, call or tool; None where it has none, or one of an unknown kind."""
    if not isinstance(value, dict) or value.get("type") != "ephemeral":
        return None
    ttl = value.get("ttl")
    return Cache(ttl if isinstance(ttl, str) else None)
