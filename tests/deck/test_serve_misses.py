"""What a client is told that no tape has an answer for: which recording is nearest, in whose words, and why."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from raw_wire import Wire, ask

from playhead import Tape, TapeServer
from playhead.tapes import Interaction

CHAT = "/v1/chat/completions"
HI = b'{"model":"m","messages":[]}'


@pytest.fixture
def openai(cassettes: Path) -> Iterator[TapeServer]:
    """Tapes of one model: with tools and without, streamed and whole."""
    with TapeServer(*sorted((cassettes / "TestOpenAICommon/openai-gpt-4o").glob("*.yaml"))) as serving:
        yield serving


def simple(server: TapeServer) -> Interaction:
    return next(tape for tape in server.tapes if str(tape.path).endswith("/simple.yaml")).interactions[0]


def test_the_nearest_recording_is_the_most_alike_whatever_others_have_played(openai: TapeServer) -> None:
    body = simple(openai).request.body
    other = body.replace(b"Portuguese", b"Spanish")

    def nearest(name: str) -> tuple[str, bool]:
        told = ask(openai.port, f"/@{name}{CHAT}", other).json["playhead"]
        return Path(told["nearest"]["tape"]).name, "(this client has had it)" in told["message"]

    assert nearest("b") == ("simple.yaml", False)
    assert ask(openai.port, f"/@a{CHAT}", body).status == 200
    assert [nearest("b"), nearest("a")] == [("simple.yaml", False), ("simple.yaml", True)]


def test_without_a_name_a_connection_is_told_of_what_it_has_had_itself(openai: TapeServer) -> None:
    body = simple(openai).request.body
    other = body.replace(b"Portuguese", b"Spanish")
    with Wire(openai.port) as one, Wire(openai.port) as two:
        assert one.ask(CHAT, body).status == 200
        said = [wire.ask(CHAT, other).json["error"]["message"] for wire in (one, two)]
    assert ["has had it)" in said[0], "has not had it yet)" in said[1]] == [True, True]


def test_of_recordings_that_are_equally_like_it_the_next_is_named(seed: Path) -> None:
    """The three of one question differ in nothing; a client is past those that it has had."""
    item = Tape.load(seed).interactions[0].request
    other = item.body.replace(b"Florence", b"Venice")
    with TapeServer(seed) as server, Wire(server.port) as wire:
        ids = []
        for _ in range(3):
            ids.append(wire.ask(CHAT, other).json["playhead"]["nearest"]["id"])
            wire.ask(CHAT, item.body)
    assert ids == [0, 1, 2]


def test_a_question_heard_in_full_says_whose_and_what_begins_it_anew(seed: Path) -> None:
    body = Tape.load(seed).interactions[0].request.body
    with TapeServer(seed) as server:
        for path, who in ((CHAT, "told by its connection, has heard"), (f"/@ann{CHAT}", "client ann has heard")):
            with Wire(server.port) as wire:
                got = [wire.ask(path, body) for _ in range(4)]
                assert [one.status for one in got] == [429, 429, 200, 404]
                message = got[3].json["error"]["message"]
                assert who in message
                assert "connection that is opened later it begins anew" in message
                with Wire(server.port) as later:
                    assert later.ask(path, body).status == 429


def test_a_client_that_only_missed_is_known_and_its_misses_are_its_own(openai: TapeServer) -> None:
    ask(openai.port, f"/@bob{CHAT}", HI)
    ask(openai.port, CHAT, HI)
    assert ask(openai.port, "/@eve/v1/models", method="GET").status == 200
    with Wire(openai.port) as wire:
        status = wire.ask("/__playhead__", method="GET").json
    assert status["clients"] == ["bob", "eve"]
    assert [miss["client"] for miss in status["misses"]] == ["bob", None]
    assert status["misses"][0]["path"] == CHAT
    ask(openai.port, "/@bob/__playhead__/reset")
    assert openai.status()["clients"] == ["eve"]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (CHAT, HI, "model_not_found"),
        ("/v1/responses", b'{"model":"m","input":"hi"}', "model_not_found"),
        (CHAT, b"{broken", None),
        ("/v1/nothing", HI, None),
        ("/v1/embeddings", b'{"model":"m","input":"hi"}', None),
    ],
)
def test_openai_is_answered_for_as_openai_says_it(openai: TapeServer, path: str, body: bytes, code: Any) -> None:
    got = ask(openai.port, path, body)
    error = got.json["error"]
    assert got.status == 404
    assert error.pop("message").startswith("not on tape")
    assert error == {"type": "invalid_request_error", "param": None, "code": code}


def test_openrouter_is_answered_for_as_openrouter_says_it(seed: Path) -> None:
    """As the refusals on the tape itself."""
    with TapeServer(seed, faults=["2: 429"]) as server:
        for body in (HI, Tape.load(seed).interactions[0].request.body):
            got = ask(server.port, CHAT, body)
            assert got.json["error"]["code"] == got.status
            assert set(got.json["error"]) == {"message", "code"}


def test_a_fault_is_in_the_words_of_its_wire(openai: TapeServer, cassettes: Path) -> None:
    faults = ["1: 429 retry-after=2", "2: 401", "3: 503"]
    with TapeServer(simple_tape(openai), faults=faults) as server:
        got = [ask(server.port, CHAT, simple(openai).request.body).json["error"] for _ in faults]
    assert [(one["type"], one["code"]) for one in got] == [
        ("requests", "rate_limit_exceeded"),
        ("invalid_request_error", "invalid_api_key"),
        ("server_error", None),
    ]
    assert all(set(one) == {"message", "type", "param", "code"} for one in got)
    path = cassettes / "TestAnthropicCommon/claude-sonnet-4/simple.yaml"
    with TapeServer(path, faults=["*: 529"]) as server:
        body = Tape.load(path).interactions[0].request.body
        assert ask(server.port, "/v1/messages", body).json["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize(
    "path",
    ["/v1beta/models/g:countTokens", "/v1/models/g:embedContent", "/v1beta/cachedContents", "/v1alpha/files"],
)
def test_google_is_answered_for_as_google_says_it(openai: TapeServer, path: str) -> None:
    error = ask(openai.port, path, b'{"contents":[]}').json["error"]
    assert (error["code"], error["status"]) == (404, "NOT_FOUND")


def test_others_are_answered_for_in_their_words(openai: TapeServer) -> None:
    count = ask(openai.port, "/v1/messages/count_tokens", HI).json
    assert (count["type"], count["error"]["type"]) == ("error", "not_found_error")
    said = ask(openai.port, "/v1/files", HI, anthropic_version="2023-06-01").json
    assert said["error"]["type"] == "not_found_error"
    for place in ("converse", "invoke"):
        assert ask(openai.port, f"/model/m/{place}", HI).json["__type"] == "ResourceNotFoundException"
    vertex = "/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict"
    assert ask(openai.port, vertex, HI).json["error"]["status"] == "NOT_FOUND"
    assert ask(openai.port, "/v1/models/m", method="GET").json["error"]["code"] == "model_not_found"
    assert ask(openai.port, "/v1beta/models/m", method="GET").json["error"]["status"] == "NOT_FOUND"


def test_half_characters_are_no_reason_to_say_nothing(seed: Path, tmp_path: Path) -> None:
    """In the name of a tape, and in what is asked."""
    path = os.fsencode(tmp_path) + b"/\xff.yaml"
    shutil.copy(seed, path)
    with TapeServer(os.fsdecode(path)) as server:
        assert ask(server.port, "/__playhead__", method="GET").json["tapes"][0]["tape"].endswith("/\ufffd.yaml")
        for body in (b'{"model":"\\ud800","messages":[{"role":"user","content":"\\udc00"}]}', HI):
            got = ask(server.port, CHAT, body)
            assert got.status == 404
            assert "\ufffd.yaml" in got.json["error"]["message"]
        assert len(json.loads(ask(server.port, "/__playhead__", method="GET").body)["misses"]) == 2


def simple_tape(server: TapeServer) -> Tape:
    return Tape([simple(server)])
