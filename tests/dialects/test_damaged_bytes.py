"""Every dialect over damaged bytes: a value comes, or an error of our tree; never another exception, and however a
stream is cut the same events come, and the same error.

Damage is of two kinds: to the bytes (one flipped, dropped, said twice, the rest cut off), and to what they say (a value
of the JSON put in place of another of another type), which gets past a parser. Bytes in Amazon's framing are damaged
inside their messages, too, under checksums that are right. What is damaged is what our own encoders write, and, where
there are recordings, those.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import playhead.dialects
from playhead.dialects.base import DecodedRequest, Endpoint
from playhead.errors import ModelError, PlayheadError, RateLimitError
from playhead.events import ModelEvent
from playhead.fold import unfold
from playhead.framing.aws_event_stream import EventMessage, EventStreamDecoder, encode_message
from playhead.messages import File, Message, Reasoning, Text, ToolCall, ToolResult, system, user
from playhead.providers.catalog import by_url
from playhead.request import Request, ToolSpec
from playhead.response import FinishReason, Response, Usage
from playhead.tapes import Tape
from playhead.wire import HTTPRequest


class Wire(NamedTuple):
    """A dialect, the settings of its profile, and how its encoder is made."""

    dialect: Any
    profile: dict[str, Any]
    encoder: dict[str, Any]

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("p", "https://p.test/v1", self.dialect.Profile(**self.profile))


def named(name: str, profile: dict[str, Any] | None = None, **encoder: Any) -> Wire:
    return Wire(import_module(f"playhead.dialects.{name}"), profile or {}, encoder)


WIRES = {
    "openai_chat": named("openai_chat"),
    "openai_responses": named("openai_responses"),
    "anthropic_messages": named("anthropic_messages"),
    "anthropic_on_bedrock": named("anthropic_messages", {"service": "bedrock"}, framing="aws"),
    "gemini": named("gemini"),
    "bedrock_converse": named("bedrock_converse"),
}
every_wire = pytest.mark.parametrize("name", WIRES)
some = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

TEXT = Text("Grüße aus Florenz \N{SUN WITH FACE}: 40 °C")
CALL = ToolCall("call_1", "weather", '{"location":"Florence, Italy","days":[1,2.5,null]}')
ANSWER = Response(
    (Reasoning("Let me think.\nTwice."), TEXT, CALL),
    FinishReason("tool_calls", "tool_calls"),
    Usage(81, 21, 7, None, 5),
    "r1",
    "m1",
)
SPEC = ToolSpec("weather", "the weather", {"type": "object", "properties": {"location": {"type": "string"}}})
QUESTION = Request(
    "m1",
    (
        system("Be brief."),
        Message("user", (Text("Look."), File("image/png", b"\x89PNG"))),
        Message("assistant", (TEXT, CALL)),
        Message("tool", (ToolResult("call_1", "weather", (Text("40 C"),)),)),
        user("And now?"),
    ),
    (SPEC,),
    max_tokens=400,
    temperature=0.5,
    stop=("END",),
)

#: What is put in the place of a value.
OTHERS = [None, True, 0, -1, 1.5, 10**30, "", "x", "\ud83d", [], {}, [None], [[]], [{}], {"type": "x"}, {"": None}]


def test_every_dialect_is_here() -> None:
    found = {info.name for info in iter_modules(playhead.dialects.__path__) if info.ispkg}
    whole = {name for name in found if hasattr(import_module(f"playhead.dialects.{name}"), "decode_request")}
    assert whole == {wire.dialect.__name__.rpartition(".")[2] for wire in WIRES.values()}


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value, as what holds it and its key there."""
    found: list[tuple[Any, Any]] = []
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        found.append((value, key))
        if isinstance(inner, dict | list):
            found += places(inner)
    return found


def retyped(data: bytes, draw: Callable[[Any], Any]) -> bytes:
    """The JSON with one value in another's place, or without it."""
    try:
        value = json.loads(data)
    except ValueError:
        return data
    found = places(value) if isinstance(value, dict | list) else []
    if not found:
        return json.dumps(draw(st.sampled_from(OTHERS))).encode()
    holder, key = draw(st.sampled_from(found))
    if draw(st.booleans()) or isinstance(holder, list):
        holder[key] = draw(st.sampled_from(OTHERS))
    else:
        del holder[key]
    return json.dumps(value).encode()


def hurt(data: bytes, draw: Callable[[Any], Any]) -> bytes:
    """The bytes with one flipped, dropped, said twice, or with the rest cut off."""
    if not data:
        return b"\0"
    place = draw(st.integers(0, len(data) - 1))
    match draw(st.sampled_from(["flip", "drop", "twice", "cut"])):
        case "flip":
            return data[:place] + bytes((data[place] ^ 1 << draw(st.integers(0, 7)),)) + data[place + 1 :]
        case "drop":
            return data[:place] + data[place + 1 :]
        case "twice":
            return data[: place + 1] + data[place:]
        case _:
            return data[:place]


def damaged(data: bytes, draw: Callable[[Any], Any]) -> bytes:
    """A JSON body, damaged in one way or the other."""
    return retyped(data, draw) if draw(st.booleans()) else hurt(data, draw)


def damaged_stream(data: bytes, draw: Callable[[Any], Any]) -> bytes:
    """A stream with damage to its bytes, or inside one of its events."""
    if draw(st.integers(0, 3)) == 0:
        return hurt(data, draw)
    if not data.startswith(b"\0"):
        events = data.split(b"\n\n")
        place = draw(st.integers(0, len(events) - 1))
        head, mark, said = events[place].partition(b"data: ")
        events[place] = head + mark + retyped(said, draw) if mark else hurt(head, draw)
        return b"\n\n".join(events)
    messages = EventStreamDecoder().feed(data)
    place = draw(st.integers(0, len(messages) - 1))
    headers, payload = dict(messages[place].headers), messages[place].payload
    match draw(st.sampled_from(["headers", "payload", "inside"])):
        case "headers":
            headers[draw(st.sampled_from(sorted(headers)))] = draw(
                st.sampled_from(["", "x", "exception", "error", True])
            )
        case "inside" if b'"bytes"' in payload:
            said = json.loads(payload)
            payload = json.dumps(
                {**said, "bytes": b64encode(damaged(b64decode(said["bytes"]), draw)).decode()}
            ).encode()
        case _:
            payload = damaged(payload, draw)
    messages[place] = EventMessage(headers, payload)
    return b"".join(map(encode_message, messages))


def outcome(wire: Wire, data: bytes, size: int) -> tuple[list[ModelEvent], str]:
    """The events of a stream in pieces of this size, and the error that it ends with."""
    decoder = wire.dialect.decoder(wire.endpoint)
    events: list[ModelEvent] = []
    try:
        for start in range(0, len(data), size):
            events += decoder.feed(data[start : start + size])
        events += decoder.close()
    except ModelError as error:
        return events, type(error).__name__
    return events, ""


def holds_over_a_stream(wire: Wire, data: bytes, size: int) -> None:
    """However it is cut, the same comes of it; up to the end of the answer, after which nobody reads on."""
    assert outcome(wire, data, size) == outcome(wire, data, len(data) or 1)


def holds_over_a_body(wire: Wire, data: bytes) -> None:
    try:
        response, _ = wire.dialect.decode_response(data, wire.endpoint, True)
    except ModelError:
        return
    assert isinstance(response, Response)


def holds_over_a_request(wire: Wire, http: HTTPRequest) -> None:
    try:
        decoded = wire.dialect.decode_request(http)
    except PlayheadError:
        return
    assert isinstance(decoded, DecodedRequest)


def holds_over_an_error(wire: Wire, status: int, data: bytes) -> None:
    error = wire.dialect.decode_error(status, (("x", "y"),), data, wire.endpoint)
    assert isinstance(error, ModelError)
    assert isinstance(str(error), str)


@cache
def streamed(name: str) -> bytes:
    encoder = WIRES[name].dialect.encoder(**WIRES[name].encoder)
    return b"".join(map(encoder.feed, unfold(ANSWER)))


@every_wire
def test_a_stream_is_the_same_however_it_is_cut(name: str) -> None:
    data = streamed(name)
    whole = outcome(WIRES[name], data, len(data))
    assert whole[1] == ""
    for size in (1, 2, 3, 5, 7, 11, 64, 100):
        assert outcome(WIRES[name], data, size) == whole


@every_wire
@some
@given(st.data(), st.integers(1, 40))
def test_a_damaged_stream_is_events_or_an_error_however_it_is_cut(name: str, data: st.DataObject, size: int) -> None:
    holds_over_a_stream(WIRES[name], damaged_stream(streamed(name), data.draw), size)


@every_wire
@some
@given(st.data())
def test_a_damaged_answer_is_an_answer_or_an_error(name: str, data: st.DataObject) -> None:
    holds_over_a_body(WIRES[name], damaged(WIRES[name].dialect.encode_response(ANSWER), data.draw))


@every_wire
@some
@given(st.data(), st.booleans())
def test_a_damaged_request_is_a_request_or_an_error(name: str, data: st.DataObject, stream: bool) -> None:
    wire = WIRES[name]
    asked = Request(**{field: getattr(QUESTION, field) for field in QUESTION.__struct_fields__} | {"stream": stream})
    http = wire.dialect.encode_request(asked, wire.endpoint).http
    hurt_one = HTTPRequest(http.method, http.url, http.headers, damaged(http.body, data.draw))
    holds_over_a_request(wire, hurt_one)


@every_wire
@some
@given(st.data(), st.sampled_from([0, 200, 400, 401, 429, 500, 529]))
def test_a_damaged_refusal_is_an_error(name: str, data: st.DataObject, status: int) -> None:
    refusal = RateLimitError("slow \N{SUN WITH FACE} down", status=429, provider="p", retry_after=3.0)
    holds_over_an_error(WIRES[name], status, damaged(WIRES[name].dialect.encode_error(refusal), data.draw))


@pytest.mark.parametrize(
    ("name", "content"),
    [("openai_chat", [{"type": [], "text": "Look."}])],  # a kind that no set can hold
)
def test_requests_that_once_broke_a_reader_are_read_or_refused(name: str, content: Any) -> None:
    body = json.dumps({"model": "m1", "messages": [{"role": "user", "content": content}]}).encode()
    holds_over_a_request(WIRES[name], HTTPRequest("POST", "https://p.test/v1/chat/completions", (), body))


@cache
def recorded(folder: Path) -> list[tuple[Wire, HTTPRequest, bytes]]:
    """The exchanges of all tapes that were answered, each with its wire."""
    found = []
    for file in sorted(folder.rglob("*.yaml")):
        for item in Tape.load(file).interactions:
            request = item.request
            wire = named(by_url(request.url).dialect)
            service = {"service": "bedrock"} if "bedrock" in request.url else {}
            if wire.dialect.__name__.endswith("anthropic_messages"):
                wire = Wire(wire.dialect, service, {})
            found.append((wire, HTTPRequest("POST", request.url, request.headers, request.body), item.response.body))
    return found


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_recorded_bytes_that_are_damaged_are_values_or_errors(cassettes: Path, data: st.DataObject) -> None:
    wire, http, answer = data.draw(st.sampled_from(recorded(cassettes)), label="exchange")
    holds_over_a_request(wire, HTTPRequest(http.method, http.url, http.headers, damaged(http.body, data.draw)))
    holds_over_an_error(wire, 400, damaged(answer, data.draw))
    if answer.lstrip().startswith(b"{"):
        holds_over_a_body(wire, damaged(answer, data.draw))
    else:
        holds_over_a_stream(wire, damaged_stream(answer, data.draw), data.draw(st.integers(20, 2000)))
