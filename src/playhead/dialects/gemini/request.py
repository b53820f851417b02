"""A request as this wire writes it: ``Request -> POST {base}/models/{model}:generateContent``.

Reference: https://ai.google.dev/api/generate-content and
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference, as of 2026. The body is deterministic:
the same request gives the same bytes, keys in a fixed order. What this speaker cannot say becomes a warning, in no case
a silence.

Options go under the wire's own names. ``options["generationConfig"]`` and ``options["toolConfig"]`` are laid over what
the vocabulary says; ``options["tools"]`` holds Google's own tools (``{"googleSearch": {}}``), which stand beside the
declared ones; ``options["functionDeclarations"]`` holds more fields of declared tools, by the tool's name.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import Encoded, EncodeWarning, Endpoint, Memo, to_json
from playhead.dialects.gemini.contents import encode_contents
from playhead.dialects.gemini.fields import DECLARATIONS, EXTRA, snake
from playhead.dialects.gemini.place import model_url
from playhead.dialects.gemini.profile import Profile
from playhead.dialects.gemini.schema import to_wire
from playhead.dialects.gemini.settings import encode_settings
from playhead.request import NamedTool, Request, ToolChoice, ToolSpec
from playhead.wire import HTTPRequest

_encode = msgspec.json.Encoder().encode

_JSON_HEADERS = (("Accept", "application/json"), ("Content-Type", "application/json"))
_STREAM_HEADERS = (("Accept", "text/event-stream"), ("Content-Type", "application/json"))

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def encode_request(request: Request, endpoint: Endpoint, memo: Memo | None = None) -> Encoded:
    """The HTTP request that asks this, without authentication; ``endpoint.profile`` is a :class:`Profile`."""
    profile: Profile = endpoint.profile
    warnings: list[EncodeWarning] = []
    contents, system = encode_contents(request.messages, profile, memo, warnings)
    body = _fields(request, profile, warnings)
    if profile.snake:
        body = snake(body, profile.snake)
    rest = to_json(body, "the request")[1:-1]
    pieces = [b'"contents":[%b]' % contents]
    if system:
        name = b"system_instruction" if "systemInstruction" in profile.snake else b"systemInstruction"
        role = b"" if profile.system_role is None else b',"role":%b' % _encode(profile.system_role)
        pieces.append(b'"%b":{"parts":[%b]%b}' % (name, system, role))
    if rest:
        pieces.append(rest)
    headers = (_STREAM_HEADERS if request.stream else _JSON_HEADERS) + endpoint.headers
    url = model_url(
        endpoint.base_url,
        request.model,
        stream=request.stream,
        query=profile.stream_query if request.stream else profile.query,
    )
    return Encoded(HTTPRequest("POST", url, headers, b"{%b}" % b",".join(pieces)), tuple(warnings))


def _fields(request: Request, profile: Profile, warnings: list[EncodeWarning]) -> dict[str, Any]:
    """Everything but the messages."""
    body: dict[str, Any] = {}
    options = request.options
    tools = _tools(request, profile, warnings)
    if tools:
        body["tools"] = tools
    config = _tool_config(request, profile)
    if isinstance(options.get("toolConfig"), dict):
        config.update(options["toolConfig"])
    if config:
        body["toolConfig"] = config
    settings = encode_settings(request, profile, warnings)
    if settings or "generationConfig" in options:
        body["generationConfig"] = settings
    if request.parallel_tool_calls is False:
        warnings.append(EncodeWarning("parallel_tool_calls", "this wire cannot forbid them; it was left out"))
    body.update({name: value for name, value in options.items() if not _placed(name, value)})
    extra = body.pop(EXTRA, None)
    if isinstance(extra, dict):
        body.update(extra)
    return body


_LAID_OVER = ("tools", "toolConfig", "generationConfig", DECLARATIONS)


def _placed(name: str, value: Any) -> bool:
    """Whether an option was laid over its field already; one of another type is sent as it is."""
    return isinstance(value, list if name == "tools" else dict) and name in _LAID_OVER


def _tools(request: Request, profile: Profile, warnings: list[EncodeWarning]) -> list[Any]:
    others = request.options.get("tools")
    said = list(others) if isinstance(others, list) else []
    declared = [_declaration(tool, n, profile, warnings) for n, tool in enumerate(request.tools)]
    more = request.options.get(DECLARATIONS)
    if isinstance(more, dict):
        for declaration in declared:
            declaration.update(more.get(declaration["name"]) or {})
    if declared:
        groups = [[one] for one in declared] if profile.tools_apart else [declared]
        said[profile.tools_at : profile.tools_at] = [{"functionDeclarations": group} for group in groups]
    return said


def _declaration(tool: ToolSpec, position: int, profile: Profile, warnings: list[EncodeWarning]) -> dict[str, Any]:
    where = f"tools[{position}]"
    said: dict[str, Any] = {"name": tool.name}
    if tool.description:
        said["description"] = tool.description
    if (profile.parameters_field == "parametersJsonSchema") is not (tool.name in profile.other_field):
        if tool.parameters:
            said["parametersJsonSchema"] = tool.parameters
    elif tool.parameters and (_takes_something(tool.parameters) or profile.empty_parameters):
        said["parameters"], lost = to_wire(tool.parameters, upper=profile.types == "upper")
        warnings.extend(
            EncodeWarning(f"{where}.parameters.{path}", "Gemini's schemas have no such thing; it was left out")
            for path in lost
        )
    if tool.strict:
        warnings.append(EncodeWarning(f"{where}.strict", "this wire has no strict tools; it was left out"))
    if tool.cache is not None:
        warnings.append(EncodeWarning(f"{where}.cache", "this wire has no cache marks; it was left out"))
    return said


def _takes_something(schema: dict[str, Any]) -> bool:
    return bool(schema.get("properties")) or schema.get("type") != "object"


def _tool_config(request: Request, profile: Profile) -> dict[str, Any]:
    choice: ToolChoice | None = request.tool_choice
    if choice is None:
        if not (request.tools and profile.tool_choice_auto):
            return {}
        choice = "auto"
    if isinstance(choice, NamedTool):
        return {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [choice.name]}}
    return {"functionCallingConfig": {"mode": _MODES[choice]}}
