"""A request as this wire writes it: ``Request -> POST {base}/messages``.

Reference: https://docs.claude.com/en/api/messages, as of 2026. The body is deterministic: the same request gives the
same bytes, keys in a fixed order. What this speaker cannot say becomes a warning, in no case a silence.

A message is encoded once: with a ``memo`` its bytes are kept by identity and spliced into the next step's body, so a
run of N steps encodes N messages, not N². A message's warnings are given where it is encoded, and so once in a memo. A
memo belongs to one profile: whoever changes the endpoint starts an empty one.
"""

from __future__ import annotations

from typing import Any

from playhead.dialects.anthropic_messages.address import encode_address
from playhead.dialects.anthropic_messages.content import container_of, encode_text, is_own
from playhead.dialects.anthropic_messages.fields import WORKED_IN
from playhead.dialects.anthropic_messages.profile import Profile
from playhead.dialects.anthropic_messages.thinking import encode_thinking
from playhead.dialects.anthropic_messages.turns import RESULTS_HEAD, RESULTS_TAIL, Turn, lone_text
from playhead.dialects.base import Encoded, EncodeWarning, Endpoint, Memo, to_json, warn
from playhead.dialects.cache_control import encode_cache
from playhead.dialects.foreign import began_thoughtless
from playhead.dialects.sampling import encode_sampling
from playhead.messages import Message, Part, Text, ToolCall
from playhead.request import NamedTool, OutputSchema, Request, ToolSpec
from playhead.wire import Headers, HTTPRequest

_JSON_HEADERS = (("Accept", "application/json"), ("Content-Type", "application/json"))
_STREAM_HEADERS = (("Accept", "text/event-stream"), ("Content-Type", "application/json"))


def encode_request(request: Request, endpoint: Endpoint, memo: Memo | None = None) -> Encoded:
    """The HTTP request that asks this, without authentication; ``endpoint.profile`` is a :class:`Profile`."""
    profile: Profile = endpoint.profile
    warnings: list[EncodeWarning] = []
    system, others = _split_system(request.messages, profile, warnings)
    pieces: list[bytes] = []
    joining = False  # whether the piece before is of tools' results, and the next such goes into it
    for position, message in others:
        known = memo.get(id(message)) if memo is not None else None
        if known is not None:
            piece = known[1]
        else:
            piece = Turn(message, profile, f"messages[{position}]", warnings).encoded()
            if memo is not None:
                memo[id(message)] = (message, piece)
        if not piece:
            continue
        results = message.role == "tool" and not profile.split_results
        if joining and results:
            pieces[-1] = b"%b,%b" % (pieces[-1].removesuffix(RESULTS_TAIL), piece.removeprefix(RESULTS_HEAD))
        else:
            pieces.append(piece)
        joining = results
    rest = to_json(_fields(request, system, profile, warnings), "the request")
    body = b'{"messages":[%b],%b' % (b",".join(pieces), rest[1:])
    http = HTTPRequest(
        "POST",
        encode_address(endpoint.base_url, request.model, request.stream, profile),
        _headers(request, profile, warnings) + endpoint.headers,
        body,
    )
    return Encoded(http, tuple(warnings))


def _headers(request: Request, profile: Profile, warnings: list[EncodeWarning]) -> Headers:
    headers: Headers = _STREAM_HEADERS if request.stream and profile.service != "bedrock" else _JSON_HEADERS
    if profile.service == "api":
        headers += (("anthropic-version", profile.version),)
    betas = request.options.get("anthropic_beta")
    if betas and profile.betas_in == "header":
        headers += (("anthropic-beta", betas if isinstance(betas, str) else ",".join(map(str, betas))),)
    return headers


def _split_system(
    messages: tuple[Message, ...], profile: Profile, warnings: list[EncodeWarning]
) -> tuple[list[dict[str, Any]], list[tuple[int, Message]]]:
    """The blocks of the system messages that go to the top of the body, and the other messages with their places."""
    system: list[dict[str, Any]] = []
    others: list[tuple[int, Message]] = []
    for position, message in enumerate(messages):
        if message.role != "system" or (others and profile.system_in_place):
            others.append((position, message))
            continue
        where = f"messages[{position}]"
        if others:
            warnings.append(
                EncodeWarning(where, "this model takes system messages at the top only; it was moved there")
            )
        for part in message.parts:
            if isinstance(part, Text):
                system.append(encode_text(part))
            else:
                warn(warnings, where, f"a system message holds no {type(part).__name__}; left out")
    return system, others


def _said(request: Request) -> list[Part]:
    return [part for message in request.messages if message.role == "system" for part in message.parts]


def _fields(
    request: Request, system: list[dict[str, Any]], profile: Profile, warnings: list[EncodeWarning]
) -> dict[str, Any]:
    """Everything but the messages."""
    options = request.options
    body: dict[str, Any] = {}
    if profile.service == "api":
        body["model"] = request.model
    else:
        body["anthropic_version"] = profile.version
    if options.get("anthropic_beta") is not None and profile.betas_in == "body":
        body["anthropic_beta"] = options["anthropic_beta"]
    if system:
        body["system"] = system if "system" in profile.text_as_parts else lone_text(system, _said(request))
    thinking, effort = None, None
    if request.reasoning is not None:
        thinking, effort = encode_thinking(request.reasoning, request.max_tokens, profile, warnings)
        if thinking is not None and thinking["type"] == "enabled" and began_thoughtless(request.messages, is_own):
            words = "the turn under way began without thinking of this wire's, and must end so; it was left out"
            warnings.append(EncodeWarning("reasoning", words))
            thinking = None
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    elif profile.max_tokens is not None:
        body["max_tokens"] = profile.max_tokens + (thinking or {}).get("budget_tokens", 0)
    if thinking is not None:
        body["thinking"] = thinking
    encode_sampling(request, profile.sampling, body, warnings)
    if request.seed is not None:
        warnings.append(EncodeWarning("seed", "this wire knows no seed; it was left out"))
    if request.stop:
        body["stop_sequences"] = request.stop
    _tools(request, profile, body)
    _output(request.output, effort, options, profile, body, warnings)
    if request.stream and profile.service != "bedrock":
        body["stream"] = True
    elif not request.stream and profile.stream_false:
        body["stream"] = False
    body.update((name, value) for name, value in options.items() if name not in WORKED_IN)
    container = _container(request.messages)
    if container is not None:
        asked = options.get("container")
        if asked is None:
            body["container"] = container
        elif isinstance(asked, dict) and asked.get("id") is None:
            body["container"] = {**asked, "id": container}
    return body


def _container(messages: tuple[Message, ...]) -> str | None:
    """The id of the container that the turn under way runs in: its next part must run there too. A turn that has ended
    names none, since a container expires."""
    for message in reversed(messages):
        if message.role == "assistant":
            going_on = message.paused or any(isinstance(part, ToolCall) for part in message.parts)
            found = next(filter(None, map(container_of, message.parts)), None) if going_on else None
            return None if found is None else str(found["id"])
        if message.role != "tool":
            break
    return None


def _tools(request: Request, profile: Profile, body: dict[str, Any]) -> None:
    said = request.options.get("tools")
    provided: list[Any] = said if isinstance(said, list) else []
    functions: list[Any] = [_tool(tool, profile) for tool in request.tools]
    tools = provided + functions if profile.provider_tools_first else functions + provided
    choice, parallel = request.tool_choice, request.parallel_tool_calls
    if choice is None and tools and (profile.tool_choice_auto or parallel is not None):
        choice = "auto"
    if choice is not None:
        word: dict[str, Any]
        if isinstance(choice, NamedTool):
            word = {"type": "tool", "name": choice.name}
        else:
            word = {"type": "any" if choice == "required" else choice}
        if choice != "none":
            if parallel is not None:
                word["disable_parallel_tool_use"] = not parallel
            elif profile.parallel_field:
                word["disable_parallel_tool_use"] = False
        body["tool_choice"] = word
    if tools:
        body["tools"] = tools


def _tool(tool: ToolSpec, profile: Profile) -> dict[str, Any]:
    said: dict[str, Any] = {"type": "custom", "name": tool.name} if profile.custom_type else {"name": tool.name}
    if tool.description or profile.empty_description:
        said["description"] = tool.description
    said["input_schema"] = tool.parameters
    if tool.strict is not None:
        said["strict"] = tool.strict
    if tool.cache is not None:
        said["cache_control"] = encode_cache(tool.cache)
    return said


def _output(
    output: OutputSchema | None,
    effort: str | None,
    options: dict[str, Any],
    profile: Profile,
    body: dict[str, Any],
    warnings: list[EncodeWarning],
) -> None:
    config: dict[str, Any] = {} if effort is None else {"effort": effort}
    if output is not None and output.schema is None:
        warnings.append(EncodeWarning("output", "this wire wants a schema; any JSON object cannot be asked for"))
    elif output is not None and output.schema is not None:
        schema = output.schema
        if output.description is not None and "description" not in schema:
            schema = {**schema, "description": output.description}
        form = {"type": "json_schema", "schema": schema}
        if profile.output == "output_format":
            body["output_format"] = form
        else:
            config["format"] = form
    extra = options.get("output_config")
    if isinstance(extra, dict):
        config.update(extra)
    if config or extra is not None:
        body["output_config"] = config
