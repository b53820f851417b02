"""Agents together: one as a tool of another, and one that hands the conversation over.

As a tool, an agent is given a task by the model that calls it, and its answer is the result. Its run stands on the same
tape, exchange by exchange, instead of as one call; so a replay plays it, and a crash in its midst loses nothing. How it
ended is there too, where that was not by an answer (:mod:`.inner_tape`). It is one of ``run.children`` of the run that
called it, and its cost is counted there. Budgets hold for both.

Handing over keeps one conversation: the other agent's model, prompt, tools and output take the place of the first's,
and the history goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from playhead.agent.calls import Decided
from playhead.agent.content import ToolOutcome, failed, outcome_of
from playhead.agent.context import Context
from playhead.agent.inner_tape import InnerTape, RunTape
from playhead.agent.plan import each_once, going_on
from playhead.agent.run import Run
from playhead.agent.stream import child
from playhead.agent.tools import AnyTool, SchemaTool, ToolErrors, failure
from playhead.agent.watching import as_watch
from playhead.errors import ConfigError, TapeError, UnfinishedCallError
from playhead.given import check
from playhead.messages import ToolCall, ToolResult, user

if TYPE_CHECKING:
    from playhead.agent.agent import Agent
    from playhead.tapes import Session

#: The result of the call that hands a conversation over; by it a tape is known to go on with another agent.
HANDED_OVER = "The conversation is handed over."

_TASK = {
    "type": "object",
    "properties": {"task": {"type": "string", "description": "what is to be done, with all that is to be known"}},
    "required": ["task"],
}


def agent_tool(agent: Agent[Any], name: str | None, description: str | None) -> AnyTool:
    """An agent as a tool that takes a task.

    Raises:
        ConfigError: it has no name.
    """
    check("as_tool", name=name, description=description)
    name = name or agent.name
    if not name:
        raise ConfigError('the agent has no name: as_tool("researcher", "finds things out")')

    async def ask(arguments: dict[str, Any], context: Context[Any]) -> ToolOutcome:
        state, task = context.scope, arguments.get("task")
        if not isinstance(task, str):
            return failed("the argument task is missing: text that says what is to be done")
        plan = agent.plan()
        waited = None if state is None else state.plan.decided.inner.get(context.call.id)
        if state is not None:
            budgets = each_once(*state.plan.budgets, *plan.budgets)
            approve = plan.approve or state.plan.approve
            watch = as_watch(state.plan.watch, plan.watch)
            known = state.plan.decided
            decided = Decided(results=known.results, assume=known.assume)  # of writes that had begun inside
            plan = msgspec.structs.replace(
                plan,
                deps=context.deps,
                budgets=budgets,
                approve=approve,
                watch=watch,
                decided=decided,
                unended=state.plan.unended,
            )
        if waited is not None:
            plan = going_on(plan, waited)
        run: Run[Any] = Run(
            agent.opening(waited.messages if waited is not None else (user(task),)), agent.name, agent.output_type
        )
        run.before = waited
        parent = Run(()) if state is None else state.run
        if state is None or state.session is None:
            await child(parent, run, plan, agent.model.call(None), None)
        else:
            outer = state.session if isinstance(state.session, RunTape) else RunTape(state.session)
            tape = InnerTape(outer, context.call, context.messages, whole=waited is None)
            try:
                await child(parent, run, plan, agent.model.call(cast("Session", tape)), cast("Session", tape))
            except Exception as error:
                return _ended(run, tape, error, context.call, state.plan.tool_errors)
            finally:
                tape.let_go()
        if run.pending is not None:
            return ToolOutcome((), waits=run.pending)
        if run.ended == "stopped" and run.output_type not in (None, str):
            return failed("the agent was stopped before it had an answer")
        return outcome_of(run.output)

    tool = SchemaTool(name, description or "", _TASK, ask, taped=False)
    tool.runs = agent
    return tool


def _ended(run: Run[Any], tape: InnerTape, error: Exception, call: ToolCall, errors: ToolErrors) -> ToolOutcome:
    """What a call came to whose run ended by this error: what the tape says, or it is put there.

    Raises:
        Exception: it is the tape itself that cannot go on.
    """
    known = tape.ended()
    if known is not None:
        return ToolOutcome(known.content, known.is_error)
    if isinstance(error, TapeError | UnfinishedCallError):
        raise error
    outcome = failure(error)
    if outcome.error is None or errors == "tell":  # else the call is not answered, and the run may go on in it
        tape.record_end(ToolResult(call.id, call.name, outcome.content, outcome.is_error), run.duration)
    return outcome


def hand_over_tool(agent: Agent[Any], name: str | None, description: str | None) -> AnyTool:
    """A tool that hands the conversation over to an agent.

    Raises:
        ConfigError: it has no name.
    """
    check("hand_over", name=name, description=description)
    name = name or agent.name
    if not name:
        raise ConfigError('the agent has no name: hand_over("to_billing", "knows all about bills")')

    async def take(arguments: dict[str, Any], context: Context[Any]) -> str:
        return HANDED_OVER

    tool = SchemaTool(name, description or "", {"type": "object", "properties": {}}, take)
    tool.hands_over_to = agent
    return tool
