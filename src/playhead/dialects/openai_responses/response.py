r"""A whole answer, both ways: ``b'{"object": "response", …}' <-> Response``.

White space around the body is allowed: a gateway keeps a slow connection alive by padding it. An answer whose status is
``failed`` is raised as the error that it holds, and so is an error inside a 200 of any other shape.

Written as a server writes it, an answer that came from another wire gets ids for its items. A file that is no image
has no item here and is left out.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import Endpoint
from playhead.dialects.lenient import mended
from playhead.dialects.no_answer import not_expected, not_json
from playhead.dialects.openai_responses.answer import (
    WireAnswer,
    encode_finish,
    encode_usage,
    finish_of,
    usage_of,
    whole_number,
)
from playhead.dialects.openai_responses.errors import failure
from playhead.dialects.openai_responses.items import decode_item, encode_item, in_messages
from playhead.dialects.openai_responses.report import unmodelled_paths
from playhead.errors import ModelError
from playhead.messages import Part, ToolCall
from playhead.response import Response

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(WireAnswer).decode

WHAT = "a response object"


def decode_response(body: bytes, endpoint: Endpoint, report: bool = False) -> tuple[Response, frozenset[str]]:
    """A whole answer and, where ``report`` asks for them, the paths in it that the vocabulary does not model.

    Raises:
        ModelError: the answer failed, or the body is an error inside a 200; of the class that fits it.
        CutStreamError: the body is empty, or ends before its JSON does.
        ProtocolError: it is not JSON, or not of this wire's shape; the message says where.
    """
    try:
        answer = _decode(body)
    except (ValueError, RecursionError) as problem:
        try:
            answer = _decode(mended(body)[1])
        except (ValueError, RecursionError):
            raise not_json(WHAT, str(problem), body, endpoint) from problem
    error = error_in_answer(answer, endpoint, body)
    if error is not None:
        raise error
    if answer.output is None:
        raise not_expected("output", body, endpoint)
    parts: list[Part] = []
    for position, item in enumerate(answer.output):
        parts.extend(decode_item(item, position, answer.id or None, parts[-1] if parts else None))
    response = Response(
        tuple(parts),
        finish_of(answer, calls=any(isinstance(part, ToolCall) for part in parts)),
        usage_of(answer.usage),
        answer.id or None,
        answer.model or None,
        answer.provider or None,
        whole_number(answer.created_at),
    )
    return response, frozenset(unmodelled_paths(body)) if report else frozenset()


def error_in_answer(answer: WireAnswer, endpoint: Endpoint, body: bytes) -> ModelError | None:
    """The error of an answer that failed."""
    value = answer.error
    if not value and answer.status != "failed":
        return None
    return failure({"error": value or "the provider failed while it answered"}, endpoint, answer.id or None, body)


def encode_response(response: Response) -> bytes:
    """The answer as a server of this wire writes it."""
    output: list[dict[str, Any]] = []
    for parts in in_messages(response.parts):
        item = encode_item(parts, len(output), response.id)
        if item is not None:
            output.append(item)
    head = answer_head(response.id, response.model, response.provider, response.created)
    end: dict[str, Any] = encode_finish(response.finish)
    return _encode(answer_body(head, output, end, None if response.usage is None else encode_usage(response.usage)))


def answer_head(identifier: str | None, model: str | None, provider: str | None, created: int | None) -> dict[str, Any]:
    """What an answer begins with; what is not known is left out."""
    head: dict[str, Any] = {"id": identifier, "created_at": created, "model": model, "provider": provider}
    return {"object": "response", **{key: value for key, value in head.items() if value is not None}}


def answer_body(
    head: dict[str, Any], output: list[dict[str, Any]], end: dict[str, Any], usage: dict[str, Any] | None
) -> dict[str, Any]:
    """The response object. The last four repeat a request, as OpenAI's own clients expect; they say its defaults."""
    error = {"code": "server_error", "message": "the model failed while it answered"}
    return {
        **head,
        **end,
        "error": error if end.get("status") == "failed" else None,
        "output": output,
        "usage": usage,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
