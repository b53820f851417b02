"""Which recorded request a run comes to next, and what of it is the run's own settings, not the conversation's words.

A run is run again from its first request, and what it says from there on must be produced: an answer is the tape's, a
result is the tape's, and the history is made of them. But an agent may change from step to step what no answer says:
its model (``prepare=``, a fallback), its tools (``prepare=``, a server that lists others), what of the history is
sent (``prepare=``, ``compact=``), where the prompt cache is marked (``cache=``), and with a hand-over all of it. That
is data of the request of that step, as the first request is data. It is taken over, and named::

    following((user, assistant, tool), at, at.request, question(recorded), reel.gave)
    -> Followed(said=("tools: none in place of weather, as the recorder chose",), …)

What is taken over never speaks for the model or for a tool. Messages may be left out whole, calls with their results,
and none of an assistant or a tool is added or changed. What a user said may be left out, or something be added, but not
one in the place of the other. The newest is always there. A prompt is changed by a hand-over alone, which stands on the
tape as the result of a call; else words may be put before or after it. A summary in the place of older messages is one
that the model gave on the same tape.

What is compared afterwards is :mod:`.verify`'s; what a client did inside of a message :mod:`.edits` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from playhead.agent.compaction import SUMMARY_HEAD
from playhead.agent.output import COMPLAINT
from playhead.agent.together import HANDED_OVER
from playhead.deck.edits import edits
from playhead.deck.question import Question
from playhead.errors import ConfigError, ModelError
from playhead.messages import Message, Part, Text, ToolCall, ToolResult
from playhead.request import Request

#: Whether a text is one that a model gave on this tape before.
Given = Callable[[str], bool]


class Followed(msgspec.Struct, frozen=True):
    """A recorded request that a run comes to next. ``settings`` is all of it but the messages; ``messages`` is the
    history as it is sent in this step, None where it is the run's own; ``system`` the prompt from here on, None where
    it stays. ``said`` names what was taken over."""

    question: Question
    settings: Request
    messages: tuple[Message, ...] | None = None
    system: tuple[Message, ...] | None = None
    said: tuple[str, ...] = ()


def following(
    messages: Sequence[Message], at: Question, settings: Request, next: Question, given: Given
) -> Followed | None:
    """The next request of a run with this history and these settings, where ``next`` is it; else None."""
    theirs = next.request
    if not _may_follow(messages, theirs.messages):
        return None
    handed = handed_over(messages)
    moved = (at.provider.name, settings.model) != (next.provider.name, theirs.model)
    said: list[str] = []
    taken = settings
    if moved or handed:
        taken = msgspec.structs.replace(theirs, messages=())
        if moved:
            said.append(f"model: {next.provider.name}:{theirs.model} is the recorder's choice for this step")
    elif settings.tools != theirs.tools or settings.options.get("tools") != theirs.options.get("tools"):
        options = {key: value for key, value in settings.options.items() if key != "tools"}
        if "tools" in theirs.options:
            options["tools"] = theirs.options["tools"]
        taken = msgspec.structs.replace(settings, tools=theirs.tools, options=options)
    if taken.tools != settings.tools:
        said.append(_tools_said(settings, theirs))
    ours = tuple(message for message in messages if message.role != "system") if handed else tuple(messages)
    system = tuple(message for message in theirs.messages if message.role == "system") if handed else ()
    if handed and system != tuple(message for message in messages if message.role == "system"):
        said.append("system: the prompt is the recorder's, as the conversation was handed over")
    found = Followed(next, taken, None, system if handed else None, tuple(said))
    if _same(msgspec.structs.replace(taken, messages=(*system, *ours)), next):
        return found
    wired = _as_read((*system, *ours), taken, next)
    told = _told(wired, theirs.messages, given)
    if told is None:
        return None
    sent, more = told
    if not _same(msgspec.structs.replace(taken, messages=sent), next):
        return None
    return msgspec.structs.replace(found, messages=sent, said=(*said, *more))


def _may_follow(ours: Sequence[Message], theirs: Sequence[Message]) -> bool:
    """A look before the work: where answers were given, they have one of them, and no more than there were."""
    given = sum(message.role == "assistant" for message in ours)
    kept = sum(message.role == "assistant" for message in theirs)
    return 0 < kept <= given or kept == given == 0


def is_told(ours: Message, theirs: Message) -> bool:
    """Whether theirs is this message as it may stand in a later request: an assistant's may have less of its words."""
    return _is(ours, theirs, lambda text: False) == ""


def corrected_by(messages: Sequence[Message], next: Question) -> Message | None:
    """The correction of an answer that did not fit, where ``next`` asks what the history says and that; else None."""
    theirs = next.request.messages
    last = theirs[-1] if theirs else None
    if last is None or last.role != "user" or not last.text.startswith(COMPLAINT):
        return None
    return last if len(theirs) > 1 and theirs[-2].role == "assistant" else None


def handed_over(messages: Sequence[Message]) -> bool:
    """Whether the last results hand the conversation over to another agent."""
    for message in reversed(messages):
        if message.role != "tool":
            return False
        if any(result.text == HANDED_OVER and not result.is_error for result in message.all(ToolResult)):
            return True
    return False


def _tools_said(settings: Request, theirs: Request) -> str:
    ours, kept = [tool.name for tool in settings.tools], [tool.name for tool in theirs.tools]
    if ours == kept:
        return "tools: what they are told as, or their cache mark, is the recorder's for this step"
    return f"tools: {', '.join(kept) or 'none'} in place of {', '.join(ours) or 'none'}, as the recorder chose"


def _same(request: Request, recorded: Question) -> bool:
    """Whether this is the recorded request, but for what a recording client does inside of messages."""
    try:
        made = recorded.dialect.encode_request(request, recorded.theirs).http
        ours = msgspec.json.decode(made.body)
        theirs = msgspec.json.decode(recorded.interaction.request.body)
    except (ConfigError, ModelError, msgspec.DecodeError):
        return False
    if made.url != recorded.interaction.request.url or not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return False
    return ours == theirs or edits(ours, theirs) is not None


def _as_read(messages: tuple[Message, ...], settings: Request, recorded: Question) -> tuple[Message, ...]:
    """The messages as this wire gives them back, so that they are like those of a request that was read."""
    try:
        request = msgspec.structs.replace(settings, messages=messages)
        http = recorded.dialect.encode_request(request, recorded.theirs).http
        return recorded.dialect.decode_request(http).request.messages
    except (ConfigError, ModelError):
        return messages


def _told(
    ours: tuple[Message, ...], theirs: tuple[Message, ...], given: Given
) -> tuple[tuple[Message, ...], tuple[str, ...]] | None:
    """Our history as they told it: less what they left out, with what they added, and their cache marks; with what is
    to be said of that. None where it is not ours."""
    sent: list[Message] = []
    left_out: list[int] = []
    said: list[str] = []
    ids: dict[str, str] = {}  # of calls: ours, and theirs
    place = 0  # in ours
    gap_added: list[Message] = []
    for message in theirs:
        at = next((n for n in range(place, len(ours)) if _is(ours[n], message, given) is not None), None)
        if at is None:
            if message.role not in ("system", "user"):
                return None
            gap_added.append(message)
            sent.append(message)
            said.append(f"messages[{len(sent) - 1}]: the recorder added what a {message.role} says, for this step")
            continue
        skipped = range(place, at)
        if _replaced(gap_added, [ours[n] for n in skipped]):
            return None
        left_out.extend(skipped)
        word = _is(ours[at], message, given)
        if word:
            said.append(f"messages[{len(sent)}]: {word}")
        sent.append(_marked(_with_ids(ours[at], message, ids), message, word))
        if any(_mark(a) != _mark(b) for a, b in zip(ours[at].parts, sent[-1].parts, strict=False)):
            said.append(f"messages[{len(sent) - 1}]: the recorder set or took away a cache mark")
        place, gap_added = at + 1, []
    if _replaced(gap_added, [ours[n] for n in range(place, len(ours))]):
        return None
    left_out.extend(range(place, len(ours)))
    if not _may_go(ours, set(left_out)):
        return None
    if any(own != given for own, given in ids.items()):
        said.append("calls: the recorder gave them ids of its own")
    if left_out:
        said.append(f"the recorder left out {len(left_out)} of {len(ours)} messages of the history")
    return tuple(sent), tuple(said)


def _replaced(added: list[Message], skipped: list[Message]) -> bool:
    """Whether something was said in the place of something else."""
    return bool({message.role for message in added} & {message.role for message in skipped})


def _may_go(ours: tuple[Message, ...], left_out: set[int]) -> bool:
    """Whether what is left out is what may be: nothing of the newest, and calls with their results."""
    newest = next((n for n in reversed(range(len(ours))) if ours[n].role == "assistant"), len(ours))
    if newest < len(ours) and not ours[newest].all(ToolCall):
        newest += 1
    if any(n >= newest for n in left_out):
        return False
    return all(
        (n in left_out) == (n - 1 in left_out) for n, message in enumerate(ours) if message.role == "tool" and n > 0
    )


def _is(ours: Message, theirs: Message, given: Given) -> str | None:
    """Whether theirs is ours, as it may have been told: "" where it is, a sentence where it was changed as it may be,
    None where it is another."""
    if ours.role != theirs.role:
        return None
    match ours.role:
        case "assistant":
            a, b = _calls(ours), _calls(theirs)
            return "" if a == b and theirs.text in ours.text and (a or theirs.text) else None
        case "tool":
            return "" if _results(ours) == _results(theirs) else None
        case "system":
            if ours.text == theirs.text:
                return ""
            return (
                "the recorder put words beside the prompt, or took them away"
                if _around(ours.text, theirs.text)
                else None
            )
        case _:
            mine, told = _bare(ours.parts), _bare(theirs.parts)
            if mine == told:
                return ""
            first = told[0] if told else None
            if isinstance(first, Text) and first.text.startswith(SUMMARY_HEAD):
                known = told[1:] == mine and given(first.text.removeprefix(SUMMARY_HEAD))
                return "a summary that stands on the tape is in the place of what was left out" if known else None
            if _is_within(told, mine) or _is_within(mine, told):
                return "the recorder added a part to what the user says, or left one out, for this step"
            return None


def _is_within(less: tuple[Part, ...], more: tuple[Part, ...]) -> bool:
    """Whether all of these parts stand in the others, in their order."""
    rest = iter(more)
    return bool(less) and all(part in rest for part in less)


def _around(a: str, b: str) -> bool:
    """Whether one of two texts is the other with something before it or after it."""
    less, more = sorted((a, b), key=len)
    return bool(less) and (more.startswith(less) or more.endswith(less))


def _calls(message: Message) -> list[tuple[str, Any]]:
    return [(call.name, _data(call.arguments)) for call in message.all(ToolCall)]


def _results(message: Message) -> list[tuple[str, bool, tuple[Part, ...]]]:
    return [(result.name, result.is_error, _bare(result.content)) for result in message.all(ToolResult)]


def _data(arguments: str) -> Any:
    try:
        return msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return arguments


def _bare(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Parts without their cache marks."""
    return tuple(msgspec.structs.replace(part, cache=None) if _mark(part) else part for part in parts)


def _mark(part: Part) -> Any:
    return getattr(part, "cache", None)


def _with_ids(ours: Message, theirs: Message, ids: dict[str, str]) -> Message:
    """Our message, its calls under the ids that theirs has, and its results under those that their calls were given."""
    if ours.role == "assistant":
        ids.update((a.id, b.id) for a, b in zip(ours.all(ToolCall), theirs.all(ToolCall), strict=True))
    if all(own == given for own, given in ids.items()):
        return ours
    parts: list[Part] = []
    for part in ours.parts:
        if isinstance(part, ToolCall):
            part = msgspec.structs.replace(part, id=ids.get(part.id, part.id))
        elif isinstance(part, ToolResult):
            part = msgspec.structs.replace(part, call_id=ids.get(part.call_id, part.call_id))
        parts.append(part)
    return msgspec.structs.replace(ours, parts=tuple(parts))


def _marked(ours: Message, theirs: Message, changed: str | None) -> Message:
    """Our message with their cache marks. Where they changed it as they may, it is theirs."""
    if changed:
        return theirs
    if len(ours.parts) != len(theirs.parts):
        return ours
    parts = tuple(
        msgspec.structs.replace(a, cache=_mark(b)) if _mark(a) != _mark(b) and hasattr(a, "cache") else a
        for a, b in zip(ours.parts, theirs.parts, strict=True)
    )
    return msgspec.structs.replace(ours, parts=parts)
