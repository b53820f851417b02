"""A whole answer, both ways: ``b'{"output": {"message": …}, "stopReason": …}' <-> Response``.

The parts are the blocks, in their order (see :mod:`.content`). An error inside a 200 is raised as what it is.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import Endpoint
from playhead.dialects.bedrock_converse.answer import (
    WireAnswer,
    decode_answer,
    encode_finish,
    encode_usage,
    finish_of,
    parts_of,
    usage_of,
)
from playhead.dialects.bedrock_converse.content import (
    encode_call,
    encode_reasoning,
    encode_text,
    is_own,
)
from playhead.dialects.bedrock_converse.errors import decode_error, is_error
from playhead.dialects.bedrock_converse.files import encode_file
from playhead.dialects.bedrock_converse.report import unmodelled_in_answer
from playhead.dialects.lenient import mended
from playhead.dialects.no_answer import not_expected, not_json
from playhead.messages import File, Native, Opaque, Part, Reasoning, Refusal, Source, Text, ToolCall
from playhead.response import Response

_encode = msgspec.json.Encoder().encode


def decode_response(body: bytes, endpoint: Endpoint, report: bool = False) -> tuple[Response, frozenset[str]]:
    """A whole answer and, where ``report`` asks for them, the paths in it that the vocabulary does not model.

    Raises:
        ModelError: the body is an error inside a 200, of the class that fits it.
        CutStreamError: the body is empty, or ends before its JSON does.
        ProtocolError: it is not JSON, or not of this wire's shape; the message says where.
    """
    try:
        answer, parts = _read(body)
    except (ValueError, RecursionError) as error:
        try:
            answer, parts = _read(mended(body)[1])
        except (ValueError, RecursionError):
            raise not_json("an answer", str(error), body, endpoint) from error
    if parts is None:
        if is_error(body):
            raise decode_error(200, (), body, endpoint)
        raise not_expected("output.message.content", body, endpoint)
    for position, said in enumerate(parts):
        if said is None:
            raise not_expected(f"a block of content at output.message.content[{position}]", body, endpoint)
    whole = tuple(part for said in parts for part in said or ())
    found = unmodelled_in_answer(body) if report else ()
    return Response(whole, finish_of(answer.stop_reason), usage_of(answer.usage)), frozenset(found)


def _read(body: bytes) -> tuple[WireAnswer, list[list[Part] | None] | None]:
    answer = decode_answer(body)
    message = answer.output.message if answer.output is not None else None
    content = message.content if message is not None else None
    return answer, None if content is None else [parts_of(raw) for raw in content]


def encode_response(response: Response) -> bytes:
    """The answer as a server of this wire writes it."""
    content: list[dict[str, Any]] = []
    parts = response.parts
    for position, part in enumerate(parts):
        block = encode_part(part, sources_of(parts, position) if isinstance(part, Text) else [])
        if block is not None:
            content.append(block)
    body: dict[str, Any] = {
        "metrics": {"latencyMs": 0},
        "output": {"message": {"content": content, "role": "assistant"}},
        "stopReason": encode_finish(response.finish),
        "usage": encode_usage(response.usage),
    }
    return _encode(body)


def sources_of(parts: tuple[Part, ...], position: int) -> list[Source]:
    """The sources that stand right after a text, of whatever dialect."""
    found: list[Source] = []
    for part in parts[position + 1 :]:
        if not isinstance(part, Source):
            break
        found.append(part)
    return found


def encode_part(part: Part, sources: list[Source]) -> dict[str, Any] | None:
    """The block that says a part of an answer; None where no answer holds one, or it is another wire's own."""
    match part:
        case Text():
            return encode_text(part, sources)
        case Refusal(text=text):
            return {"text": text}
        case Reasoning(text=text):
            return encode_reasoning(part) or {"reasoningContent": {"reasoningText": {"text": text}}}
        case ToolCall():
            return encode_call(part)[0]
        case File():
            return encode_file(part)
        case Native(opaque=Opaque(value=value) as opaque):
            return dict(value) if is_own(opaque) else None
        case _:
            return None
