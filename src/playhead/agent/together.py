"""Agents together: one as a tool of another, and one that hands the conversation over.

As a tool, an agent is given a task by the model that calls it, and its answer is the result. Its run stands on the same
tape, exchange by exchange, instead of as one call; so a replay plays it, and a crash in its midst loses nothing. It is
one of ``run.children`` of the run that called it, and its cost is counted there. Budgets hold for both.

Handing over keeps one conversation: the other agent's model, prompt, tools and output take the place of the first's,
and the history goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from playhead.agent.calls import Decided
from playhead.agent.content import ToolOutcome, failed, outcome_of
from playhead.agent.context import Context
from playhead.agent.plan import each_once, going_on
from playhead.agent.run import Run
from playhead.agent.stream import child
from playhead.agent.tools import AnyTool, SchemaTool
from playhead.agent.watching import as_watch
from playhead.errors import ConfigError
from playhead.given import check
from playhead.messages import user

if TYPE_CHECKING:
    from playhead.agent.agent import Agent

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
    if not name:
        raise ConfigError('an agent has no name of its own: as_tool("researcher", "finds things out")')

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
                plan, deps=context.deps, budgets=budgets, approve=approve, watch=watch, decided=decided
            )
        if waited is not None:
            plan = going_on(plan, waited)
        run: Run[Any] = Run(agent.opening(waited.messages if waited is not None else (user(task),)))
        session = None if state is None else state.session
        parent = Run(()) if state is None else state.run
        await child(parent, run, plan, agent.model.call(session), session)
        if run.pending is not None:
            return ToolOutcome((), waits=run.pending)
        return outcome_of(run.output)

    return SchemaTool(name, description or "", _TASK, ask, taped=False)


def hand_over_tool(agent: Agent[Any], name: str | None, description: str | None) -> AnyTool:
    """A tool that hands the conversation over to an agent.

    Raises:
        ConfigError: it has no name.
    """
    check("hand_over", name=name, description=description)
    if not name:
        raise ConfigError('an agent has no name of its own: hand_over("to_billing", "knows all about bills")')

    async def take(arguments: dict[str, Any], context: Context[Any]) -> str:
        return HANDED_OVER

    tool = SchemaTool(name, description or "", {"type": "object", "properties": {}}, take)
    tool.hands_over_to = agent
    return tool
