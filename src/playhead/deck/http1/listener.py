"""The socket that connections come in by, and the life of a server: it starts, it accepts, it stops.

Connections are accepted here and not by asyncio's own server: where that finds no descriptor left, it tries as often as
connections may wait, complains each time, and starts itself anew as often. Here it is said once, nothing is accepted
for a moment, and those who wait are accepted when there is room.

A connection by which nothing came for :attr:`Listener.idle` seconds, and on which no answer is under way, is closed: a
client that went home without a word would hold a descriptor for ever, and the tape of its own with it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from playhead.deck.http1.connection import Connection
from playhead.deck.http1.reading import Asked
from playhead.errors import ConfigError
from playhead.given import check_there

#: Connections that may wait to be accepted, and how many are accepted before anything else is looked at.
BACKLOG, AT_ONCE = 4096, 64
#: Seconds for which nothing is accepted where the system is short of something, and between two words about it.
PAUSE, SILENCE = 0.25, 60.0
#: How often a connection is looked at before it has been idle for too long.
_LOOKS = 3


class Listener:
    """A server of an application, on one socket.

    ``start`` and ``stop`` run it in a thread with an event loop of its own, so that any program can have one;
    :meth:`run` runs it in the loop of the caller, until it is cancelled.

    Attributes:
        port: where it listens, once it does.
        open: the connections that are open now.
        idle: seconds after which a connection is closed on which nothing came and nothing is being answered; it may
            last a third longer.
        on_note: called with what a person should know at once; on the server's loop.

    Raises:
        ConfigError: a port that is none, or no host.
    """

    idle = 75.0

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        check_there("", "host", host)
        check_there("", "port", port)
        if not 0 <= port <= 65535:
            raise ConfigError(f"a port is a number from 0 to 65535, where 0 is any that is free; not {port}")
        if not host:
            raise ConfigError("a host to listen at is a name or an address, as 127.0.0.1; got an empty one")
        self.host, self.port = host, port
        self.open: set[Connection] = set()
        self.opened = 0
        self.on_note: Callable[[str], object] | None = None
        self.loop: asyncio.AbstractEventLoop
        self._server: asyncio.Server | None = None
        self._listening: list[socket.socket] = []
        self._arriving: set[asyncio.Task[object]] = set()
        self._said_short = -SILENCE
        self._looking: asyncio.TimerHandle | None = None
        self._thread: threading.Thread | None = None
        self._failed: BaseException | None = None

    @property
    def url(self) -> str:
        """Where clients find it: ``http://127.0.0.1:41234``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def answer(self, asked: Asked, connection: Connection) -> None:
        """See :class:`playhead.deck.http1.connection.Application`."""
        raise NotImplementedError

    def gone(self, connection: Connection) -> None:
        """See :class:`playhead.deck.http1.connection.Application`."""
        self.open.discard(connection)

    def note(self, message: str) -> None:
        """Say something that a person should know at once."""
        if self.on_note is not None:
            self.on_note(message)

    def connect(self) -> Connection:
        """The protocol of a new connection."""
        self.opened += 1
        connection = Connection(self, self.opened)
        self.open.add(connection)
        return connection

    async def run(self, ready: Callable[[], None]) -> None:
        """Listen until cancelled; ``ready`` is called when connections are accepted.

        Raises:
            ConfigError: the address cannot be listened at.
        """
        self.loop = asyncio.get_running_loop()
        try:
            await self._listen()
            self._look()
            ready()
            await self.loop.create_future()
        finally:
            if self._looking is not None:
                self._looking.cancel()
            for listening in self._listening:
                self.loop.remove_reader(listening)
                listening.close()
            if self._server is not None:
                self._server.close()
            try:
                await asyncio.gather(*self._arriving, return_exceptions=True)
            finally:
                for connection in tuple(self.open):
                    if connection.open:
                        connection.cut()
                await self.closing()

    async def closing(self) -> None:
        """What is to be done when no connection is open any more."""

    def start(self) -> None:
        """Listen, in a thread; returns when connections are accepted.

        Raises:
            ConfigError: it was started before, or cannot listen there.
        """
        if self._thread is not None:
            raise ConfigError("this server was started already; make another")
        ready = threading.Event()
        self._thread = threading.Thread(target=self._in_thread, args=(ready,), daemon=True, name="playhead-deck")
        self._thread.start()
        ready.wait()
        if self._failed is not None:
            raise self._failed

    def stop(self) -> None:
        """Close every connection and the server. Stopping twice does nothing."""
        if self._thread is not None and self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join()

    async def _listen(self) -> None:
        try:
            server = self._server = await self.loop.create_server(
                self.connect, self.host, self.port, backlog=BACKLOG, start_serving=False
            )
            self.port = server.sockets[0].getsockname()[1]
            if os.name == "nt":  # there asyncio waits for each connection by itself, and nobody else can
                await server.start_serving()
                return
            for one in server.sockets:
                own = socket.socket(fileno=os.dup(one.fileno()))
                self._listening.append(own)
                own.setblocking(False)
                own.listen(BACKLOG)
                self.loop.add_reader(own, self._accept, own)
        except OSError as error:
            raise ConfigError(f"cannot listen at {self.host} port {self.port}: {error.strerror or error}") from error
        except ValueError as error:  # among them what is raised where a name has a part that is empty or too long
            raise ConfigError(f"cannot listen at {self.host[:100]!r}: that is no name of a host") from error

    def _accept(self, listening: socket.socket) -> None:
        """Take in those who wait."""
        for _ in range(AT_ONCE):
            try:
                accepted, _address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._wait(listening, error)
                return
            accepted.setblocking(False)
            task: asyncio.Task[object] = self.loop.create_task(self._take_in(accepted))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    async def _take_in(self, accepted: socket.socket) -> None:
        connection = self.connect()
        try:
            await self.loop.connect_accepted_socket(lambda: connection, accepted)
        except OSError:  # it has gone again
            self.open.discard(connection)
            accepted.close()

    def _wait(self, listening: socket.socket, error: OSError) -> None:
        """Accept nothing for a moment; descriptors are short, as a rule, and others hold them."""
        self.loop.remove_reader(listening)
        self.loop.call_later(PAUSE, self._accept_again, listening)
        if self.loop.time() - self._said_short >= SILENCE:
            self._said_short = self.loop.time()
            self.note(
                f"cannot accept connections now: {error.strerror or error}; {len(self.open)} are open, and those who "
                "wait are accepted when there is room"
            )

    def _accept_again(self, listening: socket.socket) -> None:
        if listening.fileno() >= 0:
            self.loop.add_reader(listening, self._accept, listening)

    def _look(self) -> None:
        """Close the connections that have been idle for too long."""
        for connection in tuple(self.open):
            connection.quiet = 0 if connection.busy else connection.quiet + 1
            if connection.quiet > _LOOKS and connection.open:
                connection.cut()
        self._looking = self.loop.call_later(self.idle / _LOOKS, self._look)

    def _in_thread(self, ready: threading.Event) -> None:
        async def main() -> None:
            self._task = asyncio.get_running_loop().create_task(self.run(ready.set))
            with suppress(asyncio.CancelledError):
                await self._task

        try:
            asyncio.run(main())
        except BaseException as error:
            self._failed = error
        finally:
            ready.set()
