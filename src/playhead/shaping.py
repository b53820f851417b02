"""A request as a model is best asked it, and its answers turned back into what was asked for.

What a provider's field, a tool or an instruction has to say for an output type, and a schema for tools that a model
does not know, is said here, before a dialect encodes; every layer above sees the request as it was meant and an answer
that fits it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias

from playhead.dialects.base import EncodeWarning
from playhead.events import ModelEvent
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
    if (request.output is not None and request.output.mode is not None) or any(tool.strict for tool in request.tools):
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
