"""The agent: a model, a system prompt and tools, ready to run.

``await agent.run(prompt)``, ``async for event in agent.stream(prompt)`` and ``agent.run_sync(prompt)`` are one loop
(:func:`playhead.agent.run.drive`). An agent holds no state of a run: it may run any number of times, at once, from any
thread. With ``tape=`` everything a run asks of the outside world is recorded as it happens, or played back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, Unpack, overload

import msgspec

from playhead.agent.calls import Decided
from playhead.agent.content import as_content
from playhead.agent.decide import Finish, decide
from playhead.agent.pending import Pending
from playhead.agent.plan import Driving, Plan, each_once, going_on
from playhead.agent.provided import provided_among, run_here, with_provided
from playhead.agent.run import Run
from playhead.agent.settings import (
    Going,
    Settings,
    cache_asked,
    caching,
    check_kinds,
    check_settings,
    check_system,
    check_tool_errors,
    compact_asked,
    output_asked,
    tool_choice_asked,
)
from playhead.agent.stream import RunStream, driven
from playhead.agent.together import agent_tool, hand_over_tool
from playhead.agent.tools import AnyTool, as_tools
from playhead.agent.toolsets import apart
from playhead.agent.watching import as_watch
from playhead.errors import ConfigError, nearest
from playhead.given import check, check_there
from playhead.messages import Message, ToolResult, as_messages, closed, system as system_message
from playhead.model import AnyModel, Model
from playhead.request import OutputMode, ReasoningSettings, Request

if TYPE_CHECKING:
    from playhead.agent.budget import Budget
    from playhead.agent.compaction import Compact
    from playhead.agent.plan import Prepare, System
    from playhead.agent.tools import Approve, ToolErrors
    from playhead.agent.watching import OnEvent
    from playhead.transport.auth import APIKey
    from playhead.transport.base import Transport
    from playhead.transport.http import Timeouts
    from playhead.transport.retry import Clock, RetryPolicy

Output = TypeVar("Output")
Other = TypeVar("Other")

#: The settings that an agent hands to its model, where that is given by its name.
_OF_THE_MODEL = ("base_url", "api_key", "retry", "timeouts", "transport", "clock", "random")
#: Those of them that belong to one provider, and go to no other.
_OF_A_PROVIDER = ("base_url", "api_key")


class Agent(Generic[Output]):
    """An agent. ``Agent("openrouter:moonshotai/kimi-k2-0905", system="…", tools=[weather])``.

    Args:
        model: "provider:model", or a :class:`playhead.Model` made before, or what :func:`playhead.fallback` makes.
        name: what the agent is called, by those who watch it, and as a tool of others.
        system: the system prompt; put before the messages unless they begin with one. Text, or a function, plain or
            async, that is given the run's ``deps`` when it begins and gives text. A plain one is called in the event
            loop: what takes time there is to be async.
        tools: functions that the model may call, plain or made with ``@tool``; and tools that the provider has of its
            own (:class:`playhead.WebSearch`, :class:`playhead.CodeExecution`, :class:`playhead.ComputerUse`).
        output: the type of the answer; None means text.
        output_mode: how an answer of that type is asked for: "native" (the provider's own field for a schema), "tool"
            (the arguments of a tool that must be called), "text" (an instruction); "best" is whichever the model does
            best.
        output_retries: how often in a row an answer that does not hold the type is sent back to the model with what is
            wrong; each is a step.
        max_tokens: output tokens that one answer may have.
        temperature, top_p, stop, seed: how the answer is drawn; None leaves it to the provider.
        parallel_tool_calls: whether the model may ask for several tools at once.
        tool_choice: "auto", "none", "required", or a tool's name; None leaves it to the provider. A tool that is
            forced is forced until the first calls have their results; then the choice is the provider's default.
        reasoning: how much to think: an effort ("low", "medium", "high") or :class:`playhead.ReasoningSettings`.
        options: the provider's own options, under its own names; checked before anything is sent.
        max_steps: model calls that one run may take.
        timeout: seconds that one run may take, waits included; None means no limit. LimitError when they have passed.
        approve: asked about each call before it is made, unless its tool has a function of its own for it: True makes
            it, False or a reason does not, None lets the run wait. May be async. A function of two parameters is given
            the call's :class:`playhead.Context` as well.
        tool_errors: where an exception of a tool goes: "tell" tells the model what it says, and a line of
            ``run.warnings`` tells you; "raise" ends the run with it. A :class:`playhead.ToolError`, and arguments that
            do not fit, are told to the model either way.
        prepare: given a :class:`playhead.Preparation` before each step, and gives back one that is changed, or None.
        stop_when: given the run after each step whose tools have run; a true answer ends it there.
        budget: dollars and tokens that all runs of this agent may use together; see :class:`playhead.Budget`.
        compact: how a history that grows too long is cut: :func:`playhead.drop_oldest` or :func:`playhead.summarise`.
        cache: whether the provider's prompt cache is used where it wants to be told: True, or how long it is to hold,
            "5m" or "1h".
        on_event: called with every event and the run that it is of, as it happens; what it raises ends the run. One
            plain function, or several. They are called in the event loop, where every run waits for them: what takes
            time is to be handed to a queue or a thread.
        retry: how refusals are met; see :class:`playhead.RetryPolicy`.
        timeouts: seconds for connecting, for the first byte and between chunks.
        base_url: instead of the provider's own and the environment's.
        api_key: instead of the environment's; a string, or a function, plain or async, that gives one at each call.
        transport: what moves the exchanges, instead of HTTP.
        clock, random: where time and chance come from; tests give their own.

    Raises:
        ConfigError: an unknown provider or option (the message names the nearest), or a tool that cannot be told.
    """

    @overload
    def __init__(
        self: Agent[str], model: str | AnyModel, *, output: type[str] | None = None, **settings: Unpack[Settings]
    ) -> None: ...
    @overload
    def __init__(self, model: str | AnyModel, *, output: type[Output], **settings: Unpack[Settings]) -> None: ...
    @overload
    def __init__(self: Agent[Any], model: str | AnyModel, *, output: Any, **settings: Unpack[Settings]) -> None: ...
    def __init__(
        self,
        model: str | AnyModel,
        *,
        name: str | None = None,
        system: str | System | None = None,
        tools: Iterable[object] = (),
        output: Any = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stop: str | Sequence[str] | None = (),
        seed: int | None = None,
        tool_choice: str | None = None,
        parallel_tool_calls: bool | None = None,
        reasoning: str | ReasoningSettings | None = None,
        options: Mapping[str, Any] | None = None,
        output_mode: OutputMode = "best",
        output_retries: int = 2,
        max_steps: int = 20,
        timeout: float | None = None,
        approve: Approve | None = None,
        prepare: Prepare | None = None,
        stop_when: Callable[[Run[Any]], bool] | None = None,
        tool_errors: ToolErrors = "tell",
        budget: Budget | None = None,
        compact: Compact | None = None,
        cache: bool | Literal["5m", "1h"] | None = None,
        on_event: OnEvent | None = None,
        retry: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        base_url: str | None = None,
        api_key: APIKey | None = None,
        transport: Transport | None = None,
        clock: Clock | None = None,
        random: Callable[[], float] | None = None,
        **unknown: Any,
    ) -> None:
        self._given = {key: value for key, value in locals().items() if key not in ("self", "unknown")}
        if unknown:
            known = ("model", "output", *Settings.__annotations__)
            raise ConfigError(nearest(f"Agent: unknown argument {min(unknown)!r}", min(unknown), known))
        of_the_model = {key: self._given[key] for key in _OF_THE_MODEL}
        check_there("Agent", "model", model)
        if not isinstance(model, str):
            for one, value in of_the_model.items():
                if value is not None:
                    raise ConfigError(f"{one} belongs to the model: give it to Model.of(…), not beside a made Model")
            self.model: AnyModel = model
        else:
            self.model = Model.of(model, **of_the_model)
        check("Agent", name=name, stop=stop, tool_choice=tool_choice, reasoning=reasoning, options=options)
        stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
        check_system(system)
        check_tool_errors(tool_errors)
        check_settings(
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            stop=stops,
            seed=seed,
            parallel_tool_calls=parallel_tool_calls,
            max_steps=max_steps,
            output_retries=output_retries,
            timeout=timeout,
        )
        check_kinds(budget=budget, approve=approve, prepare=prepare, stop_when=stop_when)
        self.name = name
        self.system = system
        given, self.toolsets = apart(tools)
        own, provided = provided_among(given)
        self.tools = as_tools(own)
        self._given["tools"] = (*self.tools.values(), *provided, *self.toolsets)
        self.output_type = output
        self.output_retries = output_retries
        self.max_steps = max_steps
        self.timeout = timeout
        self.approve = approve
        self.tool_errors: ToolErrors = tool_errors
        self.prepare = prepare
        self.stop_when = stop_when
        self.budget = budget
        self.compact = compact_asked(compact)
        self.cache = cache_asked(cache)
        self.on_event = as_watch(on_event)
        self._request = Request(
            self.model.name,
            (),
            tools=tuple(item.spec for item in self.tools.values()),
            tool_choice=tool_choice_asked(tool_choice, self.tools, more=bool(self.toolsets)),
            output=output_asked(output, output_mode),
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            stop=stops,
            seed=seed,
            parallel_tool_calls=parallel_tool_calls,
            reasoning=ReasoningSettings(effort=reasoning) if isinstance(reasoning, str) else reasoning,
            options=self.model.checked_options(with_provided(options or {}, provided, self.model)),
        )
        self.tools.update(run_here(provided, self.model, self.tools))

    def __repr__(self) -> str:
        name = "" if self.name is None else f" {self.name}"
        tools = f", tools {', '.join(self.tools)}" if self.tools else ""
        return f"<agent{name}: {self.model.id}{tools}>"

    async def run(
        self, prompt: str | Message | Sequence[Message] | Pending = (), **going: Unpack[Going]
    ) -> Run[Output]:
        """Run to the end, or until calls wait for a person (``run.pending``).

        Args:
            prompt: what to ask: text, a message, or messages; or a :class:`playhead.Pending` to go on with.
            messages: a history to go on from (``run.messages`` of an earlier run); the prompt comes after it.
            tape: a path, or a Tape, to record on or play from; None means no tape.
            tape_mode: "once" (play the tape if it was there, else record it, and go on with it), "replay" (never go
                live), "record" (anew), "resume" (play what is there, go live where it ends), "off". None means what
                ``PLAYHEAD_TAPE_MODE`` says, else "replay" where ``CI`` is true, else "once".
            fail_on_unplayed: raise UnplayedError where a replay ends before the tape does.
            deps: what tools find in ``context.deps``.
            assume: "done" or "not_done": what became of the writes that had begun when the run was stopped.
            results: results by call id, instead of making these calls.
            budget: dollars and tokens that may be used, beside the agent's own budget.

        Raises:
            PlayheadError: of whatever class fits; ``error.run`` is the run as far as it came.
        """
        return await self._start(False, prompt, **going).drain()

    def stream(
        self, prompt: str | Message | Sequence[Message] | Pending = (), **going: Unpack[Going]
    ) -> RunStream[Output]:
        """The same run as events, the model asked to stream: ``async for event in agent.stream("…")``.

        ``stream.run`` is the run, growing as the events come. Leaving the loop early closes the connection; use
        ``async with agent.stream(…) as stream`` to close it at once and not when it is collected.

        Args:
            prompt: what to ask, as for :meth:`run`.
            going: messages, tape, tape_mode, fail_on_unplayed, deps, assume, results, budget, as for :meth:`run`.
        """
        return self._start(True, prompt, **going)

    def run_sync(self, prompt: str | Message | Sequence[Message] | Pending = (), **going: Unpack[Going]) -> Run[Output]:
        """:meth:`run`, for code that is not async. Safe from several threads at once.

        Args:
            prompt: what to ask, as for :meth:`run`.
            going: messages, tape, tape_mode, fail_on_unplayed, deps, assume, results, budget, as for :meth:`run`.

        Raises:
            ConfigError: called inside a running event loop, which it would block; await ``agent.run`` there.
        """
        from playhead.blocking import block_on

        return block_on(self.run(prompt, **going), "run_sync", "await agent.run(…)")

    @overload
    def clone(self, *, model: str | AnyModel = ..., **settings: Unpack[Settings]) -> Agent[Output]: ...
    @overload
    def clone(
        self, *, output: type[Other], model: str | AnyModel = ..., **settings: Unpack[Settings]
    ) -> Agent[Other]: ...
    @overload
    def clone(self, *, output: Any, model: str | AnyModel = ..., **settings: Unpack[Settings]) -> Agent[Any]: ...
    def clone(self, **changed: Any) -> Agent[Any]:
        """Another agent that differs from this one in these settings: ``await agent.clone(timeout=5).run("…")``.

        Model, tools and connections are shared, so that one can be made for each request of a server. Where the model
        is another, ``base_url`` and ``api_key`` of this one are left out: they are of its provider.

        Args:
            changed: ``model`` and every other argument of :class:`Agent`; what is not given stays as it is.

        Raises:
            ConfigError: as for a new agent.
        """
        given: dict[str, Any] = {**self._given, **changed}
        if "model" in changed:
            gone: Iterable[str] = _OF_A_PROVIDER if isinstance(given["model"], str) else _OF_THE_MODEL
            given.update({name: changed.get(name) for name in gone})
            asked = given
        elif any(name in changed for name in _OF_THE_MODEL):
            asked = given
        else:  # the model as it was made
            asked = {**given, **dict.fromkeys(_OF_THE_MODEL), "model": self.model}
        made: Agent[Any] = Agent(**asked)
        made._given = {**given, "tools": made._given["tools"]}
        return made

    def as_tool(self, name: str | None = None, description: str | None = None) -> AnyTool:
        """This agent as a tool of another: the model writes a task, and reads this agent's answer.

        What it asks goes onto the tape of the run that calls it, and its cost counts there (``run.children``). ``name``
        is the agent's own unless another is given, and ``description`` tells the model when to call it.
        """
        return agent_tool(self, name, description)

    def hand_over(self, name: str | None = None, description: str | None = None) -> AnyTool:
        """A tool by which another agent hands the conversation over to this one, which then goes on with it: its
        model, system prompt, tools and output take the place of the other's."""
        return hand_over_tool(self, name, description)

    def takes_over(self, state: Driving) -> None:
        """Go on with a run under way."""
        state.hand_over(self.plan(), self.model, system_message(self.system) if isinstance(self.system, str) else None)

    def plan(self, *, streamed: bool = False, **going: Unpack[Going]) -> Plan:
        """What a run of this agent is driven with."""
        results = {
            call_id: given if isinstance(given, ToolResult) else ToolResult(call_id, "", as_content(given))
            for call_id, given in (going.get("results") or {}).items()
        }
        return Plan(
            msgspec.structs.replace(self._request, stream=True) if streamed else self._request,
            self.tools,
            self.max_steps,
            going.get("fail_on_unplayed", False),
            self.output_type,
            self.timeout,
            output_retries=self.output_retries,
            deps=going.get("deps"),
            approve=self.approve,
            decided=Decided(results=results, assume=going.get("assume")),
            prepare=self.prepare,
            stop_when=self.stop_when,
            budgets=each_once(self.budget, going.get("budget")),
            compact=self.compact,
            cache=caching(self.cache),
            watch=self.on_event,
            toolsets=self.toolsets,
            agent=self.name,
            system=None if isinstance(self.system, str) else self.system,
            tool_errors=self.tool_errors,
        )

    def opening(self, history: Sequence[Message]) -> tuple[Message, ...]:
        """The history with this agent's system prompt before it, unless it begins with one. A prompt that a function
        makes comes when the run begins.

        Raises:
            ConfigError: there is nothing to ask.
        """
        if decide(history, 0, 1) == Finish("answer") or not history:
            raise ConfigError("nothing to ask: give a prompt, or messages that do not end with an answer")
        if isinstance(self.system, str) and history[0].role != "system":
            return (system_message(self.system), *history)
        return tuple(history)

    def _start(
        self, streamed: bool, prompt: str | Message | Sequence[Message] | Pending, **going: Unpack[Going]
    ) -> RunStream[Output]:
        unknown = going.keys() - Going.__annotations__.keys()
        if unknown:
            name = min(unknown)
            if name in ("model", "output", *Settings.__annotations__):
                raise ConfigError(f"run: {name} is a setting of the agent: agent.clone({name}=…).run(…)")
            raise ConfigError(nearest(f"run: unknown argument {name!r}", name, Going.__annotations__))
        assume = going.get("assume")
        if assume not in (None, "done", "not_done"):
            raise ConfigError(f'assume is {assume!r}; "done" or "not_done" is expected')
        check_kinds(budget=going.get("budget"))
        check(
            "run", tape=going.get("tape"), results=going.get("results"), fail_on_unplayed=going.get("fail_on_unplayed")
        )
        plan = self.plan(streamed=streamed, **going)
        messages = going.get("messages", ())
        if isinstance(prompt, Pending):
            if messages:
                raise ConfigError("a run that waits has its history with it; give no messages= beside it")
            plan, history = going_on(plan, prompt), prompt.messages
        else:
            asked = as_messages(prompt)
            history = (*closed(as_messages(messages)), *asked) if asked else as_messages(messages)
        run: Run[Output] = Run(self.opening(history), self.name, self.output_type)
        run.before = prompt if isinstance(prompt, Pending) else None
        batches = driven(self.model, run, plan, going.get("tape"), going.get("tape_mode"))
        return RunStream(run, batches, self.output_type)
