"""An answer as bytes of the wire that was asked in: status, headers, and the chunks of the body.

Whole or in pieces is decided by the request, as with every provider. In pieces, each event of the answer is a chunk of
its own, and text comes in words, as a model says it; what is done to the chunks (a cut, a pause) is the server's.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from playhead.dialects.base import Encoder
from playhead.errors import ModelError
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.messages import Opaque, Part, Reasoning, Refusal, Text, ToolCall
from playhead.response import Response, Usage
from playhead.testing.answers import Answer
from playhead.testing.received import Received
from playhead.wire import Headers


class Spoken(msgspec.Struct, frozen=True):
    """What goes over the socket: a head, and the chunks of a body."""

    status: int
    headers: Headers
    chunks: tuple[bytes, ...]


#: A word and the space after it; arguments of calls are cut by the same.
_WORDS = re.compile(r"\S+\s*|\s+")

_SSE = "text/event-stream"
_AWS = "application/vnd.amazon.eventstream"
_JSON = "application/json"


def speak(answer: Answer, asked: Received, usage: Usage | None, number: int) -> Spoken:
    """The answer to request ``number`` (from 1) on its wire; ``usage`` is what is billed for it."""
    says, status = answer.says, answer.status or 200
    kind = content_type(asked)
    if isinstance(says, bytes):
        chunks = [says] if says else []
    elif isinstance(says, ModelError):
        kind, chunks = _JSON, [asked.dialect.encode_error(says)]
    elif asked.stream:
        chunks = list(_streamed(named(says, asked, usage, number), asked, answer))
    elif answer.error is not None:
        chunks = [asked.dialect.encode_error(answer.error)]
    else:
        chunks = [asked.dialect.encode_response(named(says, asked, usage, number))]
    headers = (("Content-Type", answer.content_type or kind), *_identified(asked, number), *answer.headers)
    return Spoken(status, headers, tuple(chunks))


def content_type(asked: Received) -> str:
    """How a good answer to this request calls its body."""
    if not asked.stream:
        return _JSON
    return _AWS if _framed_by_aws(asked) else _SSE


def named(response: Response, asked: Received, usage: Usage | None, number: int) -> Response:
    """The response with what a provider adds to it: the model, an id, ids of its calls, usage."""
    parts: list[Part] = []
    for part in response.parts:
        if isinstance(part, ToolCall) and not part.id:
            part = msgspec.structs.replace(part, id=f"call_{number}_{len(parts)}")
        parts.append(part)
    if any(isinstance(part, Reasoning) for part in parts):
        parts = signed(parts, asked.dialect_name, number)
    return msgspec.structs.replace(
        response,
        parts=tuple(parts),
        usage=usage,
        id=response.id or f"fake-{number}",
        model=response.model or asked.model,
        created=response.created or 1_700_000_000 + number,
    )


def signed(parts: Sequence[Part], dialect: str, number: int) -> list[Part]:
    """The parts of an answer that was thought about, with what the wire has its provider add to thoughts and wants back
    verbatim; what a script said of it stays as it is."""
    mark = base64.b64encode(b"thought of by a fake provider, %d" % number).decode()
    made: list[Part] = []
    called = False
    for part in parts:
        if isinstance(part, Reasoning) and part.opaque is None:
            value: Any = None
            if dialect in ("anthropic_messages", "bedrock_converse"):
                value = {"signature": mark}
            elif dialect == "openai_responses":
                summary = [{"type": "summary_text", "text": part.text}] if part.text else []
                value = {"id": f"rs_{number}_{len(made)}", "type": "reasoning", "encrypted_content": mark}
                value["summary"] = summary
            if value is not None:
                part = Reasoning(part.text, Opaque(dialect, value))
        elif isinstance(part, ToolCall) and part.opaque is None and dialect == "gemini" and not called:
            part = msgspec.structs.replace(part, opaque=Opaque(dialect, {"thoughtSignature": mark}))
        called = called or isinstance(part, ToolCall)
        made.append(part)
    return made


def pieces(response: Response) -> Iterator[ModelEvent]:
    """The response as a model says it: word by word. The reverse is :func:`playhead.fold.fold`."""
    yield ResponseStart(response.id, response.model, response.provider, response.created)
    for index, part in enumerate(response.parts):
        begun, text, opaque = _begun(part)
        yield PartStart(index, begun)
        for word in _WORDS.findall(text):
            yield PartDelta(index, word)
        yield PartEnd(index, opaque)
    yield ResponseEnd(response.finish, response.usage)


def _begun(part: Part) -> tuple[Part, str, Opaque | None]:
    """A part as it begins, what is said of it in pieces, and the provider's data at its end. A text with data of its
    provider's is said at once, since some wires bind the data to one piece."""
    if isinstance(part, Reasoning):
        value = part.opaque.value if part.opaque is not None else None
        known = part.opaque if isinstance(value, dict) and "id" in value else None  # an id is said at the beginning
        return Reasoning(opaque=known), part.text, part.opaque
    if isinstance(part, ToolCall):
        return msgspec.structs.replace(part, arguments=""), part.arguments, None
    if isinstance(part, Text | Refusal) and part.opaque is None:
        return msgspec.structs.replace(part, text=""), part.text, None
    return part, "", None


def _streamed(response: Response, asked: Received, answer: Answer) -> Iterator[bytes]:
    encoder = _encoder(asked)
    chunks = [data for event in pieces(response) if (data := encoder.feed(event))]
    if answer.error is None:
        yield from chunks
        return
    # The error takes the place of the end; an encoder of its own says it, as an encoder says one answer.
    failing = _encoder(asked)
    limit = len(chunks) - 1 if answer.cut_after is None else answer.cut_after
    said = 0
    for event in pieces(response):
        if isinstance(event, ResponseEnd) or said >= limit:
            break
        if data := failing.feed(event):
            said += 1
            yield data
    yield failing.error(answer.error)  # type: ignore[attr-defined]


def _encoder(asked: Received) -> Encoder:
    if asked.dialect_name == "anthropic_messages" and _framed_by_aws(asked):
        from playhead.dialects.anthropic_messages import encoder

        return encoder(framing="aws")
    return asked.dialect.encoder()


def _framed_by_aws(asked: Received) -> bool:
    """Whether the service streams in Amazon's frames: Bedrock does, whatever it says in them."""
    return asked.http.url.partition("?")[0].endswith(("/invoke-with-response-stream", "/converse-stream"))


def _identified(asked: Received, number: int) -> Headers:
    """The id of the exchange, in the header that this service puts it in. Google's have none, and get one all the
    same, since a test may want to name its exchange."""
    if asked.dialect_name == "anthropic_messages" and asked.http.url.partition("?")[0].endswith("/messages"):
        return (("request-id", f"req_fake_{number}"),)
    if "/model/" in asked.http.url:
        return (("x-amzn-RequestId", f"req_fake_{number}"),)
    return (("x-request-id", f"req_fake_{number}"),)
