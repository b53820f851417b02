"""How one speaker writes Google's wire: its hand, as data.

AI Studio and Vertex AI speak the same wire with small differences, models differ in what they take, and clients differ
in how they write what may be written in several ways. All of it is here, a field a difference, so that no code asks
for a provider's or a model's name. :func:`infer_profile` reads the hand out of a request.

The defaults are what AI Studio takes for the models of today.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from playhead.dialects.profile import ModelProfile


class Profile(ModelProfile, frozen=True, omit_defaults=True):
    """One speaker's way of writing.

    Attributes:
        system_role: the role written in ``systemInstruction``; None writes none.
        user_role: writes ``"role": "user"``; without it a lone content has no role.
        result_role: the role of a content that holds tool results.
        join_results: the results of one step stand in one content, as the wire wants it.
        tool_choice_auto: writes mode AUTO where there are tools and none was chosen.
        parameters_field: a tool's schema goes as Gemini's subset, or as JSON schema.
        other_field: names of tools whose schema goes in the other field of the two.
        output_field: the same as ``parameters_field`` for the schema of an answer.
        types: how types of the subset are written, ``STRING`` or ``string``.
        tools_at: where among the tools the function declarations stand.
        tools_apart: each declaration is in a tool of its own.
        empty_parameters: a tool that takes nothing is declared with a schema of no properties; some models refuse it.
        result_key: the key of ``response`` that a result's text is put under.
        object_results: a result that is a JSON object is sent as that object.
        result_media: files of a tool's result stand inside the functionResponse, or beside it.
        empty_args: a call without arguments is written with ``"args": {}``.
        thoughts_back: thoughts that carry no signature go back; the wire does not read them.
        call_ids: ids of calls go back. Ids that this dialect made never do.
        result_ids: a result repeats the id of its call.
        own_ids: ids that a client gave to the calls of answers without ids, one for every call in order.
        stand_in_signature: the signature written on the first call of an answer that has none of this wire's, which
            models that check signatures want; None where they do not.
        effort: whether an effort is said as ``thinkingLevel`` or as a ``thinkingBudget``.
        levels: how levels are written, ``HIGH`` or ``high``.
        file_names: writes ``displayName``, which Vertex AI takes.
        part_resolution: writes ``mediaResolution`` on a part.
        query, stream_query: what stands after the URL's question mark.
        snake: fields that are written in snake_case.
    """

    system_role: str | None = "user"
    user_role: bool = True
    result_role: str = "user"
    join_results: bool = True
    tool_choice_auto: bool = True
    parameters_field: Literal["parameters", "parametersJsonSchema"] = "parameters"
    other_field: frozenset[str] = frozenset()
    output_field: Literal["responseJsonSchema", "responseSchema"] = "responseJsonSchema"
    types: Literal["upper", "lower"] = "upper"
    tools_at: int = 0
    tools_apart: bool = False
    empty_parameters: bool = False
    result_key: str = "result"
    object_results: bool = False
    result_media: Literal["inside", "beside"] = "beside"
    empty_args: bool = True
    thoughts_back: bool = False
    call_ids: bool = True
    result_ids: bool = True
    own_ids: tuple[str, ...] = ()
    stand_in_signature: str | None = None
    effort: Literal["level", "budget"] = "level"
    levels: Literal["upper", "lower"] = "upper"
    file_names: bool = False
    part_resolution: bool = False
    query: str = ""
    stream_query: str = "alt=sse"
    snake: frozenset[str] = frozenset()
    output_beside_tools: Literal["native", "tool", "text"] | None = "tool"
    output_schemas: str = "gemini"


#: Keys under which clients put a result's text.
RESULT_KEYS = ("result", "output", "return_value", "content")


def infer_profile(body: dict[str, Any], base: Profile) -> Profile:
    """The hand that a request was written in, its names in camelCase. What it does not show is taken from ``base``."""
    said: dict[str, Any] = {}
    system = body.get("systemInstruction")
    if isinstance(system, dict):
        role = system.get("role")
        said["system_role"] = role if isinstance(role, str) else None
    said.update(_from_tools(body, _objects(body.get("tools"))))
    said.update(_from_settings(body.get("generationConfig")))
    said.update(_from_contents(_objects(body.get("contents"))))
    return msgspec.structs.replace(base, **said)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _from_tools(body: dict[str, Any], tools: list[dict[str, Any]]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    declaring = [place for place, tool in enumerate(tools) if isinstance(tool.get("functionDeclarations"), list)]
    if not declaring:
        return said
    said["tools_at"] = declaring[0]
    said["tools_apart"] = len(declaring) > 1
    declared = [d for place in declaring for d in _objects(tools[place]["functionDeclarations"])]
    raw = [declaration for declaration in declared if "parametersJsonSchema" in declaration]
    if raw and not any("parameters" in declaration for declaration in declared):
        said["parameters_field"] = "parametersJsonSchema"
    elif len(raw) < len(declared):
        said["parameters_field"] = "parameters"
        said["other_field"] = frozenset(str(declaration.get("name")) for declaration in raw)
        schemas = [declaration.get("parameters") for declaration in declared]
        said.update(_types(schemas))
        bare = [schema for schema in schemas if isinstance(schema, dict) and not schema.get("properties")]
        said["empty_parameters"] = any(str(schema.get("type")).lower() == "object" for schema in bare)
    config = body.get("toolConfig")
    calling = config.get("functionCallingConfig") if isinstance(config, dict) else None
    said["tool_choice_auto"] = calling == {"mode": "AUTO"}
    return said


def _types(schemas: list[Any]) -> dict[str, Any]:
    kinds = [schema["type"] for schema in schemas if isinstance(schema, dict) and isinstance(schema.get("type"), str)]
    return {"types": "upper" if kinds[0].isupper() else "lower"} if kinds else {}


def _from_settings(settings: Any) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if not isinstance(settings, dict):
        return said
    if "responseSchema" in settings:
        said["output_field"] = "responseSchema"
        said.update(_types([settings["responseSchema"]]))
    elif "responseJsonSchema" in settings:
        said["output_field"] = "responseJsonSchema"
    thinking = settings.get("thinkingConfig")
    if isinstance(thinking, dict) and isinstance(thinking.get("thinkingLevel"), str):
        said["effort"] = "level"
        said["levels"] = "upper" if thinking["thinkingLevel"].isupper() else "lower"
    return said


def _from_contents(contents: list[dict[str, Any]]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    results: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    thoughts: list[dict[str, Any]] = []
    before = False
    said["join_results"] = True
    for content in contents:
        parts = _objects(content.get("parts"))
        role = content.get("role")
        answers = [part["functionResponse"] for part in parts if isinstance(part.get("functionResponse"), dict)]
        if role == "model":
            calls += [part["functionCall"] for part in parts if isinstance(part.get("functionCall"), dict)]
            thoughts += [part for part in parts if part.get("thought") is True and "thoughtSignature" not in part]
        elif answers:
            said["result_role"] = role if isinstance(role, str) else "user"
            if before:
                said["join_results"] = False
        else:
            said["user_role"] = "role" in content
        before = role != "model" and bool(answers)
        results += answers
    if calls:
        said["empty_args"] = all("args" in call for call in calls)
        ids = [call.get("id") for call in calls]
        said["call_ids"] = any(isinstance(identifier, str) for identifier in ids)
        said["own_ids"] = tuple(identifier if isinstance(identifier, str) else "" for identifier in ids)
        if not said["call_ids"]:
            said["own_ids"] = ()
        given = [result.get("id") for result in results]
        said["result_ids"] = not said["call_ids"] or not given or any(given)
    if thoughts:
        said["thoughts_back"] = True
    responses = [result["response"] for result in results if isinstance(result.get("response"), dict)]
    keys = {key for response in responses if (key := text_key(response))}
    if keys:
        said["result_key"] = min(keys, key=RESULT_KEYS.index)
    if responses:
        said["object_results"] = not all(text_key(response) or _is_error(response) for response in responses)
    if any(result.get("parts") for result in results):
        said["result_media"] = "inside"
    every = [part for content in contents for part in _objects(content.get("parts"))]
    blobs = [part.get(kind) for part in every for kind in ("inlineData", "fileData")]
    if any(isinstance(blob, dict) and "displayName" in blob for blob in blobs):
        said["file_names"] = True
    if any("mediaResolution" in part for part in every):
        said["part_resolution"] = True
    return said


def text_key(response: dict[str, Any]) -> str | None:
    """The key that a result's text stands under; None where the response is another object."""
    return next((key for key in RESULT_KEYS if len(response) == 1 and isinstance(response.get(key), str)), None)


def _is_error(response: dict[str, Any]) -> bool:
    return len(response) == 1 and isinstance(response.get("error"), str)
