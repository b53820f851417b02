"""An MCP server as a child of this process, spoken to by lines of JSON on its standard input and output.

A child is not to outlive its owner, however the owner ends. It is asked to end by the end of its input, as the protocol
wants it (https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#shutdown), then by SIGTERM, then
killed, with all that it started: it leads a process group of its own. For the day that the owner is killed, a shell
stands by that waits for its own input to end, which the kernel sees to, and kills the group then. On Windows there are
no such groups; there the end of its input is all that tells a server.

What it writes to standard error is kept, the end of it, for error messages. Lines on standard output that are no
messages are kept in the same way and passed over: many a server prints a greeting there.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

#: Seconds that a server has to end by itself, and then after SIGTERM, and then to be seen dead.
_GRACE = (1.0, 0.5, 1.0)
#: Seconds in which what was written last, as the word that a call is cancelled, may still leave.
_FLUSH = 0.5
#: Bytes of standard error, and of garbage, that are kept, and how many characters of them an error shows.
_KEPT, _SHOWN = 2000, 400
#: Bytes of one message at most; a server that writes more without a line break writes no messages.
_LONGEST = 64 * 1024 * 1024

_GUARD = 'read -r _; kill -s KILL -- "-$1"'


class Server:
    """A running server.

    Attributes:
        over: set when it has closed its output or ended.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.over = asyncio.Event()
        self._said = b""
        self._garbage = b""

    def words(self) -> str:
        """What is known of why it does not answer, as clauses to end a sentence with; "" when nothing."""
        told = []
        code = self.process.returncode
        if code is not None:
            told.append(f"it was killed by signal {-code}" if code < 0 else f"it ended with status {code}")
        if self._garbage:
            told.append(f"on its output was what is no message: {_tail(self._garbage)!r}")
        if self._said:
            told.append(f"on its standard error: {_tail(self._said)}")
        return "; ".join(told)

    async def listen(self) -> None:
        """Keep the end of what it writes to standard error."""
        assert self.process.stderr is not None  # noqa: S101 (it was asked for)
        while chunk := await self.process.stderr.read(65536):
            self._said = (self._said + chunk)[-_KEPT:]

    async def read(self, incoming: Any) -> None:
        """Hand on its messages, one a line, until its output ends."""
        from mcp.shared.message import SessionMessage
        from mcp_types import jsonrpc_message_adapter

        assert self.process.stdout is not None  # noqa: S101 (it was asked for)
        rest: list[bytes] = []
        waiting = 0
        try:
            async with incoming:
                while (chunk := await self.process.stdout.read(65536)) and waiting < _LONGEST:
                    first, *more = chunk.split(b"\n")
                    rest.append(first)
                    waiting += len(first)
                    for line in more:
                        whole, rest, waiting = b"".join(rest), [line], len(line)
                        if not whole.strip():
                            continue
                        try:
                            message = jsonrpc_message_adapter.validate_json(whole, by_name=False)
                        except ValueError:
                            self._garbage = (self._garbage + whole + b"\n")[-_KEPT:]
                            continue
                        await incoming.send(SessionMessage(message))
        except _gone():
            return
        finally:
            self.over.set()

    async def write(self, outgoing: Any) -> None:
        """Write what is to be said, until there is no more to say."""
        stdin = self.process.stdin
        assert stdin is not None  # noqa: S101 (it was asked for)
        with suppress(OSError, *_gone()):
            async with outgoing:
                async for item in outgoing:
                    stdin.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                    await stdin.drain()

    async def stop(self) -> None:
        """End it, and all that it started."""
        try:
            for number, seconds in zip((None, signal.SIGTERM, _KILL), _GRACE, strict=True):
                if number is not None:
                    self._signal(number)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.process.wait(), seconds)
                if self.process.returncode is not None:
                    break
        finally:  # whoever stops us in the midst of it
            self._signal(_KILL)
            transport = getattr(self.process, "_transport", None)  # nothing public closes the pipes of a dead child
            if transport is not None:
                with suppress(OSError):
                    transport.close()

    def _signal(self, number: int) -> None:
        with suppress(OSError):
            if os.name == "posix":
                os.killpg(self.process.pid, number)
            else:
                self.process.kill()


_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


@asynccontextmanager
async def launched(
    command: Sequence[str], env: Mapping[str, str] | None, cwd: str | None, started: list[Server]
) -> AsyncIterator[Any]:
    """A transport for :class:`mcp.Client`: the server runs within. ``started`` is given it as soon as it does.

    Raises:
        OSError: it cannot be started.
    """
    import math

    import anyio
    from mcp.client.stdio import get_default_environment

    posix = os.name == "posix"
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**get_default_environment(), **(env or {})},
        cwd=cwd,
        start_new_session=posix,
    )
    server = Server(process)
    started.append(server)
    guard = _guard(process.pid) if posix else None
    tasks: list[asyncio.Task[None]] = []
    try:
        to_us, incoming = anyio.create_memory_object_stream[Any](0)
        to_it, outgoing = anyio.create_memory_object_stream[Any](math.inf)
        tasks += map(asyncio.ensure_future, (server.listen(), server.read(to_us), server.write(outgoing)))
        try:
            yield incoming, to_it
        finally:
            to_it.close()
            incoming.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(tasks[2]), _FLUSH)
    finally:
        try:
            if process.stdin is not None:
                process.stdin.close()
            await server.stop()
        finally:
            for task in tasks:
                task.cancel()
            if guard is not None:
                guard.kill()
                guard.wait()
                if guard.stdin is not None:
                    guard.stdin.close()
            await asyncio.gather(*tasks, return_exceptions=True)


def _guard(group: int) -> subprocess.Popen[bytes] | None:
    """What kills the group when this process is no more; None where there is no shell."""
    with suppress(OSError):
        return subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "sh", str(group)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    return None


def _gone() -> tuple[type[Exception], ...]:
    """How the other end of a stream says that nobody is there."""
    import anyio

    return anyio.BrokenResourceError, anyio.ClosedResourceError


def _tail(kept: bytes) -> str:
    return kept.decode("utf-8", "replace").strip()[-_SHOWN:]
