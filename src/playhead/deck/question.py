"""A recorded request, understood: where a tape's bytes and the dialect that reads them come together.

``question(interaction)`` finds the provider (:mod:`playhead.deck.addressed`) and lets its dialect read the request;
the hand that the recording client wrote in goes into the endpoint, so that the same request can be written again. Tools
that were given as words and a schema are told as tools again (:mod:`playhead.deck.constrained`).

Where a tape was forked (:mod:`playhead.deck.fork`), the first answer after it has the header ``Playhead-Fork``: what
was asked there goes on from what stands before it, and may be of another model, with other words of system or user.
"""

from __future__ import annotations

from importlib import import_module

import msgspec

from playhead.deck.addressed import addressed
from playhead.dialects.base import DecodedRequest, Dialect, Endpoint
from playhead.model import dialect_named
from playhead.providers.base import Provider, profile_for
from playhead.request import Request
from playhead.tapes import Interaction
from playhead.wire import HTTPRequest, header

#: The response header of the first exchange after a fork; it names the tape and the step that it was made from.
FORK = "Playhead-Fork"


class Question(msgspec.Struct, frozen=True):
    """A recorded request, understood: who was asked, in which dialect, what, and in which hand it was written."""

    interaction: Interaction
    provider: Provider
    dialect: Dialect
    decoded: DecodedRequest

    @property
    def request(self) -> Request:
        """What was asked."""
        return self.decoded.request

    @property
    def own(self) -> Endpoint:
        """The endpoint as playhead itself speaks to it, in all but what the recorder was seen to say and playhead would
        not: that would be a difference of no meaning."""
        hand = self.decoded.profile
        module = import_module(f"playhead.dialects.{self.provider.dialect}.profile")
        theirs = ("tools", *getattr(module, "TAKEN_OVER", ()))
        profile = profile_for(self.provider, self.request.model)
        profile = msgspec.structs.replace(profile, **{field: getattr(hand, field) for field in theirs})
        marks = getattr(hand, "cache_marks", None)
        if marks is not None:  # one who marks has marks
            profile = msgspec.structs.replace(profile, cache_marks=marks)
        return Endpoint(self.provider.name, self.provider.base_url, profile, query=self.provider.query)

    @property
    def theirs(self) -> Endpoint:
        """The endpoint as the recording client spoke to it."""
        provider = self.provider
        return Endpoint(provider.name, provider.base_url, self.decoded.profile, query=provider.query)


def forked(interaction: Interaction) -> bool:
    """Whether the run was changed on purpose before this exchange."""
    return header(interaction.response.headers, FORK) is not None


def as_http(interaction: Interaction) -> HTTPRequest:
    """A recorded request as the value that a transport takes."""
    recorded = interaction.request
    return HTTPRequest(recorded.method, recorded.url, recorded.headers, recorded.body)


def question(interaction: Interaction) -> Question:
    """Understand a recorded request.

    Raises:
        ConfigError: it went to no model that is known here.
        ModelError: the body is not what the dialect's protocol says.
    """
    http = as_http(interaction)
    provider = addressed(interaction)
    dialect = dialect_named(provider.dialect)
    decoded = dialect.decode_request(http)
    if decoded.request.output is not None:
        from playhead.deck.constrained import unconstrained

        whole = unconstrained(decoded.request)
        if whole is not None:
            profile = msgspec.structs.replace(decoded.profile, tools="constrained")
            decoded = msgspec.structs.replace(decoded, request=whole, profile=profile)
    return Question(interaction, provider, dialect, decoded)
