"""Who was asked, of a recorded request: by its URL, and no model where its body says nothing that one is asked.

Paths that models are asked at are others' as well: messages are posted to ``/channels/7/messages``, forms are filled in
at ``/forms/7/responses``. What has none of the words of its wire, and no answer of a model, is plain HTTP::

    POST https://api.x.ai/v1/responses       {"model": …, "input": …}   xai
    POST https://forms.example/7/responses   {"answers": […]}           nobody

Recordings are also made where the address is taken off on purpose, so that they match on any host: the URL of
LangChain's own is ``**REDACTED**``. The wire is known all the same by what was answered. No URL is made up: the
recording keeps what it has.
"""

from __future__ import annotations

import re

from playhead.errors import ConfigError
from playhead.providers.base import Provider
from playhead.providers.catalog import by_url
from playhead.tapes import Interaction

#: The names that a request of a wire has one of.
_WORDS = {
    "openai_chat": (b'"messages"',),
    "openai_responses": (b'"model"', b'"input"', b'"prompt"', b'"previous_response_id"'),
    "anthropic_messages": (b'"messages"',),
    "gemini": (b'"contents"',),
    "bedrock_converse": (b'"messages"', b'"promptVariables"'),
}
#: Bytes of an answer that are looked at for what kind it is, and where each kind is asked.
_LOOKED_AT = 65_536
_KINDS = (
    (re.compile(rb'"object":\s*"chat\.completion'), "https://not-said.invalid/v1/chat/completions"),
    (re.compile(rb'"object":\s*"response"|^event: response\.', re.MULTILINE), "https://api.openai.com/v1/responses"),
    (re.compile(rb'"type":\s*"message"|^event: message_start', re.MULTILINE), "https://api.anthropic.com/v1/messages"),
)


def addressed(interaction: Interaction) -> Provider:
    """The provider that a recorded request went to; where the URL does not say, the maker of the wire that the answer
    is in, and ``compatible`` for chat completions.

    Raises:
        ConfigError: it went to no model, as far as is known here.
    """
    request = interaction.request
    none = ConfigError(f"no dialect here speaks {request.method} {request.url}")
    if request.method != "POST":
        raise none
    url = request.url if "://" in request.url else answered_at(interaction)
    if url is None:
        raise none
    provider = by_url(url)
    if provider.base_url == url.partition("?")[0].rstrip("/"):
        raise none
    words = _WORDS.get(provider.dialect, ())
    if provider.dialect == "anthropic_messages" and "/model/" in request.url:
        words = (b'"anthropic_version"',)  # on Bedrock, where other makers' models are asked at the same path
    asks = not words or any(word in request.body for word in words)
    if not asks and answered_at(interaction) is None:
        raise none
    return provider


def answered_at(interaction: Interaction) -> str | None:
    """Where what answers like this is asked, where the answer says of what kind it is; else None."""
    body = interaction.response.body[:_LOOKED_AT]
    return next((url for kind, url in _KINDS if kind.search(body)), None)
