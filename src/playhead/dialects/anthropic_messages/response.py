"""A whole answer, both ways: ``b'{"type": "message", …}' <-> Response``.

The parts are the blocks, in their order (see :mod:`.content`). An error inside a 200 is raised as what it is.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.anthropic_messages.answer import (
    WireMessage,
    counts_of,
    decode_message,
    encode_finish,
    encode_usage,
    finish_of,
    parts_of,
    usage_of,
)
from playhead.dialects.anthropic_messages.content import (
    container_of,
    decode_container,
    encode_call,
    encode_marked_file,
    encode_reasoning,
    encode_text,
    foreign_citation,
    is_own,
)
from playhead.dialects.anthropic_messages.errors import decode_error
from playhead.dialects.anthropic_messages.report import unmodelled_in_message
from playhead.dialects.base import Endpoint
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
            raise not_json("a message", str(error), body, endpoint) from error
    if answer.type == "error" or (answer.error and answer.content is None):
        raise decode_error(200, (), body, endpoint)
    if answer.content is None:
        raise not_expected("content", body, endpoint)
    for position, said in enumerate(parts):
        if said is None:
            raise not_expected(f"a block of content at content[{position}]", body, endpoint)
    whole = [part for said in parts for part in said or ()] + decode_container(answer.container)
    return _response(answer, whole), frozenset(unmodelled_in_message(body)) if report else frozenset()


def _read(body: bytes) -> tuple[WireMessage, list[list[Part] | None]]:
    answer = decode_message(body)
    return answer, [parts_of(raw) for raw in answer.content or ()]


def _response(answer: WireMessage, parts: list[Part]) -> Response:
    usage = usage_of(counts_of(answer.usage))
    return Response(tuple(parts), finish_of(answer.stop_reason), usage, answer.id or None, answer.model or None)


def encode_response(response: Response) -> bytes:
    """The answer as a server of this wire writes it."""
    body = message_head(response.id, response.model)
    body["content"] = _blocks(response.parts)
    body["stop_reason"] = encode_finish(response.finish)
    body["stop_sequence"] = None
    body["usage"] = encode_usage(response.usage)
    if (container := next(filter(None, map(container_of, response.parts)), None)) is not None:
        body["container"] = container
    return _encode(body)


def message_head(identifier: str | None, model: str | None) -> dict[str, Any]:
    """What an answer begins with; the wire wants an id and a model, so what is not known is empty."""
    return {"id": identifier or "", "type": "message", "role": "assistant", "model": model or ""}


def _blocks(parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, Source):
            cite(blocks, part)
        else:
            block = encode_part(part)
            if block is not None:
                blocks.append(block)
    return blocks


def cite(blocks: list[dict[str, Any]], source: Source) -> None:
    """Put a source among the citations of the text before it; before any text, there is nothing that cites it."""
    block = next((block for block in reversed(blocks) if block["type"] == "text"), None)
    if block is not None:
        block.setdefault("citations", []).append(encode_citation(source))


def encode_citation(source: Source) -> Any:
    """One entry of ``citations``."""
    if source.opaque is not None and is_own(source.opaque):
        return source.opaque.value
    return foreign_citation(source)


def encode_part(part: Part) -> dict[str, Any] | None:
    """The block that says a part of an answer; None where no answer holds one, or it is another wire's own."""
    match part:
        case Text(text=text) | Refusal(text=text):
            return encode_text(Text(text, opaque=part.opaque))
        case Reasoning(text=text):
            return encode_reasoning(part) or {"type": "thinking", "thinking": text, "signature": ""}
        case ToolCall():
            return encode_call(part, False)[0]
        case File():
            return encode_marked_file(part)
        case Native(opaque=Opaque(value=value) as opaque):
            return dict(value) if is_own(opaque) and container_of(part) is None else None
        case _:
            return None
