r"""A whole answer, both ways: ``b'\n  \n{"id": …}' <-> Response``.

White space around the body is allowed: a gateway keeps a slow connection alive by padding it. An error inside a 200 is
raised as what it is. Of several choices the first is taken, the others are reported.

JSON holds an answer's parts in one order: reasoning, text, refusal, files, tool calls, sources. A response whose parts
stand otherwise is written in that order.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import Endpoint
from playhead.dialects.no_answer import not_expected, not_json
from playhead.dialects.openai_chat.answer import (
    WireAnswer,
    WireCall,
    WireMessage,
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
from playhead.dialects.openai_chat.content import NAME, call_data, encode_file
from playhead.dialects.openai_chat.errors import error_in_answer
from playhead.dialects.openai_chat.lenient import read_leniently
from playhead.dialects.openai_chat.reasoning import Chunks, detail_text
from playhead.dialects.openai_chat.report import unmodelled_paths
from playhead.messages import File, Opaque, Part, Reasoning, Refusal, Source, Text, ToolCall
from playhead.response import FinishReason, Response, Usage

_encode = msgspec.json.Encoder(decimal_format="number").encode


def decode_response(body: bytes, endpoint: Endpoint, report: bool = False) -> tuple[Response, frozenset[str]]:
    """A whole answer and, where ``report`` asks for them, the paths in it that the vocabulary does not model.

    Raises:
        ModelError: the body is an error inside a 200, of the class that fits it.
        CutStreamError: the body is empty, or ends before its JSON does.
        ProtocolError: it is not JSON, or not of this wire's shape; the message says where.
    """
    answer = parse_answer(body, endpoint, "a chat completion")
    error = error_in_answer(answer, endpoint, body)
    if error is not None:
        raise error
    first = [choice for choice in answer.choices or () if not choice.index]
    message = first[0].message if first else None
    if first and message is None and first[0].finish_reason == "content_filter":  # Azure: all of it was filtered
        message = WireMessage()
    if message is None:
        raise not_expected("choices[0].message", body, endpoint)
    choice = first[0]
    parts: list[Part] = []
    details = message.reasoning_details
    thought = message.reasoning if message.reasoning is not None else message.reasoning_content
    if thought is None:
        thought = "".join(map(detail_text, details)) if details else ""
    if type(message.content) is list:
        inside = Chunks()
        thought += "".join(map(inside.add, chunks_of(message.content)))
        details = details or inside.kept()
    if thought or details:
        parts.append(Reasoning(thought, Opaque(NAME, details) if details else None))
    text = text_of(message.content) or (message.audio.transcript if message.audio is not None else "")
    if text:
        parts.append(Text(text))
    refusal = refusal_of(message)
    if refusal:
        parts.append(Refusal(refusal))
    if message.images or type(message.content) is list:
        parts.extend(files_of(message))
    taken: dict[str, int] = {}
    for position, call in enumerate(message.tool_calls or ()):
        parts.append(_call(call, unique_id(call.id or made_id(position, answer.id), taken)))
    if message.annotations:
        parts.extend(sources_of(message))
    usage = answer.usage or choice.usage or (answer.x_groq.usage if answer.x_groq is not None else None)
    response = Response(
        tuple(parts),
        finish_of(choice),
        None if usage is None else usage_of(usage),
        answer.id or None,
        answer.model or None,
        answer.provider or None,
        whole_number(answer.created),
    )
    return response, frozenset(unmodelled_paths(body)) if report else frozenset()


def _call(call: WireCall, identifier: str) -> ToolCall:
    name = call.function.name if call.function is not None else None
    return ToolCall(
        identifier,
        name or "",
        arguments_of(call.function),
        opaque=call_data(call.extra_content),
    )


def parse_answer(body: bytes, endpoint: Endpoint, what: str, *, whole: bool = True) -> WireAnswer:
    """The JSON of a whole answer, or of one chunk of a stream.

    Raises:
        CutStreamError: a whole answer is empty, or ends before its JSON does.
        ProtocolError: it is none; the message shows where it begins.
    """
    try:
        return decode_answer(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        answer = read_leniently(body, whole=whole)
        if answer is not None:
            return answer
        raise not_json(what, str(error), body, endpoint, whole=whole) from error


def encode_response(response: Response) -> bytes:
    """The answer as a server of this wire writes it."""
    body = answer_head(response.id, response.model, response.provider, response.created, "chat.completion")
    body["choices"] = [
        {
            "index": 0,
            "logprobs": None,
            **encode_finish(response.finish),
            "message": _message(response.parts, response.id),
        }
    ]
    if response.usage is not None:
        body["usage"] = encode_usage(response.usage)
    return _encode(body)


def answer_head(
    identifier: str | None, model: str | None, provider: str | None, created: int | None, kind: str
) -> dict[str, Any]:
    """What a whole answer and every chunk begin with; what is not known is left out."""
    head: dict[str, Any] = {"id": identifier, "provider": provider, "model": model, "created": created}
    head = {key: value for key, value in head.items() if value is not None}
    head["object"] = kind
    return head


def encode_finish(finish: FinishReason) -> dict[str, Any]:
    """``finish_reason`` and, where the raw word is another or none, ``native_finish_reason``."""
    if finish.raw == finish.unified:
        return {"finish_reason": finish.unified}
    return {"finish_reason": finish.unified, "native_finish_reason": finish.raw}


def encode_usage(usage: Usage) -> dict[str, Any]:
    """``usage``; a count that was not reported is left out."""
    said: dict[str, Any] = {}
    if usage.input_tokens is not None:
        said["prompt_tokens"] = usage.input_tokens
    if usage.output_tokens is not None:
        said["completion_tokens"] = usage.output_tokens
    if usage.input_tokens is not None and usage.output_tokens is not None:
        said["total_tokens"] = usage.input_tokens + usage.output_tokens
    prompt = {"cached_tokens": usage.cached_tokens, "cache_write_tokens": usage.cache_write_tokens}
    prompt = {key: value for key, value in prompt.items() if value is not None}
    if prompt:
        said["prompt_tokens_details"] = prompt
    if usage.reasoning_tokens is not None:
        said["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    if usage.cost is not None:
        said["cost"] = usage.cost
    return said


def encode_reasoning(text: str, opaque: Opaque | None) -> dict[str, Any]:
    """The reasoning fields of a message or delta: the text, and the details where this dialect made them."""
    said: dict[str, Any] = {"reasoning": text}
    if opaque is not None and opaque.origin == NAME:
        said["reasoning_details"] = opaque.value
    return said


def encode_source(source: Source) -> dict[str, Any]:
    """One ``url_citation`` of ``annotations``."""
    said: dict[str, Any] = {
        "url": source.url,
        "title": source.title,
        "start_index": source.start,
        "end_index": source.end,
    }
    said = {key: value for key, value in said.items() if value is not None}
    if source.opaque is not None and source.opaque.origin == NAME:
        said.update(source.opaque.value)
    return {"type": "url_citation", "url_citation": said}


def encode_call(call: ToolCall, position: int, response_id: str | None) -> dict[str, Any]:
    """One entry of ``tool_calls``; a call without an id is written with the one that a reader would make for it."""
    identifier = call.id or made_id(position, response_id)
    said: dict[str, Any] = {"index": position, "id": identifier, "type": "function"}
    said["function"] = {"name": call.name, "arguments": call.arguments}
    if call.opaque is not None and call.opaque.origin == NAME:
        said.update(call.opaque.value)
    return said


def _message(parts: tuple[Part, ...], response_id: str | None) -> dict[str, Any]:
    texts = [part.text for part in parts if isinstance(part, Text)]
    refusals = [part.text for part in parts if isinstance(part, Refusal)]
    thoughts = [part for part in parts if isinstance(part, Reasoning)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    if thoughts:
        details: list[Any] = []
        for part in thoughts:
            if part.opaque is not None and part.opaque.origin == NAME:
                details.extend(part.opaque.value)
        opaque = Opaque(NAME, details) if details else None
        message.update(encode_reasoning("".join(part.text for part in thoughts), opaque))
    files = [encode_file(part) for part in parts if isinstance(part, File)]
    if files:
        message["images"] = files
    calls = [part for part in parts if isinstance(part, ToolCall)]
    if calls:
        message["tool_calls"] = [encode_call(call, position, response_id) for position, call in enumerate(calls)]
    sources = [encode_source(part) for part in parts if isinstance(part, Source)]
    if sources:
        message["annotations"] = sources
    return message
