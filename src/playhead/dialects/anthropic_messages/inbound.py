"""A request as it came in: the reverse of :mod:`.request`, for tapes and for a server of this wire.

The rule: ``encode_request(decode_request(b))`` is the same JSON as ``b``, or the difference is reported. It is kept
by doing just that: the hand is inferred, the request is decoded and encoded again, and every path where the two bodies
differ is in ``unmodelled``. So a field nobody knows, a block with a key of its own, or a body written in two hands at
once cannot pass in silence.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.anthropic_messages.address import decode_address
from playhead.dialects.anthropic_messages.content import (
    NAME,
    decode_block,
    decode_file,
    kept_in_result,
    lone_data,
    text_data,
)
from playhead.dialects.anthropic_messages.fields import CARRIED
from playhead.dialects.anthropic_messages.profile import Profile, infer_profile, is_function, is_results
from playhead.dialects.anthropic_messages.request import encode_request
from playhead.dialects.anthropic_messages.thinking import decode_thinking
from playhead.dialects.base import DecodedRequest
from playhead.dialects.cache_control import decode_cache
from playhead.dialects.received import compared, read_object
from playhead.dialects.unmodelled import expect, json_kind
from playhead.errors import BadRequestError
from playhead.messages import File, Message, Native, Opaque, Part, Text, ToolCall, ToolResult
from playhead.request import NamedTool, OutputSchema, Request, ToolChoice, ToolSpec
from playhead.wire import HTTPRequest, header


def decode_request(http: HTTPRequest, base: Profile | None = None) -> DecodedRequest:
    """What a recorded or received request means, the hand it was written in, and what was not modelled.

    ``base`` is the profile of the speaker where it is known: what this request does not show is taken from it.

    Raises:
        BadRequestError: the body is no Messages request; the message says where.
    """
    body = read_object(http.body)
    address = decode_address(http.url, base if base is not None else Profile())
    known = address.profile
    version = header(http.headers, "anthropic-version")
    if known.service == "api" and version:
        known = msgspec.structs.replace(known, version=version)
    profile = infer_profile(body, known)
    model = body.get("model", "") if address.model is None else address.model
    stream = body.get("stream") is True if address.stream is None else address.stream
    request = _request(body, profile, expect(model, str, "model", "a string"), stream)
    betas = header(http.headers, "anthropic-beta")
    if betas and profile.betas_in == "header":
        request.options["anthropic_beta"] = [word.strip() for word in betas.split(",")]
    return compared(body, request, profile, encode_request)


def _number(body: dict[str, Any], name: str, *, whole: bool = False) -> Any:
    value = body.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int if whole else (int, float))):
        raise BadRequestError(f"a number expected at {name}, {json_kind(value)} came", status=400)
    return value


def _request(body: dict[str, Any], profile: Profile, model: str, stream: bool) -> Request:
    options = {name: value for name, value in body.items() if name in CARRIED}
    if "anthropic_beta" in body:
        options["anthropic_beta"] = body["anthropic_beta"]
    functions: list[ToolSpec] = []
    provided: list[Any] = []
    for tool in expect(body.get("tools") or [], list, "tools", "a list"):
        spec = _tool(tool, profile)
        if spec is None:
            provided.append(tool)
        else:
            functions.append(spec)
    if provided:
        options["tools"] = provided
    choice, parallel = _tool_choice(body, bool(functions or provided), profile, options)
    effort, output = _output(body, profile, options)
    reasoning, whole = decode_thinking(body.get("thinking"), effort, profile)
    if not whole or ("thinking" in body and body["thinking"] is None):
        options["thinking"] = body["thinking"]
    stop = expect(body.get("stop_sequences") or [], list, "stop_sequences", "a list")
    system = _system(body["system"], "system", profile) if "system" in body else ()
    return Request(
        model=model,
        messages=(*system, *_messages(expect(body.get("messages"), list, "messages", "a list"), profile)),
        tools=tuple(functions),
        tool_choice=choice,
        output=output,
        max_tokens=_number(body, "max_tokens", whole=True),
        temperature=_number(body, "temperature"),
        top_p=_number(body, "top_p"),
        stop=tuple(expect(word, str, f"stop_sequences[{n}]", "a string") for n, word in enumerate(stop)),
        parallel_tool_calls=parallel,
        reasoning=reasoning,
        stream=stream,
        options=options,
    )


_TOOL_FIELDS = frozenset(("type", "name", "description", "input_schema", "strict", "cache_control"))


def _tool(value: Any, profile: Profile) -> ToolSpec | None:
    """A function tool; None for one that the provider runs or defines, or that says more than the vocabulary holds."""
    match value:
        case {"name": str(name), "input_schema": dict(parameters)} if is_function(value):
            description, strict = value.get("description", ""), value.get("strict")
            cache = decode_cache(value.get("cache_control"))
            plain = value.keys() <= _TOOL_FIELDS and isinstance(description, str) and isinstance(strict, bool | None)
            if plain and (cache is not None or "cache_control" not in value):
                return ToolSpec(name, description, parameters, strict, cache)
            return None
        case _:
            return None


def _tool_choice(
    body: dict[str, Any], any_tools: bool, profile: Profile, options: dict[str, Any]
) -> tuple[ToolChoice | None, bool | None]:
    value = body.get("tool_choice")
    if value is None:
        if "tool_choice" in body:
            options["tool_choice"] = None
        return None, None
    parallel = False if isinstance(value, dict) and value.get("disable_parallel_tool_use") is True else None
    match value:
        case {"type": "auto"}:
            return (None if any_tools else "auto"), parallel
        case {"type": "any"}:
            return "required", parallel
        case {"type": "none"}:
            return "none", parallel
        case {"type": "tool", "name": str(name)}:
            return NamedTool(name), parallel
        case _:
            options["tool_choice"] = value
            return None, None


def _output(body: dict[str, Any], profile: Profile, options: dict[str, Any]) -> tuple[str | None, OutputSchema | None]:
    """The effort and the schema; what else is said beside them rides as an option."""
    effort: str | None = None
    output: OutputSchema | None = None
    if "output_format" in body:
        output = _schema(body["output_format"])
        if output is None:
            options["output_format"] = body["output_format"]
    config = body.get("output_config")
    if isinstance(config, dict):
        rest = dict(config)
        if isinstance(config.get("effort"), str):
            effort = rest.pop("effort")
        if output is None and profile.output == "output_config":
            output = _schema(config.get("format"))
            if output is not None:
                del rest["format"]
        if rest or not config:
            options["output_config"] = rest
    return effort, output


def _schema(value: Any) -> OutputSchema | None:
    match value:
        case {"type": "json_schema", "schema": dict(schema), **rest} if not rest:
            return OutputSchema("output", schema)
        case _:
            return None


def _system(content: Any, where: str, profile: Profile) -> tuple[Message, ...]:
    if isinstance(content, str):
        return (Message("system", (Text(content),)),)
    blocks = expect(content, list, where, "a string or a list")
    texts: list[Part] = []
    for n, block in enumerate(blocks):
        text = expect(block, dict, f"{where}[{n}]", "an object").get("text")
        cache = decode_cache(block.get("cache_control"))
        data = text_data(block) or lone_data(blocks, "system", profile)
        texts.append(Text(expect(text, str, f"{where}[{n}].text", "a string"), cache, data))
    return (Message("system", tuple(texts)),) if texts else ()


def _messages(values: list[Any], profile: Profile) -> tuple[Message, ...]:
    names: dict[str, str] = {}  # which tool a call's id asked for, to name its result
    messages: list[Message] = []
    for position, value in enumerate(values):
        where = f"messages[{position}]"
        expect(value, dict, where, "an object")
        role, content = value.get("role"), value.get("content")
        if role == "system":
            messages += _system(content, f"{where}.content", profile)
        elif role not in ("user", "assistant"):
            raise BadRequestError(
                f"a role of user, assistant or system expected at {where}.role, {role!r} came", status=400
            )
        elif isinstance(content, str):
            messages.append(Message(role, (Text(content),)))
        else:
            blocks = expect(content, list, f"{where}.content", "a string or a list")
            parts: list[Part] = []
            for n, block in enumerate(blocks):
                place = f"{where}.content[{n}]"
                expect(block, dict, place, "an object")
                if role == "assistant":
                    parts += _said_by_assistant(block, place, names)
                else:
                    parts.append(_said_by_user(block, place, names, profile))
            data = lone_data(blocks, role, profile)
            if data is not None and isinstance(parts[0], Text):
                parts[0] = msgspec.structs.replace(parts[0], opaque=data)
            messages.append(Message("tool" if is_results(value) else role, tuple(parts)))
    return tuple(messages)


def _said_by_assistant(block: dict[str, Any], where: str, names: dict[str, str]) -> list[Part]:
    parts = decode_block(block, history=True)
    if parts is None:
        raise BadRequestError(f"a block of type {block.get('type')!r} is not of its shape at {where}", status=400)
    for part in parts:
        if isinstance(part, ToolCall):
            names[part.id] = part.name
    return parts


def _said_by_user(block: dict[str, Any], where: str, names: dict[str, str], profile: Profile) -> Part:
    match block:
        case {"type": "text", "text": str(text)}:
            return Text(text, decode_cache(block.get("cache_control")), text_data(block))
        case {"type": "tool_result"}:
            return _result(block, where, names, profile)
        case {"type": "image" | "document"}:
            return decode_file(block) or _native(block)
        case {"type": str(kind)} if kind != "text":
            return _native(block)
        case _:
            raise BadRequestError(f"a block of type {block.get('type')!r} is not of its shape at {where}", status=400)


def _native(block: dict[str, Any]) -> Native:
    return Native(block["type"], Opaque(NAME, block))


def _result(block: dict[str, Any], where: str, names: dict[str, str], profile: Profile) -> ToolResult:
    call_id = expect(block.get("tool_use_id"), str, f"{where}.tool_use_id", "a string")
    said = block.get("content")
    content: list[Text | File] = []
    if isinstance(said, str):
        content.append(Text(said))
    elif said is not None:
        for n, inner in enumerate(expect(said, list, f"{where}.content", "a string or a list")):
            match expect(inner, dict, f"{where}.content[{n}]", "an object"):
                case {"type": "text", "text": str(text)}:
                    data = text_data(inner) or lone_data(said, "tool", profile)
                    content.append(Text(text, decode_cache(inner.get("cache_control")), data))
                case {"type": "image" | "document"}:
                    content.append(decode_file(inner) or kept_in_result(inner))
                case {"type": str()}:
                    content.append(kept_in_result(inner))
                case _:
                    pass  # reported: the body that is encoded again has it not
    cache = decode_cache(block.get("cache_control"))
    return ToolResult(call_id, names.get(call_id, ""), tuple(content), block.get("is_error") is True, cache)
