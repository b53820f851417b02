"""A request as this wire writes it: ``Request -> POST {base}/chat/completions``.

Reference: https://platform.openai.com/docs/api-reference/chat/create and https://openrouter.ai/docs/api/reference, as
of 2026. The body is deterministic: the same request gives the same bytes, keys in a fixed order. What this speaker
cannot say becomes a warning, in no case a silence.

A message is encoded once: with a ``memo`` its bytes are kept by identity and spliced into the next step's body, so a
run of N steps encodes N messages, not N². What a message could not say is a warning where it is encoded, and so once in
a memo. A memo belongs to one profile: whoever changes the endpoint starts an empty one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import Encoded, EncodeWarning, Endpoint, Memo, to_json
from playhead.dialects.cache_control import encode_cache
from playhead.dialects.openai_chat.fields import EXTRA
from playhead.dialects.openai_chat.message import encode_message
from playhead.dialects.openai_chat.profile import Profile
from playhead.dialects.openai_output import encode_schema
from playhead.dialects.sampling import encode_sampling
from playhead.request import NamedTool, OutputSchema, Request, ToolSpec
from playhead.wire import HTTPRequest

_JSON_HEADERS = (("Accept", "application/json"), ("Content-Type", "application/json"))
_STREAM_HEADERS = (("Accept", "text/event-stream"), ("Content-Type", "application/json"))


def encode_request(request: Request, endpoint: Endpoint, memo: Memo | None = None) -> Encoded:
    """The HTTP request that asks this, without authentication; ``endpoint.profile`` is a :class:`Profile`."""
    profile: Profile = endpoint.profile
    if profile.reasoning_stand_in is not None and _is_thoughtless(request):
        profile = msgspec.structs.replace(profile, reasoning_stand_in=None)
    warnings: list[EncodeWarning] = []
    pieces: list[bytes] = []
    for position, message in enumerate(request.messages):
        known = memo.get(id(message)) if memo is not None else None
        if known is not None:
            piece = known[1]
        else:
            where = f"messages[{position}]"
            piece = to_json(encode_message(message, profile, where, warnings), where)[1:-1]
            if memo is not None:
                memo[id(message)] = (message, piece)
        if piece:
            pieces.append(piece)
    rest = to_json(_fields(request, profile, warnings), "the request")
    body = b'{"messages":[%b],%b' % (b",".join(pieces), rest[1:])
    headers = (_STREAM_HEADERS if request.stream else _JSON_HEADERS) + endpoint.headers
    http = HTTPRequest("POST", endpoint.url("/chat/completions"), headers, body)
    return Encoded(http, tuple(warnings))


def _fields(request: Request, profile: Profile, warnings: list[EncodeWarning]) -> dict[str, Any]:
    """Everything but the messages."""
    body: dict[str, Any] = {"model": request.model}
    if request.max_tokens is not None:
        body[profile.max_tokens_field] = request.max_tokens
    encode_sampling(request, profile.sampling, body, warnings)
    if request.stop:
        lone = profile.stop_as_string and len(request.stop) == 1
        body["stop"] = request.stop[0] if lone else request.stop
    if request.seed is not None:
        body[profile.seed_field] = request.seed
    _reasoning_settings(request, profile, body, warnings)
    if request.output is not None:
        body["response_format"] = _response_format(request.output)
    _tool_choice(request, profile, body, warnings)
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.tools and (profile.none_choice or request.tool_choice != "none"):
        together = all(tool.strict for tool in request.tools)
        body["tools"] = [_tool(tool, n, profile, together, warnings) for n, tool in enumerate(request.tools)]
    if profile.left_out:
        warnings.extend(
            EncodeWarning(name, f"this speaker takes no {name}; it was left out")
            for name in profile.left_out
            if body.pop(name, None) is not None
        )
    if profile.usage_include:
        body["usage"] = {"include": True}
    if request.stream:
        body["stream"] = True
        if profile.stream_usage:
            body["stream_options"] = {"include_usage": True}
    elif profile.stream_false:
        body["stream"] = False
    body.update(request.options)
    extra = body.pop(EXTRA, None)
    if isinstance(extra, dict):
        body.update(extra)
    return body


def _is_thoughtless(request: Request) -> bool:
    """Whether the request switches thinking off."""
    own, settings = request.options.get("thinking"), request.reasoning
    if isinstance(own, dict) and own.get("type") == "disabled":
        return True
    return settings is not None and (settings.enabled is False or settings.effort == "none")


def _tool_choice(request: Request, profile: Profile, body: dict[str, Any], warnings: list[EncodeWarning]) -> None:
    choice = request.tool_choice
    if choice is None:
        if request.tools and profile.tool_choice_auto:
            body["tool_choice"] = "auto"
        return
    if choice not in ("auto", "none") and profile.forced_choice == "never":
        asked = choice.name if isinstance(choice, NamedTool) else choice
        warnings.append(EncodeWarning("tool_choice", f'no call can be forced here; "{asked}" was left out'))
    elif isinstance(choice, NamedTool):
        body["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    elif choice != "none" or profile.none_choice:
        body["tool_choice"] = profile.required_word if choice == "required" else choice


def _reasoning_settings(
    request: Request, profile: Profile, body: dict[str, Any], warnings: list[EncodeWarning]
) -> None:
    settings = request.reasoning
    if settings is None:
        return
    if profile.reasoning_request == "reasoning":
        body["reasoning"] = settings  # the fields have the wire's own names, absent ones are left out
        return
    effort, enabled = settings.effort, settings.enabled
    switch = profile.thinking_switch
    if switch == "thinking" and effort == "none":
        effort, enabled = None, False
    if effort is not None:
        body["reasoning_effort"] = effort
    lost = ["max_tokens", "exclude"]
    if switch == "thinking" and enabled is not None:
        body["thinking"] = {"type": "enabled" if enabled else "disabled"}
    elif switch == "reasoning" and enabled is not None:
        body["reasoning"] = {"enabled": enabled}
    elif switch == "effort" and enabled is False:
        body["reasoning_effort"] = "none"
    else:
        lost.insert(1, "enabled")
    warnings.extend(
        EncodeWarning(f"reasoning.{name}", "this wire knows an effort only; it was left out")
        for name in lost
        if getattr(settings, name) is not None
    )


def _response_format(output: OutputSchema) -> dict[str, Any]:
    if output.schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": encode_schema(output)}


def _tool(
    tool: ToolSpec, position: int, profile: Profile, together: bool, warnings: list[EncodeWarning]
) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters:
        function["parameters"] = tool.parameters
    taken = profile.strict_tools == "each" or (profile.strict_tools == "all" and together)
    if tool.strict and not taken:
        takes = "has no strict tools" if profile.strict_tools is None else "takes tools that are all strict, or none"
        warnings.append(EncodeWarning(f"tools[{position}].strict", f"this speaker {takes}; it was left out"))
    if tool.strict and taken:
        function["strict"] = True
    elif profile.strict_field:
        function["strict"] = False
    said: dict[str, Any] = {"type": "function", "function": function}
    if tool.cache is not None:
        if profile.cache_marks is None:
            warnings.append(EncodeWarning(f"tools[{position}].cache", "this wire has no cache marks; it was left out"))
        else:
            said["cache_control"] = encode_cache(tool.cache)
    return said
