"""A model that answers by script: no socket, no wire, no time.

::

    model = ScriptedModel("hi", tool_call("weather", location="Florence"), lambda request: request.messages[-1].text)
    run = Agent(model, tools=[weather]).run_sync("…")
    assert model.requests[0].tools[0].name == "weather"

It stands where an agent takes a model, and what it is asked and what it says are playhead's own values: for tests of
tools, loops and prompts, where no byte matters. Refusals, retries, cut streams and budgets are the real ones, met by
the real loop; a wait before a retry is counted and not waited. What is wrong with bytes (a garbled body, a strange
content type) needs a wire, and :class:`playhead.testing.FakeProvider`.

Nothing that it says goes onto a tape, as nothing of it was on a wire; the calls of tools do.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from playhead.call import Call
from playhead.dialects.base import Endpoint
from playhead.errors import ConfigError, CutStreamError, ModelError
from playhead.events import AttemptEvent, ModelEvent, PartDelta, ResponseEnd
from playhead.fold import unfold
from playhead.messages import Part, ToolCall
from playhead.model import Model, dialect_named
from playhead.providers.base import Provider, profile_for
from playhead.request import Request
from playhead.response import Response
from playhead.testing.answers import Answer, Said, as_answer, reply
from playhead.testing.bill import counted
from playhead.testing.speech import pieces
from playhead.transport.retry import Answer as Answered, Batches, Exchange, RetryPolicy, attempts, enrich
from playhead.wire import HTTPRequest, HTTPResponse

if TYPE_CHECKING:
    from playhead.tapes import Session

#: What a scripted model may be given to say: what a fake provider may be, and a call alone.
Line: TypeAlias = Said | ToolCall
#: An item of its script, or a function of the request, plain or async, that gives one.
Scripted: TypeAlias = Line | Callable[[Request], Line | Awaitable[Line]]

_PROVIDER = Provider("scripted", "", (), {}, "", auth="optional")


class ScriptedModel(Model):
    """A model that says what it is told to, one item for each time that it is asked.

    Args:
        script: text, a call (:func:`playhead.testing.tool_call`), a Response, an error, what
            :func:`playhead.testing.reply` and :func:`playhead.testing.refuse` make, or a function, plain or async, that
            is given the request and returns one of these.
        answer: what is said when the script is used up; None makes that an error.
        name: the model's name, as the request has it.
        retry: how refusals are met; by default as anywhere, without waits.

    Attributes:
        requests: what was asked, in order, each attempt by itself.
    """

    def __init__(
        self,
        *script: Scripted,
        answer: Scripted | None = None,
        name: str = "scripted",
        retry: RetryPolicy | None = None,
    ) -> None:
        super().__init__(
            f"scripted:{name}",
            name,
            _PROVIDER,
            Endpoint("scripted", "", profile_for(_PROVIDER, name)),
            dialect_named("openai_chat"),
            key=None,
            wire=_NoWire(),
            retry=retry or RetryPolicy(),
            clock=_UnwaitedClock(),
        )
        self.requests: list[Request] = []
        self._answer = answer
        self._script: deque[Scripted] = deque()
        self.script(*script)

    def script(self, *more: Scripted) -> None:
        """Say this too, after what the script holds already.

        Raises:
            ConfigError: something among it is no answer, or one that needs a wire.
        """
        for item in more:
            if not callable(item):
                _said(item)
        self._script.extend(more)

    @property
    def left(self) -> int:
        """How many items of the script were not asked for yet."""
        return len(self._script)

    def checked_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """Any option is fine."""
        return options

    def call(self, session: Session | None = None) -> Call:
        """One run's line to the model."""
        return _Line(self, session, self._next)

    async def _next(self, request: Request) -> tuple[Answer, int]:
        """What is said to a request, and its number, from 1."""
        self.requests.append(request)
        number = len(self.requests)
        try:
            item: Scripted | None = self._script.popleft()
        except IndexError:
            item = self._answer
        if item is None:
            last = request.messages[-1]
            raise ConfigError(
                f"the script is used up: request {number} has no answer in it, whose last message is the {last.role}'s "
                f"{_shown(last.parts)}; give ScriptedModel one more item, or answer="
            )
        if not callable(item):
            return _said(item), number
        given = item(request)
        return _said(await given if isinstance(given, Awaitable) else given), number


class _Line(Call):
    """One run's line: events instead of bytes, the attempts and what guards them as ever."""

    def __init__(
        self, model: Model, session: Session | None, next: Callable[[Request], Awaitable[tuple[Answer, int]]]
    ) -> None:
        super().__init__(model, session)
        self._next = next

    def place_on_tape(self, request: Request) -> int | None:
        """Nowhere: nothing of a script is on a tape."""
        return None

    def stream(
        self, request: Request, *, step: int, after: int = 0, elsewhere: Callable[[], bool] | None = None
    ) -> AsyncGenerator[Sequence[ModelEvent | AttemptEvent], None]:
        """Ask, and yield what happens in batches, until the answer is whole, as its base does.

        Raises:
            ModelError: the script says so, and asking again does not mend it; ``error.attempts`` are the tries.
            ConfigError: the script is used up.
        """
        model, whom = self._model, self.whom(request)

        async def attempt(exchange: Exchange) -> Answered:
            exchange.asked = whom
            size = len(msgspec.json.encode(request.messages))
            if self._gate is not None:
                await self._gate.enter(HTTPRequest("POST", "scripted:", (), b" " * size))
            answer, number = await self._next(request)
            if answer.delay:
                await _sleep(answer.delay)
            if isinstance(answer.says, ModelError):
                raise enrich(copy(answer.says), answer.headers, self.clock.time())
            exchange.status = 200
            self.heard += 1
            assert isinstance(answer.says, Response)  # noqa: S101 - bytes were refused by _said
            response = _named(answer.says, request, number, size)
            if request.stream:
                return _in_pieces(response, answer)
            if answer.error is not None:
                raise copy(answer.error)
            if answer.cut_after is not None:
                raise CutStreamError("the script cuts the answer")
            return unfold(response)

        return attempts(
            attempt,
            step=step,
            policy=model.retry,
            clock=self.clock,
            random=model.random,
            after=after,
            elsewhere=elsewhere,
        )


async def _in_pieces(response: Response, answer: Answer) -> Batches:
    said = 0
    for event in pieces(response):
        if isinstance(event, PartDelta):
            if said == answer.cut_after:
                break
            if said and answer.pause:
                await _sleep(answer.pause)
            said += 1
        if isinstance(event, ResponseEnd) and (answer.error is not None or answer.cut_after is not None):
            break
        yield (event,)
    else:
        if answer.hold:
            await _sleep(float("inf"))
        return
    raise copy(answer.error) if answer.error is not None else CutStreamError(f"the script cuts it after {said} deltas")


def _said(item: object) -> Answer:
    """An item of the script as an answer that can be said without a wire.

    Raises:
        ConfigError: it is none.
    """
    answer = reply(item) if isinstance(item, ToolCall) else as_answer(item)  # type: ignore[arg-type]
    if isinstance(answer.says, bytes) or answer.content_type is not None:
        raise ConfigError("a ScriptedModel has no wire to say raw bytes on; FakeProvider has")
    return answer


def _named(response: Response, request: Request, number: int, size: int) -> Response:
    """The response with what a provider adds to it: an id, ids of its calls, the model, usage as a fake provider counts
    it, four bytes a token."""
    parts = tuple(
        msgspec.structs.replace(part, id=f"call_{number}_{index}")
        if isinstance(part, ToolCall) and not part.id
        else part
        for index, part in enumerate(response.parts)
    )
    return msgspec.structs.replace(
        response,
        parts=parts,
        usage=counted(response, size, None),
        id=response.id or f"scripted-{number}",
        model=response.model or request.model,
    )


def _shown(parts: tuple[Part, ...]) -> str:
    words = " ".join(str(getattr(part, "text", type(part).__name__)) for part in parts)
    return repr(words if len(words) <= 80 else f"{words[:79]}…")


async def _sleep(seconds: float) -> None:
    import asyncio

    if seconds == float("inf"):
        await asyncio.get_running_loop().create_future()  # never; whoever waits is cancelled
    await asyncio.sleep(seconds)


class _UnwaitedClock:
    """A clock that passes over waits instead of taking them: it is as late as if they had been taken."""

    def __init__(self) -> None:
        self._passed = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._passed

    def time(self) -> float:
        return time.time() + self._passed

    async def sleep(self, seconds: float) -> None:
        self._passed += seconds
        await _sleep(0)


class _NoWire:
    """The transport of a model that has none."""

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        raise ConfigError("a ScriptedModel sends nothing; it is asked by an Agent, or by ask()")

    async def aclose(self) -> None:
        return
