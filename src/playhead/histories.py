"""Histories that something else has kept, in a provider's own words, as messages::

    history = playhead.read_messages("openai", [{"role": "user", "content": "Hi"}, …])
    run = agent.run_sync("And in Lucca?", messages=history)

Every dialect reads the requests of its wire, for tapes and servers; a list of messages is such a request's most of it.
So what is read is what the wire means: calls are told apart from words, a result knows its call, a picture is a file.
What playhead itself has kept is :func:`playhead.load_messages`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from playhead.errors import ConfigError, HistoryFormatError, ModelError, nearest
from playhead.messages import Message
from playhead.model import dialect_named
from playhead.providers.catalog import PROVIDERS
from playhead.wire import HTTPRequest

__all__ = ["read_messages"]

#: Where a wire's request has its messages, where it is not "messages".
_PLACES = {"openai_responses": "input", "gemini": "contents"}
#: Some wires name the model in the URL, and their dialects read it there.
_URLS = {
    "gemini": "https://x/v1beta/models/x:generateContent",
    "bedrock_converse": "https://x/model/x/converse",
}


def read_messages(provider: str, history: Any) -> list[Message]:
    """The messages of a history in a provider's own words.

    Args:
        provider: whose words they are: a provider of the catalog, as "openai", "anthropic", "google" or
            "openai-responses". LiteLLM's are "openai".
        history: the list of messages, or the whole body of a request where what the system says stands beside them (
            ``{"system": …, "messages": […]}``): plain data, JSON text, or objects that have ``model_dump()``, as those
            of the providers' own libraries.

    Raises:
        ConfigError: there is no such provider.
        HistoryFormatError: it is no history of this wire; the message says where.
    """
    known = PROVIDERS.get(provider)
    if known is None:
        raise ConfigError(nearest(f"no provider is called {provider!r}", str(provider), PROVIDERS))
    plain: Any = None
    try:
        data = msgspec.json.decode(history) if isinstance(history, str | bytes) else history
        plain = msgspec.json.decode(msgspec.json.encode(data, enc_hook=_plain))
        body = plain if isinstance(plain, Mapping) else {_PLACES.get(known.dialect, "messages"): plain}
        url = _URLS.get(known.dialect, "https://x/")
        asked = HTTPRequest("POST", url, (), msgspec.json.encode(body))
        return list(dialect_named(known.dialect).decode_request(asked).request.messages)
    except ModelError as error:
        words = f"{error.message}{_hint(plain, known.dialect)}"
        raise HistoryFormatError(f"this is no history of {provider}: {words}") from error
    except (msgspec.MsgspecError, TypeError, UnicodeError, RecursionError) as error:
        raise HistoryFormatError(f"this is no history of {provider}: {error}") from error


def _hint(plain: Any, dialect: str) -> str:
    """Whose words these look like, where they look like another wire's than was named."""
    for entry in plain if isinstance(plain, list) else ():
        marked = _marked(entry)
        if marked is not None:
            elsewhere = PROVIDERS[marked].dialect != dialect
            return f'; it looks like a history of {marked}: read_messages("{marked}", …)' if elsewhere else ""
    return ""


def _marked(entry: Any) -> str | None:
    """The provider whose words alone have what this entry of a history has; None where it could be anyone's."""
    if not isinstance(entry, Mapping):
        return None
    content = entry.get("content")
    parts = [part for part in content if isinstance(part, Mapping)] if isinstance(content, list) else []
    kinds = {str(part.get("type")) for part in parts}
    if "type" in entry or kinds & {"input_text", "output_text"}:
        return "openai-responses"
    if "parts" in entry:
        return "google"
    if kinds & {"tool_use", "tool_result"}:
        return "anthropic"
    if "tool_calls" in entry or entry.get("role") in ("tool", "developer"):
        return "openai"
    return None


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_none=True)
    raise TypeError(f"a {type(value).__name__} is no JSON")
