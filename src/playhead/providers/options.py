"""Options: what a provider takes and the vocabulary does not model, typed, under the wire's own names.

``check_options(provider, {"provider": {"onyl": ["wandb"]}})`` raises before anything is sent::

    ConfigError: options.provider.onyl: openrouter knows no such option; did you mean "only"?

The structs below are the schema. A field that is not given is not sent. For a server that knows fields which no list
holds there is ``{"extra": {…}}``: what stands there is sent as it is.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from playhead.dialects.openai_chat.fields import EXTRA, MODELLED, OPENAI, OPENROUTER, SERVERS, SERVICES
from playhead.errors import NEAR, ConfigError
from playhead.given import in_python
from playhead.providers.base import Provider


class ChatOptions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """OpenAI's chat fields; those beside them that a server documents are in the subclasses."""

    audio: dict[str, Any] | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    logit_bias: dict[str, float] | UnsetType = UNSET
    logprobs: bool | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    modalities: list[str] | UnsetType = UNSET
    n: int | UnsetType = UNSET
    prediction: dict[str, Any] | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    prompt_cache_key: str | UnsetType = UNSET
    prompt_cache_retention: str | UnsetType = UNSET
    safety_identifier: str | UnsetType = UNSET
    service_tier: str | UnsetType = UNSET
    store: bool | UnsetType = UNSET
    top_logprobs: int | UnsetType = UNSET
    user: str | UnsetType = UNSET
    verbosity: Literal["low", "medium", "high"] | UnsetType = UNSET
    web_search_options: dict[str, Any] | UnsetType = UNSET
    response_format: dict[str, Any] | UnsetType = UNSET
    stream_options: dict[str, Any] | UnsetType = UNSET


class SortBy(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How OpenRouter sorts upstreams, and whether within each fallback model or over all."""

    by: Literal["price", "throughput", "latency"] | UnsetType = UNSET
    partition: Literal["model", "none"] | UnsetType = UNSET


class MaxPrice(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The most that an upstream may ask: dollars for a million tokens, or for a request or an image."""

    prompt: float | str | UnsetType = UNSET
    completion: float | str | UnsetType = UNSET
    request: float | str | UnsetType = UNSET
    image: float | str | UnsetType = UNSET
    audio: float | str | UnsetType = UNSET


class Routing(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """OpenRouter's ``provider``: which upstreams may serve, and in which order."""

    order: list[str] | UnsetType = UNSET
    only: list[str] | UnsetType = UNSET
    ignore: list[str] | UnsetType = UNSET
    allow_fallbacks: bool | UnsetType = UNSET
    require_parameters: bool | UnsetType = UNSET
    data_collection: Literal["allow", "deny"] | UnsetType = UNSET
    quantizations: list[str] | UnsetType = UNSET
    sort: Literal["price", "throughput", "latency"] | SortBy | UnsetType = UNSET
    max_price: MaxPrice | UnsetType = UNSET
    zdr: bool | UnsetType = UNSET
    enforce_distillable_text: bool | UnsetType = UNSET
    preferred_min_throughput: float | dict[str, float] | UnsetType = UNSET
    preferred_max_latency: float | dict[str, float] | UnsetType = UNSET


class OpenRouterOptions(ChatOptions, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What OpenRouter takes beside OpenAI's fields."""

    provider: Routing | UnsetType = UNSET
    models: list[str] | UnsetType = UNSET
    route: Literal["fallback", "sort"] | UnsetType = UNSET
    transforms: list[str] | UnsetType = UNSET
    plugins: list[dict[str, Any]] | UnsetType = UNSET
    preset: str | UnsetType = UNSET
    usage: dict[str, bool] | UnsetType = UNSET
    cache_control: dict[str, Any] | UnsetType = UNSET
    debug: dict[str, Any] | UnsetType = UNSET
    image_config: dict[str, Any] | UnsetType = UNSET
    include_reasoning: bool | UnsetType = UNSET
    min_p: float | UnsetType = UNSET
    repetition_penalty: float | UnsetType = UNSET
    session_id: str | UnsetType = UNSET
    structured_outputs: bool | UnsetType = UNSET
    top_a: float | UnsetType = UNSET
    top_k: int | UnsetType = UNSET
    trace: dict[str, Any] | UnsetType = UNSET


#: Any compatible server: OpenAI's fields typed, and every other field that some server documents, of any value.
CompatibleOptions = msgspec.defstruct(
    "CompatibleOptions",
    [
        (name, Any, UNSET)
        for name in sorted((OPENROUTER | SERVERS | SERVICES) - set(ChatOptions.__struct_fields__) - OPENAI)
    ],
    bases=(ChatOptions,),
    forbid_unknown_fields=True,
    kw_only=True,
    omit_defaults=True,
)


class ResponsesKnown(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The fields of the responses wire that have one type everywhere; ``tools`` are the provider's own."""

    background: bool | UnsetType = UNSET
    include: list[str] | UnsetType = UNSET
    instructions: str | UnsetType = UNSET
    max_tool_calls: int | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    previous_response_id: str | UnsetType = UNSET
    reasoning: dict[str, Any] | UnsetType = UNSET
    service_tier: str | UnsetType = UNSET
    store: bool | UnsetType = UNSET
    text: dict[str, Any] | UnsetType = UNSET
    tool_choice: str | dict[str, Any] | UnsetType = UNSET
    tools: list[dict[str, Any]] | UnsetType = UNSET
    top_logprobs: int | UnsetType = UNSET
    truncation: str | UnsetType = UNSET


class AnthropicKnown(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The fields of Anthropic's wire that have one type everywhere; ``tools`` are those that it runs or defines."""

    anthropic_beta: str | list[str] | UnsetType = UNSET
    cache_control: dict[str, Any] | UnsetType = UNSET
    mcp_servers: list[dict[str, Any]] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    output_config: dict[str, Any] | UnsetType = UNSET
    service_tier: str | UnsetType = UNSET
    tools: list[dict[str, Any]] | UnsetType = UNSET
    top_k: int | UnsetType = UNSET


class Guardrail(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Bedrock's ``guardrailConfig``: which guardrail looks at question and answer, and what it tells of it."""

    guardrailIdentifier: str | UnsetType = UNSET
    guardrailVersion: str | UnsetType = UNSET
    trace: Literal["enabled", "disabled", "enabled_full"] | UnsetType = UNSET
    streamProcessingMode: Literal["sync", "async"] | UnsetType = UNSET


class ConverseOptions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What Bedrock's Converse takes. ``toolConfig``, ``inferenceConfig`` and ``outputConfig`` go over what the agent
    says in them, the first's ``tools`` beside the functions; ``additionalModelRequestFields`` are the model's own."""

    additionalModelRequestFields: dict[str, Any] | UnsetType = UNSET
    additionalModelResponseFieldPaths: list[str] | UnsetType = UNSET
    guardrailConfig: Guardrail | UnsetType = UNSET
    inferenceConfig: dict[str, Any] | UnsetType = UNSET
    outputConfig: dict[str, Any] | UnsetType = UNSET
    performanceConfig: dict[str, Literal["standard", "optimized"]] | UnsetType = UNSET
    promptVariables: dict[str, dict[str, str]] | UnsetType = UNSET
    requestMetadata: dict[str, str] | UnsetType = UNSET
    serviceTier: dict[str, Literal["priority", "default", "flex", "reserved"]] | UnsetType = UNSET
    toolConfig: dict[str, Any] | UnsetType = UNSET


class GeminiOptions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What Google's wire takes; ``tools`` are its own, ``functionDeclarations`` more fields of declared ones."""

    cachedContent: str | UnsetType = UNSET
    functionDeclarations: dict[str, dict[str, Any]] | UnsetType = UNSET
    generationConfig: dict[str, Any] | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET
    modelArmorConfig: dict[str, Any] | UnsetType = UNSET
    safetySettings: list[dict[str, Any]] | UnsetType = UNSET
    serviceTier: str | UnsetType = UNSET
    store: bool | UnsetType = UNSET
    toolConfig: dict[str, Any] | UnsetType = UNSET
    tools: list[dict[str, Any]] | UnsetType = UNSET


_TYPED: dict[str, type[msgspec.Struct]] = {
    "OpenAIOptions": ChatOptions,
    "OpenRouterOptions": OpenRouterOptions,
    "CompatibleOptions": CompatibleOptions,
    "ResponsesOptions": ResponsesKnown,
    "AnthropicOptions": AnthropicKnown,
    "ConverseOptions": ConverseOptions,
    "GeminiOptions": GeminiOptions,
}

_made: dict[str, type[msgspec.Struct]] = {}


def _schema(name: str) -> type[msgspec.Struct]:
    """The struct of this name; where the dialect carries fields that are not typed above, they take any value."""
    if name not in _made:
        _made[name] = _with_the_rest(name, _TYPED[name])
    return _made[name]


def _with_the_rest(name: str, typed: type[msgspec.Struct]) -> type[msgspec.Struct]:
    carried: frozenset[str]
    if name == "ResponsesOptions":
        from playhead.dialects.openai_responses.fields import CARRIED as carried
    elif name == "AnthropicOptions":
        from playhead.dialects.anthropic_messages.fields import CARRIED as carried
    else:
        return typed
    return msgspec.defstruct(
        name,
        [(field, Any, UNSET) for field in sorted(carried - set(typed.__struct_fields__))],
        bases=(typed,),
        forbid_unknown_fields=True,
        kw_only=True,
        omit_defaults=True,
    )


def _modelled(provider: Provider) -> frozenset[str] | None:
    """What the agent itself says in this provider's wire; None where the wire takes no ``extra``."""
    if provider.dialect == "openai_chat":
        return MODELLED
    if provider.dialect == "gemini":
        from playhead.dialects.gemini.fields import MODELLED as modelled

        return modelled
    return None


def check_options(provider: Provider, options: dict[str, Any]) -> dict[str, Any]:
    """The options as given, when they fit the provider's schema.

    Raises:
        ConfigError: an option is unknown (the nearest known one is named) or has a value of a wrong type.
    """
    extra = options.get(EXTRA)
    modelled = _modelled(provider)
    if extra is not None and modelled is not None:
        taken = sorted(modelled & extra.keys()) if isinstance(extra, dict) else None
        if taken is None:
            raise ConfigError("options.extra: an object with the fields to send as they are was expected")
        if taken:
            meant = f": that is {_SAID[taken[0]]}" if taken[0] in _SAID else ""
            raise ConfigError(
                f"options.extra.{taken[0]}: what the agent itself says cannot be said a second time here{meant}"
            )
    try:
        named = {name: value for name, value in options.items() if name != EXTRA or modelled is None}
        msgspec.convert(named, _schema(provider.options))
    except msgspec.ValidationError as error:
        raise ConfigError(_explained(provider, str(error))) from None
    return dict(options)


#: What the agent itself says, by the names that the wires have for it.
_SAID = {
    name: words
    for words, names in (
        ("Agent(max_tokens=…)", "max_tokens max_completion_tokens max_output_tokens maxOutputTokens maxTokens"),
        ("Agent(temperature=…)", "temperature"),
        ("Agent(top_p=…)", "top_p topP"),
        ("Agent(stop=…)", "stop stop_sequences stopSequences"),
        ("Agent(seed=…)", "seed random_seed"),
        ("Agent(reasoning=…)", "reasoning reasoning_effort thinking thinkingConfig"),
        ("Agent(tools=…)", "tools functions"),
        ("Agent(tool_choice=…)", "tool_choice toolChoice toolConfig function_call"),
        ("Agent(parallel_tool_calls=…)", "parallel_tool_calls"),
        ("Agent(output=…)", "response_format output_format responseSchema responseJsonSchema responseMimeType"),
        ("Agent(system=…)", "system systemInstruction instructions"),
        ("Agent(timeout=…)", "timeout"),
        ('Agent("provider:model")', "model"),
        ("agent.run(prompt, messages=…)", "messages contents input"),
        ("agent.stream(…)", "stream"),
    )
    for name in names.split()
}


def _explained(provider: Provider, problem: str) -> str:
    """msgspec's message, ``Object contains unknown field `onyl` - at `$.provider```, in this project's words."""
    what, _, place = problem.partition(" - at `$")
    path = place.rstrip("`")
    if "unknown field" not in what:
        return f"options{path}: {in_python(what[:1].lower() + what[1:])}"
    unknown = what.split("`")[1]
    if unknown in _SAID and not path:
        return f"options.{unknown}: {provider.name} knows no such option: that is {_SAID[unknown]}"
    from difflib import get_close_matches

    names = _names_at(_schema(provider.options), path.split(".")[1:])
    near = get_close_matches(unknown, names if path else [*names, *_SAID], n=1, cutoff=NEAR)
    meant = near[0] if near else ""
    said = f" ({_SAID[meant]})" if meant in _SAID and meant not in names else ""
    hint = f'; did you mean "{meant}"{said}?' if meant else ""
    return f"options{path}.{unknown}: {provider.name} knows no such option{hint}"


def _names_at(schema: Any, path: list[str]) -> list[str]:
    """The names of the fields of the struct at ``path`` under ``schema``."""
    from typing import get_args, get_type_hints

    for name in path:
        hint = get_type_hints(schema).get(name)
        candidates = [hint, *get_args(hint)]
        schema = next((c for c in candidates if isinstance(c, type) and issubclass(c, msgspec.Struct)), None)
        if schema is None:
            return []
    return list(schema.__struct_fields__)
