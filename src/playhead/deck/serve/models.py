"""What else a client asks that only wants to talk: which models there are, whether anybody is at home.

The models are those that the tapes' requests name, listed in the form of the API that is asked: Anthropic's where the
client says its version, Google's where the path is Google's, OpenAI's elsewhere, which is what most others speak.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import msgspec

from playhead.deck.http1.reading import Asked
from playhead.deck.refusals import in_words_of, speaker
from playhead.deck.serve.index import Recording
from playhead.errors import NotFoundError
from playhead.surrogates import joined

_LIST = re.compile(r"(?:^|/)models(?:/(?P<id>[^:?#]+))?/?$")
_IN_PATH = re.compile(r"/models?/([^/:?#]+)")


class _Named(msgspec.Struct):
    model: str | None = None


_named = msgspec.json.Decoder(_Named).decode


def models_of(recordings: Iterable[Recording]) -> list[str]:
    """The models that were asked, in the order in which they first were."""
    found: dict[str, None] = {}
    for recording in recordings:
        request = recording.interaction.request
        name: str | None = None
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            name = _named(request.body).model
        if not name and (in_path := _IN_PATH.search(request.url.partition("?")[0])) is not None:
            name = in_path[1]
        if name:
            found[joined(name)] = None
    return list(found)


def listing(asked: Asked, path: str, models: list[str]) -> tuple[int, Any] | None:
    """Status and JSON that answer a question for models; None where it is another question."""
    found = _LIST.search(path)
    if found is None or asked.method not in ("GET", "HEAD"):
        return None
    anthropic = asked.header("anthropic-version") is not None
    google = not anthropic and ("/v1beta" in path or asked.header("x-goog-api-key") is not None)
    one = found["id"]
    if one is not None:
        from urllib.parse import unquote

        if unquote(one) not in models:
            error = NotFoundError(joined(f"no model {unquote(one)} on these tapes"), status=404)
            return 404, in_words_of(speaker(path, asked.headers), error)
        return 200, _said(unquote(one), anthropic, google)
    said = [_said(name, anthropic, google) for name in models]
    if google:
        return 200, {"models": said}
    if anthropic:
        ends = {"first_id": models[0] if models else None, "last_id": models[-1] if models else None}
        return 200, {"data": said, "has_more": False, **ends}
    return 200, {"object": "list", "data": said}


def _said(name: str, anthropic: bool, google: bool) -> dict[str, Any]:
    if google:
        return {"name": f"models/{name}", "displayName": name}
    if anthropic:
        return {"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"}
    return {"id": name, "object": "model", "created": 0, "owned_by": "playhead"}
