"""The tools that a server says it has: read, made tools of an agent, and put on a tape.

On a tape the listing is an interaction as a tool's call is, method CALL and URL ``mcp:<name>/tools``; its body is what
the server said, in the protocol's own words, so that what is taken of it may change without a new recording::

    {"server": {"name": "weather", "version": "1.2"}, "tools": [{"name": "forecast", "inputSchema": {…}, …}]}

A server that a run could do without, and that was not there, is an interaction of status 503 whose body has the reason.

What a tool does to the world is what the server says by its annotations, and a write where it says nothing: a write is
made one at a time, and is not made again by itself after a crash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from playhead.errors import TapeFormatError
from playhead.wire import HTTPRequest

if TYPE_CHECKING:
    from playhead.agent.tools import Effect
    from playhead.tapes import Interaction, Session

#: What every provider takes in a tool's name, and how much of it.
_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
LONGEST_NAME = 64


class ListedTool(msgspec.Struct, frozen=True, rename="camel"):
    """One tool, as the protocol says it."""

    name: str
    input_schema: dict[str, Any]
    description: str | None = None
    annotations: dict[str, Any] | None = None

    @property
    def effect(self) -> Effect:
        """What a call does to the world, as the server says."""
        hints = self.annotations or {}
        if hints.get("readOnlyHint") is True:
            return "read"
        return "idempotent" if hints.get("idempotentHint") is True else "write"


class Listing(msgspec.Struct, frozen=True):
    """What a server said of itself. ``missing`` is why it said nothing, "" where it did."""

    tools: tuple[ListedTool, ...] = ()
    raw: bytes = b"{}"
    missing: str = ""


class _Said(msgspec.Struct):
    tools: tuple[ListedTool, ...]


def read_listing(raw: bytes) -> Listing:
    """A listing from its JSON.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return Listing(msgspec.json.decode(raw, type=_Said).tools, raw)


def name_for(name: str, more: str = "") -> str:
    """What the model calls a tool: its own name with what no provider takes replaced, but for the signs in ``more``."""
    return "".join(sign if sign in _CHARACTERS or sign in more else "_" for sign in name)[:LONGEST_NAME]


def listing_request(name: str) -> HTTPRequest:
    """The request that stands for asking a server for its tools."""
    return HTTPRequest("CALL", f"mcp:{name}/tools", (("Content-Type", "application/json"),), b"{}")


def play_listing(session: Session, name: str) -> Listing | None:
    """The listing that the tape holds; None where the server is to be asked.

    Raises:
        TapeMissError: the tape holds none, and the run is not to go live.
        TapeFormatError: what it holds is none.
    """
    if not session.has_tool_calls:  # recorded by something else: see calls.py
        return None
    interaction = session.play(listing_request(name))
    return None if interaction is None else _played(interaction)


def _played(interaction: Interaction) -> Listing:
    body = interaction.response.body
    if interaction.response.code >= 400:
        return Listing(missing=body.decode("utf-8", "replace"))
    try:
        return read_listing(body)
    except msgspec.DecodeError as error:
        raise TapeFormatError(
            f"interaction {interaction.id} ({interaction.request.url}): the result is no list of tools: {error}"
        ) from error


def record_listing(session: Session, name: str, listing: Listing, seconds: float) -> None:
    """Put a listing on the tape."""
    missing = listing.missing
    session.record(
        listing_request(name),
        status=503 if missing else 200,
        reason="Service Unavailable" if missing else "OK",
        proto="HTTP/1.1",
        headers=(("Content-Type", "text/plain; charset=utf-8" if missing else "application/json"),),
        body=missing.encode() if missing else listing.raw,
        nanoseconds=round(seconds * 1e9),
    )
