"""One message of a history as the items that this wire makes of it.

A system's or user's message is one item, an assistant's one for each thing that it said or did, a tool's one for each
result. What was kept of this wire's own goes back: reasoning whole, calls and messages as the profile writes them. What
another wire left in the history and this one cannot hold becomes a warning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from playhead.dialects.base import EncodeWarning, warn
from playhead.dialects.base64_text import encode_base64
from playhead.dialects.foreign import fitting_id
from playhead.dialects.openai_responses.content import BREAKPOINT, encode_input, kept_content, own
from playhead.dialects.openai_responses.items import (
    encode_call,
    encode_contents,
    in_messages,
    is_content,
    message_head,
)
from playhead.dialects.openai_responses.profile import Profile, can_go_back
from playhead.messages import File, Message, Native, Part, Reasoning, Source, Text, ToolCall, ToolResult


class MessageEncoder:
    """One message on its way out.

    Attributes:
        stored: whether the server stores answers, and so knows its items by their ids.
        is_free_form: whether the call of this id was made with text of any form; its output must say so too.
    """

    __slots__ = ("is_free_form", "message", "profile", "stored", "warnings", "where")

    def __init__(
        self,
        message: Message,
        profile: Profile,
        where: str,
        warnings: list[EncodeWarning],
        stored: bool,
        is_free_form: Callable[[str], bool],
    ) -> None:
        self.message = message
        self.profile = profile
        self.where = where
        self.warnings = warnings
        self.stored = stored
        self.is_free_form = is_free_form

    def encoded(self) -> list[dict[str, Any]]:
        """The items, in order."""
        if self.message.name is not None:
            self._warn("this wire has no names of participants; it was left out")
        if self.message.role == "assistant":
            return self._answer()
        items: list[dict[str, Any]] = []
        content: list[Part] = []
        for part in self.message.parts:
            if isinstance(part, ToolResult):
                items.append(self._result(part))
            elif isinstance(part, Text | File) or (isinstance(part, Native) and kept_content(part) is not None):
                content.append(part)
            elif isinstance(part, Native) and own(part.opaque):
                if content:
                    items.append(self._input_message(content))
                    content = []
                items.append(own(part.opaque))
            else:
                self._warn(f"a {self.message.role}'s message holds no {type(part).__name__} on this wire; left out")
        if self.message.role == "tool":
            if content:
                self._warn("a tool's message holds results only; the other parts were left out")
        elif content or not items:
            items.append(self._input_message(content))
        return items

    def _warn(self, text: str) -> None:
        warn(self.warnings, self.where, text)

    def _input_message(self, parts: list[Part]) -> dict[str, Any]:
        """A system's or user's message."""
        role = self.message.role
        extras = own(getattr(parts[0], "opaque", None)).get("item", {}) if parts else {}
        said: dict[str, Any] = {"type": "message"} if role in self.profile.typed_messages or "id" in extras else {}
        said["role"] = self.profile.system_role if role == "system" else role
        said["content"] = self._content(parts, role)
        said.update(extras)
        return said

    def _content(self, parts: list[Part], role: str) -> Any:
        """A string where it can be one and this hand writes strings, else a list of parts."""
        match parts:
            case [Text(text=text, cache=cache) as lone] if role not in self.profile.text_as_parts:
                if "part" not in own(lone.opaque) and (cache is None or not self._marks()):
                    return text
        said = []
        for part in parts:
            if isinstance(part, Native):
                said.append(kept_content(part))
            elif isinstance(part, Text | File):
                body = encode_input(part)
                if body is None:
                    self._warn(f"this wire takes no such file ({_named(part)}); it was left out")
                    continue
                if part.cache is not None and self._marks():
                    body["prompt_cache_breakpoint"] = BREAKPOINT
                said.append(body)
        return said or ("" if parts else [])  # an empty list is refused, where all that it held was left out

    def _marks(self) -> bool:
        """Whether cache marks can be written; warns when not."""
        if not self.profile.cache_marks:
            self._warn("this model takes no cache marks; the mark was left out")
        return self.profile.cache_marks

    def _result(self, result: ToolResult) -> dict[str, Any]:
        content: list[Part] = list(result.content)
        extras = own(getattr(content[0], "opaque", None)).get("item", {}) if content else {}
        kind = "custom_tool_call_output" if self.is_free_form(result.call_id) else "function_call_output"
        if result.cache is not None and content and isinstance(content[-1], Text | File):
            content[-1] = msgspec.structs.replace(content[-1], cache=result.cache)
        output = self._content(content, "tool") if content else ""
        return {"type": kind, "call_id": fitting_id(result.call_id, "64"), "output": output, **extras}

    def _answer(self) -> list[dict[str, Any]]:
        """The items of an assistant's message."""
        items: list[dict[str, Any]] = []
        for parts in in_messages([part for part in self.message.parts if self._is_whole(part)]):
            part = parts[0]
            if is_content(part):
                items.append(self._answer_message(parts))
            elif isinstance(part, ToolCall):
                items.append(self._call(part))
            elif isinstance(part, Reasoning):
                items.extend(self._thought(part))
            elif isinstance(part, Native) and own(part.opaque):
                kept = own(part.opaque)
                if len(parts) > 1 and isinstance(image := parts[1], File):
                    kept = {**kept, "result": encode_base64(image.data or b"")}
                items.append(kept)
            elif isinstance(part, Native):
                self._warn(f"this wire cannot hold another's {part.kind}; it was left out")
            elif isinstance(part, File):
                self._warn("this wire takes no file back from the assistant; it was left out")
            elif isinstance(part, ToolResult):
                items.append(self._result(part))
        return items

    def _is_whole(self, part: Part) -> bool:
        """Whether this is no source that another wire gave without the place that it is cited at, which this one wants
        of each."""
        if not isinstance(part, Source) or own(part.opaque):
            return True
        whole = None not in (part.title, part.start, part.end) and bool(part.url)
        if not whole:
            self._warn("this wire takes back sources with a title and a place in the text only; others were left out")
        return whole

    def _answer_message(self, parts: list[Part]) -> dict[str, Any]:
        head = message_head(parts[0], 0, None) if own(getattr(parts[0], "opaque", None)).get("item") else {}
        said: dict[str, Any] = {"role": "assistant"}
        contents = encode_contents(parts, server=False)
        if self.profile.items_verbatim:
            said.update(head)
        else:
            said.update({key: value for key, value in head.items() if key not in ("type", "id", "status")})
            contents = [
                {key: value for key, value in content.items() if key != "logprobs" and (key != "annotations" or value)}
                for content in contents
            ]
        if "id" not in said:
            said.pop("type", None)
            if "assistant" in self.profile.typed_messages:
                said["type"] = "message"
        match contents:
            case [{"type": "output_text", "text": text} as lone] if (
                len(lone) == 2 and "assistant" not in self.profile.text_as_parts and "id" not in said
            ):
                said["content"] = text
            case _:
                said["content"] = contents
        if any(isinstance(part, Text) and part.cache is not None for part in parts):
            self._warn("this wire marks no text of the assistant; the cache mark was left out")
        return said

    def _call(self, call: ToolCall) -> dict[str, Any]:
        if call.cache is not None:
            self._warn("this wire marks no calls; the cache mark was left out")
        if call.opaque is not None and not own(call.opaque):
            self._warn(f"this wire cannot hold another's data of call {call.id}; it was left out")
        said = {**encode_call(call, 0, None), "call_id": fitting_id(call.id, "64")}
        if not self.profile.items_verbatim or not own(call.opaque):
            said.pop("id", None)
            said.pop("status", None)
        return said

    def _thought(self, part: Reasoning) -> list[dict[str, Any]]:
        item = own(part.opaque)
        if not item:
            self._warn("this wire takes back only reasoning of its own; it was left out")
        elif self.profile.reasoning_back == "all" or self.stored or can_go_back(item):
            return [item]
        else:
            self._warn(
                "the reasoning came without its encrypted content, which a server that stores nothing needs; "
                "it was left out"
            )
        return []


def _named(part: Any) -> str:
    """A file, for a warning: its media type, or where it lies."""
    return part.media_type or (part.url or "").partition(":")[0]
