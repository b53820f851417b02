"""Who speaks a dialect: a :class:`Provider` is data, and a model's quirks are rows of a table.

A provider is a name, a base URL, the environment variables that may hold its key, the dialect that it speaks and what
differs in its hand from the dialect's default profile. What differs for some models is a :class:`Quirk`, a row of the
table in :mod:`.quirks` with its reason, so that no code asks for a model's name. Naming a provider loads no codec: a
dialect's profile is imported when :func:`profile_for` makes one.

The known providers are in :mod:`.catalog`; a key is read by the transport, never here.
"""

from __future__ import annotations

from collections.abc import Iterator
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
        auth: "required" where nothing goes out without a key; "optional" sends one that is set. Where no key is set
            "aws" signs with AWS credentials, and "google" takes an access token of Google's default credentials.
        dialect: the name of the dialect that it speaks.
        base_url_env: environment variables that may name the base URL.
        hosts: endings of host names that are this provider's, where its base URL differs from user to user.
        key_header: the header that holds the bare key; "" sends it as ``Authorization: Bearer``.
        token_env: environment variables that may hold a bearer token where a key goes in a header of its own; a
            function that is given as the key gives such tokens, then.
        url_form: a base URL with holes, ``https://bedrock-runtime.{region}.amazonaws.com``.
        url_parts: for each hole the environment variables that may fill it.
        reasons: why the fields of ``profile`` are as they are, for people to read.
        version_env: environment variables that may say the ``api-version`` that URLs end with, where they have one.
        query: what recorded URLs have after their path, ``api-version=2024-10-21``.
    """

    name: str
    base_url: str
    key_env: tuple[str, ...]
    profile: dict[str, Any]
    options: str
    auth: Literal["required", "optional", "aws", "google"] = "required"
    dialect: str = "openai_chat"
    base_url_env: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    key_header: str = ""
    token_env: tuple[str, ...] = ()
    url_form: str = ""
    url_parts: dict[str, tuple[str, ...]] = {}
    reasons: dict[str, str] = {}
    version_env: tuple[str, ...] = ()
    query: str = ""


class Quirk(msgspec.Struct, frozen=True):
    """What some models want otherwise: where the dialect is one of ``dialects``, the provider one of ``providers``
    (empty: any) and the model's bare name begins with one of ``models`` (empty: any), ``changes`` go over the profile.
    A later row goes over an earlier one."""

    dialects: tuple[str, ...]
    providers: tuple[str, ...]
    models: tuple[str, ...]
    changes: dict[str, Any]
    reason: str


def profile_for(provider: Provider, model: str) -> Any:
    """The profile of the provider's dialect, with what the provider and this model want otherwise."""
    from importlib import import_module

    profile = import_module(f"playhead.dialects.{provider.dialect}.profile").Profile(**provider.profile)
    for quirk in quirks_of(provider, model):
        profile = msgspec.structs.replace(profile, **quirk.changes)
    return profile


def quirks() -> tuple[Quirk, ...]:
    """The table of the wires' quirks."""
    from playhead.providers.quirks import QUIRKS

    return QUIRKS


def quirks_of(provider: Provider, model: str, rows: tuple[Quirk, ...] | None = None) -> Iterator[Quirk]:
    """The rows, of :func:`quirks` or of another table, that hold for this model, in their order."""
    name = bare_name(model)
    for quirk in quirks() if rows is None else rows:
        if (
            provider.dialect in quirk.dialects
            and (not quirk.providers or provider.name in quirk.providers)
            and (not quirk.models or name.startswith(quirk.models))
        ):
            yield quirk


#: Who makes models of Bedrock, as their ids begin, perhaps after a region.
_MAKERS = frozenset(
    [
        "ai21",
        "amazon",
        "anthropic",
        "cohere",
        "deepseek",
        "google",
        "meta",
        "minimax",
        "mistral",
        "moonshot",
        "moonshotai",
        "nvidia",
        "openai",
        "qwen",
        "stability",
        "twelvelabs",
        "writer",
        "zai",
    ]
)


def bare_name(model: str) -> str:
    """A model's name in lower case without what says where it is: what stands before its last slash, and on Bedrock
    the region and the maker. ``us.anthropic.claude-opus-4-6-v1 -> claude-opus-4-6-v1``"""
    name = model.rpartition("/")[2].lower()
    pieces = name.split(".")
    found = next((n for n, piece in enumerate(pieces[:-1][:2]) if piece in _MAKERS), -1)
    return ".".join(pieces[found + 1 :])
