"""A request as this wire writes it: ``Request -> POST {base}/model/{model}/converse``.

Reference: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, as of 2026. The body is
deterministic: the same request gives the same bytes, keys in a fixed order. What this model cannot be told becomes a
warning, in no case a silence.

Bedrock wants the user first and the roles in turns: messages of one role are joined, and before an assistant's first
message a user's is put. A message is encoded once: with a ``memo`` its blocks are kept by identity and spliced into the
next step's body. Its warnings are given where it is encoded, and so once in a memo. A memo belongs to one profile:
whoever changes the endpoint starts an empty one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import Encoded, EncodeWarning, Endpoint, Memo, to_json, warn
from playhead.dialects.bedrock_converse.address import encode_address
from playhead.dialects.bedrock_converse.content import encode_cache, is_own
from playhead.dialects.bedrock_converse.fields import WORKED_IN
from playhead.dialects.bedrock_converse.profile import Profile
from playhead.dialects.bedrock_converse.thinking import encode_thinking
from playhead.dialects.bedrock_converse.turns import Turn
from playhead.dialects.foreign import began_thoughtless
from playhead.dialects.sampling import encode_sampling
from playhead.messages import Message, ToolCall, ToolResult
from playhead.request import NamedTool, OutputSchema, Request, ToolSpec
from playhead.wire import HTTPRequest

_encode = msgspec.json.Encoder().encode

_JSON_HEADERS = (("Accept", "application/json"), ("Content-Type", "application/json"))
_STREAM_HEADERS = (("Accept", "application/vnd.amazon.eventstream"), ("Content-Type", "application/json"))

#: What stands before a conversation that the assistant begins.
FIRST_WORDS = "(The conversation begins.)"


def encode_request(request: Request, endpoint: Endpoint, memo: Memo | None = None) -> Encoded:
    """The HTTP request that asks this, without authentication; ``endpoint.profile`` is a :class:`Profile`."""
    profile: Profile = endpoint.profile
    warnings: list[EncodeWarning] = []
    system: list[bytes] = []
    turns: list[tuple[str, list[bytes]]] = []
    for position, message in enumerate(request.messages):
        where = f"messages[{position}]"
        blocks = _blocks(message, profile, where, warnings, memo)
        role = "user" if message.role == "tool" else message.role
        if role == "system" and not (turns and profile.system_in_place):
            if turns:
                warn(warnings, where, "this wire takes system messages at the top only; it was moved there")
            system += [blocks] if blocks else []
        elif profile.as_it_is or (blocks and (not turns or turns[-1][0] != role)):
            turns.append((role, [blocks] if blocks else []))
        elif blocks:
            turns[-1][1].append(blocks)
    if not profile.as_it_is and next((role for role, _ in turns if role != "system"), "user") != "user":
        warn(warnings, "messages", f'Bedrock wants the user to speak first; "{FIRST_WORDS}" was put before')
        turns.insert(0, ("user", [_encode({"text": FIRST_WORDS})]))
    said = b",".join(b'{"role":"%b","content":[%b]}' % (role.encode(), b",".join(them)) for role, them in turns)
    body = b'"messages":[%b]' % said
    if system:
        body += b',"system":[%b]' % b",".join(system)
    rest = to_json(_fields(request, profile, warnings), "the request")[1:]
    body = b"{%b%b%b" % (body, b"" if rest == b"}" else b",", rest)
    http = HTTPRequest(
        "POST",
        encode_address(endpoint.base_url, request.model, request.stream, profile),
        (_STREAM_HEADERS if request.stream else _JSON_HEADERS) + endpoint.headers,
        body,
    )
    return Encoded(http, tuple(warnings))


def _blocks(message: Message, profile: Profile, where: str, warnings: list[EncodeWarning], memo: Memo | None) -> bytes:
    known = memo.get(id(message)) if memo is not None else None
    if known is not None:
        return known[1]
    blocks = Turn(message, profile, where, warnings).encoded()
    if memo is not None:
        memo[id(message)] = (message, blocks)
    return blocks


def _fields(request: Request, profile: Profile, warnings: list[EncodeWarning]) -> dict[str, Any]:
    """Everything but the messages and the system's."""
    options = request.options
    body: dict[str, Any] = {}
    more: dict[str, Any] = {}
    effort: str | None = None
    if request.reasoning is not None:
        more, effort = encode_thinking(request.reasoning, request.max_tokens, profile, warnings)
        if more.get("thinking", {}).get("type") == "enabled" and began_thoughtless(request.messages, is_own):
            more = {}
            warn(warnings, "reasoning", "the turn under way began without thinking, and must end so; it was left out")
    _put(body, "inferenceConfig", _inference(request, profile, warnings), options)
    _tools(request, profile, body, warnings)
    _put(body, "outputConfig", _output(request.output, effort, warnings), options)
    _put(body, "additionalModelRequestFields", more, options)
    body.update((name, value) for name, value in options.items() if name not in WORKED_IN)
    return body


def _put(body: dict[str, Any], name: str, said: dict[str, Any], options: dict[str, Any]) -> None:
    """A field that holds what the request says and, over it, what an option of its name says."""
    option = options.get(name)
    if isinstance(option, dict):
        said = {**said, **option}
    if said or option is not None:
        body[name] = said if said or isinstance(option, dict) else option


def _inference(request: Request, profile: Profile, warnings: list[EncodeWarning]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if request.max_tokens is not None:
        said["maxTokens"] = request.max_tokens
    encode_sampling(request, profile.sampling, said, warnings, top_p="topP")
    if request.stop:
        said["stopSequences"] = request.stop
    if request.seed is not None:
        warn(warnings, "seed", "this wire knows no seed; it was left out")
    if request.parallel_tool_calls is False:
        warn(warnings, "parallel_tool_calls", "this wire cannot ask for one call at a time; it was left out")
    return said


def _tools(request: Request, profile: Profile, body: dict[str, Any], warnings: list[EncodeWarning]) -> None:
    option = request.options.get("toolConfig")
    config: dict[str, Any] = dict(option) if isinstance(option, dict) else {}
    provided = config.pop("tools", None)
    provided = provided if isinstance(provided, list) else []
    functions: list[Any] = []
    for position, tool in enumerate(request.tools):
        functions.append(encode_tool(tool))
        if tool.cache is not None and "tools" in profile.cache_points:
            functions.append(encode_cache(tool.cache))
        elif tool.cache is not None:
            warn(warnings, f"tools[{position}]", "this model takes no mark to cache in tools; it was left out")
    tools = provided + functions if profile.tools_first else functions + provided
    choice = request.tool_choice
    if choice == "none" and tools:
        if not any(isinstance(part, ToolCall | ToolResult) for message in request.messages for part in message.parts):
            return  # a model that is told of no tool calls none
        warn(warnings, "tool_choice", 'this wire cannot say "none" of a conversation with calls; it was left out')
    said: dict[str, Any] = {"tools": tools} if tools else {}
    word = {"auto": "auto", "required": "any"}.get(choice, "") if isinstance(choice, str) else ""
    if isinstance(choice, NamedTool):
        alone = "tool" not in profile.tool_choices and [tool.name for tool in request.tools] == [choice.name]
        word = "any" if alone and not provided else "tool"  # of one tool, any is that one
    if word in ("any", "tool") and word not in profile.tool_choices:
        warn(warnings, "tool_choice", f'{request.model} takes no choice of "{word}"; it was left out')
        word = ""
    if not word and choice is None and tools and profile.tool_choice_auto:
        word = "auto"
    if word:
        said["toolChoice"] = {word: {"name": choice.name} if word == "tool" and isinstance(choice, NamedTool) else {}}
    said.update(config)
    if said or option is not None:
        body["toolConfig"] = said


def encode_tool(tool: ToolSpec) -> dict[str, Any]:
    """A function in ``toolConfig.tools``, its mark to cache aside."""
    said: dict[str, Any] = {"name": tool.name}
    if tool.description:
        said["description"] = tool.description
    said["inputSchema"] = {"json": tool.parameters}
    if tool.strict is not None:
        said["strict"] = tool.strict
    return {"toolSpec": said}


def _output(output: OutputSchema | None, effort: str | None, warnings: list[EncodeWarning]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if output is not None and output.schema is None:
        warn(warnings, "output", "this wire wants a schema; any JSON object cannot be asked for")
    elif output is not None:
        said["textFormat"] = encode_format(output)
    if effort is not None:
        said["effort"] = effort
    return said


def encode_format(output: OutputSchema) -> dict[str, Any]:
    """``outputConfig.textFormat``, in which the schema is JSON in a string."""
    schema: dict[str, Any] = {"schema": to_json(output.schema, "output.schema").decode(), "name": output.name}
    if output.description is not None:
        schema["description"] = output.description
    return {"type": "json_schema", "structure": {"jsonSchema": schema}}
