"""What a person is told of how a model wants to be asked: the fields of a profile that change what they may ask for,
in words.

A profile has many fields that are its encoder's business alone (where reasoning goes back, how long the id of a call
is, what stands for an empty text). They have no words here, and are left to ``--json``; so are those that say what the
lines above them have said: which files a message may hold. The fields are documented with the profiles themselves, in
:mod:`playhead.dialects`.
"""

from __future__ import annotations

from typing import Any

_OUTPUT = {
    "native": "an answer of a schema is held to it by the server",
    "tool": "an answer of a schema comes as the call of a tool",
    "text": "an answer of a schema is asked for in words",
}

#: By field, what each value means; a value that is not here says nothing that a person needs.
_WORDS: dict[str, dict[Any, str]] = {
    "tools": {"constrained": "tools are asked for as a JSON schema that the answer must hold"},
    "output_mode": dict(_OUTPUT),
    "output_beside_tools": {mode: f"where there are tools, {words}" for mode, words in _OUTPUT.items()},
    "output_schemas": {"openai": "a schema that is strict is written in OpenAI's subset"},
    "forced_choice": {
        "never": "a call cannot be forced",
        "unless_thinking": "a call cannot be forced while it thinks",
    },
    "none_choice": {False: "that no tool may be called cannot be said; the tools are left out then"},
    "strict_tools": {None: "a tool cannot be strict", "all": "tools are strict together, or none is"},
    "sampling": {False: "takes no temperature and no top_p", True: "takes temperature and top_p"},
    "thinking": {
        "adaptive": "thinks as much as it sees fit (adaptive), by no budget of tokens",
        "budget": "thinks by a budget of tokens",
        "both": "thinks by a budget of tokens, or as much as it sees fit (adaptive)",
    },
    "thinking_switch": dict.fromkeys(("thinking", "reasoning", "effort"), "thinking can be switched off"),
    "effort": {"budget": "an effort goes as a budget of tokens"},
    "media_back": {True: "results of tools may hold files"},
    "system_role": {"developer": "the system prompt goes as the developer's message"},
}


def in_words(field: str, value: Any) -> str:
    """What a field of a profile says, in words; "" where it is of no use to a person."""
    if field == "max_tokens_field":
        return f"max_tokens goes as {value}"
    if field == "left_out":
        return f"takes no {', '.join(value)}" if value else ""
    try:
        return _WORDS.get(field, {}).get(value, "")
    except TypeError:  # a list, a table
        return ""
