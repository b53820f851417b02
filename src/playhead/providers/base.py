"""Who speaks a dialect: a :class:`Provider` is data, and a model's quirks are rows of a table.

A provider is a name, a base URL, the environment variables that may hold its key, and its profile of the dialect. What
differs for some models of it is in :data:`QUIRKS`, each row with its reason, so that no code asks for a model's name.
The known providers are in :mod:`.catalog`; a key is read by the transport, never here.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from playhead.dialects.openai_chat.profile import Profile


class Provider(msgspec.Struct, frozen=True):
    """One provider.

    Attributes:
        name: the word before the colon in ``"openrouter:moonshotai/kimi-k2-0905"``.
        base_url: where it is, without a final slash; "" where the caller must say.
        key_env: environment variables that may hold its key, the first that is set counts.
        auth: "bearer" sends the key as ``Authorization: Bearer``; "none" needs no key, but sends one that is set.
        dialect: the name of the dialect that it speaks.
        profile: how it speaks it, models' quirks aside.
        options: the name of the struct in :mod:`.options` that its options must fit.
        base_url_env: environment variables that may name the base URL.
        hosts: endings of host names that are this provider's, where its base URL differs from user to user.
    """

    name: str
    base_url: str
    key_env: tuple[str, ...]
    profile: Profile
    options: str
    auth: Literal["bearer", "none"] = "bearer"
    dialect: str = "openai_chat"
    base_url_env: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


class Quirk(msgspec.Struct, frozen=True):
    """What some models want otherwise: where the provider is one of ``providers`` (empty: any) and the model's name,
    what stands before its last slash left off, begins with one of ``models``, ``changes`` go over the profile."""

    providers: tuple[str, ...]
    models: tuple[str, ...]
    changes: dict[str, Any]
    reason: str


_REASONING_MODELS = ("o1", "o3", "o4", "gpt-5", "gpt-oss")

QUIRKS: tuple[Quirk, ...] = (
    Quirk(
        (),
        _REASONING_MODELS,
        {"max_tokens_field": "max_completion_tokens"},
        "OpenAI's reasoning models refuse max_tokens; max_completion_tokens counts reasoning too",
    ),
    Quirk(
        ("openai", "azure"),
        ("o1", "o3", "o4", "gpt-5"),
        {"sampling": False},
        "OpenAI's reasoning models answer 400 to a temperature or top_p other than 1",
    ),
    Quirk(
        ("openai", "azure"),
        ("gpt-5-chat", "gpt-5.1-chat", "gpt-5.2-chat"),
        {"sampling": True},
        "the chat variants of gpt-5 do not reason and take a temperature",
    ),
    Quirk(
        ("llamacpp", "compatible"),
        ("smollm2-135m", "smollm2-360m"),
        {"tools": "constrained"},
        "the chat template of these models knows no tools; a server that holds a JSON schema makes them call one",
    ),
)


def profile_for(provider: Provider, model: str) -> Profile:
    """The provider's profile, with what this model wants otherwise."""
    name = model.rpartition("/")[2].lower()
    profile = provider.profile
    for quirk in QUIRKS:
        if (not quirk.providers or provider.name in quirk.providers) and name.startswith(quirk.models):
            profile = msgspec.structs.replace(profile, **quirk.changes)
    return profile
