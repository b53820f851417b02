"""Go on from a recorded run, differently: play up to a step, change one thing, go on live.

::

    run = await fork("florence.yaml", at=1, set={"tool:weather": "12 C"}, tape="colder.yaml")
    retake = await rerun("florence.yaml", model="local:smollm2")

Where nothing else is said, model, prompts, tools and settings are those of the tape's own request. Tools are answered
from the tape where the call is the same (:mod:`.known_tools`). The new tape holds the whole: what was
kept, byte for byte, and then what was asked anew; the first new exchange has the header ``Playhead-Fork``, by which a
replay knows that the run was changed there, and a result that was set has ``Playhead-Set``. So the new tape replays
whole, and ``playhead diff OLD NEW`` shows the change and what came of it. A run that fails before it has asked or done
anything leaves no file, and one that stood there as it was.

``rerun`` here asks the same task of another model, live. The function of that name in :mod:`.rerun` plays a tape again
on its own answers, and asks nobody.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from playhead.agent.drive import drive
from playhead.agent.events import RunEnd, RunFailed, RunStart, ToolEnd, Watch
from playhead.agent.plan import Plan
from playhead.agent.run import Run
from playhead.agent.taped import CALL_ID
from playhead.agent.tools import AnyTool, as_tools
from playhead.agent.watching import as_watch
from playhead.deck.compare import Comparison, compare
from playhead.deck.cut import Cut, cut
from playhead.deck.known_tools import Known, KnownTool, asked_tools
from playhead.deck.new_file import NewFile
from playhead.deck.question import FORK, Question
from playhead.deck.rerun import defined_elsewhere
from playhead.deck.transcript.values import Step
from playhead.errors import ConfigError, TapeMissError, TapeModeError
from playhead.given import check, check_there
from playhead.messages import Message, as_messages, system as system_message
from playhead.model import AnyModel, Model
from playhead.tapes import Interaction, Session, Tape, open_session
from playhead.transport.auth import check_key
from playhead.wire import Headers, HTTPRequest, header

if TYPE_CHECKING:
    from playhead.agent.watching import OnEvent

AnyTape = str | os.PathLike[str] | Tape
#: The response header of a tool's result that no tool gave.
SET = "Playhead-Set"


class Retake(msgspec.Struct):
    """The same task again: the run, and how it compares with the recorded one."""

    run: Run[Any]
    comparison: Comparison


async def fork(
    recorded: AnyTape,
    /,
    *,
    at: int,
    set: Mapping[str, Any] | None = None,
    model: str | AnyModel | None = None,
    system: str | None = None,
    prompt: str | Message | None = None,
    tools: Iterable[AnyTool | Callable[..., Any]] = (),
    tape: AnyTape | None = None,
    missing: Literal["error", "end"] = "error",
    conversation: int = 1,
    max_steps: int = 20,
    force: bool = False,
    on_event: OnEvent | None = None,
) -> Run[Any]:
    """Play a recorded run up to a step, change something, and go on live.

    Args:
        recorded: the tape, or its path; it is not changed.
        at: the step, from 1. Without ``set`` its question is asked anew; with ``set`` its answer stands, and the run
            goes on behind it. One behind the last step, with a ``prompt``, goes on with the conversation.
        set: results of the tools that step ``at`` called, by ``"tool:NAME"`` or, of one call alone, ``"call:ID"``:
            whatever a tool may return.
        model: asked from there on, instead of the recorded one: "provider:model" or a Model. Options of the recorded
            provider are left out where it is another's.
        system: the system prompt from there on.
        prompt: instead of what the user said at this step; where the user said nothing there, it is said behind the
            results of the tools.
        tools: functions for calls that the tape has no result of; new ones are told to the model as well.
        tape: where the whole is recorded: a path where nothing is yet, or an empty Tape. None records in memory.
        missing: what is done about a call that neither the tape nor ``tools`` can answer: "error" raises, "end" ends
            the run there.
        conversation: which one of the tape, from 1.
        max_steps: model calls that the run may take beyond what is kept.
        force: write over a file that is at the new tape's path; ``recorded`` is never written over.
        on_event: called with every event of what is new, and the run.

    Returns:
        The run with the kept steps before the new ones. ``run.tape`` is the new tape.

    Raises:
        ConfigError: there is no such step or call, or what is asked cannot be.
        AuthenticationError: there is no key; nothing has been asked, done or written.
        TapeModeError: there is something at the new tape's path already.
        TapeMissError: the model calls a tool that nothing answers; ``error.run`` is the run as far as it came.
        PlayheadError: what the live run raised.
    """
    if missing not in ("error", "end"):
        raise ConfigError(f'missing is {missing!r}; "error" or "end" is expected')
    _check(recorded, model, tape, conversation, max_steps)
    check("fork", set=set, system=system)
    check_there("fork", "at", at)
    source = _loaded(recorded)
    fixed = _targets(set or {})
    found = cut(source, at, fixed, number=conversation)
    if fixed and prompt is not None:
        raise ConfigError(f"set= and prompt= at one step: the results come first; say the prompt at={at + 1}")
    if prompt is not None:
        _say(found.run.messages, prompt)
    elif at > len(found.talk.steps):
        raise ConfigError(f"step {at} is behind the end of the conversation: give a prompt= to go on with it")
    if system is not None:
        found.run.messages[:] = [
            system_message(system),
            *(message for message in found.run.messages if message.role != "system"),
        ]
    taking = _Taking(source, found, fixed, model, tools, missing, max_steps, on_event)
    await taking.go(tape, (), force)
    return found.run


def fork_sync(recorded: AnyTape, /, **change: Any) -> Run[Any]:
    """:func:`fork`, for code that is not async."""
    from playhead.blocking import block_on

    return block_on(fork(recorded, **change), "fork_sync", "await playhead.fork(…)")


async def rerun(
    recorded: AnyTape,
    /,
    *,
    model: str | AnyModel,
    system: str | None = None,
    tools: Iterable[AnyTool | Callable[..., Any]] = (),
    tape: AnyTape | None = None,
    missing: Literal["error", "end"] = "error",
    conversation: int = 1,
    max_steps: int = 20,
    force: bool = False,
    on_event: OnEvent | None = None,
) -> Retake:
    """Give the task of a recorded run to another model, its tools answered from the tape where the call is the same.

    The user says what was said on the tape, turn by turn, whatever the model answers. The arguments are those of
    :func:`fork`, and so is what it raises.

    Returns:
        The run, and its comparison with the recorded one.
    """
    if missing not in ("error", "end"):
        raise ConfigError(f'missing is {missing!r}; "error" or "end" is expected')
    _check(recorded, model, tape, conversation, max_steps)
    check("rerun", system=system)
    source = _loaded(recorded)
    found = cut(source, 1, number=conversation)
    if system is not None:
        spoken = [message for message in found.run.messages if message.role != "system"]
        found.run.messages[:] = [system_message(system), *spoken]
    taking = _Taking(source, found, {}, model, tools, missing, max_steps, on_event)
    made = await taking.go(tape, found.talk.steps[1:], force)
    return Retake(found.run, compare(source, made, only=(conversation, 1)))


def rerun_sync(recorded: AnyTape, /, **change: Any) -> Retake:
    """:func:`rerun`, for code that is not async."""
    from playhead.blocking import block_on

    return block_on(rerun(recorded, **change), "rerun_sync", "await playhead.rerun(…)")


def _check(recorded: Any, model: Any, tape: Any, conversation: Any, max_steps: Any) -> None:
    """What :func:`fork` and :func:`rerun` are both given."""
    for name, value in {"recorded": recorded, "conversation": conversation, "max_steps": max_steps}.items():
        check_there("fork", name, value)
    check("fork", model=model, tape=tape)


class _Taking:
    """A run that goes on from a cut."""

    def __init__(
        self,
        source: Tape,
        found: Cut,
        fixed: Mapping[str, Any],
        model: str | AnyModel | None,
        tools: Iterable[AnyTool | Callable[..., Any]],
        missing: str,
        max_steps: int,
        on_event: OnEvent | None,
    ) -> None:
        self._source, self._found, self._missing = source, found, missing
        self._model: AnyModel = (
            _model_of(found.question) if model is None else (Model.of(model) if isinstance(model, str) else model)
        )
        request = found.question.request
        if not _same_provider(self._model, found.question) and request.options:
            names = ", ".join(sorted(map(str, request.options)))
            found.run.warnings.append(f"left out, as they are {found.question.provider.name}'s own options: {names}")
            request = msgspec.structs.replace(request, options={})
        known = Known(found.talk, found.at, fixed)
        specs, answering = asked_tools(request.tools, defined_elsewhere(request), known, as_tools(tools))
        asked = msgspec.structs.replace(request, model=self._model.name, messages=(), tools=specs)
        self._known, self._own = known, {name for name, one in answering.items() if not isinstance(one, KnownTool)}
        watch = as_watch(on_event)
        self._plan = Plan(
            asked,
            answering,
            max_steps=len(found.run.steps) + max_steps,
            watch=None if watch is None else _Timeless(watch, self._is_made),
        )

    def _is_made(self, name: str, id: str) -> bool:
        """Whether a function answered this call, so that its time says something."""
        return name in self._own or id in self._known.made

    async def go(self, tape: AnyTape | None, later: Sequence[Step], force: bool) -> Tape:
        """Go on to the end; then say what the user said in these later steps. The new tape."""
        run, watch = self._found.run, self._plan.watch
        check_key(getattr(self._model, "key", None), self._model.provider.name)
        place = NewFile(tape, self._source, force)
        try:
            session = _session(tape, self._source, self._found.kept, self._model.secrets())
        except BaseException:
            place.take_back()
            raise
        run.tape = session.tape
        name = self._source.path.name if self._source.path is not None else "a tape"
        marking: Any = _Marking(session, f"{name}, step {self._found.at}", self._is_made)
        going = False
        try:
            call = self._model.call(marking)
            if watch is not None:
                watch(RunStart(run, asked=call.whom(self._plan.request), request=self._plan.request), run)
            said = [step.said for step in later if any(message.role == "user" for message in step.said)]
            for turn in (None, *said):
                run.messages.extend(turn or ())
                async with aclosing(drive(run, self._plan, call, marking)) as batches:
                    async for batch in batches:
                        for event in batch if watch is not None else ():
                            if not isinstance(event, RunEnd) or turn is (said[-1] if said else None):
                                watch(event, run)  # type: ignore[misc]
        except TapeMissError as error:
            if self._missing != "end":
                self._failed(error)
                raise
            run.warnings.append(f"the run ends here: {str(error).partition(' Give ')[0]}")
            going = True
        except BaseException as error:
            self._failed(error)
            raise
        else:
            going = True
        finally:
            session.close()
            if going or marking.live or self._known.made:  # else nothing was asked or done
                place.keep()
            else:
                place.take_back()
            run.warnings.extend(note for note in session.notes if note not in run.warnings)
        return session.tape

    def _failed(self, error: BaseException) -> None:
        error.run = self._found.run  # type: ignore[attr-defined]
        if self._plan.watch is not None:
            self._plan.watch(RunFailed(self._found.run, error), self._found.run)


class _Marking:
    """A session that marks what is new: the first answer, and results that were set. What no function made took no
    time. ``live`` says that an answer was recorded."""

    def __init__(self, session: Session, origin: str, is_made: Callable[[str, str], bool]) -> None:
        self._session, self._origin, self._is_made = session, origin, is_made
        self.live = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def record(self, request: HTTPRequest, *, headers: Headers, **said: Any) -> Interaction:
        """Record, marked where it is due."""
        if request.method != "CALL":
            if not self.live:
                headers = (*headers, (FORK, self._origin))
            self.live = True
        else:
            if not self.live:  # before anything is asked, only what was set is answered
                headers = (*headers, (SET, "true"))
            if not self._is_made(request.url.removeprefix("tool:"), header(request.headers, CALL_ID) or ""):
                said["nanoseconds"] = 0
        return self._session.record(request, headers=headers, **said)


class _Timeless:
    """A watcher that is told of what no function made as of what is the tape's."""

    def __init__(self, watch: Watch, is_made: Callable[[str, str], bool]) -> None:
        self._watch, self._is_made = watch, is_made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._watch, name)

    def __call__(self, event: Any, run: Run[Any]) -> None:
        if isinstance(event, ToolEnd) and not self._is_made(event.result.name, event.result.call_id):
            event = msgspec.structs.replace(event, duration=0.0, replayed=True)
        self._watch(event, run)


def _loaded(tape: AnyTape) -> Tape:
    return tape if isinstance(tape, Tape) else Tape.load(tape)


def _targets(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is set, by the tool's name or the call's id."""
    made = {}
    for target, value in given.items():
        kind, colon, name = target.partition(":")
        if kind not in ("tool", "call") or not colon or not name:
            raise ConfigError(f'set {target!r}: expected "tool:NAME" or "call:ID"')
        made[name] = value
    return made


def _say(messages: list[Message], prompt: str | Message) -> None:
    """The user says this, instead of what was said last where that was the user."""
    if messages and messages[-1].role == "user":
        messages.pop()
    messages.extend(as_messages(prompt))


def _model_of(found: Question) -> Model:
    """The recorded model, to be asked live, in the hand that the recorded request was written in."""
    provider = found.provider
    local = provider.name == "local"
    id = f"{provider.name}:{found.request.model}"
    model = Model.of(id, base_url=None if local else provider.base_url)
    model.endpoint = msgspec.structs.replace(found.own, base_url=model.endpoint.base_url)
    return model


def _same_provider(model: AnyModel, found: Question) -> bool:
    return model.provider.name == found.provider.name


def _session(tape: AnyTape | None, source: Tape, kept: Sequence[Interaction], secrets: Sequence[str]) -> Session:
    """The new tape, what is kept on it and played, so that nothing of it is played again."""
    start = source.copy(None)
    start.interactions = kept
    if kept and not Tape.loads(start.dumps()).appendable:  # laid out so that nothing can be put behind it
        start = Tape(kept)
    if isinstance(tape, Tape):
        if tape.interactions:
            raise TapeModeError("the new tape holds something already: give an empty one")
        for item in kept:
            tape.append(item)
        opened: str | os.PathLike[str] | Tape = tape
    elif tape is None:
        opened = start
    else:
        path = Path(tape)
        if kept:
            start.save(path)
        opened = path
    session = open_session(opened, "resume", secrets=secrets)
    for item in kept:
        request = item.request
        session.play(HTTPRequest(request.method, request.url, (), request.body))
    return session
