"""A request as this wire writes it: ``Request -> POST {base}/responses``.

Reference: https://platform.openai.com/docs/api-reference/responses/create and https://openrouter.ai/docs/api/reference,
as of 2026. The body is deterministic: the same request gives the same bytes, keys in a fixed order. What this speaker
cannot say becomes a warning, in no case a silence.

The whole history goes each time and the server is told to store nothing; who wants it otherwise says so in the options
(``store``, ``previous_response_id``, ``conversation``).

A message is encoded once: with a ``memo`` its bytes are kept by identity and spliced into the next step's body, so a
run of N steps encodes N messages, not N². A message's warnings are given where it is encoded, and so once in a memo. A
memo belongs to one profile: whoever changes the endpoint starts an empty one.
"""

from __future__ import annotations

from typing import Any

from playhead.dialects.base import Encoded, EncodeWarning, Endpoint, Memo, to_json
from playhead.dialects.openai_output import encode_schema
from playhead.dialects.openai_responses.content import own
from playhead.dialects.openai_responses.fields import ENCRYPTED
from playhead.dialects.openai_responses.message import MessageEncoder
from playhead.dialects.openai_responses.profile import Profile
from playhead.dialects.sampling import encode_sampling
from playhead.messages import Message, Text, ToolCall
from playhead.request import NamedTool, OutputSchema, Request, ToolSpec
from playhead.wire import HTTPRequest

_JSON_HEADERS = (("Accept", "application/json"), ("Content-Type", "application/json"))
_STREAM_HEADERS = (("Accept", "text/event-stream"), ("Content-Type", "application/json"))

#: Options that are joined with a field of the vocabulary instead of standing alone.
_JOINED = frozenset({"tools", "reasoning", "text", "include"})


def encode_request(request: Request, endpoint: Endpoint, memo: Memo | None = None) -> Encoded:
    """The HTTP request that asks this, without authentication; ``endpoint.profile`` is a :class:`Profile`."""
    profile: Profile = endpoint.profile
    warnings: list[EncodeWarning] = []
    first = _instructions(request, profile)
    body = _input(request, profile, memo, warnings, 0 if first is None else 1)
    rest: dict[str, Any] = {} if first is None else {"instructions": first}
    rest.update(_fields(request, profile, warnings))
    tail = to_json(rest, "the request")
    headers = (_STREAM_HEADERS if request.stream else _JSON_HEADERS) + endpoint.headers
    http = HTTPRequest("POST", endpoint.url("/responses"), headers, b'{"input":%b,%b' % (body, tail[1:]))
    return Encoded(http, tuple(warnings))


def _instructions(request: Request, profile: Profile) -> str | None:
    if not profile.instructions or not request.messages or request.messages[0].role != "system":
        return None
    return _plain(request.messages[0])


def _plain(message: Message) -> str | None:
    """The text of a message that is one plain text and nothing else."""
    match message.parts:
        case (Text(text=text, cache=None) as part,) if not own(part.opaque):
            return text
        case _:
            return None


def _input(request: Request, profile: Profile, memo: Memo | None, warnings: list[EncodeWarning], start: int) -> bytes:
    messages = request.messages
    if profile.input_as_string and len(messages) == start + 1 and messages[start].role == "user":
        text = _plain(messages[start])
        if text is not None:
            return to_json(text, f"messages[{start}]")
    stored = request.options.get("store", profile.store) is not False
    free_form: set[str] | None = None

    def is_free_form(call_id: str) -> bool:
        """Whether this call was made with text of any form, so that its output must say so too."""
        nonlocal free_form
        if free_form is None:
            calls = (part for message in messages for part in message.parts if isinstance(part, ToolCall))
            free_form = {call.id for call in calls if own(call.opaque).get("type") == "custom_tool_call"}
        return call_id in free_form

    pieces: list[bytes] = []
    for position in range(start, len(messages)):
        message = messages[position]
        known = memo.get(id(message)) if memo is not None else None
        if known is not None:
            piece = known[1]
        else:
            where = f"messages[{position}]"
            said = MessageEncoder(message, profile, where, warnings, stored, is_free_form).encoded()
            piece = to_json(said, where)[1:-1]
            if memo is not None:
                memo[id(message)] = (message, piece)
        if piece:
            pieces.append(piece)
    return b"[%b]" % b",".join(pieces)


def _fields(request: Request, profile: Profile, warnings: list[EncodeWarning]) -> dict[str, Any]:
    """Everything but the input."""
    options = request.options
    body: dict[str, Any] = {"model": request.model}
    if profile.store is not None:
        body["store"] = profile.store
    if request.max_tokens is not None:
        body["max_output_tokens"] = request.max_tokens
    encode_sampling(request, profile.sampling, body, warnings)
    for name, given in (("stop", bool(request.stop)), ("seed", request.seed is not None)):
        if given:
            warnings.append(EncodeWarning(name, f"this wire has no {name}; it was left out"))
    _reasoning(request, profile, body, warnings)
    text = {} if request.output is None else {"format": _format(request.output)}
    text.update(options.get("text") or {})
    if text or "text" in options:
        body["text"] = _or_null(text, options, "text")
    tools = [_tool(tool, n, profile, warnings) for n, tool in enumerate(request.tools)]
    theirs = options.get("tools") or []
    tools = [*theirs, *tools] if profile.own_tools_first else [*tools, *theirs]
    if request.tool_choice is not None:
        choice = request.tool_choice
        body["tool_choice"] = {"type": "function", "name": choice.name} if isinstance(choice, NamedTool) else choice
    elif tools and profile.tool_choice_auto:
        body["tool_choice"] = "auto"
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls
    if tools or "tools" in options:
        body["tools"] = _or_null(tools, options, "tools")
    if request.stream:
        body["stream"] = True
    elif profile.stream_false:
        body["stream"] = False
    body.update({name: value for name, value in options.items() if name not in _JOINED})
    return body


def _reasoning(request: Request, profile: Profile, body: dict[str, Any], warnings: list[EncodeWarning]) -> None:
    settings, options = request.reasoning, request.options
    said: dict[str, Any] = {}
    if settings is not None:
        if settings.effort is not None:
            said["effort"] = settings.effort
        warnings.extend(
            EncodeWarning(f"reasoning.{name}", "this wire knows an effort only; it was left out")
            for name in ("max_tokens", "enabled", "exclude")
            if getattr(settings, name) is not None
        )
    said.update(options.get("reasoning") or {})
    if said or "reasoning" in options:
        body["reasoning"] = _or_null(said, options, "reasoning")
    include = list(options.get("include") or ())
    wanted = profile.include_encrypted == "always" or (profile.include_encrypted == "settings" and bool(said))
    if wanted and ENCRYPTED not in include:
        include.append(ENCRYPTED)
    if include or "include" in options:
        body["include"] = _or_null(include, options, "include")


def _or_null(value: Any, options: dict[str, Any], name: str) -> Any:
    """The value, or the null that the option is where there is none."""
    return value or (None if options.get(name, value) is None else value)


def _format(output: OutputSchema) -> dict[str, Any]:
    if output.schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", **encode_schema(output)}


def _tool(tool: ToolSpec, position: int, profile: Profile, warnings: list[EncodeWarning]) -> dict[str, Any]:
    said: dict[str, Any] = {"type": "function", "name": tool.name}
    if tool.description:
        said["description"] = tool.description
    if tool.parameters:
        said["parameters"] = tool.parameters
    if tool.strict is not None:
        said["strict"] = tool.strict
    elif profile.strict_default != "omit":
        said["strict"] = False if profile.strict_default == "false" else None
    if tool.cache is not None:
        warnings.append(EncodeWarning(f"tools[{position}].cache", "this wire marks no tools; it was left out"))
    return said
