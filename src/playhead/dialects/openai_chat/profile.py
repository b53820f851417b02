"""How one speaker writes the chat completions wire: its hand, as data.

OpenAI's ``/chat/completions`` is spoken by dozens of servers, and no two write it quite alike: the field that bounds
the output, where reasoning goes back, whether a lone text is a string or a list of parts. All of it is here, a field a
difference, so that no code asks for a provider's name. :func:`infer_profile` reads the hand out of a request.

The defaults are what most compatible servers take. Who differs is in :mod:`playhead.providers`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from playhead.dialects.foreign import IdRule
from playhead.dialects.profile import ModelProfile

#: Every kind of file that this wire has a part for; what stands in ``Profile.files``.
FILES = ("image", "audio", "video", "document")


class Profile(ModelProfile, frozen=True, omit_defaults=True):
    """One speaker's way of writing.

    Attributes:
        max_tokens_field: the name of the bound on the output.
        usage_include: writes OpenRouter's ``"usage": {"include": true}``.
        stream_usage: asks for usage in a stream, ``"stream_options": {"include_usage": true}``.
        stream_false: writes ``"stream": false`` where no stream is asked for, instead of nothing.
        strict_field: writes ``"strict": false`` in a tool that is not strict, instead of nothing.
        tool_choice_auto: writes ``"tool_choice": "auto"`` where there are tools and none was chosen.
        empty_content: what stands for the text of an assistant's message that has none.
        reasoning_request: whether settings go as ``reasoning_effort`` or as OpenRouter's object ``reasoning``.
        thinking_switch: how thinking is switched on and off beside an effort: ``"thinking": {"type": "disabled"}``,
            ``"reasoning": {"enabled": false}``, or only off, by the effort "none"; None where it cannot be.
        reasoning_back: the field of an assistant's message that reasoning goes back in; None where the wire has none.
            "thinking" is no field but Mistral's chunks inside of the content.
        reasoning_stand_in: what is written there for a step that called tools and whose reasoning is not known, as
            one that another provider took; None where it may be missing.
        reasoning_beside: where ``reasoning_details`` go back, whether their text stands beside them as ``reasoning``:
            for Anthropic's only (which is signed over it), always, or never.
        text_as_parts: the roles whose lone text is written as a list of one part instead of a string.
        system_role: the role that a system message is written with.
        cache_marks: where ``cache_control`` is written: on parts, on messages; None where the wire has none.
        stop_as_string: a single stop sequence is written as a string instead of a list.
        tool_name: a tool's result repeats the tool's name.
        names: messages may bear the name of who speaks.
        refusal_back: an assistant's message may hold a refusal; where not, it goes back as text.
        call_ids: what the speaker takes for the id of a call.
        seed_field: the name of the seed.
        required_word: the choice that some tool must be called, in the speaker's word.
        none_choice: the choice that no tool may be called can be said; where not, the tools are not sent then.
        strict_tools: whether a tool can be strict, each by itself or all of them only; None where none can.
        left_out: fields of a request that the speaker refuses or does not know; they are left out with a warning.
        files: the kinds of files that a user's message may hold; another is left out with a warning.
        file_parts: "mistral" writes documents and audio in Mistral's own parts.
        file_ids: a document may be one that was uploaded, by its id.
        media_back: files may stand in tool results and in the assistant's own messages.
        sampling: whether the model takes temperature and top_p; where not, they are left out with a warning.
    """

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    usage_include: bool = False
    stream_usage: bool = True
    stream_false: bool = False
    strict_field: bool = True
    tool_choice_auto: bool = True
    empty_content: Literal["omit", "null", "empty"] = "omit"
    reasoning_request: Literal["reasoning_effort", "reasoning"] = "reasoning_effort"
    thinking_switch: Literal["thinking", "reasoning", "effort"] | None = None
    reasoning_back: Literal["reasoning_details", "reasoning_content", "reasoning", "thinking"] | None = (
        "reasoning_content"
    )
    reasoning_stand_in: str | None = None
    reasoning_beside: Literal["anthropic", "always", "never"] = "anthropic"
    text_as_parts: tuple[str, ...] = ()
    system_role: Literal["system", "developer"] = "system"
    cache_marks: Literal["part", "message"] | None = None
    stop_as_string: bool = False
    tool_name: bool = False
    names: bool = True
    refusal_back: bool = True
    call_ids: IdRule = "any"
    seed_field: Literal["seed", "random_seed"] = "seed"
    required_word: Literal["required", "any"] = "required"
    none_choice: bool = True
    strict_tools: Literal["each", "all"] | None = "each"
    left_out: tuple[str, ...] = ()
    files: tuple[str, ...] = FILES
    file_parts: Literal["openai", "mistral"] = "openai"
    file_ids: bool = False
    media_back: bool = False
    sampling: bool = True


#: The format of details that are signed over their text, and so want it beside them.
SIGNED_FORMAT = "anthropic-claude-v1"


def wants_text_beside(profile: Profile, details: list[Any]) -> bool:
    """Whether ``reasoning`` is written beside these ``reasoning_details``."""
    if profile.reasoning_beside == "anthropic":
        return any(isinstance(detail, dict) and detail.get("format") == SIGNED_FORMAT for detail in details)
    return profile.reasoning_beside == "always"


def infer_profile(body: dict[str, Any], base: Profile) -> Profile:
    """The hand that a request was written in. What the request does not show is taken from ``base``."""
    said: dict[str, Any] = dict(_ALLOWED)
    if "random_seed" in body:
        said["seed_field"] = "random_seed"
    elif "seed" in body:
        said["seed_field"] = "seed"
    if body.get("tool_choice") in ("required", "any"):
        said["required_word"] = body["tool_choice"]
    if body.get("thinking") in ({"type": "enabled"}, {"type": "disabled"}):
        said["thinking_switch"] = "thinking"
    elif base.thinking_switch == "thinking" and ("thinking" in body or body.get("reasoning_effort") == "none"):
        said["thinking_switch"] = None
    if "max_completion_tokens" in body:
        said["max_tokens_field"] = "max_completion_tokens"
    elif "max_tokens" in body:
        said["max_tokens_field"] = "max_tokens"
    said["usage_include"] = body.get("usage") == {"include": True}
    if body.get("stream") is True:
        said["stream_usage"] = body.get("stream_options") == {"include_usage": True}
    else:
        said["stream_false"] = body.get("stream") is False
    tools = body.get("tools")
    if tools and isinstance(tools, list):
        functions = [tool.get("function") for tool in tools if isinstance(tool, dict)]
        unstrict = [f for f in functions if isinstance(f, dict) and f.get("strict") is not True]
        if unstrict:
            said["strict_field"] = any(f.get("strict") is False for f in unstrict)
        said["tool_choice_auto"] = body.get("tool_choice") == "auto"
        if base.cache_marks is None and any(map(_has_mark, tools)):
            said["cache_marks"] = "part"
    if isinstance(body.get("reasoning"), dict):
        said["reasoning_request"] = "reasoning"
    elif "reasoning_effort" in body:
        said["reasoning_request"] = "reasoning_effort"
    if "stop" in body:
        said["stop_as_string"] = isinstance(body["stop"], str)
    messages = body.get("messages")
    if isinstance(messages, list):
        said.update(_from_messages([message for message in messages if isinstance(message, dict)], base))
    return msgspec.structs.replace(base, **said)


#: What a speaker refuses is none of the hand that a request was written in: there it stands.
_ALLOWED: dict[str, Any] = {
    "sampling": True,
    "names": True,
    "refusal_back": True,
    "call_ids": "any",
    "none_choice": True,
    "forced_choice": "always",
    "strict_tools": "each",
    "left_out": (),
    "files": FILES,
    "file_ids": True,
}


#: What of a hand is the recorder's, where a recorded request is asked again: what a row here would leave out was there.
TAKEN_OVER = (*_ALLOWED, "thinking_switch", "reasoning_request", "reasoning_stand_in")


def _from_messages(messages: list[dict[str, Any]], base: Profile) -> dict[str, Any]:
    said: dict[str, Any] = {}
    assistants = [message for message in messages if message.get("role") == "assistant"]
    empty = [message for message in assistants if message.get("content") is None]
    if empty:
        said["empty_content"] = "null" if any("content" in message for message in empty) else "omit"
    elif any(message.get("content") == "" and message.get("tool_calls") for message in assistants):
        said["empty_content"] = "empty"
    back = next((f for f in _BACK if any(isinstance(m.get(f), _BACK[f]) for m in assistants)), None)
    if back is not None:
        said["reasoning_back"] = back
    elif any(part.get("type") == "thinking" for message in assistants for part in _content_parts(message)):
        said["reasoning_back"] = back = "thinking"
    if any(message.get("tool_calls") and back not in message for message in assistants):
        said["reasoning_stand_in"] = None
    kinds = [part.get("type") for message in messages for part in _content_parts(message)]
    if "document_url" in kinds or any(
        isinstance(part.get("input_audio"), str) for message in messages for part in _content_parts(message)
    ):
        said["file_parts"] = "mistral"
    elif "file" in kinds or "input_audio" in kinds:
        said["file_parts"] = "openai"
    beside = [
        ("reasoning" in message, wants_text_beside(Profile(), message["reasoning_details"]))
        for message in assistants
        if isinstance(message.get("reasoning_details"), list)
    ]
    if beside and any(is_there is not wanted for is_there, wanted in beside):
        said["reasoning_beside"] = "always" if any(is_there for is_there, _ in beside) else "never"
    elif beside:
        said["reasoning_beside"] = "anthropic"
    roles = [message.get("role") for message in messages]
    if "developer" in roles or "system" in roles:
        said["system_role"] = "developer" if "developer" in roles else "system"
    lists = {role: any(_lone_list(m, names, role) for m in messages) for role, names in _ROLES.items()}
    strings = {
        role: any(m.get("role") in names and isinstance(m.get("content"), str) for m in messages)
        for role, names in _ROLES.items()
    }
    said["text_as_parts"] = tuple(
        role for role in _ROLES if not strings[role] and (lists[role] or role in base.text_as_parts)
    )
    if any(_has_mark(part) for message in messages for part in _content_parts(message)):
        said["cache_marks"] = "part"
    elif any(_has_mark(message) or any(map(_has_mark, _calls(message))) for message in messages):
        said["cache_marks"] = "message"
    tools = [message for message in messages if message.get("role") == "tool"]
    if tools:
        said["tool_name"] = any(isinstance(message.get("name"), str) for message in tools)
        if any(part.get("type") != "text" for message in tools for part in _content_parts(message)):
            said["media_back"] = True
    if any(message.get("images") for message in assistants):
        said["media_back"] = True
    return said


_BACK: dict[Any, type] = {"reasoning_details": list, "reasoning_content": str, "reasoning": str}
_ROLES = {"system": ("system", "developer"), "user": ("user",), "assistant": ("assistant",), "tool": ("tool",)}


def _lone_list(message: dict[str, Any], names: tuple[str, ...], role: str) -> bool:
    """Whether this content is a list where another hand would write a string."""
    content = message.get("content")
    if message.get("role") not in names or not isinstance(content, list) or not content:
        return False
    plain = all(isinstance(p, dict) and p.get("type") == "text" and not _has_mark(p) for p in content)
    return plain and (len(content) == 1 or role in ("assistant", "tool"))


def _content_parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _calls(message: dict[str, Any]) -> list[Any]:
    calls = message.get("tool_calls")
    return calls if isinstance(calls, list) else []


def _has_mark(value: Any) -> bool:
    return isinstance(value, dict) and "cache_control" in value
