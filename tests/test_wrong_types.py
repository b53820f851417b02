"""What is of a wrong type is refused at once, by a ConfigError that names the argument."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import playhead
from playhead import (
    Agent,
    BadRequestError,
    Budget,
    ConfigError,
    HTTP2Transport,
    Limiter,
    Model,
    PlayheadError,
    RecordingProxy,
    RetryPolicy,
    Tape,
    TapeServer,
    Timeouts,
)
from playhead.testing import FakeProvider, ScriptedModel, reply

WRONG: dict[str, Any] = {
    "None": None,
    "5": 5,
    "-1": -1,
    "nan": float("nan"),
    "true": True,
    "text": "x",
    "half": "\ud800",
    "bytes": b"x",
    "list": [],
    "list of 5": [5],
    "dict": {},
    "dict of 5": {5: 5},
    "object": object(),
    "class": PlayheadError,
}

#: What no argument may be.
NEVER = ("nan", "object", "list of 5")

MODEL = ScriptedModel(answer="yes")
TAPE = Tape()
HERE = Path(__file__).parent


def agent(model: Any = MODEL, **settings: Any) -> None:
    Agent(model, **settings).run_sync("hi")


def run(prompt: Any = "hi", **going: Any) -> None:
    Agent(MODEL).run_sync(prompt, **going)


def embed(model: Any = "openai:x", texts: Any = ("a",), **settings: Any) -> None:
    # The transport lets nothing out; what reaches it was taken for right.
    playhead.embed_sync(model, texts, **{"transport": Closed(), "api_key": "k" * 20, **settings})


class Closed:
    async def send(self, request: Any) -> Any:
        raise BadRequestError("sent")

    async def aclose(self) -> None: ...


@cache
def recorded_tape() -> Tape:
    with FakeProvider(answer=lambda request: reply("yes")) as fake:
        return Agent(fake.model("openai:m")).run_sync("hi", tape=Tape(), tape_mode="record").tape


def tool(**settings: Any) -> None:
    playhead.tool(**{"name": "look", **settings})(lambda: None)


def fallback(*models: Any, **settings: Any) -> None:
    playhead.fallback(*(models or (MODEL, MODEL)), **settings)


def taped(tape: Any = "unused.yaml", **settings: Any) -> None:
    with playhead.taped(tape, **{"mode": "off", **settings}):
        pass


def server(**settings: Any) -> None:
    TapeServer(str(HERE / "nothing.yaml"), **settings)


def proxy(**settings: Any) -> None:
    RecordingProxy("https://a.example", **{"tape": "unused.yaml", **settings})


SETTINGS = """system tools output max_tokens temperature top_p stop seed tool_choice parallel_tool_calls reasoning
options output_mode output_retries max_steps timeout approve prepare stop_when budget compact cache on_event"""
OF_MODEL = "base_url api_key retry timeouts transport clock random"

#: What is called, and its arguments, each given one wrong value after the other. The first names the argument's place.
CALLS: dict[str, tuple[Callable[..., Any], str]] = {
    "Agent": (agent, f"model {SETTINGS}"),
    "Agent of a name": (lambda **given: Agent("openai:x", **given), f"{OF_MODEL}"),
    "run": (run, "prompt messages tape tape_mode fail_on_unplayed assume results budget"),
    "Model.of": (lambda id="openai:x", **given: Model.of(id, **given), f"id {OF_MODEL} limiter"),
    "as_tool": (lambda **given: Agent(MODEL).as_tool(**{"name": "x", **given}), "name description"),
    "hand_over": (lambda **given: Agent(MODEL).hand_over(**{"name": "x", **given}), "name description"),
    "embed": (embed, f"model texts dimensions task options batch concurrency {OF_MODEL} tape tape_mode"),
    "Budget": (lambda **given: Budget(**{"dollars": 1, **given}), "dollars tokens prices"),
    "RetryPolicy": (RetryPolicy, "attempts base cap deadline"),
    "Timeouts": (lambda **given: HTTP2Transport(Timeouts(**given)), "connect first_byte between_chunks total"),
    "HTTP2Transport": (HTTP2Transport, "timeouts root_certificates user_agent"),
    "Limiter": (Limiter, "requests_per_minute tokens_per_minute concurrency clock"),
    "tool": (tool, "name description strict effect timeout concurrency approve"),
    "tool of": (lambda function: playhead.tool(function), "function"),
    "fallback": (lambda models=None, **given: fallback(*([models] * 2), **given), "models"),
    "fallback of": (fallback, "on avoid clock"),
    "hedged": (lambda model="openai:x", **given: playhead.hedged(model, **given), "model after"),
    "mcp": (
        lambda url="https://a.example/mcp", **given: playhead.mcp(url, **given),
        "url headers api_key name include exclude prefix effect approve concurrency "
        "timeout connect_timeout ttl required",
    ),
    "mcp of a command": (lambda command=("true",), **given: playhead.mcp(command=command, **given), "command env cwd"),
    "preflight": (
        lambda messages="hi", model="openai:x", **given: playhead.preflight(messages, model, **given),
        "messages model tools output reasoning options",
    ),
    "Tape.load": (Tape.load, "path"),
    "Tape.loads": (Tape.loads, "data"),
    "Tape.save": (lambda path: Tape().save(path), "path"),
    "dump_messages": (playhead.dump_messages, "messages"),
    "load_messages": (playhead.load_messages, "data"),
    "user": (lambda content: Agent(MODEL).run_sync(playhead.user(content)), "content"),
    "system": (lambda text: Agent(MODEL).run_sync([playhead.system(text), playhead.user("x")]), "text"),
    "drop_oldest": (playhead.drop_oldest, "keep_tokens keep_messages"),
    "drop_oldest tokens": (lambda **given: playhead.drop_oldest(keep_tokens=5, **given), "over_tokens"),
    "drop_oldest messages": (lambda **given: playhead.drop_oldest(keep_messages=5, **given), "over_messages"),
    "summarise": (
        lambda **given: playhead.summarise(**{"over_tokens": 100, **given}),
        "over_tokens keep_messages model max_tokens instruction",
    ),
    "WebSearch": (lambda **given: Agent("openai-responses:x", tools=[playhead.WebSearch(**given)]), "max_uses domains"),
    "compare": (
        lambda left=TAPE, right=TAPE, **given: playhead.compare(left, right, **given),
        "left right ignore only",
    ),
    "taped": (taped, "tape mode pace secrets"),
    "TapeServer": (server, "host port pace faults"),
    "RecordingProxy": (proxy, "tape host port secrets"),
    "fork": (
        lambda recorded=None, at=1, **given: playhead.fork_sync(
            recorded_tape() if recorded is None else recorded, at=at, **{"model": MODEL, **given}
        ),
        "recorded at set prompt tools missing conversation max_steps on_event",
    ),
}


def names(argument: str, words: str) -> bool:
    """Whether an error names an argument: by itself, or as one says it, "a tool" of tools, "a base URL" of base_url."""
    spoken = "message" if argument in ("prompt", "content") else argument.replace("_", " ").removesuffix("s")
    return argument in words or spoken in words.lower()


CASES = [(name, argument) for name, (_, arguments) in CALLS.items() for argument in arguments.split()]


@pytest.mark.parametrize(("name", "argument"), CASES, ids=[f"{name} {argument}" for name, argument in CASES])
def test_what_is_of_a_wrong_type_is_taken_or_refused_by_name(
    name: str, argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong: dict[str, str] = {}
    for what, value in WRONG.items():
        try:
            CALLS[name][0](**{argument: value})
            if what in NEVER:
                wrong[what] = "taken"
        except ConfigError as error:
            if what != "half" and not names(argument, str(error)):
                wrong[what] = f"does not name it: {error}"
        except PlayheadError:
            pass
        except Exception as error:
            wrong[what] = f"{type(error).__name__}: {error}"
    assert not wrong
