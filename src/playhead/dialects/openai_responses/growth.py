"""The items of an answer while they arrive, and the parts that they have become so far.

Pure bookkeeping under :mod:`.stream`: each method takes what one event says and appends the events of the vocabulary.
Items are told apart by ``output_index``, contents of a message by ``content_index``; servers that use an index again
for the next item are understood, as an item that is done takes nothing more.
"""

from __future__ import annotations

from typing import Any

from playhead.dialects.openai_responses.content import NAME, decode_annotation
from playhead.dialects.openai_responses.items import decode_item, made_id, reasoning_text
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart
from playhead.messages import Native, Opaque, Part, Reasoning, Refusal, Source, Text, ToolCall

_CALLS = ("function_call", "custom_tool_call")


class Item:
    """One item while it arrives.

    Attributes:
        kind: its type on the wire.
        data: the item as it was announced.
        number: the part that it is; -1 for a message, whose parts are its contents, and before it has one.
        contents: the parts of a message's contents, by content index.
        spoken: the contents (0 for what has one part only) of which something was said in deltas.
        after: the part before it, as it began.
        cited: how many sources of each content are parts already.
        thinks: where a reasoning item's words come from, "summary" or "content", and at which index they are.
    """

    __slots__ = ("after", "cited", "contents", "data", "done", "kind", "number", "spoken", "thinks")

    def __init__(self, kind: str, data: dict[str, Any]) -> None:
        self.kind = kind
        self.data = data
        self.number = -1
        self.contents: dict[int, int] = {}
        self.after: Part | None = None
        self.spoken: set[int] = set()
        self.cited: dict[int, int] = {}
        self.thinks: tuple[str, int] | None = None
        self.done = False


class Growth:
    """All items of one answer. ``index``, ``content`` and ``number`` are the text that grows now, -1 where none does;
    ``spoke`` says that it did; ``calls`` whether the answer asks for tools."""

    __slots__ = ("_items", "_last", "_parts", "calls", "content", "index", "number", "response_id", "spoke")

    def __init__(self) -> None:
        self.response_id: str | None = None
        self.calls = False
        self.index = self.content = self.number = -1
        self.spoke = False
        self._items: dict[int, Item] = {}
        self._parts = 0
        self._last: Part | None = None

    def item(self, index: int, kind: str = "message") -> Item:
        """The item of this index; one of this kind where none was announced or the one before is done."""
        item = self._items.get(index)
        if item is None or item.done:
            item = self._items[index] = Item(kind, {"type": kind})
        return item

    def begin(self, index: int, data: dict[str, Any], events: list[ModelEvent]) -> None:
        """An item is announced."""
        before = self._items.get(index)
        if before is not None and not before.done:
            self._close(index, before, before.data, events)
        self._rest()
        item = self._items[index] = Item(str(data.get("type")), data)
        if item.kind == "message":
            return
        if item.kind == "reasoning":
            item.number = self._start(Reasoning(opaque=self._announced(index, data)), events)
        elif item.kind in _CALLS:
            self._start_call(index, item, events)
        elif item.kind != "image_generation_call":
            item.number = self._start(Native(item.kind, Opaque(NAME, data)), events)

    def begin_content(self, index: int, content: int, kind: str, events: list[ModelEvent]) -> int:
        """A text or a refusal begins in a message; the number of its part."""
        item = self.item(index)
        number = item.contents.get(content)
        if number is None:
            if not item.contents:
                item.after = self._last
            extras = None
            identifier = item.data.get("id")
            if not item.contents and identifier and identifier != made_id("msg", index, self.response_id):
                extras = Opaque(NAME, {"item": {"id": identifier}})
            part = Refusal("", extras) if kind == "refusal" else Text("", opaque=extras)
            number = item.contents[content] = self._start(part, events)
        if kind != "refusal":
            self._rest()
            self.index, self.content, self.number = index, content, number
        return number

    def grow_text(self, index: int, content: int, text: str, kind: str, events: list[ModelEvent]) -> None:
        """A message says more."""
        number = self.begin_content(index, content, kind, events)
        self._items[index].spoken.add(content)
        events.append(PartDelta(number, text))

    def complete_content(self, index: int, content: int, said: dict[str, Any], events: list[ModelEvent]) -> None:
        """A content is done: what the deltas did not say of it is said now."""
        kind = str(said.get("type"))
        if kind not in ("output_text", "text", "refusal"):
            return
        item = self.item(index)
        self._rest()
        number = self.begin_content(index, content, kind, events)
        words = said.get("refusal" if kind == "refusal" else "text")
        if content not in item.spoken and isinstance(words, str) and words:
            item.spoken.add(content)
            events.append(PartDelta(number, words))
        annotations = said.get("annotations")
        if isinstance(annotations, list):
            self.cite(index, content, annotations[item.cited.get(content, 0) :], events)
        self._rest()

    def cite(self, index: int, content: int, annotations: list[Any], events: list[ModelEvent]) -> None:
        """A message cites sources."""
        item = self.item(index)
        for annotation in annotations:
            item.cited[content] = item.cited.get(content, 0) + 1
            source = decode_annotation(annotation)
            if source is not None:
                self._whole(source, events)

    def grow(self, index: int, text: str | None, kind: str, events: list[ModelEvent]) -> None:
        """A call's arguments go on."""
        item = self.item(index, kind)
        if item.number < 0 and item.kind in _CALLS:
            self._start_call(index, item, events)
        if text and item.number >= 0:
            item.spoken.add(0)
            events.append(PartDelta(item.number, text))

    def think(self, index: int, part: int, text: str | None, field: str, events: list[ModelEvent]) -> None:
        """A reasoning item says more; its summaries stand apart by an empty line."""
        if not text:
            return
        item = self.item(index, "reasoning")
        if item.number < 0:
            item.number = self._start(Reasoning(), events)
        if item.thinks is not None and item.thinks[0] != field:
            return  # both the reasoning and its summary come: one of the two is the part's text, all of it is kept
        if item.thinks is not None and item.thinks[1] != part:
            text = "\n\n" + text
        item.thinks = (field, part)
        events.append(PartDelta(item.number, text))

    def end(self, index: int, data: dict[str, Any], events: list[ModelEvent]) -> None:
        """An item is done."""
        item = self._items.get(index)
        if item is None or item.done or item.kind != data.get("type"):
            self.begin(index, data, events)
            item = self._items[index]
        self._close(index, item, data, events)

    def finish(self, output: list[dict[str, Any]], events: list[ModelEvent]) -> None:
        """The answer is done; ``output`` is all of it. What is still open ends, and what never came comes now."""
        if not self._items:
            for index, data in enumerate(output):
                self.end(index, data, events)
        for index, item in self._items.items():
            if not item.done:
                known = output[index] if 0 <= index < len(output) else item.data
                self._close(index, item, known if known.get("type") == item.kind else item.data, events)

    def _close(self, index: int, item: Item, data: dict[str, Any], events: list[ModelEvent]) -> None:
        self._rest()
        item.done = True
        parts = decode_item(data, index, self.response_id, item.after if item.contents else self._last)
        if item.kind == "message":
            self._close_message(index, item, data, parts, events)
            return
        head = parts[0]
        if item.number < 0:
            for part in parts:
                self._whole(part, events)
            return
        if isinstance(head, ToolCall) and 0 not in item.spoken and head.arguments:
            events.append(PartDelta(item.number, head.arguments))
        if item.kind == "reasoning" and item.thinks is None and (text := reasoning_text(data)):
            events.append(PartDelta(item.number, text))
        opaque = getattr(head, "opaque", None)
        events.append(PartEnd(item.number, opaque if data is not item.data or item.kind != "reasoning" else None))
        for part in parts[1:]:
            self._whole(part, events)

    def _close_message(
        self, index: int, item: Item, data: dict[str, Any], parts: list[Part], events: list[ModelEvent]
    ) -> None:
        contents = data.get("content")
        contents = contents if isinstance(contents, list) else []
        if not item.contents:
            for part in parts:
                self._whole(part, events)
            return
        item.done = False
        for position, said in enumerate(contents):
            if isinstance(said, dict):
                self.complete_content(index, position, said, events)
        item.done = True
        heads = [part for part in parts if not isinstance(part, Source)]
        for content, number in item.contents.items():
            head = heads[content] if 0 <= content < len(heads) else None
            events.append(PartEnd(number, head.opaque if isinstance(head, Text | Refusal) else None))
        for content, head in enumerate(heads):
            if content not in item.contents and len(heads) == len(contents):
                self._whole(head, events)

    def _start_call(self, index: int, item: Item, events: list[ModelEvent]) -> None:
        call = decode_item({**item.data, "arguments": "", "input": ""}, index, self.response_id)[0]
        if isinstance(call, ToolCall):
            self.calls = True
            known = self._announced(index, item.data)
            item.number = self._start(ToolCall(call.id, call.name, "", opaque=known), events)

    def _announced(self, index: int, data: dict[str, Any]) -> Opaque | None:
        """What is known of a thought or a call when it begins, and holds until its end says all: the id by which every
        event of it is known, where that is the server's own, and the kind of a call that is not a function's."""
        identifier, kind = data.get("id"), data.get("type")
        thought = kind == "reasoning"
        if not isinstance(identifier, str) or identifier == made_id("rs" if thought else "fc", index, self.response_id):
            return None
        if thought:
            return Opaque(NAME, {"id": identifier, "type": kind, "summary": []})
        return Opaque(NAME, {"id": identifier} if kind == "function_call" else {"id": identifier, "type": kind})

    def _start(self, part: Part, events: list[ModelEvent]) -> int:
        number = self._parts
        self._parts = number + 1
        self._last = part
        events.append(PartStart(number, part))
        return number

    def _whole(self, part: Part, events: list[ModelEvent]) -> None:
        """A part that comes at once."""
        self.calls = self.calls or isinstance(part, ToolCall)
        events.append(PartEnd(self._start(part, events)))

    def _rest(self) -> None:
        """No text grows now; what grew is remembered."""
        if self.spoke and self.index in self._items:
            self._items[self.index].spoken.add(self.content)
        self.index = self.content = self.number = -1
        self.spoke = False
