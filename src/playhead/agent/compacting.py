"""Compaction between two steps of a run: the history is cut as :mod:`.compaction` decides, and the run goes on with
what is left. ``run.messages`` shows what is sent from then on; what was taken out stands on ``run.compactions``.

A summary is a run of its own: one of ``run.children``, on the same tape and under the same budgets. Where it comes to
nothing, the history stays as it is, and a warning says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from playhead.agent.compaction import (
    Compact,
    Compaction,
    Cut,
    DropOldest,
    Summarise,
    cut_to_messages,
    cut_to_tokens,
    summarised_before,
    tokens_of,
    transcript,
    with_summary,
)
from playhead.errors import ModelError
from playhead.messages import Message, system, user
from playhead.request import Request

if TYPE_CHECKING:
    from playhead.agent.plan import Driving


async def compact(state: Driving, *, too_long: bool = False) -> bool:
    """Cut the run's history where it is longer than it may be, or (``too_long``) where the provider said so; whether
    something was taken out. After a provider's word that is once for each step."""
    run, how = state.run, state.plan.compact
    if how is None:
        return False
    step = state.taken + 1
    before = [one for one in run.compactions if one.step == step]
    if too_long and (not how.when_too_long or any(one.too_long for one in before)):
        return False
    last = run.steps[-1].response if run.steps and not before else None
    tokens = tokens_of(run.messages, last)
    part = cut_to_tokens(run.messages, tokens // 2, tokens) if too_long else _due(run.messages, how, tokens)
    if part is None or not part.removed:
        return False
    kept, summary = part.kept, None
    if isinstance(how, Summarise):
        try:
            summary, why = await _summary(state, how, part), "came to nothing"
        except ModelError as error:  # what is to be asked may go through all the same
            why = f"failed ({type(error).__name__})"
        if not summary:
            run.warnings.append(f"step {step}: the summary of the history {why}; the history stays as it is")
            return False
        kept = with_summary(part, summary)
    run.messages[:] = kept
    run.compactions.append(Compaction(step, part.removed, summary, tokens, too_long))
    return True


def _due(messages: list[Message], how: Compact, tokens: int) -> Cut | None:
    """The cut that the history is due for; None where it is short enough."""
    match how:
        case DropOldest(keep_tokens=int(keep), over_tokens=int(over)):
            return cut_to_tokens(messages, keep, tokens) if tokens > over else None
        case DropOldest(keep_messages=int(keep), over_messages=int(over)):
            return cut_to_messages(messages, keep) if len(messages) > over else None
        case Summarise(over_tokens=over, keep_messages=keep):
            return cut_to_messages(messages, keep) if tokens > over else None
    return None


async def _summary(state: Driving, how: Summarise, part: Cut) -> str:
    """A summary of what is taken out, and of what an earlier summary said."""
    from playhead.agent.plan import Plan
    from playhead.agent.run import Run
    from playhead.agent.stream import child

    name, call = (state.plan.request.model, state.call) if how.model is None else state.line_to(how.model)
    told = transcript((*summarised_before(part.kept), *part.removed))
    run: Run[str] = Run((system(how.instruction), user(told)))
    plan = Plan(Request(name, (), max_tokens=how.max_tokens), {}, 1, budgets=state.plan.budgets, watch=state.plan.watch)
    await child(state.run, run, plan, call, state.session)
    return run.text.strip()
