"""A request as it came in: the reverse of :mod:`.request`, for tapes and for a server of this wire.

The rule: ``encode_request(decode_request(b))`` is the same JSON as ``b``, or the difference is reported. It is kept
by doing just that: the hand is inferred, the request is decoded and encoded again, and every path where the two bodies
differ is in ``unmodelled``.

The flat list of items becomes messages: what an assistant said between two turns of others is one message, however
many items it was; outputs of tools that follow each other are one message of results. An item that the vocabulary has
no word for (a call of the provider's own tools and its output, a reference, a compaction) is kept whole.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import DecodedRequest
from playhead.dialects.openai_output import decode_schema
from playhead.dialects.openai_responses.content import BREAKPOINT, NAME, decode_input
from playhead.dialects.openai_responses.fields import CARRIED, ENCRYPTED
from playhead.dialects.openai_responses.items import HISTORY, decode_item
from playhead.dialects.openai_responses.profile import Profile, infer_profile
from playhead.dialects.openai_responses.request import encode_request
from playhead.dialects.received import compared, read_object
from playhead.dialects.unmodelled import expect
from playhead.errors import BadRequestError
from playhead.messages import File, Message, Native, Opaque, Part, Role, Text, ToolCall, ToolResult
from playhead.request import NamedTool, OutputSchema, ReasoningSettings, Request, ToolChoice, ToolSpec
from playhead.wire import HTTPRequest


def decode_request(http: HTTPRequest, base: Profile | None = None) -> DecodedRequest:
    """What a recorded or received request means, the hand it was written in, and what was not modelled.

    ``base`` is the profile of the speaker where it is known: what this request does not show (how answers go back,
    when none did yet) is taken from it.

    Raises:
        BadRequestError: the body is no responses request; the message says where.
    """
    body = read_object(http.body)
    profile = infer_profile(body, base if base is not None else Profile())
    request = _request(body, profile)
    return compared(body, request, profile, encode_request)


def _request(body: dict[str, Any], profile: Profile) -> Request:
    options = {name: value for name, value in body.items() if name in CARRIED}
    if "store" in options and options["store"] is profile.store and profile.store is not None:
        del options["store"]
    if options.get("include") is not None:
        expect(options["include"], list, "include", "a list")
    if options.get("include") == [ENCRYPTED]:
        del options["include"]
    tools = expect(body.get("tools") or [], list, "tools", "a list")
    functions: list[ToolSpec] = []
    for n, value in enumerate(tools):
        if expect(value, dict, f"tools[{n}]", "an object").get("type") == "function":
            functions.append(_tool(value, profile))
        else:
            options.setdefault("tools", []).append(value)
    choice = _tool_choice(body.get("tool_choice"), bool(tools), profile)
    if choice is None and "tool_choice" in body and not (tools and body["tool_choice"] == "auto"):
        options["tool_choice"] = body["tool_choice"]
    reasoning = body.get("reasoning")
    settings = None
    if isinstance(reasoning, dict):
        effort = reasoning.get("effort")
        rest = {key: value for key, value in reasoning.items() if key != "effort" or not isinstance(effort, str)}
        settings = ReasoningSettings(effort=effort) if isinstance(effort, str) else None
        if rest or settings is None:
            options["reasoning"] = rest
    output = None
    if isinstance(body.get("text"), dict):
        text = dict(body["text"])
        output = _output(text.get("format"))
        if output is not None:
            del text["format"]
        if text or output is None:
            options["text"] = text
    options.update({name: None for name in ("tools", "reasoning", "text") if body.get(name, "") is None})
    if body.get("tools") == []:
        options["tools"] = []
    if "instructions" in body and not isinstance(body["instructions"], str):
        options["instructions"] = body["instructions"]
    said = body.get("input")
    messages = (
        (Message("user", (Text(said),)),)
        if isinstance(said, str)
        else _messages(expect(said if said is not None else [], list, "input", "a string or a list"), profile)
    )
    if isinstance(body.get("instructions"), str):
        messages = (Message("system", (Text(body["instructions"]),)), *messages)
    return Request(
        model=expect(body.get("model", ""), str, "model", "a string"),
        messages=messages,
        tools=tuple(functions),
        tool_choice=choice,
        output=output,
        max_tokens=body.get("max_output_tokens"),
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        parallel_tool_calls=body.get("parallel_tool_calls"),
        reasoning=settings,
        stream=body.get("stream") is True,
        options=options,
    )


def _tool(value: dict[str, Any], profile: Profile) -> ToolSpec:
    name, description, parameters = (value.get(key) for key in ("name", "description", "parameters"))
    strict = value.get("strict")
    default = strict is False and profile.strict_default == "false"
    return ToolSpec(
        name if isinstance(name, str) else "",
        description if isinstance(description, str) else "",
        parameters if isinstance(parameters, dict) else {},
        strict=strict if isinstance(strict, bool) and not default else None,
    )


def _tool_choice(value: Any, tools: bool, profile: Profile) -> ToolChoice | None:
    match value:
        case "auto" if tools and profile.tool_choice_auto:
            return None
        case "auto" | "none" | "required":
            choice: ToolChoice = value
            return choice
        case {"type": "function", "name": str(name)}:
            return NamedTool(name)
        case _:
            return None


def _output(value: Any) -> OutputSchema | None:
    match value:
        case {"type": "json_object"} if len(value) == 1:
            return OutputSchema("json", None)
        case {"type": "json_schema"}:
            return decode_schema(value)
        case _:
            return None


#: What a client answers to the provider's own tools; such an item stands in a message of the user's.
_FROM_CLIENT = ("_output", "_response")


def _messages(items: list[Any], profile: Profile) -> tuple[Message, ...]:
    messages: list[tuple[Role, list[Part]]] = []
    names: dict[str, str] = {}  # which tool a call's id asked for, to name its result

    def add(role: Role, parts: list[Part], *, join: bool) -> None:
        if join and messages and messages[-1][0] == role:
            messages[-1][1].extend(parts)
        else:
            messages.append((role, parts))

    for position, item in enumerate(items):
        where = f"input[{position}]"
        expect(item, dict, where, "an object")
        kind, role = item.get("type"), item.get("role")
        if kind is None and role is None:
            raise BadRequestError(f"a type or a role expected at {where}, neither came", status=400)
        if kind in (None, "message") and role != "assistant":
            if role not in ("system", "developer", "user"):
                raise BadRequestError(
                    f"a role of system, developer, user or assistant expected at {where}.role, {role!r} came",
                    status=400,
                )
            add("user" if role == "user" else "system", _input_message(item, where, profile), join=False)
        elif kind in ("function_call_output", "custom_tool_call_output"):
            add("tool", [_result(item, str(kind), where, names)], join=True)
        elif kind != "message" and str(kind).endswith(_FROM_CLIENT):
            add("user", [Native(str(kind), Opaque(NAME, item))], join=False)
        else:
            before = messages[-1][1][-1] if messages and messages[-1][0] == "assistant" else None
            parts = decode_item(item, position, HISTORY, before)
            names.update((part.id, part.name) for part in parts if isinstance(part, ToolCall))
            add("assistant", parts, join=True)
    return tuple(Message(role, tuple(parts)) for role, parts in messages)


def _input_message(item: dict[str, Any], where: str, profile: Profile) -> list[Part]:
    parts = _content(item.get("content"), f"{where}.content")
    extras = {key: value for key, value in item.items() if key not in ("type", "role", "content")}
    if item["role"] not in ("user", profile.system_role):
        extras["role"] = item["role"]
    return _with_item(parts, extras)


def _with_item(parts: list[Part], extras: dict[str, Any]) -> list[Part]:
    """The parts, with what their item has beside kept by the first, where that is a text."""
    if extras and parts and isinstance(first := parts[0], Text):
        kept = {"item": extras, **(first.opaque.value if first.opaque is not None else {})}
        parts[0] = msgspec.structs.replace(first, opaque=Opaque(NAME, kept))
    return parts


def _content(content: Any, where: str) -> list[Part]:
    if isinstance(content, str):
        return [Text(content)]
    parts: list[Part] = []
    for position, value in enumerate(expect(content, list, where, "a string or a list")):
        said = expect(value, dict, f"{where}[{position}]", "an object")
        part = decode_input(said)
        if isinstance(part, Text):
            mark = {"prompt_cache_breakpoint"} if said.get("prompt_cache_breakpoint") == BREAKPOINT else set()
            extras = {key: said[key] for key in said.keys() - {"text"} - mark if (key, said[key]) != _PLAIN}
            if extras:
                part = msgspec.structs.replace(part, opaque=Opaque(NAME, {"part": extras}))
        parts.append(part)
    return parts


_PLAIN = ("type", "input_text")


def _result(item: dict[str, Any], kind: str, where: str, names: dict[str, str]) -> ToolResult:
    call_id, name = item.get("call_id"), item.get("name")
    call_id = call_id if isinstance(call_id, str) else ""
    parts = _content(item.get("output"), f"{where}.output")
    extras = {key: value for key, value in item.items() if key not in ("type", "call_id", "output")}
    if kind != "function_call_output":
        extras["type"] = kind
    content = tuple(part for part in _with_item(parts, extras) if isinstance(part, Text | File))
    return ToolResult(call_id, name if isinstance(name, str) else names.get(call_id, ""), content)
