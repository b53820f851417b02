"""The agent: a model, a system prompt and tools, ready to run.

``await agent.run(prompt)``, ``async for event in agent.stream(prompt)`` and ``agent.run_sync(prompt)`` are one loop
(:func:`playhead.agent.run.drive`). An agent holds no state of a run: it may run any number of times, at once, from any
thread. With ``tape=`` everything a run asks of the outside world is recorded as it happens, or played back.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack, overload

import msgspec

from playhead.agent.events import Event, RunEnd
from playhead.agent.output import output_schema, read_output
from playhead.agent.run import Plan, Run, drive
from playhead.agent.tools import Tool, as_tools
from playhead.errors import ConfigError, TimeoutExceeded, nearest
from playhead.messages import Message, as_messages, system as system_message
from playhead.model import Model
from playhead.request import NamedTool, ReasoningSettings, Request, ToolChoice

if TYPE_CHECKING:
    from playhead.tapes import Mode, Session, Tape
    from playhead.transport.base import Transport
    from playhead.transport.http import Timeouts
    from playhead.transport.retry import Clock, RetryPolicy

Output = TypeVar("Output")


class Settings(TypedDict, total=False):
    """What an agent may be given besides its model; see :class:`Agent`."""

    system: str | None
    tools: Iterable[Tool | Callable[..., Any]]
    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    stop: str | Sequence[str]
    seed: int | None
    tool_choice: str | None
    parallel_tool_calls: bool | None
    reasoning: str | ReasoningSettings | None
    options: Mapping[str, Any] | None
    max_steps: int
    timeout: float | None
    retry: RetryPolicy | None
    timeouts: Timeouts | None
    base_url: str | None
    api_key: str | None
    transport: Transport | None
    clock: Clock | None
    random: Callable[[], float] | None


_OF_THE_MODEL = ("base_url", "api_key", "retry", "timeouts", "transport", "clock", "random")


class Agent(Generic[Output]):
    """An agent. ``Agent("openrouter:moonshotai/kimi-k2-0905", system="…", tools=[weather])``.

    Args:
        model: "provider:model", or a :class:`playhead.Model` made before.
        system: the system prompt; put before the messages unless they begin with one.
        tools: functions that the model may call, plain or made with ``@tool``.
        output: the type of the answer; None means text.
        max_tokens: output tokens that one answer may have.
        tool_choice: "auto", "none", "required", or a tool's name; None leaves it to the provider.
        reasoning: how much to think: an effort ("low", "medium", "high") or :class:`playhead.ReasoningSettings`.
        options: the provider's own options, under its own names; checked before anything is sent.
        max_steps: model calls that one run may take.
        timeout: seconds that one run may take, waits included; None means no limit.
        retry: how refusals are met; see :class:`playhead.RetryPolicy`.
        timeouts: seconds for connecting, for the first byte and between chunks.
        base_url, api_key: instead of the provider's own and the environment's.
        transport: what moves the exchanges, instead of HTTP.
        clock, random: where time and chance come from; tests give their own.

    Raises:
        ConfigError: an unknown provider or option (the message names the nearest), or a tool that cannot be told.
    """

    @overload
    def __init__(
        self: Agent[str], model: str | Model, *, output: None = None, **settings: Unpack[Settings]
    ) -> None: ...
    @overload
    def __init__(self, model: str | Model, *, output: type[Output], **settings: Unpack[Settings]) -> None: ...
    def __init__(self, model: str | Model, *, output: Any = None, **settings: Unpack[Settings]) -> None:
        unknown = settings.keys() - Settings.__annotations__.keys()
        if unknown:
            raise ConfigError(
                nearest(f"Agent: unknown argument {min(unknown)!r}", min(unknown), Settings.__annotations__)
            )
        if isinstance(model, Model):
            placed = [name for name in _OF_THE_MODEL if settings.get(name) is not None]
            if placed:
                raise ConfigError(f"{placed[0]} belongs to the model; give it to Model.of(…), not beside a made Model")
            self.model = model
        else:
            self.model = Model.of(
                model,
                base_url=settings.get("base_url"),
                api_key=settings.get("api_key"),
                retry=settings.get("retry"),
                timeouts=settings.get("timeouts"),
                transport=settings.get("transport"),
                clock=settings.get("clock"),
                random=settings.get("random"),
            )
        self.system = settings.get("system")
        self.tools = as_tools(settings.get("tools", ()))
        self.output_type = output
        self.max_steps = settings.get("max_steps", 20)
        if self.max_steps < 1:
            raise ConfigError(
                f"max_steps is the number of model calls a run may take, at least 1; got {self.max_steps}"
            )
        self.timeout = settings.get("timeout")
        reasoning = settings.get("reasoning")
        stop = settings.get("stop", ())
        self._request = Request(
            self.model.name,
            (),
            tools=tuple(item.spec for item in self.tools.values()),
            tool_choice=_tool_choice(settings.get("tool_choice"), self.tools),
            output=output_schema(output),
            max_tokens=settings.get("max_tokens"),
            temperature=settings.get("temperature"),
            top_p=settings.get("top_p"),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            seed=settings.get("seed"),
            parallel_tool_calls=settings.get("parallel_tool_calls"),
            reasoning=ReasoningSettings(effort=reasoning) if isinstance(reasoning, str) else reasoning,
            options=self.model.checked_options(dict(settings.get("options") or {})),
        )

    async def run(
        self,
        prompt: str | Message | Sequence[Message] = (),
        *,
        messages: Sequence[Message] = (),
        tape: str | os.PathLike[str] | Tape | None = None,
        tape_mode: Mode | None = None,
        fail_on_unplayed: bool = False,
    ) -> Run[Output]:
        """Run to the end.

        Args:
            prompt: what to ask: text, a message, or messages.
            messages: a history to go on from (``run.messages`` of an earlier run); the prompt comes after it.
            tape: a path, or a Tape, to record on or play from; None means no tape.
            tape_mode: "once" (play if the tape exists, else record), "replay" (never go live), "record" (anew),
                "resume" (play what is there, go live where it ends), "off". None means what ``PLAYHEAD_TAPE_MODE``
                says, else "replay" where ``CI`` is true, else "once".
            fail_on_unplayed: raise UnplayedError where a replay ends before the tape does.

        Raises:
            PlayheadError: of whatever class fits; ``error.run`` is the run as far as it came.
        """
        stream = self._start(False, prompt, messages, tape, tape_mode, fail_on_unplayed)
        try:
            async for _ in stream.batches:
                pass
        finally:
            await stream.aclose()
        return stream.run

    def stream(
        self,
        prompt: str | Message | Sequence[Message] = (),
        *,
        messages: Sequence[Message] = (),
        tape: str | os.PathLike[str] | Tape | None = None,
        tape_mode: Mode | None = None,
        fail_on_unplayed: bool = False,
    ) -> RunStream[Output]:
        """The same run as events, the model asked to stream: ``async for event in agent.stream("…")``.

        ``stream.run`` is the run, growing as the events come. Leaving the loop early closes the connection; use
        ``async with agent.stream(…) as stream`` to close it at once and not when it is collected.
        """
        return self._start(True, prompt, messages, tape, tape_mode, fail_on_unplayed)

    def run_sync(
        self,
        prompt: str | Message | Sequence[Message] = (),
        *,
        messages: Sequence[Message] = (),
        tape: str | os.PathLike[str] | Tape | None = None,
        tape_mode: Mode | None = None,
        fail_on_unplayed: bool = False,
    ) -> Run[Output]:
        """:meth:`run`, for code that is not async. Safe from several threads at once.

        Raises:
            ConfigError: called inside a running event loop, which it would block; await ``agent.run`` there.
        """
        from playhead.agent.blocking import block_on

        return block_on(
            self.run(prompt, messages=messages, tape=tape, tape_mode=tape_mode, fail_on_unplayed=fail_on_unplayed)
        )

    def _start(
        self,
        streamed: bool,
        prompt: str | Message | Sequence[Message],
        messages: Sequence[Message],
        tape: str | os.PathLike[str] | Tape | None,
        tape_mode: Mode | None,
        fail_on_unplayed: bool,
    ) -> RunStream[Output]:
        history = (*messages, *as_messages(prompt))
        if not history:
            raise ConfigError("nothing to ask: give a prompt, or messages that end with one")
        if self.system is not None and history[0].role != "system":
            history = (system_message(self.system), *history)
        request = self._request
        if streamed:
            request = msgspec.structs.replace(request, stream=True)
        plan = Plan(request, self.tools, self.max_steps, fail_on_unplayed)
        return RunStream(self, Run(history), plan, tape, tape_mode)


class RunStream(Generic[Output]):
    """A run under way, as an async iterator of events. ``run`` is its record so far."""

    def __init__(
        self,
        agent: Agent[Output],
        run: Run[Output],
        plan: Plan,
        tape: str | os.PathLike[str] | Tape | None,
        tape_mode: Mode | None,
    ) -> None:
        self.run = run
        self._agent = agent
        self._plan = plan
        self._tape, self._mode = tape, tape_mode
        self.batches: AsyncGenerator[Sequence[Event], None] = self._batches()
        self._events: AsyncGenerator[Event, None] | None = None

    def __aiter__(self) -> AsyncIterator[Event]:
        if self._events is None:
            self._events = self._flat()
        return self._events

    async def _flat(self) -> AsyncGenerator[Event, None]:
        try:
            async for batch in self.batches:
                for event in batch:
                    yield event
        finally:
            await self.batches.aclose()

    async def __aenter__(self) -> RunStream[Output]:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop the run where it is: the connection is closed, running tools are cancelled, the tape is let go."""
        if self._events is not None:
            await self._events.aclose()
        await self.batches.aclose()

    async def _batches(self) -> AsyncGenerator[Sequence[Event], None]:
        run, agent = self.run, self._agent
        session: Session | None = None
        try:
            if self._tape is not None:
                from playhead.tapes import default_mode, open_session

                mode = self._mode or default_mode(os.environ)
                session = open_session(self._tape, mode, secrets=agent.model.secrets())
                run.tape = session.tape
                run.warnings.extend(session.tape.warnings)
            call = agent.model.call(session)
            async with aclosing(drive(run, self._plan, call, session)) as steps:
                async for batch in steps if agent.timeout is None else _within(steps, agent.timeout):
                    if type(batch[-1]) is RunEnd:
                        self._finish()
                    yield batch
        except BaseException as error:
            _attach(error, run)
            raise
        finally:
            if session is not None:
                run.warnings.extend(note for note in session.notes if note not in run.warnings)
                session.close()

    def _finish(self) -> None:
        kind = self._agent.output_type
        if kind is not None and kind is not str:
            self.run.output = read_output(kind, self.run.text)


async def _within(batches: AsyncIterator[Sequence[Event]], seconds: float) -> AsyncIterator[Sequence[Event]]:
    """The batches, for so many seconds in all; the time that the consumer takes counts."""
    import asyncio

    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                batch = await anext(batches)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            if isinstance(error, TimeoutExceeded):
                raise
            raise TimeoutExceeded(f"the run took longer than its timeout of {seconds:g} s", retryable=False) from None
        yield batch


def _attach(error: BaseException, run: Run[Any]) -> None:
    try:
        error.run = run  # type: ignore[attr-defined]
    except AttributeError:  # an exception class with slots: it goes on without
        return


def _tool_choice(choice: str | None, tools: Mapping[str, Tool]) -> ToolChoice | None:
    match choice:
        case None | "auto" | "none" | "required":
            return choice
    if choice in tools:
        return NamedTool(choice)
    raise ConfigError(
        f'tool_choice {choice!r}: expected "auto", "none", "required" or the name of a tool; there are: '
        + (", ".join(tools) or "none")
    )
