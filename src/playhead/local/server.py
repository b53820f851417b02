"""llama.cpp's server on a free loopback port: once per process and model, started when first needed.

The server runs in a child process (:mod:`playhead.local.host`, which says why) that lives exactly as long as the pipe
to its standard input is open: it ends with its owner however the owner ends, by a signal included. It answers only
with a key of its own, made at its start, so that no other user of the machine and no web page can ask it.

:func:`start` may be called from any thread and blocks while weights are read (0.5 s for 98 MB). A server that died is
started again by the next call. After ``os.fork`` the child knows of no server and starts its own when it needs one.

It is quiet. ``PLAYHEAD_LOCAL_LOG=1`` lets llama.cpp's own log through to standard error.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from playhead.errors import ConfigError
from playhead.local.weights import INSTALL_ENGINE, Weights, engine_folder, says_pooling

if TYPE_CHECKING:
    from subprocess import Popen

#: Tokens that the requests being answered may hold together, prompts included. What SmolLM2 was trained for; a
#: model trained for less gets less.
CONTEXT = 8192

#: Requests answered at once; more wait their turn.
SLOTS = 4

#: The bound on an answer whose request gives none. Small models can repeat themselves for ever.
MAX_TOKENS = 1024

#: Tokens that one text may have which is to become a vector: it is read in one batch, whose memory grows by the square.
EMBED_TOKENS = 2048

_LOG_VARIABLE = "PLAYHEAD_LOCAL_LOG"
_ERRORS, _INFO = 1, 3  # llama.cpp's levels of verbosity
_STOP_SECONDS = 5.0


class LocalServer:
    """A running server. ``url`` is "http://127.0.0.1:PORT", ``key`` the bearer token that it asks for."""

    __slots__ = ("_process", "key", "url")

    def __init__(self, process: Popen[bytes], url: str, key: str) -> None:
        self._process = process
        self.url = url
        self.key = key

    @property
    def pid(self) -> int:
        """The process that serves."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process. An answer that is being made is cut."""
        _close_pipes(self._process)
        try:
            self._process.wait(_STOP_SECONDS)
        except Exception:
            self._process.kill()
            self._process.wait()

    def abandon(self) -> None:
        """After a fork, in the child: let go of what belongs to the parent, without touching the process."""
        _close_pipes(self._process)
        self._process.returncode = 0


#: By the file, and whether it makes embeddings: a server that does needs more memory for each token.
_running: dict[tuple[str, bool], LocalServer] = {}
_starting = threading.Lock()
_prepared = False


def running(weights: Weights, embeds: bool = False) -> LocalServer | None:
    """The server of this model, for answers or for embeddings, where one runs; never blocks."""
    server = _running.get((weights.path, embeds))
    return server if server is not None and server.alive else None


def start(weights: Weights, embeds: bool = False) -> LocalServer:
    """The server of this model, for answers or for embeddings, started when none runs. Blocks while it starts.

    Raises:
        ConfigError: llama.cpp is not installed (the message has the command that installs it), or it cannot serve
            this file; the message has its reason.
    """
    with _starting:
        server = running(weights, embeds)
        if server is None:
            _prepare()
            if (dead := _running.pop((weights.path, embeds), None)) is not None:
                dead.stop()
            server = _launch(weights, embeds)
            _running[weights.path, embeds] = server
        return server


def stop_all() -> None:
    """Stop every server that this process started, and free their memory. The next request starts one again."""
    with _starting:
        while _running:
            _running.popitem()[1].stop()


def _prepare() -> None:
    global _prepared
    if _prepared:
        return
    _prepared = True
    import atexit

    atexit.register(stop_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)


def _forget() -> None:
    global _starting
    _starting = threading.Lock()
    while _running:
        _running.popitem()[1].abandon()


def _launch(weights: Weights, embeds: bool) -> LocalServer:
    engine = engine_folder()
    if engine is None:
        raise ConfigError(f"local models need llama.cpp, which is not installed; install it with: {INSTALL_ENGINE}")
    import secrets
    import subprocess
    import sys
    import tempfile

    logged = os.environ.get(_LOG_VARIABLE, "") not in ("", "0")
    key = secrets.token_hex(16)
    settings = {
        "engine": engine,
        "path": weights.path,
        "name": weights.name,
        "key": key,
        "context": CONTEXT,
        "slots": SLOTS,
        "max_tokens": MAX_TOKENS,
        "threads": _threads(),
        "verbosity": _INFO if logged else _ERRORS,
        "embeds": EMBED_TOKENS if embeds else 0,
        "pooling": "own" if embeds and says_pooling(weights) else "mean",
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", os.path.join(os.path.dirname(__file__), "host.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if logged else log,
        )
        try:
            answer = _ask(process, settings)
            if "url" in answer:
                return LocalServer(process, answer["url"], key)
            process.wait()
            log.seek(0)
            said = log.read().decode(errors="replace")
        except BaseException:
            process.kill()
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()
            if process.returncode is not None:
                _close_pipes(process)
    raise ConfigError(f"llama.cpp cannot serve {weights.path}: {_reason(said) or answer['error']}")


def _ask(process: Popen[bytes], settings: dict[str, Any]) -> dict[str, Any]:
    """Tell the new process what to serve and read its one line of answer."""
    try:
        assert process.stdin is not None  # noqa: S101 (it was asked for)
        assert process.stdout is not None  # noqa: S101 (it was asked for)
        process.stdin.write(msgspec.json.encode(settings) + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except BrokenPipeError:
        line = b""
    if not line:
        return {"error": f"its process ended with status {process.wait()}"}
    answer: dict[str, Any] = msgspec.json.decode(line)
    return answer


def _reason(log: str) -> str:
    """The first error that llama.cpp logged, without its time stamp and function name."""
    for line in log.splitlines():
        _, marked, rest = line.partition(" E ")
        if marked:
            return rest.partition(": ")[2].strip() or rest.strip()
    return ""


def _threads() -> int:
    """The cores that this process may use less one, at least one.

    Every token is computed by all threads together, and all wait for the one that another program pushed off its core:
    on two cores of which one was busy, two threads made 2 tokens/s and one thread 41.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1)


def _close_pipes(process: Popen[bytes]) -> None:
    with suppress(OSError):
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
