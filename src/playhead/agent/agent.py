"""The agent: a model, a system prompt and tools, ready to run.

``await agent.run(prompt)``, ``async for event in agent.stream(prompt)`` and ``agent.run_sync(prompt)`` are one loop
(:func:`playhead.agent.run.drive`). An agent holds no state of a run: it may run any number of times, at once, from any
thread. With ``tape=`` everything a run asks of the outside world is recorded as it happens, or played back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypedDict, TypeVar, Unpack, overload

import msgspec

from playhead.agent.decide import Finish, decide
from playhead.agent.drive import Plan
from playhead.agent.output import output_schema
from playhead.agent.run import Run
from playhead.agent.stream import RunStream, driven
from playhead.agent.tools import AnyTool, as_tools
from playhead.errors import ConfigError, nearest
from playhead.messages import Message, as_messages, closed, system as system_message
from playhead.model import Model
from playhead.request import NamedTool, ReasoningSettings, Request, ToolChoice

if TYPE_CHECKING:
    from playhead.tapes import Mode, Tape
    from playhead.transport.base import Transport
    from playhead.transport.http import Timeouts
    from playhead.transport.retry import Clock, RetryPolicy

Output = TypeVar("Output")


class Settings(TypedDict, total=False):
    """What an agent may be given besides its model; see :class:`Agent`."""

    system: str | None
    tools: Iterable[AnyTool | Callable[..., Any]]
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


class Agent(Generic[Output]):
    """An agent. ``Agent("openrouter:moonshotai/kimi-k2-0905", system="…", tools=[weather])``.

    Args:
        model: "provider:model", or a :class:`playhead.Model` made before.
        system: the system prompt; put before the messages unless they begin with one.
        tools: functions that the model may call, plain or made with ``@tool``.
        output: the type of the answer; None means text.
        max_tokens: output tokens that one answer may have.
        temperature, top_p, stop, seed: how the answer is drawn; None leaves it to the provider.
        parallel_tool_calls: whether the model may ask for several tools at once.
        tool_choice: "auto", "none", "required", or a tool's name; None leaves it to the provider. A tool that is
            forced is forced until the first calls have their results; then the choice is the provider's default.
        reasoning: how much to think: an effort ("low", "medium", "high") or :class:`playhead.ReasoningSettings`.
        options: the provider's own options, under its own names; checked before anything is sent.
        max_steps: model calls that one run may take.
        timeout: seconds that one run may take, waits included; None means no limit. LimitError when they have passed.
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
        self: Agent[str], model: str | Model, *, output: type[str] | None = None, **settings: Unpack[Settings]
    ) -> None: ...
    @overload
    def __init__(self, model: str | Model, *, output: type[Output], **settings: Unpack[Settings]) -> None: ...
    @overload
    def __init__(self: Agent[Any], model: str | Model, *, output: Any, **settings: Unpack[Settings]) -> None: ...
    def __init__(
        self,
        model: str | Model,
        *,
        system: str | None = None,
        tools: Iterable[AnyTool | Callable[..., Any]] = (),
        output: Any = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stop: str | Sequence[str] = (),
        seed: int | None = None,
        tool_choice: str | None = None,
        parallel_tool_calls: bool | None = None,
        reasoning: str | ReasoningSettings | None = None,
        options: Mapping[str, Any] | None = None,
        max_steps: int = 20,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        transport: Transport | None = None,
        clock: Clock | None = None,
        random: Callable[[], float] | None = None,
        **unknown: Any,
    ) -> None:
        if unknown:
            name = min(unknown)
            raise ConfigError(nearest(f"Agent: unknown argument {name!r}", name, Settings.__annotations__))
        of_the_model = {
            "base_url": base_url,
            "api_key": api_key,
            "retry": retry,
            "timeouts": timeouts,
            "transport": transport,
            "clock": clock,
            "random": random,
        }
        if isinstance(model, Model):
            for name, value in of_the_model.items():
                if value is not None:
                    raise ConfigError(f"{name} belongs to the model: give it to Model.of(…), not beside a made Model")
            self.model = model
        else:
            self.model = Model.of(model, **of_the_model)  # type: ignore[arg-type]
        stops = (stop,) if isinstance(stop, str) else tuple(stop)
        _check(
            system=system,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            stop=stops,
            seed=seed,
            parallel_tool_calls=parallel_tool_calls,
            max_steps=max_steps,
            timeout=timeout,
        )
        self.system = system
        self.tools = as_tools(tools)
        self.output_type = output
        self.max_steps = max_steps
        self.timeout = timeout
        self._request = Request(
            self.model.name,
            (),
            tools=tuple(item.spec for item in self.tools.values()),
            tool_choice=_tool_choice(tool_choice, self.tools),
            output=output_schema(output),
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            stop=stops,
            seed=seed,
            parallel_tool_calls=parallel_tool_calls,
            reasoning=ReasoningSettings(effort=reasoning) if isinstance(reasoning, str) else reasoning,
            options=self.model.checked_options(dict(options or {})),
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
            tape_mode: "once" (play the tape if it was there, else record it, and go on with it), "replay" (never go
                live), "record" (anew), "resume" (play what is there, go live where it ends), "off". None means what
                ``PLAYHEAD_TAPE_MODE`` says, else "replay" where ``CI`` is true, else "once".
            fail_on_unplayed: raise UnplayedError where a replay ends before the tape does.

        Raises:
            PlayheadError: of whatever class fits; ``error.run`` is the run as far as it came.
        """
        return await self._start(False, prompt, messages, tape, tape_mode, fail_on_unplayed).drain()

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
        asked = as_messages(prompt)
        history = (*closed(as_messages(messages)), *asked) if asked else as_messages(messages)
        if decide(history, 0, 1) == Finish("answer") or not history:
            raise ConfigError("nothing to ask: give a prompt, or messages that do not end with an answer")
        if self.system is not None and history[0].role != "system":
            history = (system_message(self.system), *history)
        request = self._request
        if streamed:
            request = msgspec.structs.replace(request, stream=True)
        plan = Plan(request, self.tools, self.max_steps, fail_on_unplayed, self.output_type, self.timeout)
        run: Run[Output] = Run(history)
        return RunStream(run, driven(self.model, run, plan, tape, tape_mode))


class _Checked(msgspec.Struct):
    """The settings that are plain values, and what they may be."""

    system: str | None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None
    temperature: Annotated[float, msgspec.Meta(ge=0)] | None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None
    stop: tuple[str, ...]
    seed: int | None
    parallel_tool_calls: bool | None
    max_steps: Annotated[int, msgspec.Meta(ge=1)]
    timeout: Annotated[float, msgspec.Meta(gt=0)] | None


def _check(**settings: Any) -> None:
    try:
        msgspec.convert(settings, _Checked)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        raise ConfigError(f"Agent: {place.rstrip('`')}: {what[:1].lower()}{what[1:]}") from None


def _tool_choice(choice: str | None, tools: Mapping[str, AnyTool]) -> ToolChoice | None:
    match choice:
        case None | "auto" | "none" | "required":
            return choice
    if choice in tools:
        return NamedTool(choice)
    raise ConfigError(
        f'tool_choice {choice!r}: expected "auto", "none", "required" or the name of a tool; there are: '
        + (", ".join(tools) or "none")
    )
