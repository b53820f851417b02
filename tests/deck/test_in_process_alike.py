"""In the process of a client, a tape is played as `playhead serve` plays it: however its questions are put."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import playhead
from playhead import Tape, TapeMissError
from playhead.tapes import Interaction
from playhead.testing import FakeProvider
from playhead.transport.record import CUT
from playhead.wire import header

httpx = pytest.importorskip("httpx2", reason="a library of others: pip install httpx2")
aiohttp = pytest.importorskip("aiohttp")

CHAT = "https://somewhere.test/openai/v1/chat/completions"
SYSTEM = "You are a helpful assistant"
HI = [{"role": "user", "content": "Say hi in Portuguese"}]


def client(tape: Any, mode: Any = "replay", **more: Any) -> Any:
    return httpx.Client(transport=playhead.httpx_transport(tape, mode=mode, **more))


def in_parts(item: Interaction, **more: Any) -> bytes:
    """The recorded question with its texts as lists of one."""
    body = json.loads(item.request.body)
    for message in body["messages"]:
        if isinstance(message["content"], str):
            message["content"] = [{"type": "text", "text": message["content"]}]
    return json.dumps({**body, **more}).encode()


@pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")  # the SDK says so of what was recorded
def test_anthropics_own_lines_play_a_tape_of_another_client(cassettes: Path) -> None:
    """Recorded with the text as a list of parts; the SDK sends it as it is given, a string."""
    anthropic = pytest.importorskip("anthropic", reason="an SDK of others: pip install anthropic")
    path = cassettes / "TestAnthropicCommon/claude-sonnet-4/simple.yaml"
    with anthropic.Anthropic(api_key="x", http_client=client(path, fail_on_unplayed=True)) as sdk:
        answer = sdk.messages.create(model="claude-sonnet-4-20250514", max_tokens=4000, system=SYSTEM, messages=HI)
    assert answer.content[0].text == json.loads(Tape.load(path).interactions[0].response.body)["content"][0]["text"]


def test_googles_own_lines_play_a_tape_of_another_version(cassettes: Path) -> None:
    """Recorded at /v1beta/…; where the SDK asks at /v1/… it is the same model's same question."""
    genai = pytest.importorskip("google.genai", reason="an SDK of others: pip install google-genai")
    path = cassettes / "TestGoogleCommon/gemini-2.5-flash/simple.yaml"
    settings = {"system_instruction": SYSTEM, "max_output_tokens": 4000}
    for version in ("v1", "v1beta"):
        transport = playhead.httpx_transport(path, mode="replay", fail_on_unplayed=True)
        sdk = genai.Client(api_key="x", http_options={"api_version": version, "client_args": {"transport": transport}})
        answer = sdk.models.generate_content(model="gemini-2.5-flash", contents=HI[0]["content"], config=settings)
        assert answer.text == "Olá!"
        sdk.close()


def test_refusals_come_in_their_order_at_another_base_url(seed: Path) -> None:
    items = Tape.load(seed).interactions
    with client(seed, fail_on_unplayed=True) as http:
        for item in items:
            answer = http.post(CHAT, content=in_parts(item))
            assert (answer.status_code, answer.content) == (item.response.code, item.response.body)
        again = http.post(CHAT, content=in_parts(items[0]))
    assert again.status_code == 404
    assert "recorded 3 times, all played" in again.json()["error"]["message"]


def test_a_connector_and_taped_play_it_too(seed: Path) -> None:
    item = Tape.load(seed).interactions[0]

    async def ask(**settings: Any) -> int:
        async with aiohttp.ClientSession(**settings) as session, session.post(CHAT, data=in_parts(item)) as answer:
            return int(answer.status)

    async def by_connector() -> int:
        return await ask(connector=playhead.aiohttp_connector(seed, mode="replay"))

    assert asyncio.run(by_connector()) == 429
    with playhead.taped(seed, mode="replay") as tape:
        assert asyncio.run(ask()) == httpx.post(CHAT, content=in_parts(item)).status_code == 429
    assert tape.misses == []


def test_what_was_recorded_whole_is_a_stream_for_who_streams(seed: Path) -> None:
    item = Tape.load(seed).interactions[2]
    with client(Tape([item])) as http, http.stream("POST", CHAT, content=in_parts(item, stream=True)) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert answer.headers["content-type"] == "text/event-stream"
    assert lines[-1] == "data: [DONE]"
    assert any('"weather"' in line for line in lines)
    assert http._transport.session.unplayed == ()


def test_word_for_word_goes_first(seed: Path) -> None:
    """Of two recordings that mean the same, each is the answer to its own words."""
    first = Tape.load(seed).interactions[2]
    with FakeProvider("openai") as fake:
        fake.script("in words", "in parts")
        with client(tape := Tape(), "record") as http:
            for body in (first.request.body, in_parts(first)):
                http.post(f"{fake.url}/v1/chat/completions", content=body)
        url = tape.interactions[0].request.url
        with client(tape) as http:
            said = [http.post(url, content=body).text for body in (in_parts(first), first.request.body)]
    assert ["in parts" in said[0], "in words" in said[1]] == [True, True]


def test_the_host_that_was_meant_is_answered_by_its_own(seed: Path) -> None:
    body = json.dumps({"model": "m", "messages": HI}).encode()
    with FakeProvider("openai", answer="one") as one, FakeProvider("openai", answer="two") as two:
        with client(tape := Tape(), "record") as http:
            for fake in (one, two):
                http.post(f"{fake.url}/v1/chat/completions", content=body)
                http.get(f"{fake.url}/page")
        asked = in_parts(tape.interactions[0])
        with client(tape) as http:
            said = [http.post(f"{fake.url}/v1/chat/completions", content=asked).text for fake in (two, one)]
            assert ["two" in said[0], "one" in said[1]] == [True, True]
            page = http.get("http://elsewhere.test/page")  # a page is its host's
        assert page.status_code == 404
    assert len(http._transport.misses) == 1


def test_resuming_plays_what_is_alike_and_recording_does_not(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    text = json.dumps({"model": "m", "messages": HI}).encode()
    parts = json.dumps({"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "hm"}]}]})
    same = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hm"}]})
    with FakeProvider("openai", answer="live") as fake:
        url = f"{fake.url}/v1/chat/completions"
        for mode, bodies, live in (
            ("once", [text, parts, same], 3),  # being made: each as it was asked
            ("resume", [in_parts(_asked(url, text)), same, b'{"model":"n","messages":[]}'], 4),
            ("replay", [in_parts(_asked(url, text))], 4),
        ):
            with client(path, mode) as http:
                assert {http.post(url, content=body).status_code for body in bodies} == {200}
            assert len(fake.requests) == live, mode
    assert len(Tape.load(path).interactions) == 4
    assert all(header(item.response.headers, CUT) is None for item in Tape.load(path).interactions)


def test_a_miss_says_where_it_differs_at_whatever_address(seed: Path) -> None:
    body = Tape.load(seed).interactions[0].request.body.replace(b"Florence", b"Venice")
    with pytest.raises(TapeMissError, match=r"nearest is interaction 0 \(not played yet\), which differs first at"):
        with playhead.taped(seed, mode="replay"):
            said = httpx.post(CHAT, content=body).json()
    assert said["error"]["code"] == 404  # the tape is OpenRouter's
    assert 'messages[1].content: "What' in said["error"]["message"]


def test_errors_speak_of_the_mode_as_these_functions_do(tmp_path: Path) -> None:
    with pytest.raises(playhead.TapeModeError, match=' mode="replay" never goes live') as error:
        playhead.httpx_transport(tmp_path / "no.yaml", mode="replay")
    assert "tape_mode" not in str(error.value)
    with pytest.raises(playhead.ConfigError, match=r"^mode names no tape mode"):
        playhead.httpx_transport(tmp_path / "no.yaml", mode="play")  # type: ignore[arg-type]


def _asked(url: str, body: bytes) -> Interaction:
    tape = Tape()
    with playhead.tapes.open_session(tape, "record") as session:
        asked = playhead.wire.HTTPRequest("POST", url, (), body)
        return session.record(asked, status=200, reason="", proto="", headers=(), body=b"", nanoseconds=0)
