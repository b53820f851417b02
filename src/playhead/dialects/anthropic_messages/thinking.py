"""How much a model may think: ``thinking`` and ``output_config.effort``, both ways.

::

    ReasoningSettings(max_tokens=4000)   <-> "thinking": {"type": "enabled", "budget_tokens": 4000}
    ReasoningSettings(enabled=True)      <-> "thinking": {"type": "adaptive"}
    ReasoningSettings(enabled=False)     <-> "thinking": {"type": "disabled"}
    ReasoningSettings(effort="high")     <-> "output_config": {"effort": "high"}, and adaptive where the hand says so
    ReasoningSettings(exclude=True)       -> "display": "omitted"

Models before Claude 4.6 know a budget only, those after it adaptive thinking only; the profile says which. An effort
becomes a budget as a share of ``max_tokens``, by the shares that OpenRouter documents for the same purpose.
Reference: https://docs.claude.com/en/docs/build-with-claude/adaptive-thinking, ``…/extended-thinking``, ``…/effort``.
"""

from __future__ import annotations

from typing import Any

from playhead.dialects.anthropic_messages.profile import Profile
from playhead.dialects.base import EncodeWarning
from playhead.request import ReasoningSettings

#: The API's least budget.
LEAST_BUDGET = 1024

_SHARES = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.95, "max": 0.95}
_DISPLAY = {"omitted": True, "summarized": False}


def encode_thinking(
    settings: ReasoningSettings, max_tokens: int | None, profile: Profile, warnings: list[EncodeWarning]
) -> tuple[dict[str, Any] | None, str | None]:
    """The field ``thinking`` and the effort, each None where it is not to be written."""
    effort, budget, enabled = settings.effort, settings.max_tokens, settings.enabled
    if effort == "none":
        effort, enabled = None, False
    elif effort == "minimal" and profile.thinking != "budget":
        warnings.append(EncodeWarning("reasoning.effort", 'this wire knows no effort "minimal"; "low" was written'))
        effort = "low"
    if enabled is False:
        return {"type": "disabled"}, effort
    if profile.thinking == "budget" and (effort is not None or enabled):
        budget = budget if budget is not None else _budget(effort or "medium", max_tokens or profile.max_tokens)
        effort = None
        if budget is None:
            text = f"thinking wants {LEAST_BUDGET} tokens and room for the answer under max_tokens; it was left out"
            warnings.append(EncodeWarning("reasoning", text))
            return None, None
    elif profile.thinking == "adaptive" and budget is not None:
        warnings.append(EncodeWarning("reasoning.max_tokens", "this model sets its own budget; it was left out"))
        budget, enabled = None, True
    said: dict[str, Any]
    if budget is not None:
        said = {"type": "enabled", "budget_tokens": budget}
    elif enabled or (effort is not None and profile.effort_thinks):
        said = {"type": "adaptive"}
    else:
        return None, effort
    if settings.exclude is not None:
        said["display"] = "omitted" if settings.exclude else "summarized"
    return said, effort


def _budget(effort: str, max_tokens: int | None) -> int | None:
    if max_tokens is None or max_tokens <= LEAST_BUDGET:
        return None
    return max(LEAST_BUDGET, int(max_tokens * _SHARES.get(effort, 0.5)))


def decode_thinking(thinking: Any, effort: str | None, profile: Profile) -> tuple[ReasoningSettings | None, bool]:
    """The settings, and whether they hold all that ``thinking`` says; where not it rides as an option."""
    if thinking is None:
        return (ReasoningSettings(effort=effort) if effort is not None else None), True
    budget: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None
    match thinking:
        case {"type": "enabled", "budget_tokens": int(number), **rest} if not isinstance(number, bool):
            budget = number
        case {"type": "adaptive", **rest}:
            enabled = None if effort is not None and profile.effort_thinks else True
        case {"type": "disabled", **rest} if not rest:
            enabled = False
        case _:
            return decode_thinking(None, effort, profile)[0], False
    if rest:
        exclude = _DISPLAY.get(str(rest.get("display")))
        if exclude is None or len(rest) > 1:
            return decode_thinking(None, effort, profile)[0], False
    return ReasoningSettings(effort, budget, enabled, exclude), True
