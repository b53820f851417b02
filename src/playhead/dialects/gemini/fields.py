"""The wire's names: which top-level fields there are, and their two spellings.

Google's JSON is protobuf's: a field is written ``systemInstruction`` and read as ``system_instruction`` too, and much
of what is sent uses the second. A request is read in the first spelling alone; :func:`camel` brings it there and says
which names were spelled otherwise, and :func:`snake` writes those so again. What is data of the user's (a JSON schema,
a call's arguments, a tool's response) keeps its names; Gemini's own schemas are the wire's, the names of their
properties are not.

Sources: https://ai.google.dev/api/generate-content, https://ai.google.dev/api/caching, and the same of Vertex AI, as of
2026.
"""

from __future__ import annotations

from typing import Any

# ruff: noqa: SIM905 - the lists read better as words than as literals

#: Fields of a request with a place of their own in the vocabulary or the profile.
MODELLED = frozenset("contents systemInstruction tools toolConfig generationConfig".split())

#: Fields that are carried in ``Request.options`` under their own names; of the MODELLED, what is not modelled is too.
CARRIED = frozenset("safetySettings cachedContent labels modelArmorConfig serviceTier store model".split())

#: Fields of ``generationConfig`` that the vocabulary models.
MODELLED_SETTINGS = frozenset(
    """maxOutputTokens temperature topP stopSequences seed responseMimeType responseSchema responseJsonSchema
    thinkingConfig""".split()
)

#: Fields of ``generationConfig`` that are carried in ``options["generationConfig"]``.
CARRIED_SETTINGS = frozenset(
    """topK candidateCount presencePenalty frequencyPenalty responseLogprobs logprobs responseModalities speechConfig
    mediaResolution audioTimestamp enableEnhancedCivicAnswers enableAffectiveDialog routingConfig modelConfig
    modelSelectionConfig imageConfig responseFormat translationConfig audioTranscriptionConfig""".split()
)

#: Where the fields of a declared tool that the vocabulary has none for are carried, by the tool's name.
DECLARATIONS = "functionDeclarations"
DECLARED = frozenset("behavior response responseJsonSchema".split())

#: Where fields that nobody knows are carried.
EXTRA = "extra"

#: Fields whose value is data, not messages of the wire: the names in it are the user's.
_DATA = frozenset(
    """args response parametersJsonSchema responseJsonSchema labels partMetadata default example enum
    required""".split()
)

#: The field whose value's keys are the user's, and their values the wire's again: a schema's.
_NAMED = "properties"


def camel(value: Any, changed: set[str]) -> Any:
    """The value with its fields in camelCase; names that were spelled otherwise are added to ``changed``."""
    if isinstance(value, list):
        return [camel(item, changed) for item in value]
    if not isinstance(value, dict):
        return value
    said: dict[str, Any] = {}
    for key, inner in value.items():
        name = key
        if "_" in key:
            head, *words = key.split("_")
            name = head + "".join(word[:1].upper() + word[1:] for word in words)
            if name in value or not head:
                name = key
            elif _snaked(name) == key:
                changed.add(name)
            else:
                name = key
        if name == _NAMED and isinstance(inner, dict):
            said[name] = {key: camel(schema, changed) for key, schema in inner.items()}
        else:
            said[name] = inner if name in _DATA else camel(inner, changed)
    return said


def snake(value: Any, names: frozenset[str]) -> Any:
    """The reverse: the fields of these names in snake_case."""
    if isinstance(value, list):
        return [snake(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    said: dict[str, Any] = {}
    for key, inner in value.items():
        name = _snaked(key) if key in names else key
        if key == _NAMED and isinstance(inner, dict):
            said[name] = {key: snake(schema, names) for key, schema in inner.items()}
        else:
            said[name] = inner if key in _DATA else snake(inner, names)
    return said


def _snaked(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
