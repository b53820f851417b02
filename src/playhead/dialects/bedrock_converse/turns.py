"""Messages as they leave: the vocabulary's roles to the two of this wire, and each part to its block.

A message becomes its blocks' bytes, without brackets and role: whoever joins messages of one role, as Bedrock demands,
puts them side by side. A tool's results are the user's here. A text that is blank is left out, since Bedrock refuses
it. A mark to cache becomes a block of its own after the part that has it.
"""

from __future__ import annotations

from typing import Any, assert_never

from playhead.dialects.base import EncodeWarning, to_json, warn
from playhead.dialects.bedrock_converse.content import (
    call_id,
    encode_cache,
    encode_call,
    encode_reasoning,
    encode_text,
    is_own,
    whole_block,
)
from playhead.dialects.bedrock_converse.files import NAME, encode_file
from playhead.dialects.bedrock_converse.profile import Profile
from playhead.messages import (
    Cache,
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

#: The blocks that a tool's result may hold.
_IN_RESULT = frozenset(("image", "document", "video"))


class Turn:
    """One message on its way out."""

    __slots__ = ("message", "profile", "warnings", "where")

    def __init__(self, message: Message, profile: Profile, where: str, warnings: list[EncodeWarning]) -> None:
        self.message = message
        self.profile = profile
        self.where = where
        self.warnings = warnings

    def encoded(self) -> bytes:
        """The message's blocks as JSON, with commas between them; b"" where nothing of it is left."""
        return to_json(self.blocks(), self.where)[1:-1]

    def blocks(self) -> list[dict[str, Any]]:
        """The message's blocks."""
        if self.message.name is not None:
            self._warn("this wire knows no participants' names; it was left out")
        blocks: list[dict[str, Any]] = []
        parts = self.message.parts
        for position, part in enumerate(parts):
            if not self._allowed(part):
                self._warn(f"a {self.message.role}'s message holds no {type(part).__name__}; it was left out")
                continue
            match part:
                case Text():
                    self._text(part, _sources_after(parts, position), blocks)
                case Refusal(text=text):
                    self._warn("this wire has no refusals apart; it goes back as text")
                    self._text(Text(text), [], blocks)
                case Source():
                    self._source(part, parts, position)
                case Reasoning():
                    self._reasoning(part, blocks)
                case ToolCall():
                    blocks.append(self._call(part))
                case ToolResult():
                    blocks.append(self._result(part))
                case File():
                    self._file(part, blocks)
                case Native():
                    self._native(part, blocks)
                case _:
                    assert_never(part)
            if isinstance(part, Text | File | ToolCall | ToolResult) and part.cache is not None:
                self._cache(part.cache, blocks)
        return blocks

    def _allowed(self, part: Part) -> bool:
        match self.message.role:
            case "system":
                return isinstance(part, Text | Native)
            case "assistant":
                return not isinstance(part, ToolResult)
            case "user":
                return isinstance(part, Text | Native | File | ToolResult)
            case "tool":
                return isinstance(part, ToolResult)

    def _warn(self, text: str) -> None:
        warn(self.warnings, self.where, text)

    def _cache(self, cache: Cache, blocks: list[dict[str, Any]]) -> None:
        place = "system" if self.message.role == "system" else "messages"
        if place not in self.profile.cache_points:
            self._warn(f"this model takes no mark to cache in {place}; it was left out")
        elif not blocks:
            self._warn("a mark to cache wants something before it; it was left out")
        else:
            blocks.append(encode_cache(cache))

    def _text(self, part: Text, sources: list[Source], blocks: list[dict[str, Any]]) -> None:
        if part.text.strip() or self.profile.as_it_is or whole_block(part) is not None:
            blocks.append(encode_text(part, sources))
        elif sources:
            self._warn("a text of white space only cannot go back; its citations were left out")

    def _source(self, source: Source, parts: tuple[Part, ...], position: int) -> None:
        """Its text has taken it, where it is this wire's own; else it cannot go back."""
        before = next((part for part in reversed(parts[:position]) if not isinstance(part, Source)), None)
        if not is_own(source.opaque) or not isinstance(before, Text):
            self._warn("this wire takes back its own citations after a text only; the other sources were left out")

    def _reasoning(self, part: Reasoning, blocks: list[dict[str, Any]]) -> None:
        block = encode_reasoning(part, unsigned=self.profile.reasoning_back)
        if block is not None:
            blocks.append(block)
        elif is_own(part.opaque):
            self._warn("this model takes no reasoning back; it was left out")
        else:
            self._warn("this wire takes reasoning of its own only; it was left out")

    def _call(self, call: ToolCall) -> dict[str, Any]:
        block, whole = encode_call(call)
        if not whole:
            self._warn(f"the arguments of call {call.id} are no JSON object; they go back wrapped in one")
        if call.opaque is not None and not is_own(call.opaque):
            self._warn(f"this wire cannot hold another's data of call {call.id}; it was left out")
        return block

    def _native(self, part: Native, blocks: list[dict[str, Any]]) -> None:
        if is_own(part.opaque):
            blocks.append(part.opaque.value)
        else:
            self._warn(f"this wire cannot hold a {part.kind} of another; it was left out")

    def _file(self, file: File, blocks: list[dict[str, Any]], *, in_result: bool = False) -> None:
        block = encode_file(file)
        if block is None or (in_result and not block.keys() <= _IN_RESULT):
            place = "of a tool's result" if in_result else "by this URL" if file.data is None else "of this type"
            self._warn(f"this wire takes no {file.media_type or 'file'} {place}; it was left out")
            return
        blocks.append(block)
        if file.detail is not None:
            self._warn(f'this wire knows no detail "{file.detail}" of a file; it was left out')
        if file.opaque is not None and file.opaque.origin != NAME:
            self._warn("this wire cannot hold another's data of a file; it was left out")

    def _result(self, result: ToolResult) -> dict[str, Any]:
        content: list[dict[str, Any]] = []
        for part in result.content:
            if isinstance(part, Text):
                self._text(part, [], content)
            else:
                self._file(part, content, in_result=True)
            if part.cache is not None:
                self._warn("a tool's result is cached whole; the mark inside of it was left out")
        said: dict[str, Any] = {"toolUseId": call_id(result.call_id), "content": content}
        if not self.profile.result_status:
            if result.is_error:
                self._warn("this model takes no status of a result; that it is an error was left out")
        elif result.is_error:
            said["status"] = "error"
        elif self.profile.status_success:
            said["status"] = "success"
        return {"toolResult": said}


def _sources_after(parts: tuple[Part, ...], position: int) -> list[Source]:
    """This wire's own sources that stand right after a text."""
    found: list[Source] = []
    for part in parts[position + 1 :]:
        if not isinstance(part, Source):
            break
        if is_own(part.opaque):
            found.append(part)
    return found
