"""However a run ends, its history is one that every provider takes, and the run can go on from it.

Runs are made of everything that happens to them at once: tools that answer, fail, crash and wait, calls of tools that
are not there, arguments that are no JSON, refusals, cut answers, limits, and cancellation at any moment. What is left
is closed, encoded by every dialect, and the JSON is held against the rules by which providers refuse a history: each
call is answered once, directly after it, nothing is answered that was not called, and speakers take turns where they
must. (Anthropic joins what one speaker says in a row, and Google takes it as it is; Amazon refuses it.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from playhead import Agent, Model, RetryPolicy, Run, tool
from playhead.errors import BadRequestError, LimitError, OverloadedError, PlayheadError, ToolError
from playhead.messages import Message, Reasoning, Refusal, Text, ToolCall, ToolResult, closed, user
from playhead.request import Request
from playhead.testing import ScriptedModel, refuse, reply

MODELS = ("openai:gpt-4o", "openai-responses:gpt-4o", "anthropic:claude-x", "google:gemini-x", "bedrock:amazon.nova-x")
BOUND = [Model.of(name, api_key="k", base_url="http://localhost") for name in MODELS]


class Broken(BaseException):
    """What no tool's caller reckons with."""


@tool
def plain(x: int = 0) -> str:
    """answers"""
    return "ok"


@tool
async def slow(x: int = 0) -> str:
    """answers after some turns of the loop"""
    for _ in range(x % 7):
        await asyncio.sleep(0)
    return "late"


@tool(effect="write")
async def write(x: int = 0) -> str:
    """changes the world, after some turns of the loop"""
    for _ in range(x % 5):
        await asyncio.sleep(0)
    return "written"


@tool
async def failing(x: int = 0) -> str:
    """tells of its failure"""
    await asyncio.sleep(0)
    raise ToolError("not today")


@tool
def crashing(x: int = 0) -> str:
    """fails in a way of its own"""
    raise KeyError("what")


@tool
def limited(x: int = 0) -> str:
    """raises an error of a run's"""
    raise LimitError("enough", limit="dollars")


@tool
async def breaking(x: int = 0) -> str:
    """takes the run with it"""
    await asyncio.sleep(0)
    raise Broken


@tool
async def cancelling(x: int = 0) -> str:
    """is cancelled from within"""
    raise asyncio.CancelledError


TOOLS = [plain, slow, write, failing, crashing, limited, breaking, cancelling]
NAMES = [*(one.name for one in TOOLS), *("plain", "slow", "write") * 3, "nobody"]

calls = st.builds(
    lambda name, x, arguments: ToolCall("", name, arguments.replace("X", str(x))),
    st.sampled_from(NAMES),
    st.integers(0, 9),
    st.sampled_from(['{"x":X}'] * 5 + ["{}", "", '{"x":', '{"x":"no"}', "[X]", "null"]),
)
asking = st.builds(
    lambda before, some, finish: reply(*before, *some, finish=finish),
    st.sampled_from([(), ("Let me see.",), (Reasoning("Hm."),), (Text(""),), (Reasoning("Hm."), "Well.")]),
    st.lists(calls, min_size=1, max_size=4),
    st.sampled_from([None, None, None, "length", "stop"]),
)
ends = st.sampled_from([reply("done"), reply(), reply(Text("")), reply(Refusal("No.")), reply("cut", finish="length")])
wrong = st.sampled_from(
    [refuse(BadRequestError("bad")), refuse(OverloadedError("busy")), refuse(429), reply("one two three", cut_after=1)]
)
scripts = st.lists(st.one_of(asking, asking, asking, wrong, ends), min_size=1, max_size=6)


async def broken_off(agent: Agent[Any], streamed: bool, ticks: int | None) -> Run[Any]:
    """Run, and cancel after so many turns of the loop, None for never; the run, as far as it came."""

    async def go() -> Run[Any]:
        if not streamed:
            return await agent.run("Begin.")
        async with agent.stream("Begin.") as stream:
            async for _ in stream:
                pass
        return stream.run

    before = asyncio.all_tasks()
    task = asyncio.ensure_future(go())
    for _ in range(1000 if ticks is None else ticks + 1):
        if task.done():
            break
        await asyncio.sleep(0)
    if ticks is not None:
        task.cancel()
    try:
        return await task
    except (PlayheadError, asyncio.CancelledError, Broken) as error:
        return error.run  # type: ignore[union-attr, no-any-return]  # without it, this is the failure
    finally:
        assert asyncio.all_tasks() == before


@given(
    scripts,
    st.booleans(),
    st.one_of(st.none(), st.integers(0, 60)),
    st.integers(1, 6),
    st.sampled_from([None, "Be brief."]),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_run_that_ended_anyhow_leaves_a_history_that_every_provider_takes(
    script: list[Any], streamed: bool, ticks: int | None, max_steps: int, system: str | None
) -> None:
    model = ScriptedModel(*script, answer="done", retry=RetryPolicy(attempts=2))
    agent = Agent(model, tools=TOOLS, max_steps=max_steps, system=system)
    run = asyncio.run(broken_off(agent, streamed, ticks))
    before = list(run.messages)
    after = ScriptedModel("So be it.", "And so on.")
    going_on = Agent(after, tools=TOOLS, system=system)
    assert going_on.run_sync("Go on.", messages=run.messages).text == "So be it."
    assert run.messages == before
    for history in (closed(run.messages), after.requests[0].messages):
        for bound in BOUND:
            check(bound, history)
    check_messages(after.requests[0].messages)
    said = [message for message in after.requests[0].messages if message.role != "tool"]
    assert said == [message for message in [*before, user("Go on.")] if message.role != "tool"]


def check_messages(messages: Sequence[Message]) -> None:
    """In playhead's own words: each call has one result, in the message after it."""
    for at, message in enumerate(messages):
        if message.role == "assistant" and (ids := [call.id for call in message.all(ToolCall)]):
            answered = [result.call_id for result in messages[at + 1].all(ToolResult)]
            assert sorted(answered) == sorted(ids)
        elif message.role == "tool":
            assert messages[at - 1].all(ToolCall)


def check(bound: Model, messages: Sequence[Message]) -> None:
    """The provider's rules, on the JSON of this history (which a question ends, as a request's does)."""
    asked = messages if messages[-1].role in ("user", "tool") else (*messages, user("And?"))
    request = Request(bound.name, tuple(asked), tuple(one.spec for one in TOOLS), max_tokens=100)
    body = msgspec.json.decode(bound.dialect.encode_request(request, bound.endpoint, {}).http.body)
    RULES[bound.provider.dialect](body)


def chat(body: dict[str, Any]) -> None:
    open_calls: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            open_calls.remove(message["tool_call_id"])
            continue
        assert open_calls == []
        open_calls = [call["id"] for call in message.get("tool_calls", ())]
        assert len(set(open_calls)) == len(open_calls)
        assert (
            message["role"] != "assistant" or message.get("content") is not None or open_calls or "refusal" in message
        )
    assert open_calls == []


def responses(body: dict[str, Any]) -> None:
    open_calls: list[str] = []
    for item in body["input"]:
        if item.get("type") == "function_call":
            open_calls.append(item["call_id"])
        elif item.get("type") == "function_call_output":
            open_calls.remove(item["call_id"])
        else:
            assert open_calls == []
    assert open_calls == []


def messages_api(body: dict[str, Any]) -> None:
    said = [(message["role"], list(_blocks(message["content"]))) for message in body["messages"]]
    assert not any(block.get("text") == "" for _, blocks in said for block in blocks)
    turns(
        said,
        lambda block: block["id"] if block.get("type") == "tool_use" else None,
        lambda block: block["tool_use_id"] if block.get("type") == "tool_result" else None,
    )


def converse(body: dict[str, Any]) -> None:
    roles = [message["role"] for message in body["messages"]]
    assert roles == [("user", "assistant")[at % 2] for at in range(len(roles))]
    assert not any(block.get("text") == "" for message in body["messages"] for block in message["content"])
    turns(
        [(message["role"], message["content"]) for message in body["messages"]],
        lambda block: block["toolUse"]["toolUseId"] if "toolUse" in block else None,
        lambda block: block["toolResult"]["toolUseId"] if "toolResult" in block else None,
    )


def contents(body: dict[str, Any]) -> None:
    turns(
        [("user" if one["role"] == "user" else "assistant", one["parts"]) for one in body["contents"]],
        lambda part: part["functionCall"].get("id", part["functionCall"]["name"]) if "functionCall" in part else None,
        lambda part: (
            part["functionResponse"].get("id", part["functionResponse"]["name"]) if "functionResponse" in part else None
        ),
    )


def turns(said: list[tuple[str, list[dict[str, Any]]]], call: Any, result: Any) -> None:
    """The user speaks first and last, nobody says nothing, and the results of an answer's calls stand first in what is
    said right after it."""
    assert [said[0][0], said[-1][0]] == ["user", "user"]
    open_calls: list[str] = []
    for role, blocks in said:
        assert blocks, f"{role} says nothing"
        results = [one for block in blocks if (one := result(block)) is not None]
        assert sorted(results) == sorted(open_calls)
        assert all(result(block) is not None for block in blocks[: len(results)])
        open_calls = [one for block in blocks if (one := call(block)) is not None]
    assert open_calls == []


def _blocks(content: Any) -> Iterator[dict[str, Any]]:
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    else:
        yield from content


RULES = {
    "openai_chat": chat,
    "openai_responses": responses,
    "anthropic_messages": messages_api,
    "gemini": contents,
    "bedrock_converse": converse,
}


@pytest.mark.parametrize("bound", BOUND, ids=lambda bound: bound.provider.dialect)
def test_the_rules_find_a_history_that_breaks_them(bound: Model) -> None:
    call, result = ToolCall("c1", "plain", "{}"), ToolResult("c1", "plain", (Text("ok"),))
    asked = [user("hi"), Message("assistant", (call,))]
    check(bound, [*asked, Message("tool", (result,))])
    with pytest.raises((AssertionError, ValueError)):
        check(bound, [*asked, user("and?")])
    with pytest.raises((AssertionError, ValueError)):
        check(bound, [user("hi"), Message("assistant", (Text("oi"),)), Message("tool", (result,))])
