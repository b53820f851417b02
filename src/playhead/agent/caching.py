"""Prompt caching by one switch: ``Agent(cache=True)``, or "5m" or "1h" for how long the provider is to hold it.

A provider that caches only what is marked (:mod:`playhead.providers.caching`) is told to cache up to the last tool, the
end of the system prompt, and the last message of the user or of tools. That last mark moves with the conversation: each
request reads what the one before has written, and writes what is new. The message that the request before ended with
keeps its mark, so that what was written is found however many parts a step has added.

Marks are put on as a request is built, and never stand in ``run.messages``. A message has one marked copy, kept as long
as the run, so that its bytes are encoded once marked and once without, however long the run. Marks that the caller has
set stay, and count.
"""

from __future__ import annotations

import msgspec

from playhead.messages import Cache, File, Message, Part, Text, ToolCall, ToolResult
from playhead.providers.base import Provider
from playhead.providers.caching import CachePlaces, cache_places
from playhead.request import Request


class Caching:
    """The marks of one run. ``ttl`` is "5m", "1h" or None for the provider's default."""

    def __init__(self, ttl: str | None = None) -> None:
        self._ttl = ttl
        self._copies: dict[tuple[int, str | None], tuple[Message, Message]] = {}
        self._counted: dict[int, tuple[Message, int]] = {}

    def marked(self, request: Request, provider: Provider) -> Request:
        """The request with the marks that the provider wants."""
        wanted = cache_places(provider, request.model)
        own = sum(tool.cache is not None for tool in request.tools) + sum(map(self._marks, request.messages))
        left = wanted.most - own
        if not wanted.places or left <= 0:
            return request
        ttl = self._ttl if self._ttl in wanted.ttls else None
        messages, tools = list(request.messages), request.tools
        for kind, index in _order(messages, bool(tools), wanted)[:left]:
            if kind == "tools":
                tools = (*tools[:-1], msgspec.structs.replace(tools[-1], cache=Cache(ttl)))
            else:
                messages[index] = self._copy(messages[index], ttl)
        return msgspec.structs.replace(request, messages=tuple(messages), tools=tools)

    def _marks(self, message: Message) -> int:
        """The marks that the caller has set in a message; counted once, as a history is long."""
        known = self._counted.get(id(message))
        if known is None:
            known = self._counted[id(message)] = (message, _own_marks(message))
        return known[1]

    def _copy(self, message: Message, ttl: str | None) -> Message:
        """The message with a mark at its end; the same one each time."""
        known = self._copies.get((id(message), ttl))
        if known is None:
            known = self._copies[id(message), ttl] = (message, _with_mark(message, Cache(ttl)))
        return known[1]


def _order(messages: list[Message], has_tools: bool, wanted: CachePlaces) -> list[tuple[str, int]]:
    """What is to be marked, what saves most first: "tools", or a message by its index."""
    found: list[tuple[str, int]] = []
    ends = _ends(messages) if "messages" in wanted.places else []
    found.extend(("message", at) for at in ends[:1])
    if "system" in wanted.places:
        at = next((at for at, message in enumerate(messages) if message.role != "system"), len(messages)) - 1
        if at >= 0 and _markable(messages[at]) is not None:
            found.append(("message", at))
    if "tools" in wanted.places and has_tools:
        found.append(("tools", 0))
    found.extend(("message", at) for at in ends[1:])
    return found


def _ends(messages: list[Message]) -> list[int]:
    """What the last request ended with and what the one before did, the last first: what stands at the end, or before
    an answer."""
    found: list[int] = []
    for at in reversed(range(len(messages))):
        ends = at + 1 == len(messages) or messages[at + 1].role == "assistant"
        if ends and messages[at].role in ("user", "tool") and _markable(messages[at]) is not None:
            found.append(at)
            if len(found) == 2:
                break
    return found


def _markable(message: Message) -> int | None:
    """The last part of a message that can bear a mark; None where none can, or one has one already."""
    for index in reversed(range(len(message.parts))):
        part = message.parts[index]
        if isinstance(part, Text) and not part.text.strip():
            continue
        if isinstance(part, Text | File | ToolResult):
            return index if part.cache is None else None
    return None


def _with_mark(message: Message, mark: Cache) -> Message:
    index = _markable(message)
    if index is None:
        return message
    parts: list[Part] = list(message.parts)
    parts[index] = msgspec.structs.replace(parts[index], cache=mark)
    return msgspec.structs.replace(message, parts=tuple(parts))


def _own_marks(message: Message) -> int:
    inner = [part for result in message.all(ToolResult) for part in result.content]
    return sum(
        isinstance(part, Text | File | ToolCall | ToolResult) and part.cache is not None
        for part in (*message.parts, *inner)
    )
