"""The calls of one step: at once or in order, on the tape before and after, approved or not."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from playhead.agent.calls import Decided, Room, Settled, Waiting, settle
from playhead.agent.content import Final
from playhead.agent.context import Context
from playhead.agent.events import ToolProgress
from playhead.agent.tools import AnyTool, as_tools, tool
from playhead.errors import ConfigError, TapeMissError, UnfinishedCallError
from playhead.messages import ToolCall, ToolResult
from playhead.tapes import Session, Tape, open_session


def calls_of(*names: str) -> list[ToolCall]:
    return [ToolCall(f"call_{number}", name, "{}") for number, name in enumerate(names)]


def settled(calls: list[ToolCall], tools: list[Any], session: Session | None = None, **room: Any) -> list[Any]:
    async def go() -> list[Any]:
        import time

        made = as_tools(tools)
        return [one async for one in settle(calls, Room(made, session, time.monotonic, **room))]

    return asyncio.run(go())


def texts(outcomes: list[Any]) -> dict[str, str]:
    return {one.result.call_id: one.result.text for one in outcomes if isinstance(one, Settled)}


def meeting(name: str, effect: Any, log: list[str]) -> AnyTool:
    """A tool that says when it begins and ends, and lets the others run in between."""

    async def act() -> str:
        log.append(f"{name} begins")
        for _ in range(3):
            await asyncio.sleep(0)
        log.append(f"{name} ends")
        return name

    return tool(name=name, effect=effect)(act)


def test_reads_run_at_once_and_writes_one_at_a_time_in_the_order_asked() -> None:
    log: list[str] = []
    tools = [meeting(name, effect, log) for name, effect in (("w1", "write"), ("r1", "read"), ("w2", "write"))]
    outcomes = settled(calls_of("w1", "r1", "w2"), tools)
    assert len(outcomes) == 3
    assert log.index("r1 begins") < log.index("w1 ends")
    assert log.index("w1 ends") < log.index("w2 begins")


def test_a_tool_that_says_no_effect_reads() -> None:
    @tool
    def plain() -> str:
        return ""

    assert plain.effect == "read"
    with pytest.raises(ConfigError, match=r"no effect is called 'writes'; did you mean 'write'"):
        tool(effect="writes")(plain.function)  # type: ignore[call-overload]


def test_the_key_of_a_write_is_on_the_tape_before_the_call_begins(tmp_path: Path) -> None:
    path, seen = tmp_path / "t.yaml", []

    @tool(effect="write")
    def pay(ctx: Context[None]) -> str:
        on_file = Tape.load(path)
        seen.append((ctx.key, [item.request.url for item in on_file.interactions]))
        marks = dict(on_file.interactions[-1].request.headers)
        assert marks["Playhead-Idempotency-Key"] == ctx.key
        return "paid"

    with open_session(path, "record") as session:
        outcomes = settled(calls_of("pay"), [pay], session)
    assert texts(outcomes) == {"call_0": "paid"}
    assert seen[0][1] == ["tool:pay#begun"]
    assert len(seen[0][0]) == 32
    assert [item.request.url for item in Tape.load(path).interactions] == ["tool:pay#begun", "tool:pay"]


def test_a_read_leaves_no_mark(tmp_path: Path) -> None:
    @tool
    def look() -> str:
        return "seen"

    path = tmp_path / "t.yaml"
    with open_session(path, "record") as session:
        settled(calls_of("look"), [look], session)
    assert [item.request.url for item in Tape.load(path).interactions] == ["tool:look"]


def crashed(path: Path, effect: Any, keys: list[str]) -> AnyTool:
    """A tape on which a call of this effect has begun and not ended, and the tool."""

    @tool(effect=effect)
    def act(ctx: Context[None]) -> str:
        keys.append(ctx.key)
        if len(keys) == 1:
            raise KeyboardInterrupt
        return "done"

    with pytest.raises(KeyboardInterrupt), open_session(path, "record") as session:
        settled(calls_of("act"), [act], session)
    return act


def test_a_write_that_had_begun_stops_the_run_until_someone_says_what_became_of_it(tmp_path: Path) -> None:
    path, keys = tmp_path / "t.yaml", list[str]()
    act = crashed(path, "write", keys)
    with pytest.raises(UnfinishedCallError, match=r'act \(call call_0\) had begun .* assume="done"') as caught:
        with open_session(path, "resume") as session:
            settled(calls_of("act"), [act], session)
    assert caught.value.calls == tuple(calls_of("act"))
    assert len(keys) == 1


def test_a_write_that_was_not_done_is_made_again_with_its_key(tmp_path: Path) -> None:
    path, keys = tmp_path / "t.yaml", list[str]()
    act = crashed(path, "write", keys)
    with open_session(path, "resume") as session:
        outcomes = settled(calls_of("act"), [act], session, decided=Decided(assume="not_done"))
    assert texts(outcomes) == {"call_0": "done"}
    assert keys[0] == keys[1]
    assert [item.request.url for item in Tape.load(path).interactions] == ["tool:act#begun", "tool:act"]


def test_a_write_that_was_done_is_not_made_again_and_the_model_is_told(tmp_path: Path) -> None:
    path, keys = tmp_path / "t.yaml", list[str]()
    act = crashed(path, "write", keys)
    with open_session(path, "resume") as session:
        outcomes = settled(calls_of("act"), [act], session, decided=Decided(assume="done"))
    assert texts(outcomes) == {"call_0": "The call was made; its result is not known."}
    assert len(keys) == 1


def test_the_result_of_a_write_can_be_given(tmp_path: Path) -> None:
    from playhead.messages import Text

    path, keys = tmp_path / "t.yaml", list[str]()
    act = crashed(path, "write", keys)
    given = {"call_0": ToolResult("call_0", "act", (Text("receipt 7"),))}
    with open_session(path, "resume") as session:
        assert texts(settled(calls_of("act"), [act], session, decided=Decided(results=given))) == {
            "call_0": "receipt 7"
        }
    with open_session(path, "replay") as session:  # it is on the tape now
        assert texts(settled(calls_of("act"), [act], session)) == {"call_0": "receipt 7"}
        assert session.unplayed == ()


def test_an_idempotent_call_that_had_begun_is_made_again_with_the_same_key(tmp_path: Path) -> None:
    path, keys = tmp_path / "t.yaml", list[str]()
    act = crashed(path, "idempotent", keys)
    with open_session(path, "resume") as session:
        assert texts(settled(calls_of("act"), [act], session)) == {"call_0": "done"}
    assert keys[0] == keys[1] != ""


def test_a_call_that_nobody_decided_on_waits_and_later_writes_with_it() -> None:
    made: list[str] = []

    @tool(effect="write", approve=True)
    def refund() -> str:
        made.append("refund")
        return "refunded"

    @tool(effect="write")
    def mail() -> str:
        made.append("mail")
        return "mailed"

    @tool
    def look() -> str:
        return "seen"

    outcomes = settled(calls_of("refund", "mail", "look"), [refund, mail, look])
    assert sorted((one.index, one.held) for one in outcomes if isinstance(one, Waiting)) == [(0, False), (1, True)]
    assert texts(outcomes) == {"call_2": "seen"}
    assert made == []


def test_a_verdict_lets_a_call_run_or_tells_the_model_why_not() -> None:
    @tool(approve=True)
    def refund() -> str:
        return "refunded"

    both = calls_of("refund", "refund")
    verdicts: dict[str, bool | str] = {"call_0": True, "call_1": "too dear"}
    outcomes = settled(both, [refund], decided=Decided(verdicts=verdicts))
    assert texts(outcomes) == {"call_0": "refunded", "call_1": "Error: the call was refused: too dear"}


def test_functions_that_decide_are_asked_one_at_a_time_in_order() -> None:
    asked: list[str] = []

    async def decide(call: ToolCall) -> bool | str:
        asked.append(f"{call.id} asked")
        await asyncio.sleep(0)
        asked.append(f"{call.id} answered")
        return call.id != "call_1" or "no"

    @tool
    def look() -> str:
        return "seen"

    outcomes = settled(calls_of("look", "look", "look"), [look], approve=decide)
    assert asked == [f"call_{n} {what}" for n in range(3) for what in ("asked", "answered")]
    assert texts(outcomes)["call_1"] == "Error: the call was refused: no"


def test_a_refused_call_is_on_the_tape_so_that_a_replay_asks_nobody(tmp_path: Path) -> None:
    @tool(approve=lambda call: "not today")
    def refund() -> str:
        return "refunded"

    path = tmp_path / "t.yaml"
    with open_session(path, "record") as session:
        first = texts(settled(calls_of("refund"), [refund], session))
    asks_a_person = tool(name="refund", approve=True)(refund.function)
    with open_session(path, "replay") as session:
        assert texts(settled(calls_of("refund"), [asks_a_person], session)) == first


def test_a_tool_says_how_far_it_is_from_a_thread() -> None:
    @tool
    def dig(ctx: Context[None]) -> str:
        assert threading.current_thread() is not threading.main_thread()
        ctx.progress("half")
        return "dug"

    outcomes = settled(calls_of("dig"), [dig])
    assert [one.text for one in outcomes if isinstance(one, ToolProgress)] == ["half"]
    assert texts(outcomes) == {"call_0": "dug"}


def test_a_tool_is_given_what_the_run_was_given() -> None:
    @tool
    def who(ctx: Context[str], greeting: str = "hello") -> str:
        return f"{greeting} {ctx.deps}, step {ctx.step}"

    assert "ctx" not in who.spec.parameters["properties"]
    assert texts(settled(calls_of("who"), [who], deps="Ada", step=3)) == {"call_0": "hello Ada, step 3"}


def test_a_call_that_takes_too_long_is_an_error_for_the_model_and_the_thread_is_told() -> None:
    told = threading.Event()

    @tool(timeout=0.05, effect="write")
    def slow(ctx: Context[None]) -> str:
        while not ctx.cancelled:
            pass
        told.set()
        return ""

    words = texts(settled(calls_of("slow"), [slow]))["call_0"]
    assert words == "Error: the call took longer than its timeout of 0.05 s and may have been done all the same"
    assert told.wait(5)


def test_a_timeout_of_the_tools_own_is_its_error_and_not_ours() -> None:
    @tool(timeout=60)
    async def own() -> str:
        raise TimeoutError("the bank is slow")

    assert texts(settled(calls_of("own"), [own])) == {"call_0": "Error: TimeoutError: the bank is slow"}


def test_no_more_calls_of_a_tool_run_at_once_than_it_allows() -> None:
    running = most = 0

    @tool(concurrency=2)
    async def narrow() -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return ""

    assert len(settled(calls_of(*["narrow"] * 7), [narrow])) == 7
    assert most == 2


def test_a_tool_may_end_the_run_live_and_replayed(tmp_path: Path) -> None:
    @tool
    def finish() -> Final:
        return Final({"city": "Florence"})

    path = tmp_path / "t.yaml"
    for mode in ("record", "replay"):
        with open_session(path, mode) as session:  # type: ignore[arg-type]
            (outcome,) = settled(calls_of("finish"), [finish], session)
        assert outcome.final
        assert outcome.result.text == '{"city":"Florence"}'


@pytest.mark.parametrize("effect", ["write", "idempotent"])
def test_a_replay_never_changes_the_world_even_where_the_tape_holds_no_call(tmp_path: Path, effect: Any) -> None:
    made: list[str] = []

    @tool(effect=effect)
    def pay() -> str:
        made.append("paid")
        return "paid"

    path = tmp_path / "t.yaml"
    Tape().save(path)
    with open_session(path, "replay") as session, pytest.raises(TapeMissError, match="does not run while a tape"):
        settled(calls_of("pay"), [pay], session)
    assert made == []


def test_every_write_that_a_person_is_to_decide_on_is_named_at_once() -> None:
    @tool(effect="write", approve=True)
    def refund() -> str:
        return "refunded"

    outcomes = settled(calls_of("refund", "refund"), [refund])
    assert sorted((one.index, one.held) for one in outcomes) == [(0, False), (1, False)]


def test_a_refusal_does_not_unsay_what_the_tape_has_of_an_approval(tmp_path: Path) -> None:
    @tool(approve=True)
    def refund() -> str:
        return "refunded"

    path = tmp_path / "t.yaml"
    with open_session(path, "record") as session:
        settled(calls_of("refund"), [refund], session, decided=Decided(verdicts={"call_0": True}))
    for mode in ("replay", "resume"):
        with open_session(path, mode) as session:
            outcomes = settled(calls_of("refund"), [refund], session, decided=Decided(verdicts={"call_0": "no"}))
        assert [(one.result.text, one.late.partition(":")[0]) for one in outcomes] == [
            ("refunded", "refund (call call_0)")
        ]


def test_an_unknown_setting_of_a_tool_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown argument 'aprove'; did you mean 'approve'"):
        tool(aprove=True)  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match="approve is 'yes'; True, False or a function"):
        tool(name="pay", approve="yes")(lambda: "")  # type: ignore[call-overload]
