"""A request as it came in: the reverse of :mod:`.request`, for tapes and for a server of this wire.

The rule: ``encode_request(decode_request(b))`` is the same JSON as ``b``, or the difference is reported. It is kept
by doing just that: the hand is inferred, the request is decoded and encoded again, and every path where the two bodies
differ is in ``unmodelled``. So a field nobody knows, a message with a key of its own, or a body written in two hands at
once cannot pass in silence.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import DecodedRequest
from playhead.dialects.cache_control import decode_cache
from playhead.dialects.openai_chat.content import NAME, call_data, decode_images, decode_part
from playhead.dialects.openai_chat.fields import CARRIED, EXTRA, MODELLED
from playhead.dialects.openai_chat.profile import Profile, infer_profile
from playhead.dialects.openai_chat.reasoning import chunk_text, detail_text, encode_chunk, is_chunk
from playhead.dialects.openai_chat.request import encode_request
from playhead.dialects.openai_output import decode_schema
from playhead.dialects.received import compared, read_object
from playhead.dialects.unmodelled import expect
from playhead.errors import BadRequestError
from playhead.messages import File, Message, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from playhead.request import NamedTool, OutputSchema, ReasoningSettings, Request, ToolChoice, ToolSpec
from playhead.wire import HTTPRequest

_REASONING_FIELDS = frozenset(ReasoningSettings.__struct_fields__)


def decode_request(http: HTTPRequest, base: Profile | None = None) -> DecodedRequest:
    """What a recorded or received request means, the hand it was written in, and what was not modelled.

    ``base`` is the profile of the speaker where it is known: what this request does not show (where reasoning goes
    back, when none did yet) is taken from it.

    Raises:
        BadRequestError: the body is no chat request; the message says where.
    """
    body = read_object(http.body)
    profile = infer_profile(body, base if base is not None else Profile())
    request = _request(body, profile)
    return compared(body, request, profile, encode_request, known=request.options.get(EXTRA, ()))


def _request(body: dict[str, Any], profile: Profile) -> Request:
    options = {name: value for name, value in body.items() if name in CARRIED}
    unknown = {name: value for name, value in body.items() if name not in CARRIED and name not in MODELLED}
    if unknown:
        options[EXTRA] = unknown
    if "usage" in body and not profile.usage_include:
        options["usage"] = body["usage"]
    if "stream_options" in body and not (body.get("stream") is True and profile.stream_usage):
        options["stream_options"] = body["stream_options"]
    tools = tuple(
        tool
        for n, value in enumerate(expect(body.get("tools") or [], list, "tools", "a list"))
        if (tool := _tool(expect(value, dict, f"tools[{n}]", "an object"))) is not None
    )
    output = _output(body.get("response_format"))
    if output is None and "response_format" in body:
        options["response_format"] = body["response_format"]
    choice = _tool_choice(body.get("tool_choice"), tools, profile)
    if choice is None and "tool_choice" in body and not (tools and body["tool_choice"] == "auto"):
        options["tool_choice"] = body["tool_choice"]
    stop = body.get("stop")
    return Request(
        model=expect(body.get("model", ""), str, "model", "a string"),
        messages=_messages(expect(body.get("messages"), list, "messages", "a list")),
        tools=tools,
        tool_choice=choice,
        output=output,
        max_tokens=body.get(profile.max_tokens_field),
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop) if isinstance(stop, list) else (),
        seed=body.get(profile.seed_field),
        parallel_tool_calls=body.get("parallel_tool_calls"),
        reasoning=_reasoning_settings(body, profile, options),
        stream=body.get("stream") is True,
        options=options,
    )


def _tool(value: dict[str, Any]) -> ToolSpec | None:
    function = value.get("function")
    if value.get("type", "function") != "function" or not isinstance(function, dict):
        return None
    name, description, parameters = (function.get(key) for key in ("name", "description", "parameters"))
    strict = function.get("strict")
    return ToolSpec(
        name if isinstance(name, str) else "",
        description if isinstance(description, str) else "",
        parameters if isinstance(parameters, dict) else {},
        strict=True if strict is True else None,
        cache=decode_cache(value.get("cache_control")),
    )


def _tool_choice(value: Any, tools: tuple[ToolSpec, ...], profile: Profile) -> ToolChoice | None:
    match value:
        case "auto" if tools and profile.tool_choice_auto:
            return None
        case "any":
            return "required"
        case "auto" | "none" | "required":
            choice: ToolChoice = value
            return choice
        case {"type": "function", "function": {"name": str(name)}}:
            return NamedTool(name)
        case _:
            return None


def _output(value: Any) -> OutputSchema | None:
    match value:
        case {"type": "json_object"} if len(value) == 1:
            return OutputSchema("json", None)
        case {"type": "json_schema", "json_schema": said}:
            return decode_schema(said)
        case _:
            return None


def _reasoning_settings(body: dict[str, Any], profile: Profile, options: dict[str, Any]) -> ReasoningSettings | None:
    settings, effort = body.get("reasoning"), body.get("reasoning_effort")
    if profile.reasoning_request != "reasoning" and profile.thinking_switch == "thinking" and "thinking" in body:
        enabled = options.pop("thinking") == {"type": "enabled"}
        return ReasoningSettings(effort=effort if isinstance(effort, str) else None, enabled=enabled)
    if profile.reasoning_request == "reasoning":
        if "reasoning_effort" in body:
            options["reasoning_effort"] = effort
        if isinstance(settings, dict) and settings.keys() <= _REASONING_FIELDS and None not in settings.values():
            return ReasoningSettings(**settings)
    elif isinstance(effort, str):
        return ReasoningSettings(effort=effort)
    elif "reasoning_effort" in body:
        options["reasoning_effort"] = effort
    if "reasoning" in body:
        options["reasoning"] = settings
    return None


def _messages(values: list[Any]) -> tuple[Message, ...]:
    names: dict[str, str] = {}  # which tool a call's id asked for, to name its result
    messages = []
    for position, value in enumerate(values):
        where = f"messages[{position}]"
        expect(value, dict, where, "an object")
        role = value.get("role")
        if role == "assistant":
            messages.append(_assistant(value, where, names))
        elif role == "tool":
            messages.append(Message("tool", (_result(value, where, names),)))
        elif role in ("system", "developer", "user"):
            name = value.get("name")
            messages.append(
                Message(
                    "user" if role == "user" else "system",
                    tuple(_content(value, where)),
                    name if isinstance(name, str) else None,
                )
            )
        else:
            raise BadRequestError(
                f"a role of system, developer, user, assistant or tool expected at {where}.role, {role!r} came",
                status=400,
            )
    return tuple(messages)


def _content(message: dict[str, Any], where: str) -> list[Text | File]:
    """The content's parts; a mark on the whole message is held by its last part."""
    content = message.get("content")
    parts: list[Text | File] = []
    if isinstance(content, str):
        parts.append(Text(content))
    elif content is not None:
        for position, value in enumerate(expect(content, list, f"{where}.content", "a string or a list")):
            part = decode_part(expect(value, dict, f"{where}.content[{position}]", "an object"))
            if part is not None:
                cache = decode_cache(value.get("cache_control"))
                parts.append(part if cache is None else msgspec.structs.replace(part, cache=cache))
    mark = decode_cache(message.get("cache_control"))
    if mark is not None and parts:
        parts[-1] = msgspec.structs.replace(parts[-1], cache=mark)
    return parts


def _assistant(value: dict[str, Any], where: str, names: dict[str, str]) -> Message:
    parts: list[Part] = []
    details, text = value.get("reasoning_details"), value.get("reasoning")
    if isinstance(details, list):
        said = text if isinstance(text, str) else "".join(map(detail_text, details))
        parts.append(Reasoning(said, Opaque(NAME, details)))
    elif isinstance(text, str):
        parts.append(Reasoning(text))
    elif isinstance(value.get("reasoning_content"), str):
        parts.append(Reasoning(value["reasoning_content"]))
    refusals: list[Part] = []
    content = value.get("content")
    if isinstance(content, list):  # here a refusal may also stand as a part, and Mistral's reasoning
        parts.extend(map(_thought, filter(is_chunk, content)))
        refusals = [
            Refusal(part["refusal"])
            for part in content
            if isinstance(part, dict) and part.get("type") == "refusal" and isinstance(part.get("refusal"), str)
        ]
    parts.extend(_content(value, where))
    parts.extend(refusals)
    if isinstance(value.get("refusal"), str):
        parts.append(Refusal(value["refusal"]))
    parts.extend(decode_images(value.get("images")))
    for position, call in enumerate(expect(value.get("tool_calls") or [], list, f"{where}.tool_calls", "a list")):
        expect(call, dict, f"{where}.tool_calls[{position}]", "an object")
        function = call.get("function")
        if not isinstance(function, dict):
            continue
        identifier, name, arguments = call.get("id"), function.get("name"), function.get("arguments")
        made = ToolCall(
            identifier if isinstance(identifier, str) else "",
            name if isinstance(name, str) else "",
            arguments if isinstance(arguments, str) else "",
            decode_cache(call.get("cache_control")),
            call_data(call.get("extra_content")),
        )
        names[made.id] = made.name
        parts.append(made)
    name = value.get("name")
    return Message("assistant", tuple(parts), name if isinstance(name, str) else None)


def _thought(chunk: dict[str, Any]) -> Reasoning:
    text = chunk_text(chunk)
    return Reasoning(text, None if chunk == encode_chunk(text) else Opaque(NAME, [chunk]))


def _result(value: dict[str, Any], where: str, names: dict[str, str]) -> ToolResult:
    call_id, name = value.get("tool_call_id"), value.get("name")
    call_id = call_id if isinstance(call_id, str) else ""
    content = _content(value, where)
    cache = None
    if content and content[-1].cache is not None:
        cache = content[-1].cache
        content[-1] = msgspec.structs.replace(content[-1], cache=None)
    return ToolResult(call_id, name if isinstance(name, str) else names.get(call_id, ""), tuple(content), cache=cache)
