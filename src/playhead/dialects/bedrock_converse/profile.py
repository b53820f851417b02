"""How one speaker writes the Converse wire, and what of it a model takes, as data.

Every model of Bedrock is spoken to in one body, but few take all of it: a choice of one tool, a mark to cache, the
status of a tool's result. The default profile is the whole wire; the table of quirks takes away. Clients differ besides
in what they spell out. :func:`infer_profile` reads the hand out of a request: whatever it shows, it takes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import msgspec

from playhead.dialects.profile import ModelProfile


class Profile(ModelProfile, frozen=True, omit_defaults=True):
    """One speaker's way of writing, and what the model takes.

    Attributes:
        tool_choices: the choices beside "auto" that the model takes, by the wire's words "any" and "tool"; others are
            left out with a warning.
        tool_choice_auto: writes ``"toolChoice": {"auto": {}}`` where there are tools and none was chosen.
        tools_first: the tools of ``options["toolConfig"]`` stand before the functions.
        cache_points: where the model takes marks to cache: "system", "messages", "tools"; others are left out with a
            warning.
        result_status: whether the model takes a status in a tool's result; where not, a failure is said by the
            result's text alone, with a warning.
        status_success: writes ``"status": "success"`` in a result that is no error.
        thinking: how the model is told to think: by a budget or adaptively as Claude ("budget", "adaptive", or "both"),
            by Nova's ``reasoningConfig``, by ``reasoning_effort`` as the open models of OpenAI; None where nobody says.
        effort_thinks: an effort of Claude's switches adaptive thinking on as well.
        reasoning_back: whether the model's own reasoning without a signature goes back to it.
        sampling: whether the model takes temperature and topP; where not, they are left out with a warning.
        system_in_place: writes a system message where it stands among the others, not at the top.
        as_it_is: writes messages as they are, though two of one role stand side by side, the first is not the user's,
            or a text is blank: none of which Bedrock takes.
        raw_colon: leaves a colon in the URL as it is, not as ``%3A``.
    """

    tool_choices: tuple[str, ...] = ("any", "tool")
    tool_choice_auto: bool = False
    tools_first: bool = False
    cache_points: tuple[str, ...] = ("system", "messages", "tools")
    result_status: bool = True
    status_success: bool = False
    thinking: Literal["budget", "adaptive", "both", "nova", "effort"] | None = None
    effort_thinks: bool = True
    reasoning_back: bool = True
    sampling: bool = True
    system_in_place: bool = False
    as_it_is: bool = False
    raw_colon: bool = False
    output_mode: Literal["native", "tool", "text"] = "tool"
    output_schemas: str = "bedrock"
    forced_choice: Literal["always", "unless_thinking", "never"] = "unless_thinking"


def infer_profile(body: dict[str, Any], base: Profile) -> Profile:
    """The hand that a request was written in; what the URL shows is in ``base`` already, and what the request does not
    show is taken from it."""
    whole = Profile()
    said: dict[str, Any] = {
        "tool_choices": whole.tool_choices,
        "cache_points": whole.cache_points,
        "reasoning_back": True,
        "sampling": True,
        **_from_thinking(body),
    }
    config = body.get("toolConfig")
    if isinstance(config, dict) and isinstance(config.get("tools"), list) and config["tools"]:
        choice = config.get("toolChoice")
        said["tool_choice_auto"] = isinstance(choice, dict) and "auto" in choice
        functions = [isinstance(tool, dict) and "toolSpec" in tool for tool in config["tools"]]
        said["tools_first"] = not functions[0] and any(functions)
    messages = body.get("messages")
    if isinstance(messages, list):
        said.update(_from_messages([message for message in messages if isinstance(message, dict)]))
    return msgspec.structs.replace(base, **said)


def _from_thinking(body: dict[str, Any]) -> dict[str, Any]:
    more, config = body.get("additionalModelRequestFields"), body.get("outputConfig")
    more = more if isinstance(more, dict) else {}
    thinking = more.get("thinking")
    said: dict[str, Any] = {}
    if "reasoningConfig" in more:
        said["thinking"] = "nova"
    elif "reasoning_effort" in more:
        said["thinking"] = "effort"
    elif thinking is not None or (isinstance(config, dict) and "effort" in config):
        said["thinking"] = "both"
        said["effort_thinks"] = isinstance(thinking, dict) and thinking.get("type") == "adaptive"
    return said


def _from_messages(messages: list[dict[str, Any]]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    roles = [message.get("role") for message in messages]
    blocks = [block for message in messages for block in _blocks(message.get("content"))]
    if "system" in roles:
        said["system_in_place"] = True
    results = [block["toolResult"] for block in blocks if isinstance(block.get("toolResult"), dict)]
    if results:
        said["result_status"] = True
        said["status_success"] = any(result.get("status") == "success" for result in results)
    said["as_it_is"] = (
        any(a == b for a, b in pairwise(roles))
        or next((role for role in roles if role != "system"), "user") != "user"
        or any(map(_is_blank, blocks))
        or any(_is_blank(inner) for result in results for inner in _blocks(result.get("content")))
        or any(message.get("content") == [] for message in messages)
    )
    return said


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _is_blank(block: dict[str, Any]) -> bool:
    text = block.get("text")
    return isinstance(text, str) and not text.strip()
