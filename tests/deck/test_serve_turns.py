"""What `playhead serve` answers: the recordings of a question in their order, to each client its own, and misses."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from raw_wire import Wire, ask

from playhead import ConfigError, Interaction, Tape, TapeServer
from playhead.deck.serve.faults import fault
from playhead.tapes.interaction import RecordedRequest

CHAT = "/v1/chat/completions"


def bodies(path: Path) -> list[bytes]:
    return [item.request.body for item in Tape.load(path).interactions]


def other_order(body: bytes) -> bytes:
    """The same JSON in another layout: keys turned round, spaces, and its whole numbers as floats."""

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(list(value))}
        if isinstance(value, list):
            return [turned(one) for one in value]
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    return json.dumps(turned(json.loads(body)), indent=1).encode()


@pytest.fixture
def server(seed: Path) -> Iterator[TapeServer]:
    with TapeServer(seed) as serving:
        yield serving


def test_a_client_gets_every_refusal_and_each_answer_in_their_order(server: TapeServer, seed: Path) -> None:
    recorded = Tape.load(seed).interactions
    with Wire(server.port) as wire:
        for item in recorded:
            got = wire.ask(CHAT, item.request.body)
            assert (got.status, got.body) == (item.response.code, item.response.body)
    assert server.unplayed == []
    status = server.status()
    assert (status["asked"], status["played"], status["missed"]) == (12, 12, 0)


@pytest.mark.parametrize("path", [CHAT, "/api/v1/chat/completions", "/chat/completions", "/x/y/chat/completions?a=b"])
def test_the_path_needs_no_more_than_what_its_wire_has(server: TapeServer, seed: Path, path: str) -> None:
    assert ask(server.port, path, bodies(seed)[0]).status == 429


@pytest.mark.parametrize("change", [other_order, lambda body: body.replace(b'":', b'" :\n')])
def test_another_layout_is_the_same_question(server: TapeServer, seed: Path, change: Any) -> None:
    assert ask(server.port, CHAT, change(bodies(seed)[0])).status == 429


def test_what_means_the_same_is_the_same_question(server: TapeServer, seed: Path) -> None:
    body = json.loads(bodies(seed)[0])
    user = body["messages"][1]
    user["content"] = [{"type": "text", "text": user["content"]}]
    body["temperature"] = None
    assert ask(server.port, CHAT, json.dumps(body).encode()).status == 429


def test_a_compressed_request_is_the_same_question(server: TapeServer, seed: Path) -> None:
    assert ask(server.port, CHAT, gzip.compress(bodies(seed)[0]), content_encoding="gzip").status == 429


def test_clients_at_once_have_a_sequence_each(server: TapeServer, seed: Path) -> None:
    asked = bodies(seed)
    codes = [item.response.code for item in Tape.load(seed).interactions]
    wires = [Wire(server.port) for _ in range(5)]
    got: list[list[int]] = [[] for _ in wires]
    for body in asked:
        for wire, mine in zip(wires, got, strict=True):
            mine.append(wire.ask(CHAT, body).status)
    for wire in wires:
        wire.close()
    assert got == [codes] * 5


def test_a_client_that_connects_anew_goes_on_where_it_was(server: TapeServer, seed: Path) -> None:
    first = bodies(seed)[0]
    assert [_alone(server, CHAT, first) for _ in range(3)] == [429, 429, 200]
    assert _alone(server, CHAT, first) == 429  # it had its answer: whoever asks now is new


def test_a_first_try_does_not_take_up_what_another_left(server: TapeServer, seed: Path) -> None:
    first = bodies(seed)[0]
    _alone(server, CHAT, first)
    got = [_alone(server, CHAT, first, x_stainless_retry_count=str(tries)) for tries in range(3)]
    assert got == [429, 429, 200]


def test_retries_that_share_connections_find_their_sequence(seed: Path) -> None:
    """A pool of two connections and two conversations, each tried again over the connection of the other."""
    first = Tape.load(seed).interactions[:3]
    tape = Tape([*first, *(_about(item, b"Rome", number + 3) for number, item in enumerate(first))])
    here, there = first[0].request.body, _about(first[0], b"Rome", 3).request.body
    with TapeServer(tape) as server, Wire(server.port) as one, Wire(server.port) as other:
        got = [wire.ask(CHAT, body).status for wire, body in [(one, here), (other, there)]]
        got += [
            wire.ask(CHAT, body).status for wire, body in [(other, here), (one, there), (one, here), (other, there)]
        ]
    assert got == [429, 429, 429, 429, 200, 200]


def test_a_client_with_a_name_has_one_sequence_over_all_its_connections(server: TapeServer, seed: Path) -> None:
    first = bodies(seed)[0]
    with Wire(server.port) as one, Wire(server.port) as other:
        got = [wire.ask(f"/@alice{CHAT}", first).status for wire in (one, other, one)]
        bob = one.ask(f"/@bob{CHAT}", first).status
        again = other.ask(f"/@alice{CHAT}", first)
    assert (got, bob) == ([429, 429, 200], 429)
    assert again.status == 404
    assert "3 times" in again.json["error"]["message"]
    assert server.status()["clients"] == ["alice", "bob"]
    assert ask(server.port, "/@alice/__playhead__/reset").json == {"reset": "alice"}
    assert ask(server.port, f"/@alice{CHAT}", first).status == 429


def test_a_question_heard_in_full_is_a_miss_unless_the_server_loops(seed: Path) -> None:
    last = Tape([Tape.load(seed).interactions[-1]])
    body = last.interactions[0].request.body
    for loop, expected in ((False, [200, 404, 404]), (True, [200, 200, 200])):
        with TapeServer(last, loop=loop) as server, Wire(server.port) as wire:
            assert [wire.ask(CHAT, body).status for _ in range(3)] == expected


def test_a_reset_begins_everything_anew(server: TapeServer, seed: Path) -> None:
    first = bodies(seed)[0]
    with Wire(server.port) as wire:
        assert [wire.ask(CHAT, first).status for _ in range(4)] == [429, 429, 200, 404]
        assert wire.ask("/__playhead__/reset").status == 200
        assert wire.ask("/__playhead__", method="GET").json["played"] == 0
        assert wire.ask(CHAT, first).status == 429
        assert wire.ask("/__playhead__/reset", method="GET").status == 405


def test_a_miss_says_where_the_conversation_differs(server: TapeServer, seed: Path) -> None:
    body = bodies(seed)[0].replace(b"Florence", b"Venice")
    key = "sk-proj-0123456789abcdef0123"
    got = ask(server.port, CHAT, body.replace(b"helpful", key.encode()), authorization=f"Bearer {key}")
    assert got.status == 404
    message = got.json["error"]["message"]
    assert "nearest is interaction 0" in message
    assert 'messages[0].content: "You are a helpful assistant" on the tape' in message
    assert got.json["playhead"]["nearest"]["id"] == 0
    assert got.headers["x-should-retry"] == "false"
    said = ask(server.port, "/__playhead__", method="GET")
    assert said.json["missed"] == 1
    assert key.encode() not in got.body + said.body


def test_a_miss_is_said_in_the_words_of_the_wire_that_was_asked_in(server: TapeServer) -> None:
    anthropic = ask(server.port, "/v1/messages", b'{"model":"c","max_tokens":1,"messages":[]}').json
    assert anthropic["type"] == "error"
    assert "not on tape" in anthropic["error"]["message"]
    google = ask(server.port, "/v1beta/models/g:generateContent", b'{"contents":[]}').json
    assert google["error"]["status"] == "NOT_FOUND"


def test_models_are_listed_in_the_form_that_is_asked_for(server: TapeServer) -> None:
    id = "moonshotai/kimi-k2-0905"
    assert [one["id"] for one in ask(server.port, "/v1/models", method="GET").json["data"]] == [id]
    assert ask(server.port, f"/v1/models/{id}", method="GET").json["id"] == id
    assert ask(server.port, "/v1/models/none", method="GET").status == 404
    anthropic = ask(server.port, "/v1/models", method="GET", anthropic_version="2023-06-01").json
    assert (anthropic["data"][0]["type"], anthropic["has_more"]) == ("model", False)
    assert ask(server.port, "/v1beta/models", method="GET").json["models"][0]["name"] == f"models/{id}"
    with Wire(server.port) as wire:
        assert wire.ask("/v1/models", method="HEAD").status == 200
        assert wire.ask("/", method="GET").status == 200
        options = wire.ask(CHAT, method="OPTIONS", origin="https://page.test")
    assert options.status == 405
    assert not any(name.startswith("access-control") for name in options.headers)


def test_faults_come_on_top_and_take_nothing_off_the_tape(seed: Path) -> None:
    body = Tape.load(seed).interactions[-1].request.body
    tape = Tape([Tape.load(seed).interactions[-1]])
    scripts = ["1: 429 retry-after=1.5", "2: cut after 100 bytes", "3: 529", "4: wait 0.05"]
    with TapeServer(tape, faults=scripts) as server:
        with Wire(server.port) as wire:
            refused = wire.ask(CHAT, body)
            cut = wire.ask(CHAT, body)
        assert (refused.status, refused.headers["retry-after"], refused.headers["retry-after-ms"]) == (429, "2", "1500")
        assert refused.json["error"]["message"]
        assert (cut.status, cut.whole, len(cut.body)) == (200, False, 100)
        assert ask(server.port, CHAT, body).status == 529
        began = time.monotonic()
        assert ask(server.port, CHAT, body).body == tape.interactions[0].response.body
        assert time.monotonic() - began >= 0.05


def test_a_stream_is_cut_after_a_chunk(cassettes: Path) -> None:
    path = min((cassettes / "TestOpenRouterCommon").rglob("tool_streaming.yaml"))
    body = bodies(path)[0]
    with TapeServer(path) as server:
        whole = ask(server.port, CHAT, body)
    with TapeServer(path, faults=["1: cut after chunk 3"]) as server:
        cut = ask(server.port, CHAT, body)
        assert ask(server.port, CHAT, body) == whole
    assert (cut.whole, cut.chunks) == (False, whole.chunks[:3])


@pytest.mark.parametrize("script", ["", "429", "0: 429", "1: 200", "3-2: 503", "1: cut before chunk 3", "x: hang"])
def test_what_is_no_fault_says_what_one_looks_like(script: str) -> None:
    with pytest.raises(ConfigError, match="cut after chunk 7"):
        fault(script)


def test_faults_strike_by_number_range_and_rhythm() -> None:
    assert [number for number in range(1, 8) if fault("2-4: 503").strikes(number)] == [2, 3, 4]
    assert [number for number in range(1, 8) if fault("/3: hang").strikes(number)] == [3, 6]
    assert all(fault("*: wait 1").strikes(number) for number in range(1, 8))


def test_at_a_pace_an_answer_takes_its_time(seed: Path) -> None:
    item = Tape.load(seed).interactions[-1]
    with TapeServer(Tape([item]), pace=0.05) as server:
        began = time.monotonic()
        assert ask(server.port, CHAT, item.request.body).body == item.response.body
        assert time.monotonic() - began >= item.response.duration * 0.05


def test_refusals_that_are_played_at_once_ask_for_no_wait(server: TapeServer, seed: Path) -> None:
    assert ask(server.port, CHAT, bodies(seed)[0]).headers["retry-after-ms"] == "1"


def test_a_question_is_one_question_streamed_or_not(server: TapeServer, seed: Path) -> None:
    openai = pytest.importorskip("openai", reason="a client of others: pip install openai")
    body = json.loads(bodies(seed)[-1])
    extra = {name: body.pop(name) for name in ("provider", "usage")}
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=8) as client:
        stream = client.chat.completions.create(**body, extra_body=extra, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert text == json.loads(Tape.load(seed).interactions[-1].response.body)["choices"][0]["message"]["content"]
    assert [one.interaction.id for one in server.unplayed] == [0, 1, 2]


@pytest.mark.parametrize("maker", ["TestAnthropicCommon", "TestGoogleCommon", "TestOpenAIResponsesCommon"])
def test_a_recorded_stream_is_served_whole(cassettes: Path, maker: str) -> None:
    item = Tape.load(min((cassettes / maker).rglob("simple_streaming.yaml"))).interactions[0]
    body = {name: value for name, value in json.loads(item.request.body).items() if name != "stream"}
    target = "/" + item.request.url.partition("://")[2].partition("/")[2]
    target = target.replace(":streamGenerateContent?alt=sse", ":generateContent")
    with TapeServer(Tape([item])) as server:
        got = ask(server.port, target, json.dumps(body).encode())
        assert (got.status, got.headers["content-type"]) == (200, "application/json")
        assert isinstance(got.json, dict)
        assert server.unplayed == []


def test_every_cassette_is_served_byte_for_byte(cassettes: Path) -> None:
    """One of each maker's folder, over the path that was recorded."""
    paths = [next(folder.rglob("*.yaml")) for folder in sorted(cassettes.iterdir()) if folder.is_dir()]
    assert len(paths) > 20
    for path in paths:
        with TapeServer(path) as server, Wire(server.port) as wire:
            for item in Tape.load(path).interactions:
                target = "/" + item.request.url.partition("://")[2].partition("/")[2]
                got = wire.ask(target, item.request.body, item.request.method)
                assert (got.status, got.body) == (item.response.code, item.response.body), path
            assert server.unplayed == []


def _alone(server: TapeServer, path: str, body: bytes, **headers: str) -> int:
    """The status that a connection of its own gets, which the server has seen close by the time the next one comes."""
    status = ask(server.port, path, body, connection="close", **headers).status
    deadline = time.monotonic() + 5
    while server.open and time.monotonic() < deadline:
        pass
    return status


def _about(item: Interaction, place: bytes, id: int) -> Interaction:
    """The same exchange about another place."""
    fields = {name: getattr(item.request, name) for name in RecordedRequest.__struct_fields__}
    fields["body"] = item.request.body.replace(b"Florence", place)
    return Interaction(id, RecordedRequest(**fields), item.response)
