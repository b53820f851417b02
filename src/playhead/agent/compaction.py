"""Where a history that has grown too long is cut: pure functions and the values that they are told by.

A history may be cut before a user's message, and before an answer; never between a call and its result, nor inside an
answer that was paused. What is left is always a valid history: the system messages stay where they are, and where the
cut is before an answer, the user's message that it answers stays too, so that providers see a conversation that begins
with the user. A correction that playhead wrote (:data:`playhead.request.CORRECTION`) is no such message: the one that
it corrects is.

Sizes are tokens. What the last answer reported counts for everything up to it; what came after is estimated, as is all
of it before the first answer: :data:`BYTES_PER_TOKEN` bytes a token, :data:`FILE_TOKENS` a file. The estimate is high
rather than low.

:mod:`.compacting` does what is decided here, between two steps of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from playhead.errors import ConfigError
from playhead.given import check, check_there
from playhead.messages import File, Message, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from playhead.model import Model
from playhead.request import CORRECTION
from playhead.response import Response

#: Bytes that a token is taken to stand for: English has four and more, code and other scripts about three.
BYTES_PER_TOKEN = 3

#: Tokens that a file is taken to come to: about what providers count for a picture of a megapixel.
FILE_TOKENS = 1_500

#: The origin of the mark that the text of a summary bears.
SUMMARY = "playhead.summary"

#: What stands before a summary, in words of the user.
SUMMARY_HEAD = "Summary of the conversation so far:\n\n"

#: What a model is told that writes a summary.
INSTRUCTION = (
    "You are given the beginning of a conversation between a user and an assistant who calls tools. It will be "
    "replaced by what you write, and the assistant goes on from there. Keep everything that may be needed: what was "
    "asked and decided, facts and figures that were found, names, paths and identifiers exactly as they stand, what "
    "was tried and failed, what is still to be done. Write only the summary."
)


class DropOldest(msgspec.Struct, frozen=True):
    """Take out the oldest messages; :func:`drop_oldest` makes it."""

    keep_tokens: int | None
    keep_messages: int | None
    over_tokens: int | None
    over_messages: int | None
    when_too_long: bool


class Summarise(msgspec.Struct, frozen=True):
    """Put a summary in the place of the oldest messages; :func:`summarise` makes it."""

    over_tokens: int
    keep_messages: int
    model: str | Model | None
    max_tokens: int
    instruction: str
    when_too_long: bool


Compact: TypeAlias = DropOldest | Summarise


def drop_oldest(
    *,
    keep_tokens: int | None = None,
    keep_messages: int | None = None,
    over_tokens: int | None = None,
    over_messages: int | None = None,
    when_too_long: bool = True,
) -> Compact:
    """Take the oldest messages out of a history that is too long: ``Agent(compact=drop_oldest(keep_tokens=60_000))``.

    Args:
        keep_tokens: tokens that may stay, system messages included; the newest step stays whatever it counts.
        keep_messages: how many of the last messages stay; a few more where a call would be parted from its result.
        over_tokens, over_messages: how long the history may grow before it is cut; None means as long as may stay.
            Each cut costs the provider's prompt cache, so a history that is cut seldom is cheaper.
        when_too_long: when the provider says that the request is too long for the model, cut it to half and ask again,
            once for each step.

    Raises:
        ConfigError: not exactly one of the two is given, or not in its range.
    """
    if (keep_tokens is None) == (keep_messages is None):
        raise ConfigError("drop_oldest: give keep_tokens= or keep_messages=, one of the two")
    check("drop_oldest", keep_tokens=keep_tokens, keep_messages=keep_messages)
    check("drop_oldest", over_tokens=over_tokens, over_messages=over_messages)
    over_tokens = keep_tokens if over_tokens is None else over_tokens
    over_messages = keep_messages if over_messages is None else over_messages
    for what, over, keep in (("tokens", over_tokens, keep_tokens), ("messages", over_messages, keep_messages)):
        if keep is not None and keep < 1:
            raise ConfigError(f"drop_oldest: keep_{what} is {keep}; a number of at least 1 is expected")
        if over is not None and (keep is None or over < keep):
            raise ConfigError(f"drop_oldest: over_{what} goes with keep_{what}, and is not less")
    return DropOldest(keep_tokens, keep_messages, over_tokens, over_messages, when_too_long)


def summarise(
    *,
    over_tokens: int,
    keep_messages: int = 10,
    model: str | Model | None = None,
    max_tokens: int = 4_096,
    instruction: str = INSTRUCTION,
    when_too_long: bool = True,
) -> Compact:
    """Put a summary in the place of the oldest messages once there are too many:
    ``Agent(compact=summarise(over_tokens=100_000, model="openai:gpt-5-mini"))``.

    The summary is asked for as a run of its own, on the same tape; it is one of ``run.children``, and its cost counts.

    Args:
        over_tokens: tokens that a history may have before it is summarised.
        keep_messages: how many of the last messages stay as they are; a few more where a call would be parted from its
            result.
        model: who writes the summary; None for the agent's own model.
        max_tokens: output tokens that the summary may have, reasoning included.
        instruction: the system prompt of whoever writes it.
        when_too_long: when the provider says that the request is too long for the model, summarise half of it and ask
            again, once for each step.

    Raises:
        ConfigError: a number is not in its range.
    """
    for what, value in (("over_tokens", over_tokens), ("keep_messages", keep_messages), ("max_tokens", max_tokens)):
        check_there("summarise", what, value)
        if value < 1:
            raise ConfigError(f"summarise: {what} is {value}; a number of at least 1 is expected")
    check("summarise", model=model)
    check_there("summarise", "instruction", instruction)
    return Summarise(over_tokens, keep_messages, model, max_tokens, instruction, when_too_long)


class Compaction(msgspec.Struct, frozen=True):
    """One time that a run's history was cut, as it stands on ``run.compactions``.

    Attributes:
        step: the step before which it was, from 1.
        removed: the messages that were taken out, in order.
        summary: the text that was put in their place; None where nothing was.
        tokens: the tokens that the history had before, as far as they are known.
        too_long: whether it was because the provider said that the request is too long.
    """

    step: int
    removed: tuple[Message, ...]
    summary: str | None
    tokens: int
    too_long: bool = False


class Cut(msgspec.Struct, frozen=True):
    """A history in two: what stays, in order, and what is taken out."""

    kept: tuple[Message, ...]
    removed: tuple[Message, ...]


def places(messages: Sequence[Message]) -> tuple[int, ...]:
    """Where a history may be cut: before these messages. A valid history in is a valid one out, at each of them."""
    found: list[int] = []
    asked = False
    for index, message in enumerate(messages):
        if index and messages[index - 1].paused:
            continue
        if message.role == "assistant" and asked:
            found.append(index)
        elif message.role == "user" and not _corrects(message):
            asked = True
            found.append(index)
    return tuple(found)


def cut(messages: Sequence[Message], place: int) -> Cut:
    """The history cut before message ``place``, which is one of :func:`places`."""
    stays = set(_staying(messages, place))
    kept = tuple(message for index, message in enumerate(messages) if index in stays)
    return Cut(kept, tuple(message for index, message in enumerate(messages) if index not in stays))


def _staying(messages: Sequence[Message], place: int) -> list[int]:
    before = [index for index in range(place) if messages[index].role == "system"]
    if messages[place].role == "assistant":
        last = next(at for at in reversed(range(place)) if messages[at].role == "user" and not _corrects(messages[at]))
        before = sorted([*before, last])
    return [*before, *range(place, len(messages))]


def cut_to_messages(messages: Sequence[Message], count: int) -> Cut:
    """The history cut so that its last ``count`` messages stay, and as few more as there must."""
    fitting = [place for place in places(messages) if place <= len(messages) - count]
    return cut(messages, fitting[-1]) if fitting else Cut(tuple(messages), ())


def cut_to_tokens(messages: Sequence[Message], count: int, known: int) -> Cut:
    """The history cut so that what stays has at most ``count`` tokens, or, where nothing has, as little as can be.

    ``known`` is what all of it has. Where that is more than the estimate, the rest is what is sent with it (the tools),
    and stays; where it is less, the estimate was too high, and is scaled."""
    possible = places(messages)
    if not possible:
        return Cut(tuple(messages), ())
    sizes = [estimated(message) for message in messages]
    whole = sum(sizes)
    beside, scale = max(0, known - whole), min(1.0, known / whole)
    for place in possible:
        if beside + scale * sum(sizes[index] for index in _staying(messages, place)) <= count:
            return cut(messages, place)
    return cut(messages, possible[-1])


def with_summary(cut: Cut, summary: str) -> tuple[Message, ...]:
    """What stays, with a summary of what was taken out at the beginning of the first message of the user's. A summary
    that stood there before is replaced: the new one was made of it, too."""
    words = SUMMARY_HEAD + summary
    kept = list(cut.kept)
    at = next(index for index, message in enumerate(kept) if message.role == "user")
    said = tuple(part for part in kept[at].parts if not _summarises(part))
    kept[at] = msgspec.structs.replace(kept[at], parts=(Text(words, opaque=Opaque(SUMMARY, None)), *said))
    return tuple(kept)


def summarised_before(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The summaries among these messages, each as a message of its own."""
    return tuple(Message("user", (part,)) for message in messages for part in message.parts if _summarises(part))


def transcript(messages: Iterable[Message]) -> str:
    """Messages as plain text, for whoever is to summarise them: words, calls and results; files by name only, and no
    reasoning."""
    lines: list[str] = []
    for message in messages:
        lines.extend(f"[{message.role}] {said}" for part in message.parts if (said := _said(part)))
    return "\n\n".join(lines)


def _said(part: Part) -> str:
    match part:
        case Text(text=text) | Refusal(text=text):
            return text
        case ToolCall(name=name, arguments=arguments):
            return f"calls {name} with {arguments}"
        case ToolResult(name=name, content=content, is_error=is_error):
            words = "\n".join(_said(inner) for inner in content)
            return f"{name} {'failed' if is_error else 'gave'}: {words}"
        case File(media_type=kind, name=name, url=url):
            return f"(a file: {name or url or kind})"
        case _:
            return ""


def estimated(message: Message) -> int:
    """The tokens that a message is taken to have."""
    return sum(_size(part) for part in message.parts) + 4  # what a wire puts around it


def _size(part: Part) -> int:
    if isinstance(part, File):
        return FILE_TOKENS
    if isinstance(part, ToolResult):
        return sum(_size(inner) for inner in part.content) + 4
    if isinstance(part, Text | Refusal):
        return len(part.text.encode("utf-8", "replace")) // BYTES_PER_TOKEN + 1
    if isinstance(part, Reasoning) and part.opaque is None:
        return len(part.text.encode("utf-8", "replace")) // BYTES_PER_TOKEN + 1
    return len(msgspec.json.encode(part)) // BYTES_PER_TOKEN + 1


def tokens_of(messages: Sequence[Message], last: Response | None) -> int:
    """The tokens that a history has: those that ``last``, its last answer, reported, and what came after by estimate;
    all of it by estimate where no count is known."""
    reported = None if last is None or last.usage is None else last.usage.total_tokens
    at = next((index for index in reversed(range(len(messages))) if messages[index].role == "assistant"), None)
    if reported is None or at is None:
        return sum(map(estimated, messages))
    return reported + sum(map(estimated, messages[at + 1 :]))


def _corrects(message: Message) -> bool:
    return any(text.opaque is not None and text.opaque.origin == CORRECTION for text in message.all(Text))


def _summarises(part: Part) -> bool:
    return isinstance(part, Text) and part.opaque is not None and part.opaque.origin == SUMMARY
