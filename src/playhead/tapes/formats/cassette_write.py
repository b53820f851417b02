"""A tape as a vcrpy cassette, of the version that vcrpy has written since 1.0: what its own reader plays.

::

    {"version": 1, "interactions": [{"request": {"method", "uri", "body", "headers": {name: [value, …]}},
                                     "response": {"status": {"code", "message"}, "headers", "body": {"string"}}}]}

Bodies are text where they are UTF-8, and bytes (``!!binary``) elsewhere, which the JSON form has no way to say. A tool
call is an exchange of the method CALL there as well: vcrpy leaves it alone, and it comes back as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from playhead.errors import ConfigError
from playhead.surrogates import joined
from playhead.tapes.formats.brought import Losses, Written
from playhead.tapes.interaction import CALL, Interaction, RecordedRequest, RecordedResponse
from playhead.wire import Headers


def write_cassette(interactions: Iterable[Interaction], style: Literal["yaml", "json"] = "yaml") -> Written:
    """The cassette's file.

    Raises:
        ConfigError: it is to be JSON, and a body is no text.
    """
    losses = Losses()
    items = [_item(one, losses) for one in interactions]
    document = {"interactions": items, "version": 1}
    if style == "json":
        import json

        try:
            return Written((json.dumps(document, indent=4) + "\n").encode(), losses.told())
        except TypeError:
            raise ConfigError("a body is no text, which a cassette in JSON cannot hold: write it as .yaml") from None
    import yaml

    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return Written(yaml.dump(document, Dumper=dumper).encode(), losses.told())


def _item(one: Interaction, losses: Losses) -> dict[str, Any]:
    request, response = one.request, one.response
    if request.method == CALL:
        losses.add("a tool call: vcrpy does not play it")
    if response.nanoseconds:
        losses.add("durations: the format has none")
    tell_rest(request, response, losses)
    return {
        "request": {
            "method": plain_text(request.method),
            "uri": plain_text(request.url),
            "body": _body(request.body) if request.body else None,
            "headers": _grouped(request.headers),
        },
        "response": {
            "status": {"code": response.code, "message": reason(response)},
            "headers": _grouped(response.headers),
            "body": {"string": _body(response.body)},
        },
    }


def tell_rest(request: RecordedRequest, response: RecordedResponse, losses: Losses) -> None:
    """What only go-vcr has a field for, and texts that are none."""
    texts: dict[str, tuple[str, ...]] = {"method": (request.method,), "url": (request.url,)}
    texts["status"] = (response.status,)
    for place, holder in (("request", request), ("response", response)):
        texts[f"{place}.headers"] = tuple(text for field in holder.headers for text in field)
    for place, said in texts.items():
        if any(plain_text(text) != text for text in said):
            losses.add(f"{place}: what is no Unicode, U+FFFD stands for it")
    for name in ("transfer_encoding", "trailer", "remote_addr", "form"):
        for place, holder in (("request", request), ("response", response)):
            if getattr(holder, name, None):
                losses.add(f"{place}.{name}: the format has none")
    if response.uncompressed:
        losses.add("response.uncompressed: the format has none")
    if response.proto not in ("HTTP/1.1", "HTTP/2.0"):
        losses.add(f"response.proto: {response.proto[:40]}")


def reason(response: RecordedResponse) -> str:
    """``"Too Many Requests"`` of ``"429 Too Many Requests"``."""
    return plain_text(response.status.removeprefix(str(response.code)).strip())


def _grouped(headers: Headers) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(plain_text(name), []).append(plain_text(value))
    return grouped


def plain_text(text: str) -> str:
    """Text without the bytes that were no UTF-8 and the halves of characters, which neither YAML nor JSON can hold."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # half a character, which stands for no byte
        return joined(text)


def _body(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body
