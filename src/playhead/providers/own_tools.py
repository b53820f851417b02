"""The tools that providers have of their own, as data: the form of each in each wire.

A row is as those of :data:`playhead.providers.quirks.QUIRKS`; of the rows of one kind the last that fits counts.
``changes`` are the fields of :class:`Form`; an empty form takes away what an earlier row gave.

https://docs.claude.com/en/docs/agents-and-tools/tool-use (web search, code execution, computer use),
https://platform.openai.com/docs/guides/tools, https://ai.google.dev/gemini-api/docs/google-search,
https://openrouter.ai/docs/guides/features/plugins/web-search.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from playhead.providers.base import Provider, Quirk, quirks_of

Kind: TypeAlias = Literal["web search", "code execution", "computer use"]


class Form(msgspec.Struct, frozen=True):
    """How one wire says one tool.

    Attributes:
        option: the option that holds a list of such: "tools", "plugins".
        item: the item of that list; empty where there is no such tool.
        put: where each setting goes in the item, as a path; a setting that has no place cannot be made.
        beta: what must be among ``anthropic_beta``; "" for nothing.
        calls: the names by which the model calls it, where the caller runs it.
    """

    option: str = "tools"
    item: dict[str, Any] = {}
    put: dict[str, tuple[str, ...]] = {}
    beta: str = ""
    calls: tuple[str, ...] = ()


_CLAUDE = "anthropic_messages"

#: The calls of the toolset of 2026; before it there is one, "computer", with the action among its arguments.
_ACTIONS = (
    *("key", "hold_key", "type", "cursor_position", "mouse_move", "left_mouse_down", "left_mouse_up", "left_click"),
    *("left_click_drag", "right_click", "middle_click", "double_click", "triple_click", "scroll", "wait", "screenshot"),
    "zoom",
)

_SIZE = {"width": ("display_width_px",), "height": ("display_height_px",)}

ROWS: dict[Kind, tuple[Quirk, ...]] = {
    "web search": (
        Quirk(
            (_CLAUDE,),
            ("anthropic", "vertex"),
            (),
            {
                "item": {"type": "web_search_20250305", "name": "web_search"},
                "put": {"max_uses": ("max_uses",), "domains": ("allowed_domains",)},
            },
            "Anthropic searches for Claude on its own API and on Vertex AI, not on Bedrock; all models take this form",
        ),
        Quirk(
            ("openai_responses",),
            (),
            (),
            {"item": {"type": "web_search"}, "put": {"domains": ("filters", "allowed_domains")}},
            "OpenAI counts all calls of its tools together (max_tool_calls), and bounds none by itself",
        ),
        Quirk(
            ("gemini",), (), (), {"item": {"googleSearch": {}}}, "Google's search takes no bound and no list of domains"
        ),
        Quirk(
            ("openai_chat",),
            ("openrouter",),
            (),
            {
                "option": "plugins",
                "item": {"id": "web"},
                "put": {"max_uses": ("max_uses",), "domains": ("include_domains",)},
            },
            "OpenRouter searches for every model, by the model's own maker where that searches, else by a service",
        ),
    ),
    "code execution": (
        Quirk(
            (_CLAUDE,),
            ("anthropic",),
            (),
            {"item": {"type": "code_execution_20250825", "name": "code_execution"}},
            "Anthropic runs code on its own API",
        ),
        Quirk(
            ("openai_responses",),
            (),
            (),
            {"item": {"type": "code_interpreter", "container": {"type": "auto"}}},
            "OpenAI runs code in a container, made for the answer",
        ),
        Quirk(("gemini",), (), (), {"item": {"codeExecution": {}}}, "Google runs Python"),
    ),
    "computer use": (
        Quirk(
            (_CLAUDE,),
            (),
            ("claude-3-7", "claude-opus-4", "claude-sonnet-4", "claude-haiku-4"),
            {
                "item": {"type": "computer_20250124", "name": "computer"},
                "put": _SIZE,
                "beta": "computer-use-2025-01-24",
                "calls": ("computer",),
            },
            "the form of the models before Claude Opus 4.5, and of Sonnet 4.5 and Haiku 4.5",
        ),
        Quirk(
            (_CLAUDE,),
            (),
            (
                *("claude-opus-4-5", "claude-opus-4-6", "claude-opus-4-7", "claude-opus-4-8", "claude-sonnet-4-6"),
                *("claude-opus-5", "claude-sonnet-5", "claude-haiku-5", "claude-mythos-5", "claude-fable-5"),
            ),
            {
                "item": {"type": "computer_20251124", "name": "computer"},
                "put": _SIZE,
                "beta": "computer-use-2025-11-24",
                "calls": ("computer",),
            },
            "the form of later models; on Bedrock still of the newest",
        ),
        Quirk(
            (_CLAUDE,),
            ("anthropic", "vertex"),
            (
                *("claude-opus-4-8", "claude-opus-5", "claude-sonnet-5", "claude-haiku-5", "claude-mythos-5"),
                "claude-fable-5",
            ),
            {
                "item": {"type": "computer_toolset_20260801"},
                "put": {"width": (), "height": ()},
                "beta": "",
                "calls": _ACTIONS,
            },
            "a toolset, a call for each action; the model sees the size of the screen by its pictures. Models from 5.5 "
            "on answer 400 to the forms before it",
        ),
    ),
}


def form_of(kind: Kind, provider: Provider, model: str) -> Form | None:
    """How this model of the provider is told of the tool; None where it has none."""
    found: Form | None = None
    for row in quirks_of(provider, model, ROWS[kind]):
        found = Form(**row.changes)
    return found


def having(kind: Kind) -> tuple[str, ...]:
    """The providers of the catalog that have such a tool, some of whose models do."""
    from playhead.providers.catalog import PROVIDERS, resolve

    rows = [resolve(f"{name}:{model}")[0] for name in PROVIDERS for model in ("m", "claude-m")]
    found = [
        provider.name
        for provider in rows
        for row in ROWS[kind]
        if provider.dialect in row.dialects and (not row.providers or provider.name in row.providers)
    ]
    return tuple(dict.fromkeys(found))
