"""Messages as they leave: the vocabulary's roles to the two or three of this wire.

A tool's results are a user's message here. Results in messages of their own are joined into one, because the API wants
all results of an assistant's calls in the message after it. System messages are not here but at the top of the body,
unless the hand writes them in place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

from playhead.dialects.anthropic_messages.content import (
    AS_BLOCK,
    container_of,
    encode_call,
    encode_marked_file,
    encode_reasoning,
    encode_text,
    is_own,
)
from playhead.dialects.anthropic_messages.profile import Profile
from playhead.dialects.base import EncodeWarning, to_json, warn
from playhead.dialects.cache_control import encode_cache
from playhead.dialects.foreign import fitting_id
from playhead.messages import (
    File,
    Message,
    Native,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)

#: How a message of tools' results begins and ends: what stands between is joined with the next one's.
RESULTS_HEAD, RESULTS_TAIL = b'{"role":"user","content":[', b"]}"


class Turn:
    """One message on its way out."""

    __slots__ = ("message", "profile", "warnings", "where")

    def __init__(self, message: Message, profile: Profile, where: str, warnings: list[EncodeWarning]) -> None:
        self.message = message
        self.profile = profile
        self.where = where
        self.warnings = warnings

    def encoded(self) -> bytes:
        """The message's JSON; b"" where nothing of it is left."""
        role = self.message.role
        if self.message.name is not None:
            self._warn("this wire knows no participants' names; it was left out")
        blocks = self._assistant() if role == "assistant" else self._blocks()
        if not blocks and not (self.profile.blanks and role == "assistant"):
            return b""
        written = "user" if role == "tool" else role
        content: Any = blocks
        if role != "tool" and role not in self.profile.text_as_parts:
            content = lone_text(blocks, self.message.parts)
        return to_json({"role": written, "content": content}, self.where)

    def _warn(self, text: str) -> None:
        warn(self.warnings, self.where, text)

    def _blocks(self) -> list[dict[str, Any]]:
        """The blocks of a user's, a tool's or a system message."""
        blocks: list[dict[str, Any]] = []
        role = self.message.role
        for part in self.message.parts:
            if isinstance(part, ToolResult) and role != "system":
                blocks.append(self._result(part))
            elif role == "tool":
                self._warn("a tool's message holds results only; the other parts were left out")
            elif isinstance(part, Text):
                if part.text.strip() or len(self.message.parts) == 1 or self.profile.blanks:
                    blocks.append(
                        encode_text(part)
                    )  # a block of white space is refused; alone, it is all that was said
            elif isinstance(part, File) and role == "user":
                self._file(part, blocks)
            elif isinstance(part, Native) and role == "user":
                self._native(part, blocks)
            else:
                self._warn(f"a {role}'s message holds no {type(part).__name__}; it was left out")
        return blocks

    def _assistant(self) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = []
        sources: list[Source] = []
        foreign = False
        for part in reversed(self.message.parts):  # from the end, so that a text meets its sources
            match part:
                case Source():
                    if is_own(part.opaque):
                        sources.append(part)
                    else:
                        foreign = True
                    continue
                case Text():
                    self._text(part, sources[::-1], blocks)
                    sources = []
                case Refusal(text=text):
                    self._warn("this wire has no refusals apart; it goes back as text")
                    self._text(Text(text), [], blocks)
                case Reasoning():
                    block = encode_reasoning(part)
                    if block is None:
                        self._warn("this wire takes signed reasoning of its own only; it was left out")
                    else:
                        blocks.append(block)
                case ToolCall():
                    blocks.append(self._call(part))
                case Native():
                    self._native(part, blocks)
                case File() | ToolResult():
                    self._warn(f"an assistant's message holds no {type(part).__name__}; it was left out")
                case _:
                    assert_never(part)
        if foreign or sources:
            self._warn("this wire takes back its own citations after a text only; the other sources were left out")
        blocks.reverse()
        return blocks

    def _text(self, part: Text, sources: list[Source], blocks: list[dict[str, Any]]) -> None:
        if part.text.strip() or self.profile.blanks:
            blocks.append(encode_text(part, sources))
        elif sources or part.cache is not None:
            self._warn("a text of white space only cannot go back; its citations and cache mark were left out")

    def _call(self, call: ToolCall) -> dict[str, Any]:
        block, whole = encode_call(call, self.profile.direct_caller)
        block["id"] = fitting_id(call.id, "plain")
        if not whole:
            self._warn(f"the arguments of call {call.id} are no JSON object; they go back wrapped in one")
        if call.opaque is not None and not is_own(call.opaque):
            self._warn(f"this wire cannot hold another's data of call {call.id}; it was left out")
        return block

    def _native(self, part: Native, blocks: list[dict[str, Any]]) -> None:
        if container_of(part) is not None:
            return  # stands at the top of the body
        if is_own(part.opaque):
            blocks.append(part.opaque.value)
        else:
            self._warn(f"this wire cannot hold a {part.kind} of another; it was left out")

    def _file(self, file: File, blocks: list[dict[str, Any]]) -> None:
        block = encode_marked_file(file)
        if block is None:
            self._warn(f"this wire takes no {file.media_type} {'by URL' if file.data is None else 'file'}; left out")
        else:
            blocks.append(block)
        if file.detail is not None:
            self._warn(f'this wire knows no detail "{file.detail}" of a file; it was left out')

    def _result(self, result: ToolResult) -> dict[str, Any]:
        said: dict[str, Any] = {"type": "tool_result", "tool_use_id": fitting_id(result.call_id, "plain")}
        content: list[dict[str, Any]] = []
        for part in result.content:
            if isinstance(part, Text):
                content.append(encode_text(part))
            else:
                self._file(part, content)
        if content:
            said["content"] = content if "tool" in self.profile.text_as_parts else lone_text(content, result.content)
        if result.is_error:
            said["is_error"] = True
        elif self.profile.is_error_false:
            said["is_error"] = False
        if result.cache is not None:
            said["cache_control"] = encode_cache(result.cache)
        return said


def lone_text(blocks: list[dict[str, Any]], parts: Iterable[Part]) -> Any:
    """A string where the blocks are one text with nothing beside it, and its part does not ask for a block."""
    if len(blocks) != 1 or blocks[0].keys() != {"type", "text"}:
        return blocks
    return blocks if any(isinstance(part, Text) and part.opaque == AS_BLOCK for part in parts) else blocks[0]["text"]
