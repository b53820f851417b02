"""Tapes for the SDKs of others, in the same process: one argument records and replays.

::

    with OpenAI(http_client=httpx2.Client(transport=playhead.httpx_transport("run.yaml"))) as client:
        ...                     # closing the client closes the tape

    with playhead.taped("run.yaml"):
        ...                     # every client of httpx and aiohttp in here is on the tape

``tape`` and ``mode`` are those of an agent's tape (:mod:`playhead.tapes.session`): ``once`` records where there is no
tape and plays where there is one. httpx, httpx2 and aiohttp are imported when they are asked for.

``taped`` has no argument of a client's to go by, and neither library has a place to be told at. So for as long as it is
open it stands in the place of the two methods of httpx and the one of aiohttp that go out, in the whole
process: that is the narrowest place there is, below every client, retry and middleware. Two of them at once are
refused, as it could not be said whose an exchange is; for tests that run in threads, give each client its transport.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any

from playhead.deck.in_process.exchanges import Exchanges
from playhead.errors import ConfigError, TapeMissError
from playhead.given import check_there
from playhead.tapes.session import Mode, default_mode, open_session
from playhead.tapes.tape import Tape

if TYPE_CHECKING:
    from playhead.deck.in_process.aiohttp_tapes import TapedConnector

_one_at_a_time = Lock()


def httpx_transport(
    tape: str | os.PathLike[str] | Tape,
    *,
    mode: Mode | None = None,
    pace: float = 0.0,
    secrets: Iterable[str] = (),
    fail_on_unplayed: bool = False,
    inner: Any = None,
) -> Any:
    """A transport for a ``Client`` or an ``AsyncClient`` of httpx or httpx2 that plays and records a tape. It is closed
    with its client, and the tape with it.

    Args:
        tape: a path, or a tape.
        mode: "once", "replay", "record", "resume" or "off"; None is PLAYHEAD_TAPE_MODE, "replay" in CI, else "once".
        pace: 0 plays at once, 1.0 as recorded.
        secrets: values that are kept off the tape, beside the keys that are seen.
        fail_on_unplayed: raise UnplayedError at closing where something on the tape was not asked for, by this client
            or by others that play the same tape at the same time.
        inner: what goes live, for a proxy or certificates of one's own; None is the library's own transport.

    Raises:
        ConfigError: neither library is installed, or there is no such mode.
        TapeError: the tape cannot be opened so; see :func:`playhead.tapes.open_session`.
    """
    from playhead.deck.in_process.httpx_tapes import TapedTransport

    if not _httpx_libraries():
        raise ConfigError("playhead.httpx_transport needs httpx2, or httpx: pip install httpx2")
    return TapedTransport(_exchanges(tape, mode, pace, secrets, fail_on_unplayed), inner)


def aiohttp_connector(
    tape: str | os.PathLike[str] | Tape,
    *,
    mode: Mode | None = None,
    pace: float = 0.0,
    secrets: Iterable[str] = (),
    fail_on_unplayed: bool = False,
    **settings: Any,
) -> TapedConnector:
    """A connector for ``aiohttp.ClientSession`` that plays and records a tape; made inside the event loop.

    The arguments are those of :func:`httpx_transport`; ``settings`` are those of ``aiohttp.BaseConnector``.

    Raises:
        ConfigError: aiohttp is not installed, or there is no such mode.
        TapeError: the tape cannot be opened so.
    """
    try:
        from playhead.deck.in_process.aiohttp_tapes import TapedConnector
    except ModuleNotFoundError as error:
        raise ConfigError(f"playhead.aiohttp_connector needs aiohttp: pip install aiohttp ({error})") from error
    return TapedConnector(_exchanges(tape, mode, pace, secrets, fail_on_unplayed), **settings)


@contextmanager
def taped(
    tape: str | os.PathLike[str] | Tape,
    *,
    mode: Mode | None = None,
    pace: float = 0.0,
    secrets: Iterable[str] = (),
    fail_on_unplayed: bool = False,
) -> Iterator[Exchanges]:
    """All that clients of httpx and aiohttp ask within this is played from the tape, or recorded on it.

    The arguments are those of :func:`httpx_transport`. Gives what has the open tape as ``session``, and ``misses``.

    Raises:
        TapeMissError: at the end, where something was asked that the tape has no answer for.
        UnplayedError: at the end, on request, where something on the tape was not asked for within this, whatever
            others have played of it.
        ConfigError: it is within another one.
        TapeError: the tape cannot be opened so.
    """
    if not _one_at_a_time.acquire(blocking=False):
        raise ConfigError(
            "playhead.taped is open already in this process, and an exchange cannot be on two tapes: close that first, "
            "or give each client a transport of its own, playhead.httpx_transport"
        )
    try:
        exchanges = _exchanges(tape, mode, pace, secrets, fail_on_unplayed)
        exchanges.session.alone = True
        restore, let_go = _stand_in(exchanges)
        went_well = False
        try:
            yield exchanges
            went_well = True
        finally:
            for owner, name, original in restore:
                setattr(owner, name, original)
            let_go()
            exchanges.close(failing=not went_well or bool(exchanges.misses))
        if exchanges.misses:
            more = f" (and {len(exchanges.misses) - 1} more)" if len(exchanges.misses) > 1 else ""
            raise TapeMissError(exchanges.misses[0] + more)
    finally:
        _one_at_a_time.release()


def _exchanges(
    tape: str | os.PathLike[str] | Tape, mode: Mode | None, pace: float, secrets: Iterable[str], fail_on_unplayed: bool
) -> Exchanges:
    check_there("", "pace", pace)
    check_there("", "fail_on_unplayed", fail_on_unplayed)
    chosen = default_mode(os.environ) if mode is None else mode
    return Exchanges(open_session(tape, chosen, secrets=secrets, named="mode"), pace, fail_on_unplayed)


def _stand_in(exchanges: Exchanges) -> tuple[list[tuple[Any, str, Any]], Callable[[], None]]:
    """Take the places of what opens connections, where the libraries are there; what stood in each, and what to call
    at the end."""
    let_go: Callable[[], None] = _nothing
    restore: list[tuple[Any, str, Any]] = []
    for library in _httpx_libraries():
        restore += _stand_in_httpx(exchanges, library)
    try:
        import aiohttp
    except ModuleNotFoundError:
        pass
    else:
        from playhead.deck.in_process.aiohttp_tapes import connecting

        original: Any = aiohttp.TCPConnector._create_connection
        restore.append((aiohttp.TCPConnector, "_create_connection", original))
        create, let_go = connecting(exchanges, original)
        aiohttp.TCPConnector._create_connection = create  # type: ignore[method-assign]
    return restore, let_go


def _stand_in_httpx(exchanges: Exchanges, library: Any) -> list[tuple[Any, str, Any]]:
    from playhead.deck.in_process.httpx_tapes import handle, handle_async

    whole, whole_async = library.HTTPTransport.handle_request, library.AsyncHTTPTransport.handle_async_request

    def handle_request(self: Any, request: Any) -> Any:
        return handle(exchanges, request, lambda live: whole(self, live))

    async def handle_async_request(self: Any, request: Any) -> Any:
        return await handle_async(exchanges, request, lambda live: whole_async(self, live))

    library.HTTPTransport.handle_request = handle_request
    library.AsyncHTTPTransport.handle_async_request = handle_async_request
    return [
        (library.HTTPTransport, "handle_request", whole),
        (library.AsyncHTTPTransport, "handle_async_request", whole_async),
    ]


def _httpx_libraries() -> list[Any]:
    """httpx and httpx2, whichever are installed."""
    from playhead.deck.in_process.httpx_tapes import LIBRARIES

    found = []
    for name in LIBRARIES:
        with suppress(ModuleNotFoundError):
            found.append(import_module(name))
    return found


def _nothing() -> None:
    """Nobody has a connection to let go of."""
