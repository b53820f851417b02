"""A request as it came in: the reverse of :mod:`.request`, for tapes and for a server of this wire.

The rule: ``encode_request(decode_request(b))`` is the same JSON as ``b``, or the difference is reported. It is kept
by doing just that: the hand is inferred, the request is decoded and encoded again, and every path where the two bodies
differ is in ``unmodelled``. So a field nobody knows, a block with a key of its own, or a body written in two hands at
once cannot pass in silence.

A user's message that holds tools' results beside other things becomes several, of which each is of one kind: they are
joined again on their way out.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import DecodedRequest
from playhead.dialects.bedrock_converse.address import decode_address
from playhead.dialects.bedrock_converse.content import (
    decode_block,
    decode_cache,
    kept,
    kept_in_result,
    marked,
)
from playhead.dialects.bedrock_converse.fields import CARRIED
from playhead.dialects.bedrock_converse.files import KINDS, decode_file
from playhead.dialects.bedrock_converse.profile import Profile, infer_profile
from playhead.dialects.bedrock_converse.request import encode_format, encode_request, encode_tool
from playhead.dialects.bedrock_converse.thinking import decode_thinking
from playhead.dialects.received import compared, read_object
from playhead.dialects.unmodelled import expect, json_kind
from playhead.errors import BadRequestError
from playhead.messages import File, Message, Part, Role, Text, ToolCall, ToolResult
from playhead.request import NamedTool, OutputSchema, Request, ToolChoice, ToolSpec
from playhead.wire import HTTPRequest


def decode_request(http: HTTPRequest, base: Profile | None = None) -> DecodedRequest:
    """What a recorded or received request means, the hand it was written in, and what was not modelled.

    ``base`` is the profile of the speaker where it is known: what this request does not show is taken from it.

    Raises:
        BadRequestError: the body is no Converse request; the message says where.
    """
    body = read_object(http.body)
    model, stream, known = decode_address(http.url, base if base is not None else Profile())
    profile = infer_profile(body, known)
    request = _request(body, profile, model, stream)
    return compared(body, request, profile, encode_request)


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    said: dict[str, Any] = expect(body.get(name, {}), dict, name, "an object")
    return dict(said)


def _number(config: dict[str, Any], name: str, *, whole: bool = False) -> Any:
    value = config.pop(name, None)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int if whole else (int, float))):
        raise BadRequestError(f"a number expected at inferenceConfig.{name}, {json_kind(value)} came", status=400)
    return value


def _request(body: dict[str, Any], profile: Profile, model: str, stream: bool) -> Request:
    options = {name: value for name, value in body.items() if name in CARRIED}
    inference = _object(body, "inferenceConfig")
    stop = expect(inference.pop("stopSequences", []), list, "inferenceConfig.stopSequences", "a list")
    tools, choice = _tools(body, options)
    output_config = _object(body, "outputConfig")
    output = _output(output_config)
    effort = output_config.get("effort")
    effort = effort if isinstance(effort, str) else None
    reasoning, more = decode_thinking(_object(body, "additionalModelRequestFields"), effort, profile)
    if reasoning is not None:
        output_config.pop("effort", None)
    system = _system(body["system"], "system") if "system" in body else ()
    said = Request(
        model=model,
        messages=(*system, *_messages(expect(body.get("messages", []), list, "messages", "a list"), profile)),
        tools=tools,
        tool_choice=choice,
        output=output,
        max_tokens=_number(inference, "maxTokens", whole=True),
        temperature=_number(inference, "temperature"),
        top_p=_number(inference, "topP"),
        stop=tuple(expect(word, str, f"inferenceConfig.stopSequences[{n}]", "a string") for n, word in enumerate(stop)),
        reasoning=reasoning,
        stream=stream,
        options=options,
    )
    rests = {"inferenceConfig": inference, "outputConfig": output_config, "additionalModelRequestFields": more}
    options.update((name, rest) for name, rest in rests.items() if rest or body.get(name) == {})
    return said


def _tools(body: dict[str, Any], options: dict[str, Any]) -> tuple[tuple[ToolSpec, ...], ToolChoice | None]:
    config = _object(body, "toolConfig")
    functions: list[ToolSpec] = []
    provided: list[Any] = []
    follows = False  # whether the tool before is a function, which a mark would be on
    for tool in expect(config.pop("tools", []), list, "toolConfig.tools", "a list"):
        cache = decode_cache(tool)
        if cache is not None and follows and functions[-1].cache is None:
            functions[-1] = msgspec.structs.replace(functions[-1], cache=cache)
            continue
        spec = _tool(tool)
        follows = spec is not None
        if spec is None:
            provided.append(tool)
        else:
            functions.append(spec)
    choice = _choice(config.get("toolChoice"))
    if choice == "auto":
        del config["toolChoice"]
        choice = None if functions or provided else "auto"
    elif choice is not None:
        del config["toolChoice"]
    if provided:
        config["tools"] = provided
    if config or body.get("toolConfig") == {}:
        options["toolConfig"] = config
    return tuple(functions), choice


def _tool(value: Any) -> ToolSpec | None:
    """A function tool; None for one that the provider runs, or that says more than the vocabulary holds."""
    match value:
        case {"toolSpec": {"name": str(name), "inputSchema": {"json": dict(parameters)}, **rest}} if len(value) == 1:
            description, strict = rest.pop("description", ""), rest.pop("strict", None)
            if isinstance(description, str) and isinstance(strict, bool | None):
                spec = ToolSpec(name, description, parameters, strict)
                return spec if encode_tool(spec) == value else None
    return None


def _choice(value: Any) -> ToolChoice | None:
    match value:
        case {"auto": {**rest}} if not rest and len(value) == 1:
            return "auto"
        case {"any": {**rest}} if not rest and len(value) == 1:
            return "required"
        case {"tool": {"name": str(name), **rest}} if not rest and len(value) == 1:
            return NamedTool(name)
        case _:
            return None


def _output(config: dict[str, Any]) -> OutputSchema | None:
    """The schema. It stays in ``config`` as well where it would be written otherwise: it goes over what is written."""
    match config.get("textFormat"):
        case {"type": "json_schema", "structure": {"jsonSchema": {"schema": str(text), **rest}}}:
            try:
                schema = msgspec.json.decode(text)
            except (ValueError, RecursionError):
                return None
            name, description = rest.get("name"), rest.get("description")
            if not isinstance(schema, dict):
                return None
            output = OutputSchema(
                name if isinstance(name, str) else "output",
                schema,
                description if isinstance(description, str) else None,
            )
            if encode_format(output) == config["textFormat"]:
                del config["textFormat"]
            return output
    return None


def _system(content: Any, where: str) -> tuple[Message, ...]:
    parts: list[Part] = []
    for n, block in enumerate(expect(content, list, where, "a list")):
        expect(block, dict, f"{where}[{n}]", "an object")
        if not marked(parts, block):
            parts.append(Text(block["text"]) if _is_plain(block) else _kept(block, f"{where}[{n}]"))
    return (Message("system", tuple(parts)),) if parts else ()


def _is_plain(block: dict[str, Any]) -> bool:
    return len(block) == 1 and isinstance(block.get("text"), str)


def _kept(block: dict[str, Any], where: str) -> Part:
    """A block as it is.

    Raises:
        BadRequestError: it is empty, or is not of its kind's shape.
    """
    if not block or "text" in block:
        raise BadRequestError(f"a block of content expected at {where}; it is not of its shape", status=400)
    return kept(block)


def _messages(values: list[Any], profile: Profile) -> tuple[Message, ...]:
    names: dict[str, str] = {}  # which tool a call's id asked for, to name its result
    messages: list[Message] = []
    for position, value in enumerate(values):
        where = f"messages[{position}]"
        role = expect(value, dict, where, "an object").get("role")
        if role not in ("user", "assistant", "system"):
            raise BadRequestError(f"a role of user or assistant expected at {where}.role, {role!r} came", status=400)
        blocks = expect(value.get("content"), list, f"{where}.content", "a list")
        parts: list[Part] = []
        for n, block in enumerate(blocks):
            place = f"{where}.content[{n}]"
            expect(block, dict, place, "an object")
            if marked(parts, block):
                continue
            parts += _said_by_assistant(block, place, names) if role == "assistant" else _said(block, place, names)
        messages += _by_kind(role, parts, apart=not profile.as_it_is)
    return tuple(messages)


def _by_kind(role: Role, parts: list[Part], *, apart: bool) -> list[Message]:
    """A user's message as it is in the vocabulary, where tools' results are a message of their own."""
    runs: list[tuple[Role, list[Part]]] = []
    for part in parts:
        kind: Role = "tool" if isinstance(part, ToolResult) else role
        if runs and runs[-1][0] == kind:
            runs[-1][1].append(part)
        else:
            runs.append((kind, [part]))
    if len(runs) < 2 or apart:
        return [Message(kind, tuple(run)) for kind, run in runs] or [Message(role, ())]
    return [Message(role, tuple(parts))]


def _said_by_assistant(block: dict[str, Any], where: str, names: dict[str, str]) -> list[Part]:
    parts = decode_block(block, history=True)
    if parts is None:
        raise BadRequestError(f"a block of content expected at {where}; it is not of its shape", status=400)
    for part in parts:
        if isinstance(part, ToolCall):
            names[part.id] = part.name
    return parts


def _said(block: dict[str, Any], where: str, names: dict[str, str]) -> list[Part]:
    """What a user's or a system's message says."""
    if _is_plain(block):
        return [Text(block["text"])]
    if "toolResult" in block:
        inner = expect(block["toolResult"], dict, f"{where}.toolResult", "an object")
        return [_result(inner, f"{where}.toolResult", names)]
    file = decode_file(block) if len(block) == 1 and block.keys() <= KINDS else None
    return [file or _kept(block, where)]


def _result(said: dict[str, Any], where: str, names: dict[str, str]) -> ToolResult:
    call_id = expect(said.get("toolUseId"), str, f"{where}.toolUseId", "a string")
    content: list[Text | File] = []
    for n, block in enumerate(expect(said.get("content", []), list, f"{where}.content", "a list")):
        expect(block, dict, f"{where}.content[{n}]", "an object")
        file = decode_file(block) if len(block) == 1 and block.keys() <= KINDS else None
        content.append(Text(block["text"]) if _is_plain(block) else file or kept_in_result(block))
    return ToolResult(call_id, names.get(call_id, ""), tuple(content), said.get("status") == "error")
