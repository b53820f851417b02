"""A request as a model is best asked it, and its answers turned back into what was asked for.

What a provider's field, a tool or an instruction has to say for an output type, and a schema for tools that a model
does not know, is said here, before a dialect encodes; every layer above sees the request as it was meant and an answer
that fits it, and warnings about its messages as it counts them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias

from playhead.dialects.base import EncodeWarning
from playhead.events import ModelEvent
from playhead.messages import File, Message, ToolResult
from playhead.request import Request
from playhead.transport.retry import Answer, Batches

Change: TypeAlias = Callable[[Sequence[ModelEvent]], Sequence[ModelEvent]]


def shaped(
    request: Request, profile: Any
) -> tuple[Request, tuple[EncodeWarning, ...], tuple[Callable[[], Change], ...]]:
    """The request as this model is best asked it, what is lost by that, and what turns the events of each answer back.

    An output that is wished for becomes a field of the wire, a tool or an instruction; tools that the model does not
    know become a schema.
    """
    warnings: tuple[EncodeWarning, ...] = ()
    back: list[Callable[[], Change]] = []
    if _needs_structure(request):
        from playhead.dialects.structured import Unstructurer, structured

        made = structured(request, profile)
        request, warnings, tool = made.request, made.warnings, made.tool
        if tool is not None:
            back.append(lambda: Unstructurer(tool).push)
    if profile.tools == "constrained":
        from playhead.dialects.constrained_tools import Unconstrainer, constrain

        asked = request
        request = constrain(asked)
        if request is not asked:
            back.insert(0, lambda: Unconstrainer(asked).push)
    return request, warnings, tuple(back)


def _needs_structure(request: Request) -> bool:
    return (request.output is not None and request.output.mode is not None) or any(
        tool.strict for tool in request.tools
    )


def placed(words: str, request: Request, profile: Any) -> str:
    """Words about a request that was :func:`shaped`, with the first ``messages[…]`` in them counted as in this one,
    before that: what was put between, which a caller never wrote, is not counted."""
    head, found, rest = words.partition("messages[")
    number, bracket, rest = rest.partition("]")
    if not found or not bracket or not number.isdecimal():
        return words
    places = list(range(len(request.messages)))
    if _needs_structure(request):
        from playhead.dialects.structured import structured

        made = structured(request, profile).request
        places, request = _same(made.messages, request.messages), made
    if profile.tools == "constrained":
        from playhead.dialects.constrained_tools import origins

        places = [places[at] for at in origins(request)]
    at = int(number)
    return f"{head}messages[{places[at] if at < len(places) else at}]{rest}"


def _same(made: Sequence[Message], messages: Sequence[Message]) -> list[int]:
    """Of each message that was made, the place of the one that it is or stands before."""
    places: list[int] = []
    at = 0
    for message in made:
        found = next((n for n in range(at, len(messages)) if messages[n] is message), None)
        places.append(min(at, len(messages) - 1) if found is None else found)
        at = at if found is None else found + 1
    return places


def beyond(request: Request, profile: Any, start: int = 0) -> Iterator[EncodeWarning]:
    """The files, in the messages from ``start`` on, of kinds that the provider would take and this model does not, by
    the tables of what models lack."""
    found: dict[tuple[int, str], None] = {}
    for at in range(start, len(request.messages)):
        for part in request.messages[at].parts:
            files = part.content if isinstance(part, ToolResult) else (part,)
            for file in files:
                if isinstance(file, File):
                    from playhead.dialects.foreign import kind_of

                    found[at, kind_of(file)] = None
    if not found:
        return
    from playhead.providers.abilities import lack

    row, taken = lack(request.model), getattr(profile, "files", None)
    if row is not None:
        for at, kind in found:
            if kind in row.lacks and (taken is None or kind in taken):
                yield EncodeWarning(f"messages[{at}]", f"{request.model} takes no {kind}: {row.reason}")


async def turned(answering: Awaitable[Answer], change: Change) -> Answer:
    """An answer with its events turned back into what was asked for."""
    answer = await answering
    return list(change(answer)) if isinstance(answer, list) else _changed(answer, change)


async def _changed(batches: Batches, change: Change) -> Batches:
    """Each batch, changed; what becomes of one may be nothing."""
    async with aclosing(batches):
        async for batch in batches:
            made = change(batch)
            if made:
                yield made
