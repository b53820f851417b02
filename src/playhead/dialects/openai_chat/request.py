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

from playhead.dialects.base import Encoded, EncodeWarning, Endpoint, Memo
from playhead.dialects.openai_chat.content import NAME, encode_cache, encode_file, encode_text
from playhead.dialects.openai_chat.fields import EXTRA
from playhead.dialects.openai_chat.profile import Profile, wants_text_beside
from playhead.messages import File, Message, Native, Reasoning, Refusal, Source, Text, ToolCall, ToolResult
from playhead.request import NamedTool, OutputSchema, Request, ToolSpec
from playhead.wire import HTTPRequest

_encode = msgspec.json.Encoder().encode

_JSON_HEADERS = (("Accept", "application/json"), ("Content-Type", "application/json"))
_STREAM_HEADERS = (("Accept", "text/event-stream"), ("Content-Type", "application/json"))


def encode_request(request: Request, endpoint: Endpoint, memo: Memo | None = None) -> Encoded:
    """The HTTP request that asks this, without authentication; ``endpoint.profile`` is a :class:`Profile`."""
    profile: Profile = endpoint.profile
    warnings: list[EncodeWarning] = []
    pieces: list[bytes] = []
    for position, message in enumerate(request.messages):
        known = memo.get(id(message)) if memo is not None else None
        if known is not None:
            piece = known[1]
        else:
            said = _plain(message, profile) or _Message(message, profile, f"messages[{position}]", warnings).encoded()
            piece = _encode(said)[1:-1]
            if memo is not None:
                memo[id(message)] = (message, piece)
        if piece:
            pieces.append(piece)
    rest = _encode(_fields(request, profile, warnings))
    body = b'{"messages":[%b],%b' % (b",".join(pieces), rest[1:])
    headers = (_STREAM_HEADERS if request.stream else _JSON_HEADERS) + endpoint.headers
    http = HTTPRequest("POST", f"{endpoint.base_url}/chat/completions", headers, body)
    return Encoded(http, tuple(warnings))


def _fields(request: Request, profile: Profile, warnings: list[EncodeWarning]) -> dict[str, Any]:
    """Everything but the messages."""
    body: dict[str, Any] = {"model": request.model}
    if request.max_tokens is not None:
        body[profile.max_tokens_field] = request.max_tokens
    for name, value in (("temperature", request.temperature), ("top_p", request.top_p)):
        if value is None:
            continue
        if profile.sampling:
            body[name] = value
        else:
            warnings.append(EncodeWarning(name, f"{request.model} takes no {name}; it was left out"))
    if request.stop:
        lone = profile.stop_as_string and len(request.stop) == 1
        body["stop"] = request.stop[0] if lone else request.stop
    if request.seed is not None:
        body["seed"] = request.seed
    _reasoning_settings(request, profile, body, warnings)
    if request.output is not None:
        body["response_format"] = _response_format(request.output)
    if request.tool_choice is not None:
        choice = request.tool_choice
        named = isinstance(choice, NamedTool)
        body["tool_choice"] = {"type": "function", "function": {"name": choice.name}} if named else choice  # type: ignore[union-attr]
    elif request.tools and profile.tool_choice_auto:
        body["tool_choice"] = "auto"
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.tools:
        body["tools"] = [_tool(tool, n, profile, warnings) for n, tool in enumerate(request.tools)]
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


def _reasoning_settings(
    request: Request, profile: Profile, body: dict[str, Any], warnings: list[EncodeWarning]
) -> None:
    settings = request.reasoning
    if settings is None:
        return
    if profile.reasoning_request == "reasoning":
        body["reasoning"] = settings  # the fields have the wire's own names, absent ones are left out
        return
    if settings.effort is not None:
        body["reasoning_effort"] = settings.effort
    warnings.extend(
        EncodeWarning(f"reasoning.{name}", "this wire knows an effort only; it was left out")
        for name in ("max_tokens", "enabled", "exclude")
        if getattr(settings, name) is not None
    )


def _response_format(output: OutputSchema) -> dict[str, Any]:
    if output.schema is None:
        return {"type": "json_object"}
    schema: dict[str, Any] = {"name": output.name}
    if output.description is not None:
        schema["description"] = output.description
    schema["schema"] = output.schema
    if output.strict is not None:
        schema["strict"] = output.strict
    return {"type": "json_schema", "json_schema": schema}


def _tool(tool: ToolSpec, position: int, profile: Profile, warnings: list[EncodeWarning]) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters:
        function["parameters"] = tool.parameters
    if tool.strict:
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


def _plain(message: Message, profile: Profile) -> list[dict[str, Any]] | None:
    """The short way for what most messages are: one text, unmarked. None for all others."""
    if len(message.parts) != 1 or message.name is not None or message.role in profile.text_as_parts:
        return None
    part = message.parts[0]
    if type(part) is not Text or part.cache is not None or message.role == "tool":
        return None
    return [{"role": profile.system_role if message.role == "system" else message.role, "content": part.text}]


class _Message:
    """One message on its way out. A tool's results are messages of their own here, so one may become several."""

    __slots__ = ("message", "profile", "warnings", "where")

    def __init__(self, message: Message, profile: Profile, where: str, warnings: list[EncodeWarning]) -> None:
        self.message = message
        self.profile = profile
        self.where = where
        self.warnings = warnings

    def encoded(self) -> list[dict[str, Any]]:
        message, profile = self.message, self.profile
        said = [self._result(part) for part in message.parts if isinstance(part, ToolResult)]
        others = [part for part in message.parts if not isinstance(part, ToolResult)]
        if message.role == "tool":
            if others:
                self._warn("a tool's message holds results only; the other parts were left out")
            return said
        if said and not others:
            return said
        role = profile.system_role if message.role == "system" else message.role
        body: dict[str, Any] = {"role": role}
        if message.name is not None:
            body["name"] = message.name
        if message.role == "assistant":
            self._assistant(body)
        else:
            content = [part for part in others if isinstance(part, Text | File)]
            if len(content) != len(others):
                self._warn(f"a {message.role}'s message holds text and files only; the other parts were left out")
            self._content(body, content, message.role)
        return [*said, body]

    def _warn(self, text: str) -> None:
        self.warnings.append(EncodeWarning(self.where, text))

    def _assistant(self, body: dict[str, Any]) -> None:
        texts: list[Text | File] = []
        thoughts: list[Reasoning] = []
        calls: list[dict[str, Any]] = []
        images: list[dict[str, Any]] = []
        refusals: list[str] = []
        for part in self.message.parts:
            match part:
                case Text():
                    texts.append(part)
                case Reasoning():
                    thoughts.append(part)
                case ToolCall():
                    calls.append(self._call(part))
                case Refusal():
                    refusals.append(part.text)
                case File():
                    image = encode_file(part)
                    if self.profile.media_back and image is not None and image["type"] == "image_url":
                        images.append(image)
                    else:
                        self._warn("this wire takes no file back from the assistant; it was left out")
                case Source():
                    self._warn("this wire takes no sources back; they were left out")
                case Native(kind=kind):
                    self._warn(f"this wire cannot hold a {kind} of another; it was left out")
                case ToolResult():
                    pass
        if texts:
            self._content(body, texts, "assistant")
        elif self.profile.empty_content != "omit":
            body["content"] = None if self.profile.empty_content == "null" else ""
        if refusals:
            body["refusal"] = "".join(refusals)
        if thoughts:
            self._reasoning(body, thoughts)
        if images:
            body["images"] = images
        if calls:
            body["tool_calls"] = calls
        if body.keys() <= {"role", "name"}:
            self._content(body, [Text("")], "assistant")  # a message of nothing at all is refused everywhere

    def _reasoning(self, body: dict[str, Any], thoughts: list[Reasoning]) -> None:
        field = self.profile.reasoning_back
        text = "".join(part.text for part in thoughts)
        details: list[Any] = []
        for part in thoughts:
            if part.opaque is not None and part.opaque.origin == NAME and isinstance(part.opaque.value, list):
                details.extend(part.opaque.value)
            elif part.opaque is not None:
                self._warn("this wire cannot hold another's signature of reasoning; only its text goes back")
        if field is None:
            self._warn("this wire takes no reasoning back; it was left out")
        elif field == "reasoning_details":
            if details:
                body["reasoning_details"] = details
            if not details or wants_text_beside(self.profile, details):
                body["reasoning"] = text
        else:
            body[field] = text
            if details and not text:
                self._warn("this wire cannot hold encrypted reasoning; it was left out")

    def _call(self, call: ToolCall) -> dict[str, Any]:
        said: dict[str, Any] = {"id": call.id, "type": "function"}
        said["function"] = {"name": call.name, "arguments": call.arguments}
        if call.cache is not None and self._marks():
            said["cache_control"] = encode_cache(call.cache)
        if call.opaque is not None:
            if call.opaque.origin == NAME and isinstance(call.opaque.value, dict):
                said.update(call.opaque.value)
            else:
                self._warn(f"this wire cannot hold another's data of call {call.id}; it was left out")
        return said

    def _result(self, result: ToolResult) -> dict[str, Any]:
        said: dict[str, Any] = {"role": "tool", "tool_call_id": result.call_id}
        if self.profile.tool_name:
            said["name"] = result.name
        content: list[Text | File] = list(result.content)
        if not self.profile.media_back and any(isinstance(part, File) for part in content):
            self._warn(f"this wire takes no files in a tool's result; those of {result.call_id} were left out")
            content = [part for part in content if isinstance(part, Text)]
        marked = result.cache is not None and self._marks()
        if marked and self.profile.cache_marks == "part" and content:
            content[-1] = msgspec.structs.replace(content[-1], cache=result.cache)
        self._content(said, content, "tool")
        if marked and result.cache is not None and self.profile.cache_marks == "message":
            said["cache_control"] = encode_cache(result.cache)
        return said

    def _content(self, body: dict[str, Any], parts: list[Text | File], role: str) -> None:
        """Write ``content``: a string where it can be one and this hand writes strings, else a list of parts."""
        marks = [part.cache for part in parts if part.cache is not None]
        on_parts = bool(marks) and self._marks() and self.profile.cache_marks == "part"
        plain = not on_parts and role not in self.profile.text_as_parts
        if (
            plain
            and all(isinstance(part, Text) for part in parts)
            and (len(parts) < 2 or role in ("assistant", "tool"))
        ):
            body["content"] = "".join(part.text for part in parts if isinstance(part, Text))
        else:
            body["content"] = [said for part in parts if (said := self._part(part, on_parts)) is not None]
        if marks and self.profile.cache_marks == "message":
            if parts[-1].cache is None or len(marks) > 1:
                self._warn("this wire marks whole messages; the cache mark stands at the message's end")
            body["cache_control"] = encode_cache(marks[-1])

    def _part(self, part: Text | File, marked: bool) -> dict[str, Any] | None:
        said = encode_text(part) if isinstance(part, Text) else encode_file(part)
        if said is None:
            self._warn(f"this wire takes no {part.media_type} by URL; it was left out")  # type: ignore[union-attr]
        elif marked and part.cache is not None:
            said["cache_control"] = encode_cache(part.cache)
        return said

    def _marks(self) -> bool:
        """Whether cache marks can be written; warns when not."""
        if self.profile.cache_marks is None:
            self._warn("this wire has no cache marks; the mark was left out")
            return False
        return True
