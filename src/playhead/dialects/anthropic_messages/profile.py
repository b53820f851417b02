"""How one speaker writes the Messages wire: its hand, as data.

The wire is Anthropic's, and three services speak it: its own API, Google's Vertex AI and Amazon Bedrock's InvokeModel.
The latter two name the model and the stream in the URL and the version in the body. Clients differ besides in what
they spell out: a lone text as a string or a block, ``"is_error": false``, a choice of tools that is the default anyway.
All of it is here, a field a difference. :func:`infer_profile` reads the hand out of a request.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import msgspec

from playhead.dialects.profile import ModelProfile

#: Roles whose text may be a string or a list of blocks; "tool" is a tool's result.
ROLES = ("system", "user", "assistant", "tool")


class Profile(ModelProfile, frozen=True, omit_defaults=True):
    """One speaker's way of writing.

    Attributes:
        service: whose URL and body: Anthropic's API, Vertex AI's rawPredict, or Bedrock's InvokeModel.
        version: the version of the wire: the header ``anthropic-version`` of the API, the field ``anthropic_version``
            of Vertex ("vertex-2023-10-16") and Bedrock ("bedrock-2023-05-31").
        max_tokens: the bound on the output where the request has none, for the wire wants one; a budget of thinking
            is added to it. None writes none.
        text_as_parts: the roles (of :data:`ROLES`) whose lone text is written as a list of one block, not a string.
        tool_choice_auto: writes ``"tool_choice": {"type": "auto"}`` where there are tools and none was chosen.
        parallel_field: writes ``"disable_parallel_tool_use": false`` in a choice where nothing was said of it.
        provider_tools_first: tools that the provider runs stand before the functions.
        custom_type: writes ``"type": "custom"`` in a function tool.
        empty_description: writes ``"description": ""`` in a tool that has none.
        direct_caller: writes ``"caller": {"type": "direct"}`` in a call that names no other caller.
        is_error_false: writes ``"is_error": false`` in a result that is none.
        split_results: results in messages of their own are not joined into one.
        blanks: writes an assistant's text that is only white space, and a message of nothing, both of which the API
            refuses; where not, they are left out.
        system_in_place: a system message in mid-conversation stands where it was said, which newer models take; where
            not, it joins the others at the top.
        thinking: what the model takes: a budget of tokens only (before Claude 4.6), adaptive thinking only (after it),
            or both.
        effort_thinks: an effort turns on adaptive thinking too.
        output: where a schema for the answer goes: in ``output_config``, or in the older beta's ``output_format``.
        sampling: whether the model takes temperature and top_p; where not, they are left out with a warning.
        betas_in: whether ``options["anthropic_beta"]`` goes as a header or, on Bedrock, as a field of the body.
        beta_query: ends the URL in ``?beta=true``, as the SDKs do for beta features.
        stream_false: writes ``"stream": false`` where no stream is asked for, instead of nothing.
        raw_colon: leaves a colon in Bedrock's URL as it is, not as ``%3A``.
    """

    service: Literal["api", "vertex", "bedrock"] = "api"
    version: str = "2023-06-01"
    max_tokens: int | None = 4096
    text_as_parts: tuple[str, ...] = ROLES
    tool_choice_auto: bool = True
    parallel_field: bool = True
    provider_tools_first: bool = False
    custom_type: bool = False
    empty_description: bool = False
    direct_caller: bool = False
    is_error_false: bool = False
    split_results: bool = False
    blanks: bool = False
    system_in_place: bool = False
    thinking: Literal["both", "budget", "adaptive"] = "both"
    effort_thinks: bool = True
    output: Literal["output_config", "output_format"] = "output_config"
    sampling: bool = True
    betas_in: Literal["header", "body"] = "header"
    beta_query: bool = False
    stream_false: bool = False
    raw_colon: bool = False
    output_schemas: str = "anthropic"
    forced_choice: Literal["always", "unless_thinking", "never"] = "unless_thinking"


#: What a call says of its caller when it is the model itself, which is the default.
DIRECT = {"type": "direct"}


def infer_profile(body: dict[str, Any], base: Profile) -> Profile:
    """The hand that a request was written in; what the URL shows is in ``base`` already, and what the request does not
    show is taken from it."""
    said: dict[str, Any] = {"sampling": True, "thinking": "both"}
    if "max_tokens" not in body:
        said["max_tokens"] = None
    if isinstance(body.get("anthropic_version"), str) and base.service != "api":
        said["version"] = body["anthropic_version"]
    if "anthropic_beta" in body:
        said["betas_in"] = "body"
    if body.get("stream") is not True:
        said["stream_false"] = body.get("stream") is False
    tools = body.get("tools")
    if tools and isinstance(tools, list):
        said.update(_from_tools([tool for tool in tools if isinstance(tool, dict)], body.get("tool_choice")))
    if "output_format" in body:
        said["output"] = "output_format"
    elif isinstance(body.get("output_config"), dict):
        said["output"] = "output_config"
        if "effort" in body["output_config"]:
            thinking = body.get("thinking")
            kind = thinking.get("type") if isinstance(thinking, dict) else None
            said["effort_thinks"] = kind == "adaptive"
    messages = body.get("messages")
    if isinstance(messages, list):
        said.update(_from_messages([m for m in messages if isinstance(m, dict)], body.get("system"), base))
    return msgspec.structs.replace(base, **said)


def is_function(tool: dict[str, Any]) -> bool:
    """Whether a tool is a function of the caller's, and not one that the provider defines."""
    return tool.get("type") in (None, "custom")


def _from_tools(tools: list[dict[str, Any]], choice: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"tool_choice_auto": isinstance(choice, dict) and choice.get("type") == "auto"}
    if isinstance(choice, dict) and choice.get("disable_parallel_tool_use") is not True:
        said["parallel_field"] = choice.get("disable_parallel_tool_use") is False
    functions = [is_function(tool) for tool in tools]
    said["custom_type"] = any(tool.get("type") == "custom" for tool in tools)
    said["empty_description"] = any(tool.get("description") == "" for tool in tools)
    said["provider_tools_first"] = not functions[0] and any(functions) if functions else False
    return said


def _from_messages(messages: list[dict[str, Any]], system: Any, base: Profile) -> dict[str, Any]:
    said: dict[str, Any] = {}
    contents = {role: [m.get("content") for m in messages if m.get("role") == role] for role in ("user", "assistant")}
    contents["system"] = [system, *(m.get("content") for m in messages if m.get("role") == "system")]
    results = [
        block for content in contents["user"] for block in _blocks(content) if block.get("type") == "tool_result"
    ]
    contents["tool"] = [result.get("content") for result in results]
    said["text_as_parts"] = tuple(
        role
        for role in ROLES
        if not any(isinstance(content, str) for content in contents[role])
        and (role in base.text_as_parts or any(map(_lone_block, contents[role])))
    )
    if any(message.get("role") == "system" for message in messages):
        said["system_in_place"] = True
    calls = [
        block for content in contents["assistant"] for block in _blocks(content) if block.get("type") == "tool_use"
    ]
    if calls:
        said["direct_caller"] = any(call.get("caller") == DIRECT for call in calls)
    if results:
        said["is_error_false"] = any(result.get("is_error") is False for result in results)
        only = [is_results(message) for message in messages]
        said["split_results"] = any(a and b for a, b in pairwise(only))
    if any(content in ("", []) or any(map(_is_blank, _blocks(content))) for content in contents["assistant"]):
        said["blanks"] = True
    return said


def is_results(message: dict[str, Any]) -> bool:
    """Whether a message holds the results of tools and nothing else."""
    content = message.get("content")
    return (
        message.get("role") == "user"
        and isinstance(content, list)
        and bool(content)
        and all(isinstance(block, dict) and block.get("type") == "tool_result" for block in content)
    )


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _is_blank(block: dict[str, Any]) -> bool:
    text = block.get("text")
    return block.get("type") == "text" and isinstance(text, str) and not text.strip()


def _lone_block(content: Any) -> bool:
    """Whether this content is a list where another hand would write a string."""
    blocks = _blocks(content)
    return len(blocks) == 1 and blocks[0].keys() == {"type", "text"}
