"""A question is one question, streamed or not: a recording of the one form said in the other.

A client that streams is given what was recorded whole as a stream of its wire, and the reverse: the answer is read by
the dialect and written by it, so that it says the same in the words of a server of that wire. Refusals are the same in
both forms. What no dialect reads, and an answer that breaks off, have one form only; so have the streams of Bedrock.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import msgspec

from playhead.deck.serve.meaning import UNREADABLE
from playhead.dialects.base import Endpoint
from playhead.fold import Folder, unfold
from playhead.providers.paths import split
from playhead.tapes.interaction import Interaction
from playhead.transport.record import CHUNKS
from playhead.wire import HTTPRequest, header

_SSE, _JSON = "text/event-stream", "application/json"
#: The paths of those wires that ask for a stream by the URL, and what they are without.
_BY_PATH = ((":streamGenerateContent", ":generateContent"), (":streamRawPredict", ":rawPredict"))


def one_form(place: str) -> str:
    """The path of a wire without what it says of a stream."""
    for streamed, whole in _BY_PATH:
        if place.endswith(streamed):
            return place.removesuffix(streamed) + whole
    return place


def other_form(item: Interaction, streams: bool) -> Interaction | None:
    """The exchange with its answer as a stream, or whole; None where it cannot be said so."""
    recorded, found = item.response, split(item.request.url)
    if recorded.code != 200:
        return item
    if found is None:
        return None
    dialect: Any = import_module(f"playhead.dialects.{found[0]}")
    asked = HTTPRequest(item.request.method, item.request.url, (), item.request.body)
    try:
        endpoint = Endpoint("tape", found[1], dialect.decode_request(asked).profile)
        if (header(recorded.headers, "content-type") or "").startswith(_SSE):
            decoder, folder = dialect.decoder(endpoint), Folder()
            folder.push(decoder.feed(recorded.body))
            folder.push(decoder.close())
            response = folder.response()
        else:
            response, _ = dialect.decode_response(recorded.body, endpoint)
        if streams:
            encoder = dialect.encoder()
            body = b"".join([encoder.feed(event) for event in unfold(response)])
        else:
            body = dialect.encode_response(response)
    except UNREADABLE:
        return None
    kept = [field for field in recorded.headers if field[0].lower() not in ("content-type", CHUNKS.lower())]
    headers = (*kept, ("Content-Type", _SSE if streams else _JSON))
    return Interaction(item.id, item.request, msgspec.structs.replace(recorded, headers=headers, body=body))
