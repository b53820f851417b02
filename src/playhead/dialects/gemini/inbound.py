"""A request as it came in: the reverse of :mod:`.request`, for tapes and for a server of this wire.

The rule: ``encode_request(decode_request(b))`` is the same JSON and the same URL as ``b``, or the difference is
reported. It is kept by doing just that: the hand is inferred, the request is decoded and encoded again, and every path
where the two bodies differ is in ``unmodelled``. So a field nobody knows, a part with a key of its own, or a body
written in two hands at once cannot pass in silence.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import DecodedRequest
from playhead.dialects.gemini.conversation import decode_messages
from playhead.dialects.gemini.fields import (
    CARRIED,
    CARRIED_SETTINGS,
    DECLARATIONS,
    DECLARED,
    EXTRA,
    MODELLED,
    MODELLED_SETTINGS,
    camel,
)
from playhead.dialects.gemini.place import Place, split_url
from playhead.dialects.gemini.profile import Profile, infer_profile
from playhead.dialects.gemini.request import encode_request
from playhead.dialects.gemini.schema import from_wire
from playhead.dialects.gemini.settings import decode_output, decode_thinking, encode_settings, left_over
from playhead.dialects.received import compared, read_object
from playhead.errors import BadRequestError
from playhead.request import NamedTool, Request, ToolChoice, ToolSpec
from playhead.wire import HTTPRequest

_MODES: dict[str, ToolChoice] = {"AUTO": "auto", "NONE": "none", "ANY": "required"}


def decode_request(http: HTTPRequest, base: Profile | None = None) -> DecodedRequest:
    """What a recorded or received request means, the hand it was written in, and what was not modelled.

    ``base`` is the profile of the speaker where it is known: what this request does not show is taken from it.

    Raises:
        BadRequestError: the URL is none of this wire's, or the body is no request; the message says where.
    """
    place = split_url(http.url)
    if place is None:
        raise BadRequestError(
            f"a URL that ends in :generateContent expected, {http.url.partition('?')[0]!r} came", status=404
        )
    try:
        return _decoded(read_object(http.body), place, base)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # nested too deep to be walked
        raise BadRequestError(f"a JSON object expected as the body: {error}", status=400) from error


def _decoded(recorded: dict[str, Any], place: Place, base: Profile | None) -> DecodedRequest:
    changed: set[str] = set()
    body = camel(recorded, changed)
    profile = infer_profile(body, base if base is not None else Profile())
    query = {"stream_query" if place.stream else "query": place.query}
    profile = msgspec.structs.replace(profile, snake=frozenset(changed), **query)
    unmodelled: list[str] = []
    request = _request(body, place, profile, unmodelled)
    return compared(recorded, request, profile, encode_request, known=unmodelled)


def _request(body: dict[str, Any], place: Place, profile: Profile, unmodelled: list[str]) -> Request:
    options = {name: value for name, value in body.items() if name in CARRIED}
    unknown = {name: value for name, value in body.items() if name not in CARRIED and name not in MODELLED}
    if unknown:
        options[EXTRA] = unknown
        unmodelled.extend(unknown)
    tools = _tools(body.get("tools"), options)
    settings = body.get("generationConfig")
    if not isinstance(settings, dict):
        if settings is not None:
            options["generationConfig"] = settings
        settings = {}
    thinking = decode_thinking(settings.get("thinkingConfig"))
    stop = settings.get("stopSequences")
    request = Request(
        model=place.model,
        messages=decode_messages(body),
        tools=tools,
        tool_choice=_tool_choice(body.get("toolConfig"), tools, profile, options),
        output=decode_output(settings),
        max_tokens=_number(settings.get("maxOutputTokens"), int),
        temperature=_number(settings.get("temperature"), int, float),
        top_p=_number(settings.get("topP"), int, float),
        stop=tuple(stop) if isinstance(stop, list) and all(isinstance(word, str) for word in stop) else (),
        seed=_number(settings.get("seed"), int),
        reasoning=thinking,
        stream=place.stream,
        options=options,
    )
    rest = left_over(settings, encode_settings(request, profile, []))
    known = CARRIED_SETTINGS | MODELLED_SETTINGS
    unmodelled.extend(f"generationConfig.{name}" for name in rest if name not in known)
    if rest or ("generationConfig" in body and not encode_settings(request, profile, [])):
        options.setdefault("generationConfig", rest)
    return request


def _number(value: Any, *kinds: type) -> Any:
    return value if type(value) in kinds else None


def _tools(value: Any, options: dict[str, Any]) -> tuple[ToolSpec, ...]:
    """The declared tools; Google's own, and whatever else stands in the list, go as options."""
    if not isinstance(value, list):
        if value is not None:
            options["tools"] = value
        return ()
    tools: list[ToolSpec] = []
    others = []
    for tool in value:
        declared = tool.get("functionDeclarations") if isinstance(tool, dict) else None
        if isinstance(declared, list) and len(tool) == 1 and all(isinstance(one, dict) for one in declared):
            tools += map(_tool, declared)
            more = {str(one.get("name")): _more(one) for one in declared if _more(one)}
            if more:
                options[DECLARATIONS] = {**options.get(DECLARATIONS, {}), **more}
        else:
            others.append(tool)
    if others:
        options["tools"] = others
    elif not tools:
        options["tools"] = value
    return tuple(tools)


def _more(declaration: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in declaration.items() if name in DECLARED}


def _tool(value: dict[str, Any]) -> ToolSpec:
    name, description = value.get("name"), value.get("description")
    schema = value.get("parametersJsonSchema")
    if "parameters" in value:
        schema = from_wire(value["parameters"])
    return ToolSpec(
        name if isinstance(name, str) else "",
        description if isinstance(description, str) else "",
        schema if isinstance(schema, dict) else {},
    )


def _tool_choice(
    config: Any, tools: tuple[ToolSpec, ...], profile: Profile, options: dict[str, Any]
) -> ToolChoice | None:
    if config is None:
        return None
    choice: ToolChoice | None = None
    if isinstance(config, dict) and config.keys() != {"functionCallingConfig"}:
        rest = {name: value for name, value in config.items() if name != "functionCallingConfig"}
        options["toolConfig"] = rest
    match config:
        case {"functionCallingConfig": {"mode": "AUTO", **more}} if not more and tools and profile.tool_choice_auto:
            return None
        case {"functionCallingConfig": {"mode": "AUTO" | "NONE" | "ANY" as mode, **more}} if not more:
            choice = _MODES[mode]
        case {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [str(name)], **more}} if not more:
            choice = NamedTool(name)
        case _:
            options["toolConfig"] = config
    return choice
