"""The SDKs of others on tape in their own process: httpx, httpx2 and aiohttp, by one argument or within `taped`."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from odd_upstream import STREAMED, OddUpstream, answer, framed

import playhead
from playhead import ConfigError, Tape, TapeMissError, UnplayedError, user
from playhead.testing import FakeProvider, refuse, reply, tool_call
from playhead.wire import header

aiohttp = pytest.importorskip("aiohttp")

KEY = "sk-proj-0123456789abcdef0123"
CHAT = "/v1/chat/completions"
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
DONE = b"data: [DONE]\n\n"
EVENT = b'data: {"choices":[]}\n\n'


@pytest.fixture(params=["httpx2", "httpx"])
def httpx(request: pytest.FixtureRequest) -> Any:
    """The library and its successor, whichever are installed."""
    return pytest.importorskip(request.param, reason=f"a library of others: pip install {request.param}")


def test_openai_records_and_replays_by_one_argument(tmp_path: Path) -> None:
    openai = pytest.importorskip("openai", reason="an SDK of others: pip install openai")
    path = tmp_path / "t.yaml"

    def run(url: str, mode: Any) -> tuple[str, str]:
        client = _library_of(openai.OpenAI).Client(transport=playhead.httpx_transport(path, mode=mode))
        with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, http_client=client) as sdk:
            stream = sdk.chat.completions.create(**ASKED, stream=True)
            said = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
            call = sdk.chat.completions.create(**ASKED).choices[0].message.tool_calls[0]
        return said, call.function.arguments

    with FakeProvider("openai") as fake:
        fake.script(refuse(429, headers=(("retry-after-ms", "1"),)), "one two", reply(tool_call("w", x=1)))
        first = run(fake.url, "once")
        assert run(fake.url, "replay") == first == ("one two", '{"x":1}')
        assert len(fake.requests) == 3
    recorded = Tape.load(path).interactions
    assert [item.response.code for item in recorded] == [429, 200, 200]
    assert b"too many requests" in recorded[0].response.body  # the SDK did not read it, the tape has it
    assert all(header(item.response.headers, "playhead-cut") is None for item in recorded)
    assert KEY not in path.read_text()


def test_openai_async(tmp_path: Path) -> None:
    openai = pytest.importorskip("openai", reason="an SDK of others: pip install openai")
    path = tmp_path / "t.yaml"

    async def run(url: str, mode: Any) -> list[str]:
        client = _library_of(openai.OpenAI).AsyncClient(transport=playhead.httpx_transport(path, mode=mode))
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY, http_client=client) as sdk:
            whole = (await sdk.chat.completions.create(**ASKED)).choices[0].message.content
            stream = await sdk.chat.completions.create(**ASKED, stream=True)
            return [whole, *[chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]]

    with FakeProvider("openai") as fake:
        fake.script("whole", "one two")
        first = asyncio.run(run(fake.url, "record"))
        assert asyncio.run(run(fake.url, "replay")) == first
        assert len(fake.requests) == 2
    assert [header(item.response.headers, "playhead-cut") for item in Tape.load(path).interactions] == [None, None]


def test_anthropic_records_and_replays_by_one_argument(tmp_path: Path) -> None:
    anthropic = pytest.importorskip("anthropic", reason="an SDK of others: pip install anthropic")
    library = _library_of(anthropic.Anthropic)
    path = tmp_path / "t.yaml"

    def run(url: str, mode: Any) -> tuple[str, str]:
        client = library.Client(transport=playhead.httpx_transport(path, mode=mode))
        with anthropic.Anthropic(base_url=url, api_key=KEY, http_client=client) as sdk:
            with sdk.messages.stream(max_tokens=9, **ASKED) as stream:
                text = stream.get_final_text()
            return text, sdk.messages.create(max_tokens=9, **ASKED).content[0].text

    with FakeProvider("anthropic") as fake:
        fake.script("one two", "three")
        assert run(fake.url, "once") == run(fake.url, "replay") == ("one two", "three")
        assert len(fake.requests) == 2


def test_google_records_and_replays_by_one_argument(tmp_path: Path) -> None:
    genai = pytest.importorskip("google.genai", reason="an SDK of others: pip install google-genai")
    path = tmp_path / "t.yaml"

    def run(url: str, mode: Any) -> list[str]:
        options = {"base_url": url, "client_args": {"transport": playhead.httpx_transport(path, mode=mode)}}
        client = genai.Client(api_key=KEY, http_options=options)
        said = [client.models.generate_content(model="g", contents="hi").text]
        said += [chunk.text or "" for chunk in client.models.generate_content_stream(model="g", contents="hi")]
        client.close()
        return said

    with FakeProvider("google") as fake:
        fake.script("whole", "one two")
        first = run(fake.url, "once")
        assert run(fake.url, "replay") == first
        assert len(fake.requests) == 2
    assert "".join(first) == "wholeone two"


def test_an_aiohttp_client_records_and_replays_by_one_argument(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"

    async def run(url: str, mode: Any) -> list[bytes]:
        async with aiohttp.ClientSession(connector=playhead.aiohttp_connector(path, mode=mode)) as session:
            got = []
            for streams in (False, True):
                headers = {"Authorization": f"Bearer {KEY}"}
                async with session.post(url + CHAT, json={**ASKED, "stream": streams}, headers=headers) as response:
                    got.append(await response.read())
            return got

    with FakeProvider("openai") as fake:
        fake.script("whole", "one two")
        first = asyncio.run(run(fake.url, "record"))
        assert asyncio.run(run(fake.url, "replay")) == first
        assert len(fake.requests) == 2
        assert [item.response.body for item in Tape.load(path).interactions] == first
        assert Tape.load(path).interactions[0].request.url == fake.url + CHAT
    assert KEY not in path.read_text()


@pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")  # Google's SDK does so
def test_within_taped_every_client_is_on_the_tape(httpx: Any, tmp_path: Path) -> None:
    genai = pytest.importorskip("google.genai", reason="an SDK of others: pip install google-genai")
    openai = pytest.importorskip("openai", reason="an SDK of others: pip install openai")
    path = tmp_path / "t.yaml"
    kept = httpx.Client()

    async def google(url: str) -> str:
        client = genai.Client(api_key=KEY, http_options={"base_url": url})
        said = (await client.aio.models.generate_content(model="g", contents="hi")).text
        await client.aio.aclose()
        client.close()
        return str(said)

    async def raw(url: str) -> bytes:
        async with aiohttp.ClientSession() as session, session.post(url + CHAT, json=ASKED) as response:
            return bytes(await response.read())

    def run(url: str, mode: Any) -> list[Any]:
        with playhead.taped(path, mode=mode, fail_on_unplayed=True):
            sdk = openai.OpenAI(base_url=f"{url}/v1", api_key=KEY)
            said: list[Any] = [sdk.chat.completions.create(**ASKED).choices[0].message.content]
            said += [asyncio.run(google(url)), asyncio.run(raw(url)), kept.get(f"{url}/nothing").status_code]
            sdk.close()
        return said

    before = httpx.HTTPTransport.handle_request, aiohttp.TCPConnector._create_connection
    with FakeProvider("openai") as fake:
        fake.script("one", "two", "three")
        first = run(fake.url, "record")
        count = len(fake.requests)
        assert run(fake.url, "replay") == first
        assert len(fake.requests) == count == 3
        assert kept.get(f"{fake.url}/after").status_code == 404
    kept.close()
    assert (httpx.HTTPTransport.handle_request, aiohttp.TCPConnector._create_connection) == before
    assert len(Tape.load(path).interactions) == 4


def test_a_miss_is_shown_by_the_sdk_and_fails_the_test_that_swallows_it(tmp_path: Path, seed: Path) -> None:
    openai = pytest.importorskip("openai", reason="an SDK of others: pip install openai")
    with (  # noqa: PT012 - what is swallowed within is what fails at the end
        pytest.raises(TapeMissError, match="nearest is interaction 0"),
        playhead.taped(seed, mode="replay") as tape,
    ):
        sdk = openai.OpenAI(base_url="https://openrouter.ai/api/v1", api_key=KEY)
        with pytest.raises(openai.NotFoundError, match="nearest is interaction 0"):
            sdk.chat.completions.create(**ASKED)
        sdk.close()
    assert len(tape.misses) == 1
    with pytest.raises(UnplayedError), playhead.taped(seed, mode="replay", fail_on_unplayed=True):
        pass


def test_two_tapes_for_everything_at_once_are_refused(tmp_path: Path, seed: Path) -> None:
    with playhead.taped(seed, mode="replay"), pytest.raises(ConfigError, match="already"):
        with playhead.taped(tmp_path / "t.yaml", mode="record"):
            raise AssertionError
    with playhead.taped(seed, mode="replay"):
        pass


@pytest.mark.parametrize("end", [[], [b"0\r\n\r\n"]], ids=["no end", "an end"])
def test_a_stream_that_is_left_at_its_last_event_is_whole(httpx: Any, tmp_path: Path, end: list[bytes]) -> None:
    pieces = [answer("200 OK", *STREAMED), *framed([EVENT, DONE], end=False), *end]
    path = tmp_path / "t.yaml"
    with OddUpstream(lambda asked: pieces) as upstream:
        with httpx.Client(transport=playhead.httpx_transport(path, mode="record")) as client:
            with client.stream("POST", upstream.url + CHAT, json=ASKED) as response:
                next(line for line in response.iter_lines() if "DONE" in line)
            with client.stream("POST", upstream.url + CHAT, json=ASKED) as response:
                next(response.iter_raw(len(EVENT)))
        last = Tape.load(path).interactions
    assert header(last[0].response.headers, "playhead-cut") is None
    assert last[0].response.body == EVENT + DONE


@pytest.mark.parametrize("mode", ["record", "replay"])
def test_a_stream_that_breaks_off_breaks_off_on_the_tape(httpx: Any, tmp_path: Path, mode: Any) -> None:
    pieces = [answer("200 OK", *STREAMED), *framed([EVENT], end=False), None]
    path = tmp_path / "t.yaml"
    with OddUpstream(lambda asked: pieces) as upstream:
        for chosen in ("record", mode) if mode == "replay" else ("record",):
            with httpx.Client(transport=playhead.httpx_transport(path, mode=chosen)) as client:
                with client.stream("POST", upstream.url, json=ASKED) as response:
                    pieces_got = response.iter_raw()
                    assert next(pieces_got) == EVENT
                    with pytest.raises(httpx.RemoteProtocolError):
                        next(pieces_got)
    assert header(Tape.load(path).interactions[0].response.headers, "playhead-cut") == "the connection was lost"


def test_playheads_own_agent_plays_what_an_sdk_recorded(httpx: Any, tmp_path: Path) -> None:
    """One tape, whoever recorded it: `playhead serve`'s, an SDK's and an agent's are the same file."""
    path = tmp_path / "t.yaml"

    async def agent(url: str, mode: Any) -> str:
        model = playhead.Model.of("openai:m", base_url=f"{url}/v1", api_key=KEY)
        run = await playhead.Agent(model).run(user("hi"), tape=path, tape_mode=mode)
        return str(run.output)

    with FakeProvider("openai", answer="from the provider") as fake:
        first = asyncio.run(agent(fake.url, "record"))
        asked = Tape.load(path).interactions[0].request
        with httpx.Client(transport=playhead.httpx_transport(path, mode="replay")) as client:
            said = client.post(asked.url, content=asked.body).json()["choices"][0]["message"]["content"]
        assert said == first
        assert len(fake.requests) == 1


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("httpx", "httpx2"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match="pip install httpx2"):
        playhead.httpx_transport(tmp_path / "t.yaml", mode="record")


def _library_of(kind: Any) -> Any:
    """httpx or httpx2, whichever this SDK's clients are of."""
    names = {base.__module__.partition(".")[0] for base in type(kind(api_key=KEY)._client).__mro__}
    return import_module("httpx2" if "httpx2" in names else "httpx")
