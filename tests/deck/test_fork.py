"""A recorded run goes on differently: what is kept is kept byte for byte, and the new tape plays whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from playhead import (
    Agent,
    AuthenticationError,
    ConfigError,
    Model,
    PlayheadError,
    RetryPolicy,
    Tape,
    TapeMissError,
    TapeModeError,
    TransportError,
    fork,
    fork_sync,
    rerun_sync,
    system,
    tool,
)
from playhead.deck.compare import compare
from playhead.deck.question import FORK, forked, question
from playhead.deck.rerun import Reel, rerun as play_again
from playhead.deck.transcript.telling import transcript
from playhead.deck.verify import verify
from playhead.testing import FakeProvider, refuse, reply, tool_call
from playhead.wire import header

DIALECTS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini", "bedrock_converse")


@tool
def weather(location: str) -> str:
    """The weather."""
    return f"40 C in {location}"


@tool
def clock() -> str:
    """The time."""
    return "12:00"


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


def recorded(fake: FakeProvider, path: Path, dialect: str = "openai_chat", *, streamed: bool = False) -> Tape:
    """A run of two steps with one call, refused once."""
    name = {"openai_responses": "openai-responses", "openai_chat": "openai"}.get(dialect)
    with FakeProvider(dialect) as other:
        other.script(
            refuse(429, retry_after=0),
            reply("Let me see.", tool_call("weather", location="Florence")),
            reply("It is hot."),
        )
        agent = Agent(other.model(f"{name}:old" if name else "old"), system="Be brief.", tools=[weather])

        async def run() -> None:
            if streamed:
                async for _ in agent.stream("Florence?", tape=path, tape_mode="record"):
                    pass
            else:
                await agent.run("Florence?", tape=path, tape_mode="record")

        asyncio.run(run())
    return Tape.load(path)


def played(tape: Tape) -> Any:
    """The whole tape, played again as one run."""
    reel = Reel(tape)
    again = asyncio.run(play_again(question(reel.left[0]), reel))
    assert reel.left == []
    assert again.stopped is None
    return again.run


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_run_in_any_wire_goes_on_with_another_result_on_another_model(
    dialect: str, streamed: bool, tmp_path: Path, fake: FakeProvider
) -> None:
    """The changed result reaches the model, and the new tape replays, verifies and is one conversation."""
    old = recorded(fake, tmp_path / "old.yaml", dialect, streamed=streamed)
    fake.script(reply("It is cold."))
    new = tmp_path / "new.yaml"
    run = fork_sync(old, at=1, set={"tool:weather": "12 C"}, model=fake.model("new"), tape=new)
    assert run.text == "It is cold."
    assert len(run.steps) == 2
    assert [one.status for one in run.attempts] == [429, 200, 200]
    asked = fake.requests[0].request
    assert asked.messages[0] == system("Be brief.")
    assert asked.messages[-1].parts[0].text == "12 C"
    tape = Tape.load(new)
    assert asyncio.run(verify(tape)).ok
    assert played(tape).text == "It is cold."
    [talk] = transcript(tape).conversations
    assert [step.asked for step in talk.steps] == [None, "compatible:new"]
    [pair] = compare(old, tape).pairs
    assert [(item.step, item.what) for item in pair.differences][:2] == [(1, "result"), (2, "model")]
    assert (pair.differences[0].left, pair.differences[0].right) == ("40 C in Florence", "12 C")


def test_what_is_kept_is_kept_byte_for_byte(seed: Path, tmp_path: Path, fake: FakeProvider) -> None:
    """The new tape begins with the very bytes of the old one; the first new exchange says that it is."""
    fake.script(reply("Cold."))
    new = tmp_path / "new.yaml"
    fork_sync(seed, at=1, set={"tool:weather": "12 C"}, model=fake.model(), tape=new)
    kept = Tape.load(seed)
    kept.interactions = kept.interactions[:3]
    assert new.read_bytes().startswith(kept.dumps())
    tape = Tape.load(new)
    assert [item.request.method for item in tape.interactions] == ["POST", "POST", "POST", "CALL", "POST"]
    assert [forked(item) for item in tape.interactions] == [False] * 4 + [True]
    assert header(tape.interactions[4].response.headers, FORK) == "florence.yaml, step 1"
    assert header(tape.interactions[3].response.headers, "Playhead-Set") == "true"


def test_without_a_result_the_question_of_the_step_is_asked_anew(tmp_path: Path, fake: FakeProvider) -> None:
    """System prompt and prompt are those that are given; the steps before stand."""
    old = recorded(fake, tmp_path / "old.yaml")
    fake.script(reply("Chaud."), reply("Rome is hot."))
    run = fork_sync(old, at=2, system="In French.", model=fake.model("new"))
    assert run.text == "Chaud."
    assert run.messages[0] == system("In French.")
    assert [message.role for message in fake.requests[0].request.messages] == ["system", "user", "assistant", "tool"]
    assert run.tape is not None
    assert played(run.tape).text == "Chaud."
    other = fork_sync(old, at=1, prompt="Rome?", model=fake.model("new"))
    assert [message.role for message in other.messages] == ["system", "user", "assistant"]
    assert other.messages[1].parts[0].text == "Rome?"  # type: ignore[union-attr]


def test_a_prompt_behind_the_last_step_goes_on_with_the_conversation(tmp_path: Path, fake: FakeProvider) -> None:
    """One more turn; without anything to say there is nothing to do."""
    old = recorded(fake, tmp_path / "old.yaml")
    fake.script(reply("You are welcome."))
    run = fork_sync(old, at=3, prompt="Thanks.", model=fake.model("new"))
    assert run.text == "You are welcome."
    assert len(run.steps) == 3
    with pytest.raises(ConfigError, match="behind the end"):
        fork_sync(old, at=3, model=fake.model("new"))


def test_the_recorded_model_is_asked_where_no_other_is_named(
    tmp_path: Path, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its provider, address and name are read off the tape; the key comes from the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    fake.script(reply("One."), reply("Two."))
    path = tmp_path / "old.yaml"
    Agent(fake.model("gpt-x"), temperature=0.5).run_sync("Count.", tape=path, tape_mode="record")
    run = fork_sync(path, at=1)
    assert run.text == "Two."
    assert fake.requests[0].request == fake.requests[1].request
    assert run.tape is not None
    assert b"sk-test" not in run.tape.dumps()


def test_calls_that_the_tape_knows_are_answered_from_it_and_others_by_functions(
    tmp_path: Path, fake: FakeProvider
) -> None:
    """The same call is the same JSON; what is new goes to the function that was given."""
    old = recorded(fake, tmp_path / "old.yaml")
    calls: list[str] = []

    @tool(name="weather")
    def live(location: str) -> str:
        """The weather."""
        calls.append(location)
        return "20 C"

    same = tool_call("weather", location="Florence")
    fake.script(reply(same, tool_call("weather", location="Rome")), reply("Done."))
    retake = rerun_sync(old, model=fake.model("new"), tools=[live], tape=tmp_path / "new.yaml")
    assert calls == ["Rome"]
    assert [result.text for result in retake.run.steps[0].results] == ["40 C in Florence", "20 C"]
    assert asyncio.run(verify(Tape.load(tmp_path / "new.yaml"))).ok
    assert not retake.comparison.same
    assert retake.run.text == "Done."


def test_a_call_that_nothing_answers_is_an_error_or_the_end(tmp_path: Path, fake: FakeProvider) -> None:
    """The error says what the tape has; the run as far as it came is with it, and on the tape."""
    old = recorded(fake, tmp_path / "old.yaml")
    rome = reply(tool_call("weather", location="Rome"))
    fake.script(rome, rome)
    with pytest.raises(
        TapeMissError, match=r'has no result of that; it has: weather\({"location":"Florence"}\)'
    ) as told:
        rerun_sync(old, model=fake.model("new"), tape=tmp_path / "new.yaml")
    run: Any = told.value.run  # type: ignore[attr-defined]
    assert len(run.steps) == 1
    assert len(Tape.load(tmp_path / "new.yaml").interactions) == 1
    ended = rerun_sync(old, model=fake.model("new"), missing="end").run
    assert len(ended.steps) == 1
    assert any("the run ends here" in words for words in ended.warnings)


def test_a_conversation_of_several_turns_is_rerun_turn_by_turn(tmp_path: Path, fake: FakeProvider) -> None:
    """The user says what was said before, whatever the other model answers."""
    path = tmp_path / "chat.yaml"
    fake.script(reply("Hi."), reply("Fine."), reply("Yo."), reply("Good."))
    agent = Agent(fake.model("old"))
    first = agent.run_sync("Hello.", tape=path, tape_mode="record")
    agent.run_sync("How are you?", messages=first.messages, tape=path, tape_mode="resume")
    retake = rerun_sync(path, model=fake.model("new"))
    assert [message.parts[0].text for message in retake.run.messages] == ["Hello.", "Yo.", "How are you?", "Good."]  # type: ignore[union-attr]
    assert [item.what for item in retake.comparison.pairs[0].differences] == ["model", "answer", "model", "answer"]


def test_a_fork_can_be_forked(tmp_path: Path, fake: FakeProvider) -> None:
    """Each change stands on the tape, and it plays whole."""
    old = recorded(fake, tmp_path / "old.yaml")
    fake.script(reply(tool_call("weather", location="Florence")), reply("First."), reply("Second."))
    once = fork_sync(old, at=2, system="Look again.", model=fake.model("a"), tape=tmp_path / "once.yaml")
    assert once.text == "First."
    assert len(once.steps) == 3
    twice = fork_sync(tmp_path / "once.yaml", at=3, system="And again.", model=fake.model("b"))
    assert twice.tape is not None
    assert [len(one.steps) for one in (twice, played(twice.tape))] == [3, 3]
    assert played(twice.tape).text == "Second."
    assert asyncio.run(verify(twice.tape)).ok


def test_what_cannot_be_forked_says_so(seed: Path, tmp_path: Path, fake: FakeProvider) -> None:
    """Steps, calls and conversations that are not there; a tape that is."""
    model = fake.model()
    for change, words in (
        ({"at": 7}, "has 2 steps"),
        ({"at": 1, "set": {"tool:wether": "x"}}, "does not call 'wether'; it calls: weather"),
        ({"at": 1, "set": {"weather": "x"}}, 'expected "tool:NAME"'),
        ({"at": 1, "conversation": 2}, "holds one conversation"),
        ({"at": 1, "set": {"tool:weather": "x"}, "prompt": "y"}, "at=2"),
        ({"at": 1, "missing": "skip"}, '"error" or "end"'),
    ):
        with pytest.raises(ConfigError, match=words):
            fork_sync(seed, model=model, **change)
    taken = tmp_path / "taken.yaml"
    taken.write_text("mine")
    with pytest.raises(TapeModeError, match="already"):
        fork_sync(seed, at=1, model=model, tape=taken)
    assert taken.read_text() == "mine"
    assert fake.requests == []


def test_events_tell_what_is_new(seed: Path, fake: FakeProvider) -> None:
    """From the start of the run to its end, each with the run that it is of."""
    fake.script(reply("Cold."))
    told: list[Any] = []
    run = asyncio.run(
        fork(
            seed,
            at=1,
            set={"tool:weather": {"celsius": 12}},
            model=fake.model(),
            on_event=lambda event, run: told.append((type(event).__name__, run)),
        )
    )
    names = [name for name, _ in told]
    assert names[0] == "RunStart"
    assert names[-1] == "RunEnd"
    assert {of for _, of in told} == {run}
    assert names.count("StepStart") == 1
    assert names.count("ToolEnd") == 1
    assert run.steps[0].results[0].text == '{"celsius":12}'


def test_a_fork_that_asks_nobody_leaves_no_file(seed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, no server: what was there stays as it was. Once an answer came, even a refusal, it is kept."""
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    new, change = tmp_path / "new.yaml", {"tool:weather": "12 C"}
    with pytest.raises(AuthenticationError, match="no key"):
        fork_sync(seed, at=1, set=change, tape=new)
    assert list(tmp_path.iterdir()) == []
    new.write_text("of somebody's\n")
    with pytest.raises(TapeModeError, match="force=True"):
        fork_sync(seed, at=1, set=change, model=Model.of("compatible:m", base_url="http://127.0.0.1:9"), tape=new)
    nobody = Model.of("compatible:m", base_url="http://127.0.0.1:9", retry=RetryPolicy(attempts=1))
    with pytest.raises(TransportError):
        fork_sync(seed, at=1, set=change, model=nobody, tape=new, force=True)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("new.yaml", "of somebody's\n")]
    with FakeProvider() as fake:
        fake.script(refuse(400))
        with pytest.raises(PlayheadError):
            fork_sync(seed, at=1, set=change, model=fake.model("m"), tape=new, force=True)
    assert [item.response.code for item in Tape.load(new).interactions][-2:] == [200, 400]
    assert [path.name for path in tmp_path.iterdir()] == ["new.yaml"]


def test_what_a_tool_did_is_kept_though_nobody_was_asked(fake: FakeProvider, tmp_path: Path) -> None:
    """A function that ran may have changed something: the tape that says so stays."""
    fake.script(reply(tool_call("weather", location="Rome"), tool_call("clock")), reply("It is late."))
    whole = Tape()
    Agent(fake.model("m"), tools=[weather, clock]).run_sync("?", tape=whole, tape_mode="record")
    answer = Tape([item for item in whole.interactions if item.request.method != "CALL"][:1])
    nobody = Model.of("compatible:m", base_url="http://127.0.0.1:9", retry=RetryPolicy(attempts=1))
    new = tmp_path / "new.yaml"
    with pytest.raises(TransportError):
        fork_sync(answer, at=1, set={"tool:weather": "12 C"}, tools=[clock], model=nobody, tape=new)
    calls = [item for item in Tape.load(new).interactions if item.request.method == "CALL"]
    assert {call.request.url: call.response.body for call in calls} == {"tool:weather": b"12 C", "tool:clock": b"12:00"}
    took = {call.request.url: call.response.nanoseconds for call in calls}
    assert took["tool:weather"] == 0 < took["tool:clock"]
