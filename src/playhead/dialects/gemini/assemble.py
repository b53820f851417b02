"""Chunks to events: the one reducer, for the chunks of a stream and for a whole answer, which is one chunk.

The rules:

- Parts stand in the order in which they came. Pieces of text that follow each other are one part, pieces of a thought
  too; a part that carries a signature is a part of its own, since the signature must go back on just that part.
- A call comes whole (or in pieces, see :mod:`.streamed_args`). One without an id gets one of our making.
- An empty text says nothing; one with a signature is kept whole. So is a part that the vocabulary has no place for.
- The finish reason, the usage and the grounding that came last hold. STOP with a call is ``tool_calls``.
- A prompt that was blocked has no candidate: that is an error, ContentFilteredError, since nothing was answered.
- Only candidate 0 is taken.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import Endpoint
from playhead.dialects.gemini.answer import (
    ABSENT,
    WireAnswer,
    WireCandidate,
    WireFeedback,
    WirePart,
    finish_of,
    finish_word,
    usage_of,
)
from playhead.dialects.gemini.errors import error_of
from playhead.dialects.gemini.grounding import sources_of
from playhead.dialects.gemini.parts import compact, decode_blob, decode_uri, kept, made_id, signed
from playhead.dialects.gemini.report import plain
from playhead.dialects.gemini.streamed_args import add_piece, encode_pieces
from playhead.dialects.gemini.timestamp import read_time
from playhead.dialects.lenient import read_object
from playhead.dialects.refusal_text import capped
from playhead.errors import ContentFilteredError, ProtocolError
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.messages import Opaque, Part, Reasoning, Text, ToolCall
from playhead.response import Usage
from playhead.surrogates import joined


class Assembler:
    """Takes the chunks of one answer in order, appends their events."""

    __slots__ = (
        "_calls",
        "_citation",
        "_endpoint",
        "_grounding",
        "_kind",
        "_number",
        "_opaque",
        "_parts",
        "_pieces",
        "_plain",
        "_said",
        "_usage",
        "finish",
        "id",
        "started",
        "unmodelled",
    )

    def __init__(self, endpoint: Endpoint) -> None:
        self.unmodelled: set[str] = set()
        self.started = False
        self.id: str | None = None
        #: The finish reason in the wire's word, "" before it came.
        self.finish = ""
        self._endpoint = endpoint
        self._kind: type[Part] | None = None  # of the part that is open: Text, Reasoning, ToolCall
        self._number = 0  # of the part that is open, or begins next
        self._opaque: Opaque | None = None  # of the call that is open
        self._pieces: dict[str, Any] = {}  # the arguments of the call that is open
        self._parts = 0
        self._calls = 0
        self._said: list[str] = []  # the answer's text
        self._plain: tuple[bytes | msgspec.Raw, list[Any]] | None = None  # the chunk last read as plain data, its parts
        self._usage = self._grounding = self._citation = ABSENT

    def take(self, chunk: WireAnswer, data: bytes | msgspec.Raw, events: list[ModelEvent]) -> None:
        """One chunk, and the bytes that it was read from.

        Raises:
            ModelError: it carries an error, or the prompt was blocked.
            ProtocolError: a field of it is not what the protocol says.
        """
        if chunk.error is not None:
            raise error_of({"error": chunk.error}, self._endpoint, status=None, body=bytes(data))
        candidates = chunk.candidates
        if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason and not candidates:
            raise self._blocked(chunk.prompt_feedback, chunk.response_id, bytes(data))
        if not self.started:
            self.started = True
            self.id = chunk.response_id or None
            created = read_time(chunk.create_time)
            events.append(ResponseStart(self.id, chunk.model_version or None, None, created))
        usage = chunk.usage_metadata
        if usage is not ABSENT and (not self.finish or b"TokenCount" in bytes(usage)):
            self._usage = usage
        for candidate in candidates or ():
            if candidate.index:
                self.unmodelled.add(f"candidates[{candidate.index}]")
                continue
            if candidate.content is not None and candidate.content.parts:
                try:
                    self._take_parts(candidate.content.parts, data, events)
                except (ValueError, RecursionError) as error:
                    raise ProtocolError(
                        f"a part of an answer is not what the protocol says: {error}",
                        provider=self._endpoint.provider,
                        body=bytes(data),
                    ) from error
            if candidate.finish_reason or candidate.grounding_metadata is not ABSENT:
                self._take_rest(candidate)
            if candidate.citation_metadata is not ABSENT and b":" in bytes(candidate.citation_metadata):
                self._citation = candidate.citation_metadata

    def end(self, events: list[ModelEvent]) -> None:
        """The answer is whole: its sources, and its end."""
        self._close(events)
        try:
            grounding = self._decoded(self._grounding)
            for source in sources_of(grounding, self._decoded(self._citation), joined("".join(self._said))):
                self._whole(source, events)
                grounding = None
            if grounding:
                self.unmodelled.add("candidates[].groundingMetadata")
        except (ValueError, RecursionError) as error:
            raise ProtocolError(
                f"the end of an answer is not what the protocol says: {error}", provider=self._endpoint.provider
            ) from error
        events.append(ResponseEnd(finish_of(self.finish, calls=self._calls > 0), self.usage))

    @property
    def usage(self) -> Usage | None:
        """What the answer has counted of itself so far."""
        return None if self._usage is ABSENT else usage_of(read_object(self._usage))

    def _decoded(self, raw: msgspec.Raw) -> Any:
        return None if raw is ABSENT else plain(raw)

    def _take_rest(self, candidate: WireCandidate) -> None:
        if candidate.finish_reason:
            self.finish = finish_word(candidate.finish_reason) or self.finish
        if candidate.grounding_metadata is not ABSENT and b":" in bytes(candidate.grounding_metadata):
            self._grounding = candidate.grounding_metadata

    def _take_parts(self, parts: list[WirePart], data: bytes | msgspec.Raw, events: list[ModelEvent]) -> None:
        for place, part in enumerate(parts):
            text = part.text
            if text is not None and part.function_call is None and part.thought_signature is None:
                if not text:
                    continue
                kind: type[Part] = Reasoning if part.thought else Text
                if self._kind is not kind:
                    self._close(events)
                    self._open(Reasoning() if part.thought else Text(""), events)
                if kind is Text:
                    self._said.append(text)
                events.append(PartDelta(self._number, text))
            elif part.function_call is not None:
                self._call(part, events)
            else:
                self._close(events)
                self._other(part, place, data, events)

    def _open(self, part: Part, events: list[ModelEvent]) -> None:
        self._kind, self._number = type(part), self._parts
        self._parts += 1
        events.append(PartStart(self._number, part))

    def _close(self, events: list[ModelEvent]) -> None:
        if self._kind is None:
            return
        if self._kind is ToolCall:
            events.append(PartDelta(self._number, encode_pieces(self._pieces)))
            self._pieces = {}
        events.append(PartEnd(self._number, self._opaque))
        self._kind = self._opaque = None

    def _whole(self, part: Part, events: list[ModelEvent]) -> None:
        events.append(PartStart(self._parts, part))
        events.append(PartEnd(self._parts))
        self._parts += 1

    def _other(self, part: WirePart, place: int, data: bytes | msgspec.Raw, events: list[ModelEvent]) -> None:
        """A part with a signature, a file, or one of a kind that is kept whole."""
        opaque = signed(part.thought_signature)
        file = None
        if part.text:
            begun = Reasoning("", opaque) if part.thought else Text("", None, opaque)
            if not part.thought:
                self._said.append(part.text)
            self._open(begun, events)
            events.append(PartDelta(self._number, part.text))
            self._close(events)
            return
        if part.text is not None:  # an empty text that is signed; a thought that is
            self._whole(Reasoning("", opaque) if part.thought else kept(self._part_at(data, place)), events)
            return
        if part.inline_data is not None:
            file = decode_blob(part.inline_data, opaque)
        elif part.file_data is not None:
            file = decode_uri(part.file_data, opaque)
        if file is not None:
            self._whole(file, events)
            return
        whole = self._part_at(data, place)
        if whole.keys() - {"thought"}:
            self._whole(kept(whole), events)

    def _part_at(self, data: bytes | msgspec.Raw, place: int) -> dict[str, Any]:
        """A part of candidate 0 with all its fields; the chunk is read once for all of them."""
        if self._plain is None or self._plain[0] is not data:
            first = next(said for said in plain(data)["candidates"] if not said.get("index"))
            self._plain = (data, first["content"]["parts"])
        part: dict[str, Any] = self._plain[1][place]
        return part

    def _call(self, part: WirePart, events: list[ModelEvent]) -> None:
        call = part.function_call
        assert call is not None  # noqa: S101 - the caller looked
        if self._kind is ToolCall and not call.name:  # the call that is open goes on
            self._opaque = self._opaque or signed(part.thought_signature)
        else:
            self._close(events)
            identifier = call.id or made_id(self._calls, self.id)
            self._calls += 1
            opaque = signed(part.thought_signature)
            streamed = bool(call.will_continue or call.partial_args)
            self._open(ToolCall(identifier, call.name or "", "", None, None if streamed else opaque), events)
            if not streamed:
                arguments = compact(call.args) if call.args is not ABSENT else "{}"
                events.append(PartDelta(self._number, "{}" if arguments == "null" else arguments))
                events.append(PartEnd(self._number))
                self._kind = None
                return
            self._opaque = opaque
        for piece in call.partial_args or ():
            if not add_piece(self._pieces, piece):
                self.unmodelled.add("candidates[].content.parts[].functionCall.partialArgs")
        if not call.will_continue:
            self._close(events)

    def _blocked(self, feedback: WireFeedback, response_id: str | None, data: bytes) -> ContentFilteredError:
        reason = f"the prompt was blocked: {feedback.block_reason}"
        rated = [
            str(rating["category"]).removeprefix("HARM_CATEGORY_").lower()
            for rating in feedback.safety_ratings or ()
            if isinstance(rating, dict) and rating.get("category") and rating.get("blocked")
        ]
        if rated:
            reason = f"{reason} ({', '.join(rated)})"
        if feedback.block_reason_message:
            reason = f"{reason}. {feedback.block_reason_message}"
        return ContentFilteredError(capped(reason), provider=self._endpoint.provider, request_id=response_id, body=data)
