"""One question to a model, in no provider's words.

A :class:`Request` is everything that decides what a model is asked; a dialect encodes it. Fields that the vocabulary
does not model are provider options: typed per provider, validated before anything is sent, held in ``options`` as
plain JSON data under the wire's own names.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from playhead.messages import Cache, Message


class ToolSpec(msgspec.Struct, frozen=True):
    """A tool as a model is told of it. ``parameters`` is a JSON schema of type object.

    ``strict`` asks the provider to hold the schema exactly; None leaves that to the provider's default.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    strict: bool | None = None
    cache: Cache | None = None


class NamedTool(msgspec.Struct, frozen=True):
    """The choice of one tool by name: the model must call it."""

    name: str


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | NamedTool


#: How an answer that holds a schema is asked for: in the wire's own field, as the arguments of a tool, or in words;
#: "best" is whichever the model does best.
OutputMode: TypeAlias = Literal["best", "native", "tool", "text"]

#: Origins of the marks that a Text may bear as its ``opaque``: an answer that came as a tool's arguments, and the
#: user's words about an answer that did not fit. What they hold is :mod:`playhead.dialects.structured`'s.
ANSWER = "playhead.answer"
CORRECTION = "playhead.correction"


class OutputSchema(msgspec.Struct, frozen=True):
    """The JSON schema that an answer must hold. ``schema`` None asks for any JSON object.

    ``mode`` says how it is asked for; the schema is then rewritten to what the provider takes. None writes the schema
    as it is in the wire's own field, as a request has it that was read off a wire.
    """

    name: str
    schema: dict[str, Any] | None
    description: str | None = None
    strict: bool | None = None
    mode: OutputMode | None = None


class ReasoningSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """How much a model may think. None means not said; ``max_tokens`` counts tokens."""

    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None


class Request(msgspec.Struct, frozen=True):
    """One question to a model. None always means "not said": the provider's default holds.

    ``max_tokens`` bounds the output, reasoning included where the provider counts it so. ``stream`` asks for the
    answer in pieces; the answer is the same.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice | None = None
    output: OutputSchema | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    parallel_tool_calls: bool | None = None
    reasoning: ReasoningSettings | None = None
    stream: bool = False
    options: dict[str, Any] = msgspec.field(default_factory=dict)
