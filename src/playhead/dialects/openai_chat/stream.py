r"""A streamed answer to events: ``feed(b'data: {"id":…}\n\n') -> [ResponseStart(…), PartStart(0, Text("")), …]``.

The rules:

- Events do not depend on how the bytes were cut. An error in the stream is raised only after the events before it were
  handed on: at once when the same call has none, else by the next ``feed`` or ``close``.
- One part of text, one of reasoning, one of refusal, and one for each call: what comes in turns is joined, as this wire
  itself joins it in a whole answer. All parts end at the end, because details of reasoning may follow the calls.
- The end is ``[DONE]``. A stream that closes without it is whole when a finish reason came, cut when none did.
  ``[DONE]`` without a finish reason ends an answer too, of finish "other", when anything at all was said.
- The finish reason may come twice, usage after it, in a chunk without choices. Only choice 0 is taken.
- A server that does not stream although asked sends one JSON object: it is decoded as a whole answer.

``unmodelled`` is filled from the first chunk, from those without a delta of the answer (usage, filters), and from those
that finish; with ``report=True`` from every chunk, which costs as much again as decoding.

Reference: https://platform.openai.com/docs/api-reference/chat/streaming, as of 2026.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import Endpoint
from playhead.dialects.decoding import AnswerDecoder
from playhead.dialects.halves import Halves
from playhead.dialects.openai_chat.answer import (
    WireAnswer,
    WireCall,
    WireMessage,
    WireUsage,
    arguments_of,
    chunks_of,
    decode_answer,
    files_of,
    finish_of,
    made_id,
    refusal_of,
    sources_of,
    text_of,
    unique_id,
    usage_of,
    whole_number,
)
from playhead.dialects.openai_chat.calls import Calls, GrowingCall
from playhead.dialects.openai_chat.content import NAME, call_data
from playhead.dialects.openai_chat.errors import decode_error, error_in_answer
from playhead.dialects.openai_chat.reasoning import Chunks, Details, detail_text
from playhead.dialects.openai_chat.report import unmodelled_paths
from playhead.dialects.openai_chat.response import decode_response, parse_answer
from playhead.errors import CutStreamError
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.fold import unfold
from playhead.framing.sse import ServerSentEvent
from playhead.messages import Opaque, Reasoning, Refusal, Text, ToolCall
from playhead.response import FinishReason, Usage
from playhead.surrogates import joined_json


class StreamDecoder(AnswerDecoder):
    """The decoder of one streamed answer; see :class:`playhead.dialects.base.Decoder`."""

    __slots__ = (
        "_calls",
        "_chunks",
        "_details",
        "_finish",
        "_parts",
        "_reasoning",
        "_refusal",
        "_started",
        "_taken",
        "_text",
        "_usage",
    )

    LACKING = "a finish reason or [DONE]"

    def __init__(self, endpoint: Endpoint, *, report: bool = False) -> None:
        super().__init__(endpoint, report=report)
        self._started = False
        self._parts = 0
        self._text = self._reasoning = self._refusal = -1  # the part's number, -1 while there is none
        self._details = Details()
        self._chunks: Chunks | None = None  # of a content that has reasoning inside
        self._calls = Calls()
        self._taken: dict[str, int] = {}  # the ids of the calls, see unique_id
        self._finish: FinishReason | None = None
        self._usage: WireUsage | None = None

    @property
    def usage(self) -> Usage | None:
        """What the answer has counted of itself so far."""
        return None if self._usage is None else usage_of(self._usage)

    def _decode_whole(self, body: bytes) -> tuple[list[ModelEvent], frozenset[str]]:
        response, unmodelled = decode_response(body, self._endpoint, report=True)
        return unfold(response), unmodelled

    def _ended(self, events: list[ModelEvent]) -> bool:
        if self._finish is None:
            return False
        self._end(events)
        return True

    def _take(self, event: ServerSentEvent, events: list[ModelEvent]) -> None:
        data = event.data
        if self._done:
            return
        if event.event == "error":
            error = decode_error(0, (), data, self._endpoint)
            error.status = error.status or None
            raise error
        try:
            chunk = decode_answer(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            again = self._read_again(data, events)
            if again is None:
                return
            chunk = again
        choices = chunk.choices
        if chunk.error is not None or chunk.x_groq is not None:
            self._check(chunk, data)
        if chunk.usage is not None:
            self._usage = chunk.usage
        if not self._started:
            if not (choices or chunk.id):
                self.unmodelled |= unmodelled_paths(data)  # a chunk before the answer: Azure's filter results
                return
            self._started = True
            self._id = chunk.id or None
            self.unmodelled |= unmodelled_paths(data)
            created = whole_number(chunk.created)
            events.append(ResponseStart(self._id, chunk.model or None, chunk.provider or None, created))
        elif self._report or not choices:
            self.unmodelled |= unmodelled_paths(data)
        if not choices:
            return
        for choice in choices:
            if choice.index:
                self.unmodelled.add(f"choices[{choice.index}]")
                continue
            if choice.finish_reason == "error" or choice.error is not None:
                self._check(chunk, data)
            delta = choice.delta or choice.message
            if delta is not None:
                self._delta(delta, events)
            if choice.finish_reason:
                self._finish = finish_of(choice)
                self.unmodelled |= unmodelled_paths(data)
            if choice.usage is not None and self._usage is None:
                self._usage = choice.usage

    def _read_again(self, data: bytes, events: list[ModelEvent]) -> WireAnswer | None:
        """What strict decoding refused: the end, an empty event, a chunk that can be forgiven, or a breach of the
        protocol, which is raised."""
        text = data.strip()
        if text == b"[DONE]":
            if self._finish is None and not self._parts and self._usage is None:
                raise CutStreamError(
                    "the stream ended with [DONE] before it said anything", provider=self._endpoint.provider
                )
            self._end(events)
        elif text:
            chunk = parse_answer(data, self._endpoint, "a chunk of a chat completion", whole=False)
            if self._halves is None:
                self._halves = Halves()
            return chunk
        return None

    def _check(self, chunk: WireAnswer, data: bytes) -> None:
        error = error_in_answer(chunk, self._endpoint, data)
        if error is not None:
            raise error
        if chunk.x_groq is not None and chunk.x_groq.usage is not None and self._usage is None:
            self._usage = chunk.x_groq.usage

    def _delta(self, delta: WireMessage, events: list[ModelEvent]) -> None:
        thought = delta.reasoning if delta.reasoning is not None else delta.reasoning_content
        details = delta.reasoning_details
        content = delta.content
        if type(content) is list:
            thought = self._inside(content, thought)
        if thought or details:
            if details:
                for detail in details:
                    self._details.add(detail)
                if thought is None:
                    thought = "".join(map(detail_text, details))
            if self._reasoning < 0:
                self._reasoning = self._begin_part(Reasoning(), events)
            if thought:
                events.append(PartDelta(self._reasoning, thought))
        if content:
            text = content if type(content) is str else text_of(content)
            if text:
                if self._text < 0:
                    self._text = self._begin_part(Text(""), events)
                events.append(PartDelta(self._text, text))
        elif delta.audio is not None and delta.audio.transcript:
            if self._text < 0:
                self._text = self._begin_part(Text(""), events)
            events.append(PartDelta(self._text, delta.audio.transcript))
        if delta.tool_calls:
            for call in delta.tool_calls:
                self._call(call, events)
        if delta.refusal or type(content) is list:
            refusal = refusal_of(delta)
            if refusal:
                if self._refusal < 0:
                    self._refusal = self._begin_part(Refusal(""), events)
                events.append(PartDelta(self._refusal, refusal))
        if delta.images or type(content) is list:
            for file in files_of(delta):
                self._begin_part(file, events)
        if delta.annotations:
            for source in sources_of(delta):
                self._begin_part(source, events)

    def _inside(self, content: list[dict[str, Any]], thought: str | None) -> str | None:
        """The thought with what the content's own chunks say."""
        chunks = chunks_of(content)
        if not chunks:
            return thought
        if self._chunks is None:
            self._chunks = Chunks()
        return (thought or "") + "".join(map(self._chunks.add, chunks))

    def _begin_part(self, part: Any, events: list[ModelEvent]) -> int:
        number = self._parts
        self._parts = number + 1
        events.append(PartStart(number, part))
        return number

    def _call(self, said: WireCall, events: list[ModelEvent]) -> None:
        call = self._calls.take(said)
        function = said.function
        if said.extra_content is not None:
            call.extra = call_data(said.extra_content)
        if function is None:
            return
        arguments = arguments_of(function)
        if call.part is not None:
            if arguments:
                events.append(PartDelta(call.part, arguments))
            return
        if arguments:
            call.held.append(arguments)
        if call.name:
            self._begin_call(call, events)

    def _begin_call(self, call: GrowingCall, events: list[ModelEvent]) -> None:
        identifier = unique_id(call.id or made_id(call.position, self._id), self._taken)
        call.part = self._begin_part(ToolCall(identifier, call.name, ""), events)
        if call.held:
            events.append(PartDelta(call.part, "".join(call.held)))

    def _end(self, events: list[ModelEvent]) -> None:
        self._done = True
        for call in self._calls.all:
            if call.part is None:
                self._begin_call(call, events)
        opaque = {call.part: call.extra for call in self._calls.all}
        if self._details:
            details = self._details.joined()
            opaque[self._reasoning] = Opaque(NAME, details if self._halves is None else joined_json(details))
        elif self._chunks is not None and (kept := self._chunks.kept()) is not None:
            if self._reasoning < 0:
                self._reasoning = self._begin_part(Reasoning(), events)
            opaque[self._reasoning] = Opaque(NAME, kept if self._halves is None else joined_json(kept))
        events.extend(PartEnd(number, opaque.get(number)) for number in range(self._parts))
        usage = self.usage
        events.append(ResponseEnd(self._finish or FinishReason("other"), usage))


def decoder(endpoint: Endpoint, *, report: bool = False) -> StreamDecoder:
    """A decoder for one streamed answer; ``report`` looks at every chunk for what is not modelled."""
    return StreamDecoder(endpoint, report=report)
