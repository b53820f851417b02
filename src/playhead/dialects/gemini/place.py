"""Where a request of this wire goes: the model and the streaming are in the URL, not in the body.

AI Studio and Vertex AI differ in what stands before ``/models/`` only, so a base URL holds that::

    https://generativelanguage.googleapis.com/v1beta
    https://us-east5-aiplatform.googleapis.com/v1/projects/<project>/locations/us-east5/publishers/google

``model_url(base, "gemini-2.5-flash", stream=True, query="alt=sse") ->
…/models/gemini-2.5-flash:streamGenerateContent?alt=sse``. A model with a slash is a resource name of another collection
(``tunedModels/mine``, ``endpoints/123``) and stands as it is.
"""

from __future__ import annotations

from typing import NamedTuple

WHOLE = "generateContent"
STREAM = "streamGenerateContent"

#: Collections that a base URL ends before.
_COLLECTIONS = ("models", "tunedModels", "endpoints", "dynamic")


class Place(NamedTuple):
    """A URL of this wire, taken apart; ``query`` is without its question mark."""

    base_url: str
    model: str
    stream: bool
    query: str


def model_url(base_url: str, model: str, *, stream: bool, query: str) -> str:
    """The URL that asks this model."""
    name = model if "/" in model else f"models/{model}"
    url = f"{base_url}/{name}:{STREAM if stream else WHOLE}"
    return f"{url}?{query}" if query else url


def split_url(url: str) -> Place | None:
    """The reverse of :func:`model_url`; None where the URL is none of this wire's."""
    address, _, query = url.partition("?")
    path, colon, method = address.rpartition(":")
    if not colon or method not in (WHOLE, STREAM):
        return None
    base, slash, name = path.rpartition("/")
    if not slash or not name:
        return None
    base, slash, collection = base.rpartition("/")
    if not slash or collection not in _COLLECTIONS:
        return None
    model = name if collection == "models" else f"{collection}/{name}"
    return Place(base, model, method == STREAM, query)
