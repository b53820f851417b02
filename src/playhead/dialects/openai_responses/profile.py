"""How one speaker writes the responses wire: its hand, as data.

The wire gives several ways to say the same: instructions apart or as a message, a lone text as a string or as a list,
answers sent back with their ids or without. Each is a field here, so that no code asks for a provider's name.
:func:`infer_profile` reads the hand out of a request; who writes otherwise than the defaults is in
:mod:`playhead.providers`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from playhead.dialects.openai_responses.fields import ENCRYPTED
from playhead.dialects.profile import ModelProfile


class Profile(ModelProfile, frozen=True, omit_defaults=True):
    """One speaker's way of writing.

    Attributes:
        instructions: the first system message goes as ``instructions``, where it is plain text.
        input_as_string: a lone user message of plain text goes as a string.
        system_role: the role that a system message is written with.
        text_as_parts: the roles whose lone text is written as a list of one part instead of a string.
        typed_messages: the roles whose messages say ``"type": "message"``.
        items_verbatim: messages and calls go back with the id, status and logprobs that they came with, as OpenAI's
            own clients write them; otherwise only what the model reads of them.
        reasoning_back: "held" sends back what the server can read: reasoning that came encrypted, or in the clear,
            and all of it where answers are stored; "all" sends every item.
        include_encrypted: when reasoning is asked for encrypted, so that it can go back: always (which models that do
            not reason refuse), where the request has reasoning settings, or never.
        store: what ``store`` says where the options do not; None says nothing, and the server stores.
        strict_default: what a tool that says nothing of ``strict`` writes. The server's own default is true.
        tool_choice_auto: writes ``"tool_choice": "auto"`` where there are tools and none was chosen.
        own_tools_first: the provider's own tools stand before the functions.
        stream_false: writes ``"stream": false`` where no stream is asked for, instead of nothing.
        cache_marks: writes ``prompt_cache_breakpoint`` where a part is marked; older models refuse it.
        sampling: whether the model takes temperature and top_p; where not, they are left out with a warning.
    """

    instructions: bool = False
    input_as_string: bool = False
    system_role: Literal["system", "developer"] = "system"
    text_as_parts: tuple[str, ...] = ("user",)
    typed_messages: tuple[str, ...] = ()
    items_verbatim: bool = False
    reasoning_back: Literal["held", "all"] = "held"
    include_encrypted: Literal["always", "settings", "never"] = "settings"
    store: bool | None = False
    strict_default: Literal["false", "null", "omit"] = "false"
    tool_choice_auto: bool = True
    own_tools_first: bool = False
    stream_false: bool = False
    cache_marks: bool = False
    sampling: bool = True
    output_schemas: str = "openai"


def can_go_back(item: dict[str, Any]) -> bool:
    """Whether a server that stores nothing can read this reasoning: encrypted, or in the clear."""
    return bool(item.get("encrypted_content") or item.get("content"))


def infer_profile(body: dict[str, Any], base: Profile) -> Profile:
    """The hand that a request was written in. What the request does not show is taken from ``base``."""
    said: dict[str, Any] = {"sampling": True}
    store = body.get("store")
    said["store"] = store if isinstance(store, bool) else None
    include = body.get("include")
    said["include_encrypted"] = "never"
    if include == [ENCRYPTED]:
        said["include_encrypted"] = "settings" if isinstance(body.get("reasoning"), dict) else "always"
    if body.get("stream") is not True:
        said["stream_false"] = body.get("stream") is False
    tools = [tool for tool in _list(body.get("tools")) if isinstance(tool, dict)]
    if tools:
        said["tool_choice_auto"] = body.get("tool_choice") == "auto"
        functions = [tool for tool in tools if tool.get("type") == "function"]
        if functions:
            said["own_tools_first"] = tools[0].get("type") != "function"
            said["strict_default"] = (
                "omit"
                if any("strict" not in tool for tool in functions)
                else "null"
                if any(tool["strict"] is None for tool in functions)
                else "false"
            )
    items = body.get("input")
    if isinstance(items, str):
        said["input_as_string"] = True
    said.update(_from_items([item for item in _list(items) if isinstance(item, dict)], base, store is False))
    systems = any(item.get("role") in ("system", "developer") for item in _list(items) if isinstance(item, dict))
    if systems or "instructions" in body:
        said["instructions"] = isinstance(body.get("instructions"), str)
    return msgspec.structs.replace(base, **said)


_ROLES = {"system": ("system", "developer"), "user": ("user",), "assistant": ("assistant",)}


def _from_items(items: list[dict[str, Any]], base: Profile, stored_nowhere: bool) -> dict[str, Any]:
    said: dict[str, Any] = {}
    messages = [item for item in items if item.get("type", "message") == "message"]
    calls = [item for item in items if item.get("type") in ("function_call", "custom_tool_call")]
    outputs = [item for item in items if str(item.get("type")).endswith("_call_output")]
    roles = [message.get("role") for message in messages if message.get("role") in ("system", "developer")]
    if roles:
        said["system_role"] = roles[0]
    as_parts, typed = [], []
    for role, names in _ROLES.items():
        mine = [message for message in messages if message.get("role") in names and "id" not in message]
        contents = [message.get("content") for message in mine]
        if _as_parts(contents, role in base.text_as_parts):
            as_parts.append(role)
        if any("type" in message for message in mine) or (not mine and role in base.typed_messages):
            typed.append(role)
    if _as_parts([output.get("output") for output in outputs], "tool" in base.text_as_parts):
        as_parts.append("tool")
    said["text_as_parts"], said["typed_messages"] = tuple(as_parts), tuple(typed)
    if len(items) == 1 and len(messages) == 1 and _lone_text(messages[0].get("content")):
        said["input_as_string"] = False
    answers = [message for message in messages if message.get("role") == "assistant"]
    if answers or calls:
        said["items_verbatim"] = any("id" in item or "status" in item for item in [*answers, *calls]) or any(
            part.keys() - {"type", "text"} for message in answers for part in _dicts(message.get("content"))
        )
    if stored_nowhere and any(item.get("type") == "reasoning" and not can_go_back(item) for item in items):
        said["reasoning_back"] = "all"
    if any("prompt_cache_breakpoint" in part for item in [*messages, *outputs] for part in _contents(item)):
        said["cache_marks"] = True
    return said


def _as_parts(contents: list[Any], otherwise: bool) -> bool:
    """Whether a lone text is a list here; ``otherwise`` where none stands alone."""
    if any(isinstance(content, str) for content in contents):
        return False
    return otherwise or any(isinstance(content, list) and _lone_text(content) for content in contents)


def _lone_text(content: Any) -> bool:
    if isinstance(content, str):
        return True
    parts = _list(content)
    return len(parts) == 1 and isinstance(parts[0], dict) and parts[0].get("type") in ("input_text", "output_text")


def _contents(item: dict[str, Any]) -> list[dict[str, Any]]:
    return [*_dicts(item.get("content")), *_dicts(item.get("output"))]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [part for part in _list(value) if isinstance(part, dict)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
