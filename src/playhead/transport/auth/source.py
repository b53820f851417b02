"""Credentials that are made anew from time to time: :class:`Source`, and :class:`Asked`, a function of the caller's.

A source is asked at each send, and keeps what it may keep. When what it gave is refused it is asked to
:meth:`~Source.renew` it; of all the runs that were refused at once one does so, and the others take what it got. So do
those that wait for the same answer at any time: :class:`Shared` lets them wait for one task, which belongs to none of
them, so that a run that is cancelled takes nothing from the rest. What a task raises is raised in each of them as an
error of its own, since a run writes into its error.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from playhead.errors import AuthenticationError, PlayheadError
from playhead.wire import Headers, HTTPRequest

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task

#: What ``api_key=`` takes: the key, or a function, plain or async, that gives it.
APIKey: TypeAlias = str | Callable[[], str | Awaitable[str]]

T = TypeVar("T")


class Source(Protocol):
    """Where credentials come from that do not stay the same. What they are is the source's own business."""

    #: The statuses by which a credential is refused that has had its time.
    refusals: frozenset[int]

    async def get(self) -> Any:
        """What is good now.

        Raises:
            AuthenticationError: there is none.
            ConfigError: the library that finds it is not installed.
        """

    async def renew(self, refused: Any) -> Any:
        """What is good instead of this, which was refused; None where there is nothing else."""

    def secrets(self, credential: Any) -> tuple[str, ...]:
        """What of a credential must never be seen."""

    def fields(self, request: HTTPRequest, credential: Any) -> Headers:
        """The header fields that carry it, on this request."""


class Shared:
    """One thing under way at a time, in each event loop, and everybody waits for that one."""

    def __init__(self) -> None:
        self._tasks: WeakKeyDictionary[AbstractEventLoop, Task[Any]] = WeakKeyDictionary()

    def under_way(self) -> Task[Any] | None:
        """What is under way in this event loop; None where nothing is."""
        import asyncio

        task = self._tasks.get(asyncio.get_running_loop())
        return None if task is None or task.done() else task

    def begin(self, work: Awaitable[Any]) -> Task[Any]:
        """Begin it, for everybody."""
        import asyncio

        loop = asyncio.get_running_loop()
        task = self._tasks[loop] = loop.create_task(_awaited(work))
        task.add_done_callback(_seen)
        return task

    async def wait(self, make: Callable[[], Awaitable[Any]]) -> Any:
        """The result of what is under way, or else of ``make()``; as :func:`result`."""
        return await result(self.under_way() or self.begin(make()))


async def result(task: Task[Any]) -> Any:
    """What a task gives, without ending it when whoever waits is cancelled.

    Raises:
        AuthenticationError: it failed; what it raised is the cause. An error of ours is raised as a copy.
    """
    import asyncio

    try:
        return await asyncio.shield(task)
    except Exception as error:
        raise failed(error) from error


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def _seen(task: Task[Any]) -> None:
    """Nobody may be left to see how it ended; that is no reason for a warning."""
    if not task.cancelled():
        task.exception()


def failed(error: Exception) -> PlayheadError:
    """An error of one's own for what happened once for all. Trying again can help where the way to a server failed."""
    if isinstance(error, PlayheadError):
        return copy.copy(error)
    retryable = isinstance(error, OSError) or bool(getattr(error, "retryable", False))
    kind = type(error)
    return AuthenticationError(
        f"no key could be had: {kind.__module__}.{kind.__qualname__} was raised; it is the cause of this error",
        retryable=retryable,
    )


class Asked:
    """A key that a function gives, plain or async. It is asked at each send: a key that is costly to get is the
    function's to keep. A plain function runs in the event loop, so one that waits is to be async."""

    refusals = frozenset({401})

    def __init__(self, function: Callable[[], str | Awaitable[str]], header: str, prefix: str) -> None:
        self._function = function
        #: Who gives the key: those of one function are one customer of the provider.
        self.shared_by = id(function)
        self._header = header
        self._prefix = prefix
        self._asking = Shared()
        self._renewing = Shared()
        #: What it gave last, whoever asked.
        self._last: str | None = None

    def __repr__(self) -> str:
        return "Asked(<hidden>)"

    async def get(self) -> str:
        """What the function gives now; whoever asks while it waits gets the same.

        Raises:
            AuthenticationError: it failed, or gave no key.
        """
        return await self._ask(self._asking)

    async def renew(self, refused: str) -> str | None:
        """Another key than this one; None where the function gives the same again."""
        if self._last == refused:
            await self._ask(self._renewing)
        return self._last if self._last != refused else None

    async def _ask(self, shared: Shared) -> str:
        task, found = shared.under_way(), None
        if task is None:
            try:
                found = self._function()
            except Exception as error:
                raise failed(error) from error
            if hasattr(found, "__await__"):
                task = shared.begin(found)
        if task is not None:
            found = await result(task)
        key = clean(found, "what the function api_key= gave") if isinstance(found, str) else ""
        if not key:
            raise AuthenticationError("the function that was given as api_key= gave no key: a string is expected")
        self._last = key
        return key

    def secrets(self, credential: str) -> tuple[str, ...]:
        """The key."""
        return (credential,)

    def fields(self, request: HTTPRequest, credential: str) -> Headers:
        """The key in its header."""
        return ((self._header, self._prefix + credential),)


def clean(key: str, where: str) -> str:
    """The key without the white space around it.

    Raises:
        AuthenticationError: no header can hold it; the message says where it stands, and does not show it.
    """
    key = key.strip()
    if not key.isascii() or not key.isprintable():
        place = next(index for index, letter in enumerate(key) if not (letter.isascii() and letter.isprintable()))
        raise AuthenticationError(
            f"the key in {where} cannot be sent: its character {place + 1} is a line break, a control character or no "
            "ASCII letter. It was probably not copied whole, or with something else"
        )
    return key
