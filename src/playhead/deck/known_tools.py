"""Tools that are answered from a tape where the call is the same, and by a function where it is not.

The same call is the same name and the same arguments as JSON. Where a tape has several results for one call, they are
given in their order, those from the cut on first; when they are used up, the last one again. A result that somebody set
(``fork(set={"tool:weather": "12 C"})``) goes before all others: it answers the call that it was set for, and from there
on each call of the tool that the tape does not know and no function answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playhead.agent.content import ToolOutcome, outcome_of
from playhead.agent.context import Context
from playhead.agent.tools import AnyTool, Tool
from playhead.deck.transcript.values import Conversation
from playhead.errors import TapeMissError
from playhead.messages import ToolCall, ToolResult
from playhead.request import ToolSpec
from playhead.tapes.canonical import canonical_body


def same_call(call: ToolCall) -> tuple[str, bytes]:
    """What is equal of two calls that ask the same."""
    return call.name, canonical_body(call.arguments.encode() or b"{}")


class Known:
    """The results that a conversation holds. ``at`` is the step from which on they are given; ``fixed`` are results by
    tool or call id, as somebody set them."""

    def __init__(self, talk: Conversation, at: int, fixed: Mapping[str, Any]) -> None:
        self._results: dict[tuple[str, bytes], list[ToolResult]] = {}
        self._next: dict[tuple[str, bytes], int] = {}
        self._fixed = {name: outcome_of(value) for name, value in fixed.items()}
        self._set: dict[tuple[str, bytes], ToolOutcome] = {}
        #: The calls, by id, that a function answered: all others took no time that means anything.
        self.made: set[str] = set()
        for step in talk.steps:
            results = {told.result.call_id: told.result for told in step.results}
            for call in step.answer.tool_calls if step.answer is not None else ():
                if call.id in results:
                    held = self._results.setdefault(same_call(call), [])
                    if step.number < at:
                        self._next[same_call(call)] = len(held) + 1
                    held.append(results[call.id])
                if step.number == at and (found := self._fixed.get(call.id) or self._fixed.get(call.name)) is not None:
                    self._set[same_call(call)] = found

    def result_of(self, call: ToolCall) -> ToolOutcome | None:
        """What is known of a call; None for one that is not on the tape."""
        key = same_call(call)
        if (found := self._fixed.get(call.id) or self._set.get(key)) is not None:
            return found
        held = self._results.get(key)
        if held is None:
            return None
        place = self._next.get(key, 0)
        self._next[key] = place + 1
        result = held[min(place, len(held) - 1)]
        return ToolOutcome(result.content, result.is_error)

    def set_for(self, name: str) -> ToolOutcome | None:
        """What was set for a tool, whatever it is called with."""
        return self._fixed.get(name)

    def calls_of(self, name: str) -> list[str]:
        """The arguments that the tape has results for."""
        return [arguments.decode("utf-8", "replace") for (tool, arguments) in self._results if tool == name]


class KnownTool(Tool[..., Any]):
    """A tool of a recorded run in one that goes on from it. ``given`` is the function, None where there is none."""

    takes_context = True

    def __init__(self, spec: ToolSpec, known: Known, given: AnyTool | None) -> None:
        self.name = spec.name
        self.description = spec.description
        self.effect = "read" if given is None else given.effect
        self.approve = False if given is None else given.approve
        self._spec = spec
        self._known = known
        self._given = given

    async def answer(self, call: ToolCall, context: Context[Any] | None = None) -> ToolOutcome:
        """What is known of the call, else what the function makes of it.

        Raises:
            TapeMissError: neither knows it.
        """
        known = self._known.result_of(call)
        if known is not None:
            return known
        if self._given is not None:
            self._known.made.add(call.id)
            return await self._given.answer(call, context)
        fixed = self._known.set_for(self.name)
        if fixed is not None:
            return fixed
        there = ", ".join(f"{self.name}({one})" for one in self._known.calls_of(self.name)) or f"no call of {self.name}"
        raise TapeMissError(
            f"the model calls {self.name}({call.arguments}), and the tape has no result of that; it has: {there}. Give "
            f'the function (tools=[{self.name}]), or let the run end at such a call (missing="end")'
        )


def asked_tools(
    specs: tuple[ToolSpec, ...], elsewhere: list[ToolSpec], known: Known, given: Mapping[str, AnyTool]
) -> tuple[tuple[ToolSpec, ...], dict[str, AnyTool]]:
    """What the model is told of, and what answers its calls. Tools that are given and that the recorded run did not
    have are told as well."""
    new = {name: tool for name, tool in given.items() if name not in {spec.name for spec in (*specs, *elsewhere)}}
    tools: dict[str, AnyTool] = {
        spec.name: KnownTool(spec, known, given.get(spec.name)) for spec in (*elsewhere, *specs)
    }
    return (*specs, *(tool.spec for tool in new.values())), {**tools, **new}
