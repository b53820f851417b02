r"""A whole answer, both ways: ``b'{"candidates": …}' <-> Response``.

An answer may also come as a list of chunks: the stream as Google sends it where ``alt=sse`` was not asked for. An
error inside a 200 is raised as what it is, a blocked prompt as ContentFilteredError. Of several candidates the first is
taken, the others are reported.

Sources stand after the other parts; a response whose parts stand otherwise is written in that order.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec

from playhead.dialects.base import Endpoint
from playhead.dialects.gemini.answer import WireAnswer, decode_answer, encode_finish, encode_usage
from playhead.dialects.gemini.assemble import Assembler
from playhead.dialects.gemini.grounding import encode_sources
from playhead.dialects.gemini.parts import encode_file, encode_thought, is_made, own
from playhead.dialects.gemini.report import unmodelled_paths
from playhead.dialects.gemini.timestamp import write_time
from playhead.dialects.halves import Halves
from playhead.dialects.lenient import mended
from playhead.errors import CutStreamError, ModelError, ProtocolError
from playhead.events import ModelEvent
from playhead.fold import fold
from playhead.messages import File, Native, Part, Reasoning, Refusal, Source, Text, ToolCall
from playhead.response import Response

_encode = msgspec.json.Encoder().encode
_pieces = msgspec.json.Decoder(list[msgspec.Raw]).decode

_WHITE = b" \t\r\n"


def decode_response(body: bytes, endpoint: Endpoint, report: bool = False) -> tuple[Response, frozenset[str]]:
    """A whole answer and, where ``report`` asks for them, the paths in it that the vocabulary does not model.

    Raises:
        ModelError: the body is an error inside a 200, of the class that fits it.
        ContentFilteredError: the prompt was blocked.
        CutStreamError: the body is empty, or ends before its JSON does, or its chunks before a finish reason.
        ProtocolError: it is not JSON, or not of this wire's shape; the message says where.
    """
    events, unmodelled = decode_events(body, endpoint, report=report)
    return fold(events), frozenset(unmodelled)


def decode_events(body: bytes, endpoint: Endpoint, *, report: bool) -> tuple[list[ModelEvent], set[str]]:
    """The events of a whole answer, or of a list of chunks; raises as :func:`decode_response`."""
    assembler = Assembler(endpoint)
    events: list[ModelEvent] = []
    chunks: list[bytes | msgspec.Raw] = [body]
    listed = body.lstrip(_WHITE).startswith(b"[")
    if listed:
        try:
            chunks = list(_pieces(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise broken(error, body, endpoint, "a list of chunks") from error
    seen = False
    for data in chunks:
        chunk = parse_answer(data, endpoint, "an answer")
        seen = seen or bool(chunk.candidates)
        assembler.take(chunk, data, events)
        if report:
            assembler.unmodelled |= unmodelled_paths(data)
    if not seen:
        raise ProtocolError(
            f"candidates[0] expected in an answer: {_head(body)}", provider=endpoint.provider, body=body
        )
    if listed and not assembler.finish:
        raise CutStreamError("the list of chunks ended before a finish reason", provider=endpoint.provider, body=body)
    assembler.end(events)
    return Halves().join(events), assembler.unmodelled


def parse_answer(data: bytes | msgspec.Raw, endpoint: Endpoint, what: str) -> WireAnswer:
    """The answer, or the chunk, of these bytes.

    Raises:
        ProtocolError, CutStreamError: as for :func:`decode_response`.
    """
    try:
        return decode_answer(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        with suppress(ValueError, RecursionError):
            value, whole = mended(bytes(data))
            return _with_halves(decode_answer(whole), value)
        raise broken(error, bytes(data), endpoint, what) from error


def _with_halves(answer: WireAnswer, value: dict[str, Any]) -> WireAnswer:
    """The answer with its texts as they were said: half a character may go on in the next chunk."""
    for candidate, said in zip(answer.candidates or (), value.get("candidates") or (), strict=True):
        if candidate.content is not None:
            for part, words in zip(candidate.content.parts or (), said["content"].get("parts") or (), strict=True):
                part.text = words.get("text")
    return answer


def broken(error: Exception, body: bytes, endpoint: Endpoint, what: str) -> ModelError:
    """The error of bytes that are no answer: cut where the JSON ends too early, else a breach of the protocol."""
    if not body.strip(_WHITE) or "truncated" in str(error):
        return CutStreamError(
            f"{what} ended after {len(body)} bytes, before its JSON did", provider=endpoint.provider, body=body
        )
    return ProtocolError(f"{what} expected: {error}: {_head(body)}", provider=endpoint.provider, body=body)


def _head(body: bytes) -> str:
    text = body.strip(_WHITE).decode("utf-8", "replace")
    return text if len(text) <= 200 else f"{text[:200]}…"


def encode_response(response: Response) -> bytes:
    """The answer as Google writes it: no prices, no upstream's name, and no ids that were made here."""
    parts = [written for part in response.parts if (written := encode_part(part)) is not None]
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}}
    candidate["finishReason"] = encode_finish(response.finish)
    candidate["index"] = 0
    candidate.update(encode_sources([part for part in response.parts if isinstance(part, Source)], response.text))
    said: dict[str, Any] = {"candidates": [candidate]}
    if response.usage is not None:
        said["usageMetadata"] = encode_usage(response.usage)
    return _encode({**said, **answer_head(response.id, response.model, response.created)})


def answer_head(identifier: str | None, model: str | None, created: int | None) -> dict[str, Any]:
    """The fields by which an answer says what it is."""
    said = {"modelVersion": model, "createTime": write_time(created), "responseId": identifier}
    return {name: value for name, value in said.items() if value is not None}


def encode_part(part: Part) -> dict[str, Any] | None:
    """A part of an answer; None where it stands elsewhere or says nothing."""
    match part:
        case Text(text=text, opaque=opaque):
            data = own(opaque)
            return {"text": text, **data} if text or data else None
        case Refusal(text=text):
            return {"text": text} if text else None
        case Reasoning(text=text, opaque=opaque):
            return encode_thought(part) if text or own(opaque) else None
        case File():
            return encode_file(part, names=True, resolution=True)
        case Native(opaque=opaque):
            return own(opaque) or None
        case ToolCall():
            return encode_call(part)
        case _:
            return None


def encode_call(call: ToolCall) -> dict[str, Any]:
    """``functionCall``; arguments that are no JSON object stand in one."""
    said: dict[str, Any] = {} if is_made(call.id) else {"id": call.id}
    said["name"] = call.name
    try:
        arguments = msgspec.json.decode(call.arguments) if call.arguments.strip() else {}
    except (msgspec.DecodeError, RecursionError):
        arguments = None
    if isinstance(arguments, dict):
        said["args"] = msgspec.Raw(call.arguments) if arguments else {}
    else:
        said["args"] = {"arguments": call.arguments}
    return {"functionCall": said, **own(call.opaque)}
