"""A model's answer, in no provider's words: parts, finish reason, usage.

Absence is None, never 0: a provider that did not report a count is not a provider that counted nothing.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

from playhead.messages import Message, Part, Text, ToolCall

Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "paused", "error", "other"]


class FinishReason(msgspec.Struct, frozen=True):
    """Why the model stopped: the unified word, and the upstream's own word where it gave one ("end_turn", "STOP").

    "paused" is no end: the provider broke off an answer in which it runs tools of its own, and goes on with it when it
    is sent back as it is.
    """

    unified: Finish
    raw: str | None = None


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens and cost of one response, or of several added together.

    Counts are tokens; ``input_tokens`` includes cached ones, ``output_tokens`` includes reasoning. ``cost`` is US
    dollars as the provider itself reported it. None means not reported.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost: Decimal | None = None

    @property
    def total_tokens(self) -> int | None:
        """Input and output together; None when neither was reported."""
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)

    def __add__(self, other: Usage) -> Usage:
        """Field by field. A cost is the sum of two costs, and None where either is missing: a bill that lacks a part of
        what was paid is no bill.

        A count missing on one side is the other's, and None only where both miss it: what was counted. Counts are a
        measure, not a debt, and providers leave out the ones that do not apply (no cache, no reasoning), so that one
        answer without them would hide those of all the others.
        """
        return Usage(
            _add(self.input_tokens, other.input_tokens),
            _add(self.output_tokens, other.output_tokens),
            _add(self.cached_tokens, other.cached_tokens),
            _add(self.cache_write_tokens, other.cache_write_tokens),
            _add(self.reasoning_tokens, other.reasoning_tokens),
            None if self.cost is None or other.cost is None else self.cost + other.cost,
        )


def _add(a: int | None, b: int | None) -> int | None:
    if a is None:
        return b
    return a if b is None else a + b


class Response(msgspec.Struct, frozen=True):
    """One answer. ``id``, ``model`` and ``provider`` are as the wire named them (``provider`` is the upstream that
    served it, where a router says so); ``created`` is Unix seconds."""

    parts: tuple[Part, ...]
    finish: FinishReason
    usage: Usage | None = None
    id: str | None = None
    model: str | None = None
    provider: str | None = None
    created: int | None = None

    @property
    def text(self) -> str:
        """The text parts joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in the order the model asked."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))

    def as_message(self) -> Message:
        """The answer as the assistant's message, to go into the history."""
        return Message("assistant", self.parts, paused=self.finish.unified == "paused")
