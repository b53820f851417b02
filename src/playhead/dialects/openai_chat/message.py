"""One message of a history as this wire writes it: ``Message -> [{"role": "user", "content": …}]``.

A tool's results are messages of their own here, so one message may become several; all else becomes one. What was kept
of this wire's own goes back verbatim, and what another left in the history and this speaker cannot hold is a warning,
once for each message. A message never leaves without content and calls both, since such a one is refused everywhere.

Mistral writes its reasoning as chunks of the content, before the text; every other speaker in a field beside it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import EncodeWarning, warn
from playhead.dialects.cache_control import encode_cache
from playhead.dialects.foreign import fitting_id, kind_of
from playhead.dialects.openai_chat.content import NAME, encode_file, encode_text
from playhead.dialects.openai_chat.profile import Profile, wants_text_beside
from playhead.dialects.openai_chat.reasoning import encode_chunk, is_chunk
from playhead.messages import File, Message, Native, Reasoning, Refusal, Source, Text, ToolCall, ToolResult


def encode_message(
    message: Message, profile: Profile, where: str, warnings: list[EncodeWarning]
) -> list[dict[str, Any]]:
    """The wire's messages that this one is; what they cannot say is added to ``warnings``."""
    return _plain(message, profile) or _Writer(message, profile, where, warnings).encoded()


def _plain(message: Message, profile: Profile) -> list[dict[str, Any]] | None:
    """The short way for what most messages are: one text, unmarked. None for all others."""
    if len(message.parts) != 1 or message.name is not None or message.role in profile.text_as_parts:
        return None
    part = message.parts[0]
    if type(part) is not Text or part.cache is not None or message.role == "tool":
        return None
    return [{"role": profile.system_role if message.role == "system" else message.role, "content": part.text}]


class _Writer:
    """One message on its way out."""

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
        if message.name is not None and profile.names:
            body["name"] = message.name
        elif message.name is not None:
            self._warn("this speaker takes no names of participants; it was left out")
        if message.role == "assistant":
            self._assistant(body)
        else:
            content: list[Text | File] = []
            for part in others:
                if isinstance(part, Text | File):
                    content.append(part)
                else:
                    self._warn(f"a {message.role}'s message holds no {type(part).__name__} on this wire; left out")
            self._content(body, content, message.role)
        return [*said, body]

    def _warn(self, text: str) -> None:
        warn(self.warnings, self.where, text)

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
                case Refusal() if not self.profile.refusal_back:
                    self._warn("this speaker has no refusals apart; it goes back as text")
                    texts.append(Text(part.text))
                case Refusal():
                    refusals.append(part.text)
                case File():
                    image = encode_file(part, self.profile) if self.profile.media_back else None
                    if image is not None and image["type"] == "image_url":
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
        elif calls and self.profile.reasoning_stand_in is not None and self.profile.reasoning_back is not None:
            body[self.profile.reasoning_back] = self.profile.reasoning_stand_in
        if images:
            body["images"] = images
        if calls:
            body["tool_calls"] = calls
        if body.keys() <= {"role", "name"}:
            self._content(body, [Text("")], "assistant")  # a message of nothing at all is refused everywhere

    def _reasoning(self, body: dict[str, Any], thoughts: list[Reasoning]) -> None:
        field = self.profile.reasoning_back
        text = "".join(part.text for part in thoughts)
        kept: list[Any] = []
        for part in thoughts:
            if part.opaque is not None and part.opaque.origin == NAME and isinstance(part.opaque.value, list):
                kept.extend(part.opaque.value)
            elif part.opaque is not None and field is not None:
                self._warn("this wire cannot hold another's signature of reasoning; only its text goes back")
        details = [entry for entry in kept if not is_chunk(entry)]
        if field is None:
            self._warn("this wire takes no reasoning back; it was left out")
        elif field == "reasoning_details":
            if details:
                body["reasoning_details"] = details
            if not details or wants_text_beside(self.profile, details):
                body["reasoning"] = text
            if len(details) < len(kept):
                self._warn("this speaker cannot hold another's signature of reasoning; only its text goes back")
        elif field == "thinking":
            self._chunks(body, thoughts)
        else:
            body[field] = text
            if kept and not text:
                self._warn("this wire cannot hold encrypted reasoning; it was left out")

    def _chunks(self, body: dict[str, Any], thoughts: list[Reasoning]) -> None:
        """Mistral's way: the thoughts are chunks of the content, before its text."""
        chunks: list[Any] = []
        for part in thoughts:
            kept = part.opaque.value if part.opaque is not None and part.opaque.origin == NAME else None
            own = [entry for entry in kept if is_chunk(entry)] if isinstance(kept, list) else []
            if isinstance(kept, list) and len(own) < len(kept):
                self._warn("this speaker cannot hold another's signature of reasoning; only its text goes back")
            if own:
                chunks.extend(own)
            elif part.text:
                chunks.append(encode_chunk(part.text))
            else:
                self._warn("this wire cannot hold encrypted reasoning; it was left out")
        content = body.get("content")
        if isinstance(content, str):
            content = [{"type": "text", "text": content}] if content else []
        if chunks:
            body["content"] = [*chunks, *(content or ())]

    def _call(self, call: ToolCall) -> dict[str, Any]:
        said: dict[str, Any] = {"id": fitting_id(call.id, self.profile.call_ids), "type": "function"}
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
        said: dict[str, Any] = {"role": "tool", "tool_call_id": fitting_id(result.call_id, self.profile.call_ids)}
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
            said = [made for part in parts if (made := self._part(part, on_parts)) is not None]
            lone = said[0] if plain and len(said) == 1 < len(parts) else {}
            # A text that others were left out beside is as any text; and an empty list is refused.
            body["content"] = lone["text"] if lone.get("type") == "text" else said or ""
        if marks and self.profile.cache_marks == "message":
            if parts[-1].cache is None or len(marks) > 1:
                self._warn("this wire marks whole messages; the cache mark stands at the message's end")
            body["cache_control"] = encode_cache(marks[-1])

    def _part(self, part: Text | File, marked: bool) -> dict[str, Any] | None:
        if isinstance(part, Text):
            said: dict[str, Any] | None = encode_text(part)
        elif kind_of(part) not in self.profile.files:
            self._warn(f"this speaker takes no {kind_of(part)}; it was left out")
            return None
        else:
            said = encode_file(part, self.profile)
            if said is None:
                what = "file that lies with another provider" if part.data is None else "such file"
                what = f"{part.media_type} by URL" if kind_of(part) == "audio" and part.data is None else what
                self._warn(f"this wire takes no {what}; it was left out")
        if said is not None and marked and part.cache is not None:
            said["cache_control"] = encode_cache(part.cache)
        return said

    def _marks(self) -> bool:
        """Whether cache marks can be written; warns when not."""
        if self.profile.cache_marks is None:
            self._warn("this wire has no cache marks; the mark was left out")
            return False
        return True
