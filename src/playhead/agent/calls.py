"""The calls of one step: which run at once, which wait, and what stands on the tape before and after each.

A call whose result is on the tape is not made. Else what the tool does to the world decides (:data:`.tools.Effect`):
reads and idempotent calls run at once, writes one after another in the order asked. Before a call that is not a plain
read begins, a mark with its idempotency key is on the tape (:mod:`.taped`), so that a run which is taken up after a
crash knows of it: an idempotent call is made again with the same key, a write that had begun stops the run until
someone says what became of it. A write that took longer than its timeout has a result, and its thread may go on: the
next one begins when that has ended.

A call may want a person's word (``approve``). Functions that decide are asked one at a time, in order; a call on which
nobody decides waits, and every write after it with it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from playhead.agent import taped
from playhead.agent.content import Content
from playhead.agent.context import Context
from playhead.agent.events import ToolProgress
from playhead.agent.inner_tape import has_begun
from playhead.agent.late import too_late
from playhead.agent.pending import Pending, refusal_of
from playhead.agent.signature import takes_two
from playhead.agent.tools import AnyTool, Approve, ToolErrors, Verdict, unknown_tool
from playhead.agent.watching import Inside
from playhead.errors import ConfigError, TapeMissError, UnfinishedCallError
from playhead.messages import Message, Text, ToolCall, ToolResult, dump_messages

if TYPE_CHECKING:
    from asyncio import Future

    from playhead.tapes import Interaction, Session
    from playhead.wire import Headers, HTTPRequest

Assume: TypeAlias = Literal["done", "not_done"]


class Decided(msgspec.Struct, frozen=True):
    """What is known beforehand of calls: verdicts, results, runs of other agents that waited, and arguments in place of
    the model's, by call id; and what became of writes that had begun."""

    verdicts: Mapping[str, bool | str] = {}
    results: Mapping[str, ToolResult] = {}
    assume: Assume | None = None
    inner: Mapping[str, Pending] = {}
    arguments: Mapping[str, str] = {}


class Settled(msgspec.Struct, frozen=True):
    """A call has its result, after ``seconds``, 0 where it was not made; ``final`` says that it ends the run, ``error``
    is what the tool raised that was not meant for the model, ``late`` what is to be said of a decision that came too
    late."""

    index: int
    result: ToolResult
    seconds: float
    replayed: bool = False
    final: bool = False
    error: Exception | None = None
    late: str = ""


class Waiting(msgspec.Struct, frozen=True):
    """A call waits: for a decision, for a run of another agent that does (``inner``), or (``held``) for a write before
    it."""

    index: int
    held: bool = False
    inner: Pending | None = None


Outcome: TypeAlias = Settled | Waiting | ToolProgress


class Room(msgspec.Struct):
    """Where the calls of one step are made: what they may know and use.

    ``approve`` is asked about every call whose tool has no function of its own for it. ``tool_errors`` says whether
    what a tool raises is told to the model or ends the run. ``scope`` drives the run.
    ``inside`` gives what a call is made within. ``heard`` says that a model has just asked for the calls; else they
    were given, or played from the tape, and other runs may go on from the same place. ``unended`` are writes that took
    too long and whose threads go on: the next write waits for them.
    """

    tools: Mapping[str, AnyTool]
    session: Session | None
    monotonic: Callable[[], float]
    step: int = 1
    messages: tuple[Message, ...] = ()
    deps: Any = None
    approve: Approve | None = None
    decided: Decided = Decided()
    scope: Any = None
    inside: Inside | None = None
    heard: bool = True
    tool_errors: ToolErrors = "tell"
    unended: list[Future[Any]] = []


async def settle(calls: Sequence[ToolCall], room: Room) -> AsyncGenerator[Outcome, None]:
    """Make the calls, and yield what becomes of them as it does. Leaving early cancels what still runs, and waits until
    it has stopped.

    Raises:
        UnfinishedCallError: writes had begun in an earlier life of the run, and nothing says whether they were done.
    """
    found: list[Settled | _Begun] = []
    missed: TapeMissError | None = None
    for index, call in enumerate(calls):
        try:
            found.append(_on_tape(index, call, room))
        except TapeMissError as miss:  # first what the tape has of the others
            missed = missed or miss
    lost = tuple(one.call for one in found if isinstance(one, _Begun) and one.unsettled(room))
    for one in found:
        if isinstance(one, Settled):
            yield one
    if missed is not None:
        raise missed
    if lost:
        names = ", ".join(f"{call.name} (call {call.id})" for call in lost)
        raise UnfinishedCallError(
            f"{names} had begun when the run was stopped, and the result is not on the tape. Look whether it was done, "
            'and go on with assume="done", assume="not_done" (it is made again, with the same key), or '
            "results={call.id: …}",
            calls=lost,
        )
    begun = [one for one in found if isinstance(one, _Begun)]
    if len(begun) == 1 and begun[0].plain(room):
        yield await begun[0].made(room, _Order())
    elif begun:
        async for outcome in _together(begun, room):
            yield outcome


class _Order:
    """What the calls of one step that may not overlap hold on to."""

    def __init__(self) -> None:
        from asyncio import Lock

        self.writing = Lock()
        self.asking = Lock()
        self.held = False


def _on_tape(index: int, call: ToolCall, room: Room) -> Settled | _Begun:
    """The result that the tape has for a call, or what there is to know before it is made."""
    session, tool = room.session, room.tools.get(call.name)
    begun: str | None = None
    if session is not None and session.has_tool_calls and (tool is None or tool.taped):
        mark = taped.begun_request(call)
        if session.has_answer(mark):
            interaction = session.play(mark)
            begun = taped.key_of(interaction) if interaction is not None else None
        request = taped.call_request(call)
        # Of calls that were under way when a run was stopped any may lack its result: that is no parting from the tape.
        asks = not session.recording or session.has_answer(request)
        interaction = _result_on(session, call, request, room.decided) if asks else None
        if interaction is not None:
            result, final = taped.read_result(call, interaction), taped.is_final(interaction)
            late = too_late(call, result, interaction, room.decided)
            return Settled(index, result, interaction.response.duration, True, final, late=late)
    return _Begun(index, call, tool, begun)


def _result_on(session: Session, call: ToolCall, request: HTTPRequest, decided: Decided) -> Interaction | None:
    """The result of a call, played. One that something was decided of is known by its id: of a call that asks the same,
    something else may have been decided."""
    if session.recording and (call.id in decided.verdicts or call.id in decided.results):
        own = next((one for one in session.answers(request) if taped.is_of(call, one)), None)
        if own is not None:
            session.play_this(own)
        return own
    return session.play(request)


class _Begun(msgspec.Struct, frozen=True):
    """A call to be made. ``key`` is that of an earlier life of the run in which it had begun; None where it had not."""

    index: int
    call: ToolCall
    tool: AnyTool | None
    key: str | None

    def unsettled(self, room: Room) -> bool:
        """Whether it had begun, is not to be repeated, and nobody has said what became of it."""
        if self.key is None or self.tool is None or self.tool.effect != "write":
            return False
        return room.decided.assume is None and self._given(room) is None

    def plain(self, room: Room) -> bool:
        """Whether it can neither wait nor say how far it is."""
        return self.tool is None or not self.tool.takes_context

    async def made(self, room: Room, order: _Order, progress: Callable[[str], None] | None = None) -> Settled | Waiting:
        """Make the call when its turn comes."""
        if self.tool is not None and self.tool.effect == "write":
            async with order.writing:
                if order.held:
                    return Waiting(self.index, held=not self._undecided(room))
                outcome = await self._made(room, order, progress)
                order.held = isinstance(outcome, Waiting)
                return outcome
        return await self._made(room, order, progress)

    async def _made(self, room: Room, order: _Order, progress: Callable[[str], None] | None) -> Settled | Waiting:
        tool, session = self.tool, self._recorder(room)
        result, final = self._known(room), False
        began: float | None = None  # a call that nobody makes takes no time
        error: Exception | None = None
        headers: Headers = ()
        if result is None and tool is not None:
            if self._undecided(room):  # a replay waits as the run did
                return Waiting(self.index)
            self._check_replay(tool, room)
            context = self._context(room, progress)
            verdict = await self._verdict(tool, room, order, context)
            if verdict is None:
                return Waiting(self.index)
            if tool.effect == "write" and room.unended:
                await _ended(room.unended)
            if verdict is True:
                began = room.monotonic()
                if session is not None and tool.effect != "read":
                    self._take(session, room)
                    if self.key is None:
                        taped.record_begun(session, self.call, context.key)
                try:
                    if room.inside is None:
                        outcome = await tool.answer(context.call, context)
                    else:
                        with room.inside(self.call):
                            outcome = await tool.answer(context.call, context)
                finally:
                    if context.thread is not None and not context.thread.done():
                        room.unended.append(context.thread)
                if outcome.waits is not None:
                    return Waiting(self.index, inner=outcome.waits)
                if context.call is not self.call:
                    headers = ((taped.AMENDED, context.call.arguments),)
                error = outcome.error
                if error is not None and room.tool_errors == "raise":
                    raise error
                result, final = self._result(outcome.content, outcome.is_error), outcome.final
            else:
                result = refusal_of(self.call, verdict)
        if result is None:
            result = unknown_tool(self.call, room.tools)
        seconds = 0.0 if began is None else room.monotonic() - began
        if session is not None:
            taped.record_result(session, taped.call_request(self.call), result, seconds, final=final, headers=headers)
        return Settled(self.index, result, seconds, False, final, error)

    def _take(self, session: Session, room: Room) -> None:
        """Of the runs that go on at once from one place of a tape, one makes the call.

        Raises:
            UnfinishedCallError: another has begun it.
        """
        if room.heard:
            return
        from hashlib import sha256

        said = [message for message in room.messages if message.role != "tool"]
        if not session.take((self.call.id, sha256(dump_messages(said)).digest())):
            raise UnfinishedCallError(
                f"{self.call.name} (call {self.call.id}) has been begun by another run that goes on from the same "
                "place of this tape. Wait until that one is over, and go on then: its result is on the tape",
                calls=(self.call,),
            )

    def _check_replay(self, tool: AnyTool, room: Room) -> None:
        """A replay changes nothing in the world.

        Raises:
            TapeMissError: the call would.
        """
        session, refused = room.session, room.decided.verdicts.get(self.call.id, True) is not True
        if session is not None and not session.recording and tool.taped and (tool.effect != "read" or refused):
            raise TapeMissError(
                f"the tape holds no such result of {self.call.name} (call {self.call.id}), and a tool of effect "
                f'"{tool.effect}" does not run while a tape is replayed; tape_mode="resume" goes on where it ends'
            )

    def _undecided(self, room: Room) -> bool:
        """Whether a person is still to be asked about it."""
        known = self.call.id in room.decided.verdicts or self._given(room) is not None
        return self.tool is not None and self.tool.approve is True and room.approve is None and not known

    def _known(self, room: Room) -> ToolResult | None:
        """The result that was given instead of making the call."""
        given = self._given(room)
        if given is None and self.key is not None and self.tool is not None and self.tool.effect == "write":
            return self._result(_DONE) if room.decided.assume == "done" else None
        return given

    def _given(self, room: Room) -> ToolResult | None:
        """The result that somebody gave for this call. Where one of its id had begun and has no result, here or in a
        run inside, it is that one's."""
        given = room.decided.results.get(self.call.id)
        if given is None or (self.key is None and room.session is not None and has_begun(room.session, self.call.id)):
            return None
        return msgspec.structs.replace(given, call_id=self.call.id, name=self.call.name)

    def _result(self, content: Content, is_error: bool = False) -> ToolResult:
        return ToolResult(self.call.id, self.call.name, content, is_error)

    def _recorder(self, room: Room) -> Session | None:
        """The tape that the call goes on; None where there is none."""
        session = room.session if self.tool is None or self.tool.taped else None
        return session if session is not None and session.recording else None

    def _context(self, room: Room, progress: Callable[[str], None] | None) -> Context[Any]:
        amended = room.decided.arguments.get(self.call.id)
        return Context(
            room.deps,
            self.call if amended is None else msgspec.structs.replace(self.call, arguments=amended),
            key=self.key or os.urandom(16).hex(),
            step=room.step,
            messages=room.messages,
            progress=progress,
            scope=room.scope,
        )

    async def _verdict(self, tool: AnyTool, room: Room, order: _Order, context: Context[Any]) -> Verdict:
        """Whether the call may be made; None where nobody has decided."""
        known = room.decided.verdicts.get(self.call.id)
        if known is not None:
            return known
        decide: Any = tool.approve if callable(tool.approve) else room.approve
        if decide is None:
            return None if tool.approve else True
        async with order.asking:
            said = decide(self.call, context) if takes_two(decide) else decide(self.call)
            verdict: Verdict = await said if isinstance(said, Awaitable) else said
            if verdict is not None and not isinstance(verdict, bool | str):
                raise ConfigError(
                    f"approve= of {self.call.name} (call {self.call.id}) gave a {type(verdict).__name__}; True, False, "
                    "text that says why not, or None to wait is expected"
                )
            return verdict


async def _ended(writes: list[Future[Any]]) -> None:
    """Wait until the threads of these writes have ended."""
    from asyncio import wait

    while writes:
        await wait(writes)
        writes[:] = [one for one in writes if not one.done()]


_DONE: Content = (Text("The call was made; its result is not known."),)


async def _together(begun: Sequence[_Begun], room: Room) -> AsyncGenerator[Outcome, None]:
    """What becomes of several calls, as it does."""
    import asyncio

    loop, order, news = asyncio.get_running_loop(), _Order(), asyncio.Event()
    said: list[ToolProgress] = []

    def told(call: ToolCall) -> Callable[[str], None]:
        def tell(text: str) -> None:
            said.append(ToolProgress(room.step, call, text))
            loop.call_soon_threadsafe(news.set)

        return tell

    work: list[Coroutine[Any, Any, Settled | Waiting]] = [one.made(room, order, told(one.call)) for one in begun]
    running = {asyncio.ensure_future(one) for one in work}
    listener = asyncio.ensure_future(news.wait())
    waiting: set[Future[Any]] = set(running)
    replays = room.session is not None and not room.session.recording  # then each plays first what the tape has of it
    missed: TapeMissError | None = None
    try:
        while waiting:
            done, _ = await asyncio.wait({*waiting, listener}, return_when=asyncio.FIRST_COMPLETED)
            if listener in done:
                news.clear()
                listener = asyncio.ensure_future(news.wait())
            while said:
                yield said.pop(0)
            finished = sorted(
                (future for future in running if future in done and future in waiting), key=_failed
            )  # what is there, first
            waiting.difference_update(finished)
            for future in finished:
                if replays and isinstance(error := _error(future), TapeMissError):
                    missed = missed or error
                else:
                    yield future.result()
        if missed is not None:
            raise missed
    finally:
        listener.cancel()
        for future in running:
            future.cancel()
        await asyncio.gather(*running, listener, return_exceptions=True)


def _failed(future: Future[Any]) -> bool:
    return future.cancelled() or future.exception() is not None


def _error(future: Future[Any]) -> BaseException | None:
    return None if future.cancelled() else future.exception()
