"""How much a model may think, both ways. The wire has a place for an effort; all else is the model's own field.

::

    Claude   ReasoningSettings(max_tokens=4000)   "thinking": {"type": "enabled", "budget_tokens": 4000}
             ReasoningSettings(enabled=True)      "thinking": {"type": "adaptive"}
             ReasoningSettings(enabled=False)     "thinking": {"type": "disabled"}
             ReasoningSettings(effort="high")     outputConfig.effort, and adaptive thinking where the hand says so
    Nova     ReasoningSettings(effort="low")      "reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}
             ReasoningSettings(enabled=False)     "reasoningConfig": {"type": "disabled"}
    OpenAI   ReasoningSettings(effort="low")      "reasoning_effort": "low"

These stand in ``additionalModelRequestFields``, which is passed on to the model. For Claude before 4.6 an effort
becomes a budget, a share of ``max_tokens``. References: https://docs.claude.com/en/docs/build-with-claude/extended-thinking,
https://docs.aws.amazon.com/nova/latest/nova2-userguide/using-converse-api.html, and ``OutputConfig`` of the API.
"""

from __future__ import annotations

from typing import Any

from playhead.dialects.base import EncodeWarning, warn
from playhead.dialects.bedrock_converse.profile import Profile
from playhead.request import ReasoningSettings

#: Claude's least budget, in tokens.
LEAST_BUDGET = 1024

#: What a budget is a share of where the request has no bound: Bedrock's own default is all that the model can.
_ROOM = 16384

_SHARES = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.95, "max": 0.95}


def encode_thinking(
    settings: ReasoningSettings, max_tokens: int | None, profile: Profile, warnings: list[EncodeWarning]
) -> tuple[dict[str, Any], str | None]:
    """The model's own fields, and the effort that stands in ``outputConfig``, None where none does."""
    effort, budget, enabled = settings.effort, settings.max_tokens, settings.enabled
    if effort == "none":
        effort, enabled = None, False
    if settings.exclude is not None:
        warn(warnings, "reasoning.exclude", "this wire cannot say whether reasoning is shown; it was left out")
    if profile.thinking is None:
        if effort is not None or budget is not None or enabled is not None:
            warn(
                warnings,
                "reasoning",
                "how this model is told to think is not known; it was left out. "
                "Its own field goes into options.additionalModelRequestFields",
            )
        return {}, None
    if profile.thinking in ("nova", "effort"):
        if budget is not None:
            warn(warnings, "reasoning.max_tokens", "this model knows no budget of reasoning; it was left out")
        return _by_effort(effort, enabled, profile, warnings), None
    return _claude(effort, budget, enabled, max_tokens, profile, warnings)


def _by_effort(
    effort: str | None, enabled: bool | None, profile: Profile, warnings: list[EncodeWarning]
) -> dict[str, Any]:
    if effort == "minimal":
        warn(warnings, "reasoning.effort", 'this model knows no effort "minimal"; "low" was written')
        effort = "low"
    if profile.thinking == "effort":
        if effort is None and enabled is False:
            warn(warnings, "reasoning", "this model always reasons; that it should not was left out")
        return {} if effort is None else {"reasoning_effort": effort}
    if enabled is False:
        return {"reasoningConfig": {"type": "disabled"}}
    if effort is None:
        return {"reasoningConfig": {"type": "enabled"}} if enabled else {}
    return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}


def _claude(
    effort: str | None,
    budget: int | None,
    enabled: bool | None,
    max_tokens: int | None,
    profile: Profile,
    warnings: list[EncodeWarning],
) -> tuple[dict[str, Any], str | None]:
    if effort == "minimal" and profile.thinking != "budget":
        warn(warnings, "reasoning.effort", 'this model knows no effort "minimal"; "low" was written')
        effort = "low"
    if enabled is False:
        return {"thinking": {"type": "disabled"}}, effort
    if profile.thinking == "budget" and (effort is not None or enabled):
        if budget is None:
            room = max_tokens or _ROOM
            budget = max(LEAST_BUDGET, int(room * _SHARES.get(effort or "medium", 0.5)))
            if budget >= room:
                text = f"thinking wants {LEAST_BUDGET} tokens and room for the answer under max_tokens; it was left out"
                warn(warnings, "reasoning", text)
                return {}, None
        effort = None
    elif profile.thinking == "adaptive" and budget is not None:
        warn(warnings, "reasoning.max_tokens", "this model sets its own budget; it was left out")
        budget, enabled = None, True
    if budget is not None:
        return {"thinking": {"type": "enabled", "budget_tokens": budget}}, effort
    if enabled or (effort is not None and profile.effort_thinks):
        return {"thinking": {"type": "adaptive"}}, effort
    return {}, effort


def decode_thinking(
    fields: dict[str, Any], effort: str | None, profile: Profile
) -> tuple[ReasoningSettings | None, dict[str, Any]]:
    """The settings, and the model's own fields without those that they hold."""
    settings = _read(fields, effort, profile)
    if settings is None:
        return None, fields
    written, again = encode_thinking(settings, None, profile, [])
    if again != effort or any(fields.get(name) != value for name, value in written.items()):
        return None, fields
    return settings, {name: value for name, value in fields.items() if name not in written}


def _read(fields: dict[str, Any], effort: str | None, profile: Profile) -> ReasoningSettings | None:
    match profile.thinking:
        case "nova":
            match fields.get("reasoningConfig"):
                case {"type": "enabled", "maxReasoningEffort": str(word)}:
                    return ReasoningSettings(effort=word)
                case {"type": "enabled"}:
                    return ReasoningSettings(enabled=True)
                case {"type": "disabled"}:
                    return ReasoningSettings(enabled=False)
            return None
        case "effort":
            said = fields.get("reasoning_effort")
            return ReasoningSettings(effort=said) if isinstance(said, str) else None
    match fields.get("thinking"):
        case {"type": "enabled", "budget_tokens": int(number)} if not isinstance(number, bool):
            return ReasoningSettings(effort, number)
        case {"type": "adaptive"}:
            return ReasoningSettings(effort, enabled=None if effort is not None and profile.effort_thinks else True)
        case {"type": "disabled"}:
            return ReasoningSettings(effort, enabled=False)
    return ReasoningSettings(effort) if effort is not None else None
