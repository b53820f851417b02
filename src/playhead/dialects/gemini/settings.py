"""``generationConfig``, both ways: bounds, sampling, thinking, and the schema of the answer.

The vocabulary's reasoning settings are the wire's ``thinkingConfig``: ``max_tokens`` is ``thinkingBudget``, ``effort``
is ``thinkingLevel`` (or, for models that know no level, a budget), ``enabled=False`` is a budget of 0 and
``enabled=True`` alone the budget -1 (as much as the model wants), ``exclude`` is the opposite of ``includeThoughts``.

Reference: https://ai.google.dev/api/generate-content#generationconfig and
https://ai.google.dev/gemini-api/docs/thinking, as of 2026.
"""

from __future__ import annotations

from typing import Any

from playhead.dialects.base import EncodeWarning
from playhead.dialects.gemini.fields import MODELLED_SETTINGS
from playhead.dialects.gemini.profile import Profile
from playhead.dialects.gemini.schema import from_wire, to_wire
from playhead.request import OutputSchema, ReasoningSettings, Request

JSON = "application/json"

#: Words for effort that other wires have, as the nearest that this one has.
_NEAREST = {"none": "minimal", "xhigh": "high", "max": "high"}
_LEVELS = ("minimal", "low", "medium", "high")

#: Budgets that Google's own compatible wire gives these efforts
#: (https://ai.google.dev/gemini-api/docs/openai#thinking).
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}


def encode_settings(request: Request, profile: Profile, warnings: list[EncodeWarning]) -> dict[str, Any]:
    """The ``generationConfig``, {} where nothing is said."""
    plain = {
        "maxOutputTokens": request.max_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "stopSequences": request.stop or None,
        "seed": request.seed,
    }
    said: dict[str, Any] = {name: value for name, value in plain.items() if value is not None}
    if request.output is not None:
        said["responseMimeType"] = JSON
        if request.output.schema is not None:
            said[profile.output_field] = _schema(request.output.schema, profile, warnings)
    if request.reasoning is not None:
        thinking = _thinking(request.reasoning, profile, warnings)
        if thinking:
            said["thinkingConfig"] = thinking
    extra = request.options.get("generationConfig")
    if isinstance(extra, dict):
        said.update(extra)
    return said


def _schema(schema: dict[str, Any], profile: Profile, warnings: list[EncodeWarning]) -> dict[str, Any]:
    if profile.output_field == "responseJsonSchema":
        return schema
    converted, lost = to_wire(schema, upper=profile.types == "upper")
    warnings.extend(EncodeWarning(f"output.schema.{path}", "Gemini's schemas have no such thing") for path in lost)
    return converted


def _thinking(settings: ReasoningSettings, profile: Profile, warnings: list[EncodeWarning]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    effort = settings.effort
    if settings.enabled is False or (effort == "none" and settings.max_tokens is None):
        said["thinkingBudget"] = 0
    elif settings.max_tokens is not None:
        said["thinkingBudget"] = settings.max_tokens
        if effort is not None:
            warnings.append(EncodeWarning("reasoning.effort", "this wire takes a budget or a level; it was left out"))
    elif effort is not None and profile.effort == "level":
        level = _NEAREST.get(effort, effort)
        if level != effort or level not in _LEVELS:
            warnings.append(EncodeWarning("reasoning.effort", f"this wire has no effort {effort!r}; {level!r} is sent"))
        said["thinkingLevel"] = level.upper() if profile.levels == "upper" else level
    elif effort is not None:
        nearest = effort if effort in _BUDGETS else _NEAREST.get(effort, "medium")
        if nearest != effort:
            warnings.append(
                EncodeWarning("reasoning.effort", f"this wire has no effort {effort!r}; {nearest!r} is sent")
            )
        said["thinkingBudget"] = _BUDGETS[nearest]
    elif settings.enabled is True:
        said["thinkingBudget"] = -1
    if settings.exclude is not None:
        said["includeThoughts"] = not settings.exclude
    return said


def decode_thinking(value: Any) -> ReasoningSettings | None:
    """The settings; None where the vocabulary cannot say them all."""
    if not isinstance(value, dict) or not value or not value.keys() <= _THINKING:
        return None
    budget, level, included = (value.get(name) for name in ("thinkingBudget", "thinkingLevel", "includeThoughts"))
    if "thinkingBudget" in value and (type(budget) is not int or "thinkingLevel" in value):
        return None
    if "thinkingLevel" in value and (not isinstance(level, str) or level.lower() not in _LEVELS):
        return None
    if "includeThoughts" in value and not isinstance(included, bool):
        return None
    enabled = {0: False, -1: True}.get(budget) if budget is not None else None
    return ReasoningSettings(
        effort=level.lower() if isinstance(level, str) else None,
        max_tokens=budget if enabled is None else None,
        enabled=enabled,
        exclude=None if included is None else not included,
    )


_THINKING = frozenset(("thinkingBudget", "thinkingLevel", "includeThoughts"))


def decode_output(settings: dict[str, Any]) -> OutputSchema | None:
    """The schema that the answer must hold. The wire has no name for one: its title is taken, else "output"."""
    if settings.get("responseMimeType") != JSON:
        return None
    schema = settings.get("responseJsonSchema")
    if "responseSchema" in settings:
        if "responseJsonSchema" in settings or not isinstance(settings["responseSchema"], dict):
            return None
        schema = from_wire(settings["responseSchema"])
    if schema is None and "responseJsonSchema" not in settings:
        return OutputSchema("json", None)
    if not isinstance(schema, dict):
        return None
    title = schema.get("title")
    return OutputSchema(title if isinstance(title, str) and title else "output", schema)


def left_over(settings: dict[str, Any], again: dict[str, Any]) -> dict[str, Any]:
    """The fields of a received ``generationConfig`` that go as options: unknown ones, and what did not come back."""
    return {
        name: value
        for name, value in settings.items()
        if name not in MODELLED_SETTINGS or (name not in again and value is not None)
    }
