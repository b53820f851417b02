"""Decisions that come too late: the tape has the result of the call already.

A run that waited and goes on may find on its tape that it went on before, in another process or with another decision.
What stands there stands: a call that was made is not made again, nor told as refused, and a refusal that was told is
not unsaid on that tape. ``run.warnings`` says so, by what is written here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from playhead.agent import taped
from playhead.agent.pending import is_refusal, refusal_of
from playhead.messages import ToolCall, ToolResult

if TYPE_CHECKING:
    from playhead.agent.calls import Decided
    from playhead.tapes import Interaction


def too_late(call: ToolCall, result: ToolResult, interaction: Interaction, decided: Decided) -> str:
    """What is to be said of a decision that is not the one of which the tape has this result; "" where it is."""
    words = _contradiction(call, result, interaction, decided)
    if not words:
        return ""
    if is_refusal(result):
        stands = "the tape has that it was refused, and goes on with that; decide before it does, or on another tape"
    else:
        stands = "its result was on the tape by then, and is what the model is told"
    return f"{call.name} (call {call.id}): {words} too late: {stands}"


def _contradiction(call: ToolCall, result: ToolResult, interaction: Interaction, decided: Decided) -> str:
    given, verdict = decided.results.get(call.id), decided.verdicts.get(call.id)
    if given is not None:
        return "" if given.content == result.content else "the result that was given came"
    if verdict is None:
        return ""
    if verdict is not True:
        return "" if result == refusal_of(call, verdict) else "the refusal came"
    if is_refusal(result):
        return "the approval came"
    made_with = taped.amended(interaction)
    asked = decided.arguments.get(call.id)
    if _plain(made_with or call.arguments) == _plain(asked or call.arguments):
        return ""
    return f"the arguments {asked or call.arguments} came"


def _plain(arguments: str) -> object:
    """The arguments as data, that equal ones be equal however they are written."""
    try:
        return msgspec.json.decode(arguments)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return arguments
