"""What a test is told when its tape has no answer: the conversation, where it first parts from the recorded one.

A request on the wire is a page of JSON in which one word differs. Read by its dialect it is a conversation, and two
conversations are compared as one compares texts::

      user: What's the weather in Florence?
      assistant: calls weather({"location": "Florence"})
    - tool: weather gives 40 C
    + tool: weather gives 41 C

Where the conversations are equal, the first field that differs is named, with both values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from playhead.errors import PlayheadError, TapeMissError
from playhead.messages import File, Message, Native, Reasoning, Refusal, Source, Text, ToolCall, ToolResult

if TYPE_CHECKING:
    from playhead.wire import HTTPRequest

#: Letters of a line, and lines of either side from where they differ, that are still read.
_WIDE, _LONG = 110, 30
#: Lines shown before the first that differs.
_BEFORE = 4


def told(miss: TapeMissError, tape: str, way_out: str) -> str:
    """The message of a failed test: what the tape lacks, the difference, and what to do."""
    asked, recorded = miss.asked, miss.recorded
    if asked is None or recorded is None:
        return f"{miss}\n{way_out}"
    lines = [f"{tape} has no answer to what was asked. It parts from the nearest that was recorded here:", ""]
    parting = list(_parting(recorded, asked)) or [f"    {miss}"]
    legend = ["", "    (- on the tape, + asked)"] if any(line.startswith("    + ") for line in parting) else []
    return "\n".join([*lines, *parting, *legend, "", way_out])


def _parting(recorded: HTTPRequest, asked: HTTPRequest) -> Iterator[str]:
    from playhead.tapes.diff import first_difference

    if (recorded.method, recorded.url) != (asked.method, asked.url):
        yield f"    - {recorded.method} {recorded.url}"
        yield f"    + {asked.method} {asked.url}"
    old, new = _conversation(recorded), _conversation(asked)
    if old == new or not (old and new):
        place = first_difference(recorded.body, asked.body)
        if place is not None:
            yield f"    {place}"
        return
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    begin = max(0, same - _BEFORE)
    if begin:
        yield f"      … {begin} lines that are the same"
    for line in old[begin:same]:
        yield f"      {line}"
    # A conversation may be a book: what is compared line by line is bounded, as what is shown of it is.
    yield from _changes(old[same : same + _LONG], new[same : same + _LONG])
    more = max(len(old), len(new)) - same - _LONG
    if more > 0:
        yield f"      … {more} more lines"


def _changes(old: list[str], new: list[str]) -> Iterator[str]:
    from difflib import SequenceMatcher

    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (f"      {line}" for line in old[a:b])
        else:
            yield from (f"    - {line}" for line in old[a:b])
            yield from (f"    + {line}" for line in new[c:d])


def _conversation(http: HTTPRequest) -> list[str]:
    """A request as the lines of its conversation; none where it is no question to a model."""
    from playhead.testing.received import Received

    try:
        messages = Received(http).request.messages
    except PlayheadError:
        return []
    return [line for message in messages for line in _lines(message)]


def _lines(message: Message) -> Iterator[str]:
    """A message, a line for each part; what is long is folded, so that equal ends are equal lines."""
    from textwrap import wrap

    for words in _parts(message):
        first, *more = [
            piece
            for line in (words.splitlines() or [""])
            for piece in wrap(line, _WIDE, drop_whitespace=False, replace_whitespace=False) or [""]
        ]
        yield f"{message.role}: {first}"
        yield from (f"    {line}" for line in more)


def _parts(message: Message) -> Iterator[str]:
    for part in message.parts:
        match part:
            case Text(text=text) | Refusal(text=text):
                yield text
            case Reasoning(text=text):
                yield f"thinks {text}"
            case ToolCall(name=name, arguments=arguments):
                yield f"calls {name}({arguments})"
            case ToolResult(name=name, is_error=failed):
                yield f"{name or part.call_id} {'fails with' if failed else 'gives'} {part.text}"
            case File(media_type=kind, data=data, url=url):
                size = len(data or b"")
                yield f"file {kind} {url or f'of {size} bytes'}"
            case Source(url=url):
                yield f"cites {url}"
            case Native(kind=kind):
                yield f"says {kind}"
