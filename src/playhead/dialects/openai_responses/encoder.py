"""Events to the bytes of a stream, as OpenAI writes one: the reverse of :mod:`.stream`.

Each event has a name, a ``sequence_number`` and an ``output_index``. What this wire says several times is said several
times here too: a text in its deltas, in ``output_text.done``, ``content_part.done``, ``output_item.done`` and the last
event, which holds the whole answer; clients rely on each of them. An item is done when all its parts have ended; a
message may get sources and more texts after that, so it is done when the next item begins.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.openai_responses.answer import encode_finish, encode_usage
from playhead.dialects.openai_responses.content import encode_source, own
from playhead.dialects.openai_responses.errors import error_object
from playhead.dialects.openai_responses.items import begins_message, encode_item, is_content, wants_image
from playhead.dialects.openai_responses.response import answer_body, answer_head
from playhead.errors import ModelError
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.fold import finished
from playhead.messages import File, Native, Part, Reasoning, Refusal, Source, Text, ToolCall

_encode = msgspec.json.Encoder(decimal_format="number").encode


class _Part:
    """A part while it arrives; ``content`` is its index in a message; ``spoken`` whether it said anything yet."""

    __slots__ = ("content", "ended", "part", "spoken", "texts")

    def __init__(self, part: Part, content: int) -> None:
        self.part = part
        self.content = content
        self.ended = False
        self.texts: list[str] = []
        self.spoken = False


class _Item:
    """An item while its parts arrive."""

    __slots__ = ("done", "id", "index", "parts")

    def __init__(self, index: int, identifier: str) -> None:
        self.index = index
        self.id = identifier
        self.parts: list[_Part] = []
        self.done = False

    @property
    def is_message(self) -> bool:
        return is_content(self.parts[0].part)


class StreamEncoder:
    """The encoder of one streamed answer; see :class:`playhead.dialects.base.Encoder`."""

    __slots__ = ("_head", "_items", "_number", "_output", "_parts", "_response_id", "_said")

    def __init__(self) -> None:
        self._head: dict[str, Any] = answer_head(None, None, None, None)
        self._response_id: str | None = None
        self._number = 0
        self._items: list[_Item] = []
        self._parts: dict[int, tuple[_Item, _Part] | None] = {}
        self._output: dict[int, dict[str, Any]] = {}
        self._said: list[bytes] = []

    def feed(self, event: ModelEvent) -> bytes:
        """The bytes that say this event; b"" when it waits for more."""
        match event:
            case PartDelta():
                self._delta(event.index, event.text)
            case PartStart():
                self._start(event.index, event.part)
            case PartEnd():
                self._end(event)
            case ResponseStart():
                self._response_id = event.id
                self._head = answer_head(event.id, event.model, event.provider, event.created)
                going = answer_body(self._head, [], {"status": "in_progress", "incomplete_details": None}, None)
                self._say("response.created", response=going)
                self._say("response.in_progress", response=going)
            case ResponseEnd():
                self._finish(event)
        said = b"".join(self._said)
        self._said.clear()
        return said

    def error(self, error: ModelError) -> bytes:
        """The end of a stream that failed on the way."""
        said = error_object(error)
        del said["type"]
        self._say("error", **said)
        data = b"".join(self._said)
        self._said.clear()
        return data

    def _say(self, kind: str, **fields: Any) -> None:
        body = _encode({"type": kind, **fields, "sequence_number": self._number})
        self._number += 1
        self._said.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), body))

    def _start(self, index: int, part: Part) -> None:
        open_ = self._items[-1] if self._items and not self._items[-1].done else None
        if isinstance(part, Source) and open_ is not None and open_.is_message:
            cites = open_.parts[-1]
            said = _Part(part, cites.content)
            if isinstance(cites.part, Text | Refusal | Source):
                place = self._place(open_, said)
                number = sum(isinstance(before.part, Source) for before in self._cited(open_, cites.content))
                open_.parts.append(said)
                self._parts[index] = (open_, said)
                self._say(
                    "response.output_text.annotation.added",
                    **place,
                    annotation=encode_source(part),
                    annotation_index=number,
                )
                return
        if is_content(part):
            joins = open_ is not None and open_.is_message and not begins_message(part)
            item = open_ if joins and open_ is not None else self._open(part)
            content = item.parts[-1].content + 1 if item.parts else 0
            if isinstance(part, Source):  # it cites a text that is done: an empty one carries it
                item.parts.append(_Part(Text(""), content))
                item.parts[-1].ended = True
                self._begin_content(item, item.parts[-1])
                said = _Part(part, content)
                item.parts.append(said)
                self._parts[index] = (item, said)
                self._say(
                    "response.output_text.annotation.added",
                    **self._place(item, said),
                    annotation=encode_source(part),
                    annotation_index=0,
                )
                return
            said = _Part(part, content)
            item.parts.append(said)
            self._parts[index] = (item, said)
            if isinstance(part, Text | Refusal):
                self._begin_content(item, said)
            return
        if isinstance(part, File) and open_ is not None and len(open_.parts) == 1 and wants_image(open_.parts[0].part):
            said = _Part(part, 0)
            open_.parts.append(said)
            self._parts[index] = (open_, said)
            return
        if encode_item([part], 0, None) is None:
            self._parts[index] = None  # the wire has no item for it
            return
        item = self._open(part)
        said = _Part(part, 0)
        item.parts.append(said)
        self._parts[index] = (item, said)
        if isinstance(part, ToolCall) and part.arguments:
            self._say(self._delta_kind(part), **self._at(item), delta=part.arguments)
        elif isinstance(part, Reasoning) and part.text:
            self._thought(item, said, part.text)

    def _cited(self, item: _Item, content: int) -> list[_Part]:
        return [part for part in item.parts if part.content == content]

    def _open(self, part: Part) -> _Item:
        """A new item, announced as far as it is known; those before it that have ended are done."""
        for item in self._items:
            if not item.done and all(said.ended for said in item.parts):
                self._close(item)
        index = len(self._items)
        data = encode_item([_bare(part)], index, self._response_id) or {}
        item = _Item(index, str(data.get("id", "")))
        self._items.append(item)
        data = {**data, "status": "in_progress"} if "status" in data or is_content(part) else data
        if is_content(part):
            data["content"] = []
        elif isinstance(part, Reasoning):
            data = {**data, "summary": []}
        elif isinstance(part, File):
            del data["result"]
        self._say("response.output_item.added", output_index=index, item=data)
        return item

    def _begin_content(self, item: _Item, said: _Part) -> None:
        empty: dict[str, Any] = (
            {"type": "refusal", "refusal": ""}
            if isinstance(said.part, Refusal)
            else {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        )
        self._say("response.content_part.added", **self._place(item, said), part=empty)
        if isinstance(said.part, Text | Refusal) and said.part.text:
            self._text(item, said, said.part.text)

    def _delta(self, index: int, text: str) -> None:
        found = self._parts.get(index)
        if found is None:
            return
        item, said = found
        said.texts.append(text)
        match said.part:
            case Text() | Refusal():
                self._text(item, said, text)
            case ToolCall():
                self._say(self._delta_kind(said.part), **self._at(item), delta=text)
            case Reasoning():
                self._thought(item, said, text)
            case _:
                pass

    def _text(self, item: _Item, said: _Part, text: str) -> None:
        if isinstance(said.part, Refusal):
            self._say("response.refusal.delta", **self._place(item, said), delta=text)
        else:
            self._say("response.output_text.delta", **self._place(item, said), delta=text, logprobs=[])

    def _thought(self, item: _Item, said: _Part, text: str) -> None:
        if not said.spoken:
            said.spoken = True
            empty = {"type": "summary_text", "text": ""}
            self._say("response.reasoning_summary_part.added", **self._at(item), summary_index=0, part=empty)
        self._say("response.reasoning_summary_text.delta", **self._at(item), summary_index=0, delta=text)

    def _delta_kind(self, call: ToolCall) -> str:
        free_form = own(call.opaque).get("type") == "custom_tool_call"
        return f"response.{'custom_tool_call_input' if free_form else 'function_call_arguments'}.delta"

    def _end(self, event: PartEnd) -> None:
        found = self._parts.get(event.index)
        if found is None:
            return
        item, said = found
        said.part = finished(said.part, "".join(said.texts), event.opaque)
        said.ended = True
        waits = item.is_message or wants_image(item.parts[-1].part)
        if not waits and all(part.ended for part in item.parts):
            self._close(item)

    def _finish(self, event: ResponseEnd) -> None:
        for item in self._items:
            if not item.done:
                self._close(item)
        end = encode_finish(event.finish)
        usage = None if event.usage is None else encode_usage(event.usage)
        output = [self._output[index] for index in sorted(self._output)]
        kind = end["status"] if end["status"] in ("completed", "incomplete", "failed") else "completed"
        self._say(f"response.{kind}", response=answer_body(self._head, output, end, usage))

    def _close(self, item: _Item) -> None:
        item.done = True
        for said in item.parts:
            if not said.ended:
                said.part = finished(said.part, "".join(said.texts), None)
        data = encode_item([said.part for said in item.parts], item.index, self._response_id) or {}
        first = item.parts[0].part
        if item.is_message:
            heads = {said.content: said for said in item.parts if not isinstance(said.part, Source)}
            for content, part in enumerate(data["content"]):
                if content in heads and not isinstance(heads[content].part, Native):
                    self._content_done(item, heads[content], part)
        elif isinstance(first, ToolCall):
            kind = self._delta_kind(first).removesuffix("delta") + "done"
            field = "input" if "custom" in kind else "arguments"
            self._say(kind, **self._at(item), **{field: first.arguments, "name": first.name})
        elif isinstance(first, Reasoning) and item.parts[0].spoken:
            said_all = {"type": "summary_text", "text": first.text}
            at = {**self._at(item), "summary_index": 0}
            self._say("response.reasoning_summary_text.done", **at, text=first.text)
            self._say("response.reasoning_summary_part.done", **at, part=said_all)
        self._say("response.output_item.done", output_index=item.index, item=data)
        self._output[item.index] = data

    def _content_done(self, item: _Item, said: _Part, part: dict[str, Any]) -> None:
        place = self._place(item, said)
        if isinstance(said.part, Refusal):
            self._say("response.refusal.done", **place, refusal=said.part.text)
        elif isinstance(said.part, Text):
            self._say("response.output_text.done", **place, text=said.part.text, logprobs=[])
        self._say("response.content_part.done", **place, part=part)

    def _at(self, item: _Item) -> dict[str, Any]:
        return {"item_id": item.id, "output_index": item.index}

    def _place(self, item: _Item, said: _Part) -> dict[str, Any]:
        return {"item_id": item.id, "output_index": item.index, "content_index": said.content}


def _bare(part: Part) -> Part:
    """The part as it is announced, before anything of it is said."""
    match part:
        case Text() | Refusal():
            return msgspec.structs.replace(part, text="")
        case ToolCall():
            return msgspec.structs.replace(part, arguments="")
        case Source():
            return Text("")
        case _:
            return part


def encoder() -> StreamEncoder:
    """An encoder for one streamed answer."""
    return StreamEncoder()
