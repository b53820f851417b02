"""What a run is driven with, and the run under way.

:class:`Plan` does not change on the way, and is all that an agent says of a run. :class:`Driving` is one run under way:
its record, its plan, its line to the model and its tape; an agent that hands over to another changes the plan and the
line, and nothing else. :mod:`.drive` is the loop around it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from playhead.agent.calls import Decided, Room
from playhead.agent.decide import CallTools, decide
from playhead.agent.settings import tool_choice_asked
from playhead.agent.tools import AnyTool, Approve, ToolErrors
from playhead.agent.watching import inside_of
from playhead.errors import ConfigError, ToolError
from playhead.messages import Message, ToolCall, check_whole, system as system_message
from playhead.model import AnyModel, Model
from playhead.request import NamedTool, Request

if TYPE_CHECKING:
    from asyncio import Future

    from playhead.agent.budget import Budget
    from playhead.agent.caching import Caching
    from playhead.agent.compaction import Compact
    from playhead.agent.events import Watch
    from playhead.agent.pending import Pending
    from playhead.agent.run import Run
    from playhead.agent.toolsets import Toolset
    from playhead.model import AnyCall
    from playhead.tapes import Session


class Preparation(msgspec.Struct, frozen=True):
    """What the next step asks, before it does. A ``prepare=`` function returns one, changed for this step alone::

        def prepare(step: Preparation) -> Preparation | None:
            return msgspec.structs.replace(step, tools=("search",)) if step.number == 1 else None

    Attributes:
        number: the step, from 1.
        messages: the history as it is sent; the run's own stays as it is.
        tools: the names of the tools that the model is told of, of those that the agent has.
        tool_choice: "auto", "none", "required", a tool's name, or None for the provider's default.
        model: "provider:model" or a Model; None for the agent's own.
        deps: what was passed as ``deps=`` to the run; None where nothing was.
    """

    number: int
    messages: tuple[Message, ...]
    tools: tuple[str, ...]
    tool_choice: str | None = None
    model: str | AnyModel | None = None
    deps: Any = None


Prepare: TypeAlias = Callable[[Preparation], "Preparation | Awaitable[Preparation | None] | None"]

#: A system prompt that is made when a run begins, from what was passed to it as ``deps=``.
System: TypeAlias = Callable[[Any], "str | Awaitable[str]"]


class Plan(msgspec.Struct, frozen=True):
    """What a run is driven with.

    Attributes:
        request: what is asked, the messages aside.
        tools: by name; those that the request tells the model of, and those that only the caller knows.
        max_steps: model calls that the run may take, ``steps_before`` included.
        fail_on_unplayed: whether a replay that leaves something on the tape is an error.
        output: the answer's type, None for text.
        timeout: seconds for the whole run, None for no limit.
        deps: what tools are given as ``context.deps``.
        approve: asked about calls; None where nobody is.
        decided: what is known of calls beforehand.
        prepare: changes what a step asks.
        stop_when: ends the run after a step whose tools have run.
        budgets: what attempts are reserved in.
        steps_before: model calls that the run took before it waited.
        output_retries: how often in a row an answer that does not hold ``output`` is sent back.
        compact: how a history that is too long is cut; None leaves it as it is.
        cache: the marks that providers' prompt caches want; None places none.
        watch: told of each event of the run, and of the runs within it.
        toolsets: asked for further tools when the run begins; () once they are among ``tools``.
        agent: the name of the agent, None where it has none.
        system: asked for the system prompt when the run begins; None once it has been.
        unended: writes that nobody waits for any more and whose threads go on, those of the runs within among them.
        tool_errors: "tell" or "raise"; see :class:`playhead.Agent`.
    """

    request: Request
    tools: Mapping[str, AnyTool]
    max_steps: int
    fail_on_unplayed: bool = False
    output: Any = None
    timeout: float | None = None
    deps: Any = None
    approve: Approve | None = None
    decided: Decided = Decided()
    prepare: Prepare | None = None
    stop_when: Callable[[Run[Any]], bool] | None = None
    budgets: tuple[Budget, ...] = ()
    steps_before: int = 0
    output_retries: int = 0
    compact: Compact | None = None
    cache: Caching | None = None
    watch: Watch | None = None
    toolsets: tuple[Toolset, ...] = ()
    agent: str | None = None
    system: System | None = None
    tool_errors: ToolErrors = "tell"
    unended: list[Future[Any]] = msgspec.field(default_factory=list)


def each_once(*budgets: Budget | None) -> tuple[Budget, ...]:
    """The budgets that a run is held to: one that comes from two sides is reserved in once."""
    return tuple(dict.fromkeys(budget for budget in budgets if budget is not None))


def going_on(plan: Plan, pending: Pending) -> Plan:
    """The plan of a run that waited and goes on now."""
    known = plan.decided
    decided = Decided(
        pending.verdicts, {**pending.results, **known.results}, known.assume, pending.inner, pending.arguments
    )
    return msgspec.structs.replace(plan, decided=decided, steps_before=pending.steps)


def check_decided(
    calls: Iterable[ToolCall], known: Decided | Pending, tools: Mapping[str, AnyTool], more: bool = False
) -> None:
    """What somebody has decided of calls is not to be lost on an agent that cannot make them, nor on one inside of it.
    ``more`` says that there may be tools that are not known here.

    Raises:
        ConfigError: something was decided of one of these calls, and there is no such tool, or it does not take the
            arguments that were given.
    """
    for call in calls:
        if not (call.id in known.verdicts or call.id in known.results or call.id in known.inner):
            continue
        tool = tools.get(call.name)
        if tool is None and not more:
            raise ConfigError(
                f"something was decided of {call.name} (call {call.id}), and this agent has no such tool; it has: "
                f"{', '.join(tools) or 'none'}. Go on with the agent whose run waited"
            )
        if tool is not None and call.id in known.arguments:
            try:
                tool.parse(known.arguments[call.id])
            except ToolError as error:
                raise ConfigError(f"arguments given for {call.name} (call {call.id}): {error}") from None
        inside, agent = known.inner.get(call.id), None if tool is None else tool.runs
        if inside is not None and agent is not None:
            waiting = decide(inside.messages, 0, 1)
            if isinstance(waiting, CallTools):
                check_decided(waiting.calls, inside, agent.tools, bool(agent.toolsets))


class Driving:
    """One run under way.

    Attributes:
        answer: what a tool ended the run with, None where none did.
        heard: whether the last answer came from a model now; else it was given, or played from the tape.
    """

    __slots__ = ("_lines", "_models", "answer", "call", "heard", "plan", "run", "session")

    def __init__(self, run: Run[Any], plan: Plan, call: AnyCall, session: Session | None) -> None:
        run.agent, run.output_type = plan.agent, plan.output
        self.run = run
        self.plan = plan
        self.call = call
        self.session = session
        self.answer: str | None = None
        self.heard = False
        self._models: dict[str, AnyModel] = {}
        self._lines: dict[AnyModel, AnyCall] = {}

    @property
    def taken(self) -> int:
        """Model calls so far, those before a wait included."""
        return self.plan.steps_before + len(self.run.steps)

    def hand_over(self, plan: Plan, model: AnyModel, system: Message | None) -> None:
        """Another agent goes on with the conversation: its plan, its model and its system prompt."""
        run, before = self.run, self.plan
        self.plan = msgspec.structs.replace(
            plan,
            request=msgspec.structs.replace(plan.request, stream=before.request.stream),
            deps=before.deps,
            decided=before.decided,
            fail_on_unplayed=before.fail_on_unplayed,
            budgets=each_once(*before.budgets, *plan.budgets),
            steps_before=before.steps_before,
            watch=before.watch,
            unended=before.unended,
        )
        run.agent, run.output_type = plan.agent, plan.output
        self.call = self.line_to(model)[1]
        spoken = [message for message in run.messages if message.role != "system"]
        run.messages[:] = spoken if system is None else [system, *spoken]

    async def instruct(self) -> None:
        """Ask for the system prompt, and put it before the messages unless they begin with one.

        Raises:
            ConfigError: it is no text.
        """
        asked, run = self.plan.system, self.run
        self.plan = msgspec.structs.replace(self.plan, system=None)
        if asked is None or (run.messages and run.messages[0].role == "system"):
            return
        words = asked(self.plan.deps)
        if isinstance(words, Awaitable):
            words = await words
        if not isinstance(words, str):
            raise ConfigError(f"system= is a function that gives text; it gave a {type(words).__name__}")
        words = str.__str__(words)  # a subclass, an enum's member, as the text that it is
        check_whole(words, "system")
        run.messages.insert(0, system_message(words))

    async def equip(self) -> None:
        """Ask the toolsets of the plan for their tools.

        Raises:
            PlayheadError: what one of them raised, or two tools share a name.
        """
        from playhead.agent.toolsets import equipped

        self.plan = await equipped(self.plan, self.run, self.session, self.call.clock.monotonic)

    def used(self, call_id: str) -> None:
        """What was decided of a call holds for that call: a later one may have its id, and is asked about anew."""
        known = self.plan.decided
        if call_id in known.verdicts or call_id in known.results or call_id in known.inner:
            left = Decided(
                {id: verdict for id, verdict in known.verdicts.items() if id != call_id},
                {id: result for id, result in known.results.items() if id != call_id},
                known.assume,
                {id: inner for id, inner in known.inner.items() if id != call_id},
                {id: text for id, text in known.arguments.items() if id != call_id},
            )
            self.plan = msgspec.structs.replace(self.plan, decided=left)

    def room(self) -> Room:
        """Where the calls of the last answer are made."""
        run, plan = self.run, self.plan
        return Room(
            plan.tools,
            self.session,
            self.call.clock.monotonic,
            step=max(1, len(run.steps)),
            messages=tuple(run.messages),
            deps=plan.deps,
            approve=plan.approve,
            tool_errors=plan.tool_errors,
            decided=plan.decided,
            scope=self,
            unended=plan.unended,
            inside=None if plan.watch is None else inside_of(plan.watch, run),
            heard=self.heard,
        )

    async def asked(self) -> tuple[Request, AnyCall]:
        """The request of the next step as it is sent, with the marks of the prompt cache, and the line that it is asked
        on; see :meth:`_asked`."""
        request, call = await self._asked()
        return (request, call) if self.plan.cache is None else (self.plan.cache.marked(request, call.provider), call)

    async def _asked(self) -> tuple[Request, AnyCall]:
        """The request of the next step, and the line that it is asked on. A tool that the caller forced is forced once:
        asked for again at every step, the run could never end, so after its first calls the choice is the provider's
        default.

        Raises:
            ConfigError: ``prepare`` gave something else than a Preparation, or a tool that the agent has not.
        """
        run, plan = self.run, self.plan
        forced = plan.request.tool_choice not in (None, "auto", "none")
        choice = None if forced and any(step.results for step in run.steps) else plan.request.tool_choice
        messages = tuple(run.messages)
        if plan.prepare is None:
            return msgspec.structs.replace(plan.request, messages=messages, tool_choice=choice), self.call
        named = choice.name if isinstance(choice, NamedTool) else choice
        offered = Preparation(
            self.taken + 1, messages, tuple(tool.name for tool in plan.request.tools), named, deps=plan.deps
        )
        prepared = plan.prepare(offered)
        if isinstance(prepared, Awaitable):
            prepared = await prepared
        if prepared is None:
            prepared = offered
        if not isinstance(prepared, Preparation):
            raise ConfigError(f"prepare= returns a Preparation or None; got a {type(prepared).__name__}")
        return self._prepared(prepared)

    def _prepared(self, prepared: Preparation) -> tuple[Request, AnyCall]:
        plan = self.plan
        unknown = [name for name in prepared.tools if name not in plan.tools]
        if unknown:
            raise ConfigError(f"prepare= names a tool {unknown[0]!r}; the agent has: {', '.join(plan.tools) or 'none'}")
        call = self.call
        request = msgspec.structs.replace(
            plan.request,
            messages=prepared.messages,
            tools=tuple(plan.tools[name].spec for name in prepared.tools),
            tool_choice=tool_choice_asked(prepared.tool_choice, plan.tools, more=True),
        )
        if prepared.model is not None:
            name, call = self.line_to(prepared.model)
            request = msgspec.structs.replace(request, model=name)
        return request, call

    def line_to(self, model: str | AnyModel) -> tuple[str, AnyCall]:
        """The name of another model and the line to it; one for each, so that what was encoded for it is kept."""
        if isinstance(model, str):
            made = self._models.get(model) or Model.of(model)
            self._models[model] = made
        else:
            made = model
        line = self._lines.get(made)
        if line is None:
            if self.session is not None:
                for secret in made.secrets():
                    self.session.add_secret(secret)
            line = self._lines[made] = made.call(self.session)
        return made.name, line
