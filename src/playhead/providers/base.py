"""Who speaks a dialect: a :class:`Provider` is data, and a model's quirks are rows of a table.

A provider is a name, a base URL, the environment variables that may hold its key, the dialect that it speaks and what
differs in its hand from the dialect's default profile. What differs for some models is in :data:`QUIRKS`, each row with
its reason, so that no code asks for a model's name. Naming a provider loads no codec: a dialect's profile is imported
when :func:`profile_for` makes one.

The known providers are in :mod:`.catalog`; a key is read by the transport, never here.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Provider(msgspec.Struct, frozen=True):
    """One provider, or one of the wires of a provider that speaks several.

    Attributes:
        name: the word before the colon in ``"openrouter:moonshotai/kimi-k2-0905"``.
        base_url: where it is, without a final slash; "" where the caller or the environment must say.
        key_env: environment variables that may hold its key, the first that is set counts.
        profile: how its hand differs from the default profile of its dialect, models' quirks aside, by field.
        options: the name of the struct in :mod:`.options` that its options must fit.
        auth: "required" where nothing goes out without a key; "optional" sends one that is set.
        dialect: the name of the dialect that it speaks.
        base_url_env: environment variables that may name the base URL.
        hosts: endings of host names that are this provider's, where its base URL differs from user to user.
        key_header: the header that holds the bare key; "" sends it as ``Authorization: Bearer``.
        key_help: what to do about a missing key, where setting a variable is not all there is to say.
        url_form: a base URL with holes, ``https://bedrock-runtime.{region}.amazonaws.com``.
        url_parts: for each hole the environment variables that may fill it.
    """

    name: str
    base_url: str
    key_env: tuple[str, ...]
    profile: dict[str, Any]
    options: str
    auth: Literal["required", "optional"] = "required"
    dialect: str = "openai_chat"
    base_url_env: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    key_header: str = ""
    key_help: str = ""
    url_form: str = ""
    url_parts: dict[str, tuple[str, ...]] = {}


class Quirk(msgspec.Struct, frozen=True):
    """What some models want otherwise: where the dialect is one of ``dialects``, the provider one of ``providers``
    (empty: any) and the model's bare name begins with one of ``models``, ``changes`` go over the profile. A later row
    goes over an earlier one."""

    dialects: tuple[str, ...]
    providers: tuple[str, ...]
    models: tuple[str, ...]
    changes: dict[str, Any]
    reason: str


_CHAT, _RESPONSES, _MESSAGES, _GEMINI = "openai_chat", "openai_responses", "anthropic_messages", "gemini"
_REASONING_MODELS = ("o1", "o3", "o4", "gpt-5")
_CHAT_VARIANTS = ("gpt-5-chat", "gpt-5.1-chat", "gpt-5.2-chat")
_OPENAI = ("openai", "azure", "openai-responses", "azure-responses")
_ADAPTIVE = (
    "claude-opus-4-7",
    "claude-opus-4-8",
    "claude-opus-5",
    "claude-sonnet-5",
    "claude-haiku-5",
    "claude-mythos",
    "claude-fable",
)

QUIRKS: tuple[Quirk, ...] = (
    Quirk(
        (_CHAT,),
        (),
        (*_REASONING_MODELS, "gpt-oss"),
        {"max_tokens_field": "max_completion_tokens"},
        "OpenAI's reasoning models refuse max_tokens; max_completion_tokens counts reasoning too",
    ),
    Quirk(
        (_CHAT, _RESPONSES),
        _OPENAI,
        _REASONING_MODELS,
        {"sampling": False},
        "OpenAI's reasoning models answer 400 to a temperature or top_p other than 1",
    ),
    Quirk(
        (_CHAT, _RESPONSES),
        _OPENAI,
        _CHAT_VARIANTS,
        {"sampling": True},
        "the chat variants of gpt-5 do not reason and take a temperature",
    ),
    Quirk(
        (_RESPONSES,),
        (),
        _REASONING_MODELS,
        {"system_role": "developer"},
        "OpenAI's reasoning models know the developer's message where the others know the system's",
    ),
    Quirk(
        (_CHAT,),
        ("llamacpp", "compatible"),
        ("smollm2-135m", "smollm2-360m"),
        {"tools": "constrained"},
        "the chat template of these models knows no tools; a server that holds a JSON schema makes them call one",
    ),
    Quirk(
        (_MESSAGES,),
        (),
        ("claude-3", "claude-opus-4", "claude-sonnet-4", "claude-haiku-4"),
        {"thinking": "budget"},
        "up to Claude 4.5 thinking wants a budget of tokens; adaptive thinking is refused",
    ),
    Quirk(
        (_MESSAGES,),
        (),
        ("claude-opus-4-6", "claude-sonnet-4-6"),
        {"thinking": "both"},
        "Claude 4.6 takes a budget as well as adaptive thinking",
    ),
    Quirk(
        (_MESSAGES,),
        (),
        _ADAPTIVE,
        {"thinking": "adaptive", "sampling": False},
        "from Claude Opus 4.7 on a budget of thinking, a temperature and a top_p are answered with 400",
    ),
    Quirk(
        (_GEMINI,),
        (),
        ("gemini-2.5",),
        {"effort": "budget"},
        "Gemini 2.5 takes a budget of thinking; levels came with Gemini 3",
    ),
    Quirk(
        (_GEMINI,),
        (),
        ("gemini-3",),
        {
            "result_media": "inside",
            "part_resolution": True,
            "stand_in_signature": "skip_thought_signature_validator",
        },
        "Gemini 3 reads files inside a tool's result, takes a resolution for each part, and checks that calls of other "
        "makers' models bear the signature that Google documents for them",
    ),
)


def profile_for(provider: Provider, model: str) -> Any:
    """The profile of the provider's dialect, with what the provider and this model want otherwise."""
    from importlib import import_module

    profile = import_module(f"playhead.dialects.{provider.dialect}.profile").Profile(**provider.profile)
    name = bare_name(model)
    for quirk in QUIRKS:
        if (
            provider.dialect in quirk.dialects
            and (not quirk.providers or provider.name in quirk.providers)
            and name.startswith(quirk.models)
        ):
            profile = msgspec.structs.replace(profile, **quirk.changes)
    return profile


def bare_name(model: str) -> str:
    """A model's name in lower case without what says where it is: what stands before its last slash, and on Bedrock
    the region and the maker. ``us.anthropic.claude-opus-4-6-v1 -> claude-opus-4-6-v1``"""
    return model.rpartition("/")[2].lower().rpartition("anthropic.")[2]
