"""A conversation as ``contents``: each message as the bytes of its parts, then the roles around them.

The wire knows two roles, user and model. Tool results are parts of a user's content, all of one step in one content;
the system's messages stand apart, as ``systemInstruction``. So a message is encoded as its parts only, once, and its
bytes are kept by identity (see :data:`playhead.dialects.base.Memo`); joining them is what is left for each request.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from playhead.dialects.base import EncodeWarning, Memo, to_json, warn
from playhead.dialects.foreign import lies_elsewhere
from playhead.dialects.gemini.fields import snake
from playhead.dialects.gemini.parts import NAME, SIGNATURE, encode_file, encode_thought, is_made, own
from playhead.dialects.gemini.profile import Profile
from playhead.messages import File, Message, Native, Reasoning, Refusal, Source, Text, ToolCall, ToolResult

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.decode

_Kind: TypeAlias = Literal["user", "model", "results"]


def encode_contents(
    messages: tuple[Message, ...], profile: Profile, memo: Memo | None, warnings: list[EncodeWarning]
) -> tuple[bytes, bytes]:
    """The list of contents without its brackets, and the system instruction's parts without theirs."""
    ids = _own_ids(messages, profile)
    system: list[bytes] = []
    contents: list[tuple[_Kind, bytes]] = []
    for position, message in enumerate(messages):
        known = memo.get(id(message)) if memo is not None and ids is None else None
        if known is not None:
            piece = known[1]
        else:
            writer = _Writer(message, profile, f"messages[{position}]", warnings, ids or {})
            parts: Any = writer.parts()
            if profile.snake:
                parts = snake(parts, profile.snake)
            piece = to_json(parts, f"messages[{position}]")[1:-1]
            if memo is not None and ids is None:
                memo[id(message)] = (message, piece)
        if message.role == "system":
            if contents and piece:
                warnings.append(
                    EncodeWarning(f"messages[{position}]", "this wire has one system instruction; it was moved there")
                )
            if piece:
                system.append(piece)
            continue
        kind = _kind(message)
        if not piece:
            continue  # a content without parts is refused
        if kind == "results" and profile.join_results and contents and contents[-1][0] == "results":
            contents[-1] = (kind, b"%b,%b" % (contents[-1][1], piece))
        else:
            contents.append((kind, piece))
    roles = {
        "user": b',"role":"user"' if profile.user_role else b"",
        "model": b',"role":"model"',
        "results": b',"role":%b' % _encode(profile.result_role),
    }
    joined = b",".join(b'{"parts":[%b]%b}' % (piece, roles[kind]) for kind, piece in contents)
    return joined, b",".join(system)


def _kind(message: Message) -> _Kind:
    if message.role == "assistant":
        return "model"
    results = message.role == "tool" or (
        bool(message.parts) and all(isinstance(part, ToolResult) for part in message.parts)
    )
    return "results" if results else "user"


def _own_ids(messages: tuple[Message, ...], profile: Profile) -> dict[str, str] | None:
    """What a recorded client called the calls that came without ids; None where it called them nothing."""
    if not profile.own_ids:
        return None
    calls = [part.id for message in messages for part in message.parts if isinstance(part, ToolCall)]
    return {made: given for made, given in zip(calls, profile.own_ids, strict=False) if is_made(made)}


class _Writer:
    """One message on its way out."""

    __slots__ = ("ids", "message", "profile", "warnings", "where")

    def __init__(
        self,
        message: Message,
        profile: Profile,
        where: str,
        warnings: list[EncodeWarning],
        ids: dict[str, str],
    ) -> None:
        self.message = message
        self.profile = profile
        self.where = where
        self.warnings = warnings
        self.ids = ids

    def parts(self) -> list[Any]:
        message = self.message
        if message.name is not None:
            self._warn("this wire has no names of participants; it was left out")
        said: list[Any] = []
        for part in message.parts:
            cache = getattr(part, "cache", None)
            if cache is not None:
                self._warn("this wire has no cache marks; the mark was left out")
            if not self._has_place(part):
                self._warn(f"a {message.role}'s message holds no {type(part).__name__} on this wire; it was left out")
                continue
            self._foreign(part)
            match part:
                case Text():
                    said.append({"text": part.text, **own(part.opaque)})
                case Refusal():
                    self._warn("this wire has no refusals apart; it goes back as text")
                    said.append({"text": part.text})
                case Reasoning():
                    if own(part.opaque) or self.profile.thoughts_back:
                        said.append(encode_thought(part))
                    elif part.text or part.opaque is not None:
                        self._warn("this wire takes back reasoning with a signature of its own only; it was left out")
                case File():
                    said.extend(self._file(part))
                case Native(opaque=opaque):
                    if own(opaque):
                        said.append(own(opaque))
                case ToolCall():
                    said.append(self._call(part))
                case ToolResult():
                    said.extend(self._result(part))
                case Source():
                    self._warn("this wire takes no sources back; they were left out")
        if self.profile.stand_in_signature is not None and message.role == "assistant":
            self._stand_in(said)
        return said

    def _warn(self, text: str) -> None:
        warn(self.warnings, self.where, text)

    def _foreign(self, part: Any) -> None:
        opaque = getattr(part, "opaque", None)
        if (
            opaque is None
            or own(opaque)
            or (opaque.origin, opaque.value) == (NAME, {})
            or isinstance(part, Source | Text)
        ):
            return  # what another wire says of a text (annotations) is not asked for again
        kind = "reasoning" if isinstance(part, Reasoning) else part.kind if isinstance(part, Native) else "data"
        if kind != "reasoning" or self.profile.thoughts_back:
            self._warn(f"this wire cannot hold another's {kind}; it was left out")

    def _has_place(self, part: Any) -> bool:
        """Whether a message of this role can hold such a part on this wire."""
        match self.message.role:
            case "system":
                return isinstance(part, Text | File | Native)
            case "user":
                return not isinstance(part, ToolCall | Refusal)
            case "tool":
                return isinstance(part, ToolResult | Native)
            case _:
                return not isinstance(part, ToolResult)

    def _file(self, file: File) -> list[dict[str, Any]]:
        profile = self.profile
        if lies_elsewhere(file, NAME):
            self._warn("this wire takes no file that lies with another provider; it was left out")
            return []
        if file.detail is not None and not profile.part_resolution:
            self._warn("this speaker takes no resolution of a file; it was left out")
        return [encode_file(file, names=profile.file_names, resolution=profile.part_resolution)]

    def _call(self, call: ToolCall) -> dict[str, Any]:
        said: dict[str, Any] = {}
        identifier = self._id(call.id)
        if identifier:
            said["id"] = identifier
        said["name"] = call.name
        try:
            arguments = _decode(call.arguments) if call.arguments.strip() else {}
        except (ValueError, RecursionError):
            arguments = None
        if not isinstance(arguments, dict):
            self._warn(f"the arguments of {call.name} are no JSON object; they stand under the name arguments")
            said["args"] = {"arguments": call.arguments}
        elif arguments or self.profile.empty_args:
            # Bytes the encoder may not change: a number keeps all its digits.
            said["args"] = msgspec.Raw(call.arguments) if arguments else {}
        return {"functionCall": said, **own(call.opaque)}

    def _id(self, identifier: str) -> str:
        if not self.profile.call_ids:
            return ""
        return self.ids.get(identifier, "") if is_made(identifier) else identifier

    def _result(self, result: ToolResult) -> list[Any]:
        profile = self.profile
        said: dict[str, Any] = {}
        identifier = self._id(result.call_id) if profile.result_ids else ""
        if identifier:
            said["id"] = identifier
        said["name"] = result.name
        said["response"] = self._response(result)
        files = [part for part in result.content if isinstance(part, File)]
        if any(part.cache is not None for part in result.content):
            self._warn("this wire has no cache marks; the mark was left out")
        media = [one for file in files for one in self._file(file)]
        if media and profile.result_media == "inside":
            said["parts"] = media
            media = []
        return [{"functionResponse": said}, *media]

    def _response(self, result: ToolResult) -> Any:
        text = result.text
        if result.is_error:
            return {"error": text}
        if self.profile.object_results:
            try:
                value = _decode(text)
            except (ValueError, RecursionError):
                value = None
            if isinstance(value, dict):
                return value
        return {self.profile.result_key: text}

    def _stand_in(self, said: list[Any]) -> None:
        """Sign the first call of an answer that another provider gave."""
        if any(SIGNATURE in part for part in said):
            return
        call = next((part for part in said if "functionCall" in part), None)
        if call is not None:
            call[SIGNATURE] = self.profile.stand_in_signature
