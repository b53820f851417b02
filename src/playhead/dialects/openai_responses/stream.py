r"""A streamed answer to events: ``feed(b'event: response.created\ndata: {…}\n\n') -> [ResponseStart(…)]``.

The rules:

- Events do not depend on how the bytes were cut. An error in the stream is raised only after the events before it were
  handed on: at once when the same call has none, else by the next ``feed`` or ``close``.
- A part begins with its item, or with its content in a message, and ends when the item is done: only then is known what
  goes back verbatim. This wire says everything several times, in deltas, at the end of each part, of each item and of
  the answer; what was not said in deltas is taken from there, so a server that leaves some of them out is understood.
- The end is ``response.completed``, ``.incomplete``, ``.failed`` or ``.cancelled``; a stream that closes before it was
  cut. A ``[DONE]``, which some servers add, says nothing.
- A server that does not stream although asked sends one JSON object: it is decoded as a whole answer.

``unmodelled`` is filled from the last event, which holds the whole answer, and with the types of events that nobody
knows; with ``report=True`` from every event, which costs as much again as decoding.

Reference: https://platform.openai.com/docs/api-reference/responses-streaming, as of 2026.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from playhead.dialects.base import Endpoint
from playhead.dialects.decoding import AnswerDecoder
from playhead.dialects.halves import Halves
from playhead.dialects.lenient import mended
from playhead.dialects.openai_responses.answer import WireAnswer, finish_of, usage_of, whole_number
from playhead.dialects.openai_responses.errors import failure
from playhead.dialects.openai_responses.growth import Growth
from playhead.dialects.openai_responses.report import unmodelled_paths
from playhead.dialects.openai_responses.response import decode_response, error_in_answer
from playhead.errors import ProtocolError
from playhead.events import ModelEvent, PartDelta, ResponseEnd, ResponseStart
from playhead.fold import unfold
from playhead.framing.sse import ServerSentEvent
from playhead.response import Usage


class WireEvent(msgspec.Struct, gc=False):
    """One event; each type has a few of these."""

    type: str = ""
    delta: str | None = None
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    item: dict[str, Any] | None = None
    part: dict[str, Any] | None = None
    annotation: Any = None
    text: str | None = None
    refusal: str | None = None
    response: WireAnswer | None = None


_decode = msgspec.json.Decoder(WireEvent).decode


class StreamDecoder(AnswerDecoder):
    """The decoder of one streamed answer; see :class:`playhead.dialects.base.Decoder`."""

    __slots__ = ("_growth", "_started", "_usage")

    LACKING = "response.completed"

    def __init__(self, endpoint: Endpoint, *, report: bool = False) -> None:
        super().__init__(endpoint, report=report)
        self._started = False
        self._usage: Usage | None = None
        self._growth = Growth()

    @property
    def usage(self) -> Usage | None:
        """What the answer has counted of itself so far."""
        return self._usage

    def _decode_whole(self, body: bytes) -> tuple[list[ModelEvent], frozenset[str]]:
        response, unmodelled = decode_response(body, self._endpoint, report=True)
        return unfold(response), unmodelled

    def _ended(self, events: list[ModelEvent]) -> bool:
        return False  # the last event alone says what became of the answer

    def _take(self, event: ServerSentEvent, events: list[ModelEvent]) -> None:
        if self._done:
            return
        data = event.data
        try:
            said = _decode(data)
        except (ValueError, RecursionError) as problem:
            again = self._read_again(data)
            if again is None:
                self._no_event(event, problem)
                return
            said = again
        kind = said.type
        delta = said.delta
        if kind == "response.output_text.delta":
            growth = self._growth
            if said.output_index == growth.index and said.content_index == growth.content:
                if delta:
                    growth.spoke = True
                    events.append(PartDelta(growth.number, delta))
            elif delta:
                self._ensure_started(events)
                growth.grow_text(said.output_index, said.content_index, delta, "output_text", events)
            if self._report:
                self.unmodelled |= unmodelled_paths(data, event=True)
            return
        kind = kind or event.event
        if self._report:
            self.unmodelled |= unmodelled_paths(data, event=True)
        take = _TAKE.get(kind)
        if take is not None:
            if not self._started and said.response is None:
                self._ensure_started(events)
            take(self._growth, said, events)
        elif kind in _LIFE:
            self._life(said, kind, data, events)
        elif kind == "error" or (not kind and b'"error"' in data):
            value = _json_or_text(data)
            if kind or (isinstance(value, dict) and value.get("error")):
                raise failure(value, self._endpoint, self._id, data)
            self.unmodelled.add("type")
        elif not (kind in _SAID_AGAIN or kind.startswith(_TOOLS_AT_WORK)):
            self.unmodelled.add(kind or "type")

    def _read_again(self, data: bytes) -> WireEvent | None:
        """An event that strict decoding refused, with half a character joined to what its delta says next; None where
        something else is wrong with it."""
        try:
            value, whole = mended(data)
            said = _decode(whole)
        except (ValueError, RecursionError):
            return None
        if said.delta is not None:
            said.delta = value["delta"]
        if self._halves is None:
            self._halves = Halves()
        return said

    def _no_event(self, event: ServerSentEvent, problem: Exception) -> None:
        """What is no event of this wire's shape: an end, an empty one, an error in words, or a breach."""
        data = event.data
        text = data.strip()
        if event.event == "error":
            raise failure(_json_or_text(data), self._endpoint, self._id, data)
        if text in (b"", b"[DONE]"):
            return
        try:
            kind = msgspec.json.decode(data, type=_Typed).type
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            kind = None
        if kind is not None and not (kind in _TAKE or kind in _LIFE or kind == "response.output_text.delta"):
            self.unmodelled.add(kind)  # an event of a kind that nobody reads, of any shape
            return
        raise ProtocolError(
            f"an event of a response expected as JSON: {problem}; it begins {text[:200].decode('utf-8', 'replace')!r}",
            provider=self._endpoint.provider,
            request_id=self._id,
            body=data,
        ) from problem

    def _ensure_started(self, events: list[ModelEvent]) -> None:
        if not self._started:
            self._started = True
            events.append(ResponseStart())

    def _life(self, said: WireEvent, kind: str, data: bytes, events: list[ModelEvent]) -> None:
        """The answer begins or ends."""
        answer = said.response or WireAnswer()
        if not self._started:
            self._started = True
            self._id = self._growth.response_id = answer.id or None
            created = whole_number(answer.created_at)
            events.append(ResponseStart(self._id, answer.model or None, answer.provider or None, created))
        if not _LIFE[kind]:
            return
        answer.status = answer.status or _LIFE[kind]
        if kind == "response.failed":
            answer.status = "failed"
        self._usage = usage_of(answer.usage)
        error = error_in_answer(answer, self._endpoint, data)
        if error is not None:
            raise error
        self._growth.finish(answer.output or [], events)
        events.append(ResponseEnd(finish_of(answer, calls=self._growth.calls), self._usage))
        self.unmodelled |= unmodelled_paths(data, event=True)
        self._done = True


class _Typed(msgspec.Struct):
    type: str | None = None


def _json_or_text(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data.decode("utf-8", "replace").strip()


def _item_added(growth: Growth, said: WireEvent, events: list[ModelEvent]) -> None:
    growth.begin(said.output_index, said.item or {}, events)


def _item_done(growth: Growth, said: WireEvent, events: list[ModelEvent]) -> None:
    growth.end(said.output_index, said.item or {}, events)


def _content_added(growth: Growth, said: WireEvent, events: list[ModelEvent]) -> None:
    part = said.part or {}
    if part.get("type") in ("output_text", "refusal"):
        growth.begin_content(said.output_index, said.content_index, str(part["type"]), events)


def _content_done(growth: Growth, said: WireEvent, events: list[ModelEvent]) -> None:
    if said.part is not None and growth.item(said.output_index).kind == "message":
        growth.complete_content(said.output_index, said.content_index, said.part, events)


def _refusal(growth: Growth, said: WireEvent, events: list[ModelEvent]) -> None:
    if said.delta:
        growth.grow_text(said.output_index, said.content_index, said.delta, "refusal", events)


def _source(growth: Growth, said: WireEvent, events: list[ModelEvent]) -> None:
    growth.cite(said.output_index, said.content_index, [said.annotation], events)


def _arguments(growth: Growth, said: WireEvent, events: list[ModelEvent]) -> None:
    growth.grow(said.output_index, said.delta, "function_call", events)


def _free_form(growth: Growth, said: WireEvent, events: list[ModelEvent]) -> None:
    growth.grow(said.output_index, said.delta, "custom_tool_call", events)


def _summary(growth: Growth, said: WireEvent, events: list[ModelEvent]) -> None:
    growth.think(said.output_index, said.summary_index, said.delta, "summary", events)


def _thought(growth: Growth, said: WireEvent, events: list[ModelEvent]) -> None:
    growth.think(said.output_index, said.content_index, said.delta, "content", events)


_TAKE: dict[str, Callable[[Growth, WireEvent, list[ModelEvent]], None]] = {
    "response.output_item.added": _item_added,
    "response.output_item.done": _item_done,
    "response.content_part.added": _content_added,
    "response.content_part.done": _content_done,
    "response.refusal.delta": _refusal,
    "response.output_text.annotation.added": _source,
    "response.function_call_arguments.delta": _arguments,
    "response.custom_tool_call_input.delta": _free_form,
    "response.reasoning_summary_text.delta": _summary,
    "response.reasoning_text.delta": _thought,
}

#: Events of the answer's life, with the status that they mean: "" where it goes on.
_LIFE: dict[str, str] = {
    "response.created": "",
    "response.queued": "",
    "response.in_progress": "",
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
    "response.done": "completed",
}

#: What is said again where its part, item or answer ends.
_SAID_AGAIN = frozenset(
    {
        "keepalive",
        "response.output_text.done",
        "response.refusal.done",
        "response.function_call_arguments.done",
        "response.custom_tool_call_input.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
        "response.reasoning_summary_text.done",
        "response.reasoning_part.added",
        "response.reasoning_part.done",
        "response.reasoning_text.done",
    }
)

#: The provider's own tools say how far they are; what they did stands in the item when it is done.
_TOOLS_AT_WORK = (
    "response.web_search_call.",
    "response.file_search_call.",
    "response.code_interpreter_call",
    "response.image_generation_call.",
    "response.mcp_",
    "response.computer_call.",
)


def decoder(endpoint: Endpoint, *, report: bool = False) -> StreamDecoder:
    """A decoder for one streamed answer; ``report`` looks at every event for what is not modelled."""
    return StreamDecoder(endpoint, report=report)
