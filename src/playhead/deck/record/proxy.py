"""A proxy that records what any client asks of a provider: its base URL is changed, nothing else.

::

    with RecordingProxy("https://openrouter.ai/api", tape="run.yaml") as proxy:
        client = OpenAI(base_url=f"{proxy.url}/v1")

Where a path leads is said by the upstreams: one URL for all paths, and any number of ``PREFIX=URL`` for those that
begin with a prefix, which is taken away. Where the upstream's path ends as the asked one begins (``https://…/api/v1``
and ``/v1/chat/completions``), what both have is said once. The tape has the upstream's URLs, so that it can be played
by playhead's own models, by ``playhead serve`` and by other tools.

Each exchange is on the tape in full before the client has its last byte (:mod:`.passing`); a tape that is there is gone
on with. Keys are passed on and kept off the tape (:mod:`playhead.deck.credentials`). Many clients at once share a tape,
or have one each: a client that says its name in the base URL (``http://127.0.0.1:PORT/@alice/v1``) has
``run-alice.yaml``, one that does not has a tape for each of its connections, ``run-1.yaml``.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from playhead.deck.http1.connection import Connection, Listener, error_answer
from playhead.deck.http1.reading import Asked
from playhead.deck.http1.rendered import send_whole
from playhead.deck.record.passing import as_request, open_client, pass_on
from playhead.deck.record.take import Take
from playhead.errors import ConfigError, PlayheadError
from playhead.given import check_there
from playhead.tapes.session import Session, open_session

if TYPE_CHECKING:
    import aiohttp

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


class RecordingProxy(Listener):
    """The proxy; ``with`` starts and stops it in a thread, :meth:`run` runs it in the loop of the caller.

    Args:
        upstreams: ``URL`` or ``PREFIX=URL``.
        tape: where to record; what is there is kept, and gone on with.
        tape_per_client: a tape for each client, named after this one.
        secrets: values that are kept off the tape, beside the keys that are seen.

    Attributes:
        recorded: how many exchanges are on tape since it began.
        notes: what went wrong with the tapes, for people.

    Raises:
        ConfigError: an upstream that is none, or two for one prefix.
        TapeError: the tape cannot be recorded on.
    """

    def __init__(
        self,
        *upstreams: str,
        tape: str | os.PathLike[str],
        host: str = "127.0.0.1",
        port: int = 0,
        tape_per_client: bool = False,
        secrets: Iterable[str] = (),
    ) -> None:
        super().__init__(host, port)
        check_there("RecordingProxy", "secrets", secrets)
        if not isinstance(tape, str | os.PathLike):
            raise ConfigError(f"RecordingProxy: tape is a path; got a {type(tape).__name__}")
        self.upstreams = _upstreams(upstreams)
        self.tape = Path(tape)
        self.tape_per_client = tape_per_client
        self.recorded = 0
        self._number = 0
        self.notes: list[str] = []
        self._secrets = tuple(secrets)
        self._sessions: dict[Path, Session] = {}
        self._paths: dict[Connection, Path] = {}  # of clients that say no name
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: aiohttp.ClientSession | None = None
        if not tape_per_client:
            self._session(self.tape)

    def __enter__(self) -> RecordingProxy:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def answer(self, asked: Asked, connection: Connection) -> None:
        """Pass it on, in a task of its own."""
        target, name = asked.target, ""
        if target.startswith("/@"):
            name, _, rest = target[2:].partition("/")
            target = f"/{rest}"
        url = self._upstream_url(target)
        if url is None or (name and not _NAME.fullmatch(name)) or name in (".", ".."):
            known = ", ".join(sorted(self.upstreams)) or "none"
            why = f"no upstream for {asked.target.partition('?')[0][:100]}: there are some for {known}"
            if url is not None:
                why = f"a client's name is letters, digits, '.', '_' and '-', not {name[:100]!r}"
            connection.write(error_answer(404, f"playhead record: {why}", (("Connection", "close"),)))
            connection.done(close=True)
            return
        request = as_request(asked, url)
        try:
            session = self._session(self._path(connection, name))
        except PlayheadError as error:
            connection.write(error_answer(500, f"playhead record: {error}", (("Connection", "close"),)))
            connection.done(close=True)
            return
        take = Take(session, request)
        task = self.loop.create_task(self._pass_on(asked, connection, url, take))
        connection.state = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def gone(self, connection: Connection) -> None:
        """The client went away: so does what was asked for it."""
        super().gone(connection)
        task = connection.state
        if isinstance(task, asyncio.Task) and not task.done():
            task.cancel()
        else:
            self._let_go(connection)

    async def closing(self) -> None:
        """Let what is under way be recorded, as far as it came, and close the tapes."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
        for session in self._sessions.values():
            self._heed(session)
            session.close()

    async def _pass_on(self, asked: Asked, connection: Connection, url: str, take: Take) -> None:
        if self._client is None:
            self._client = open_client()
        try:
            failure = await pass_on(asked, connection, url, take, self._client)
            if failure:
                send_whole(asked, connection, error_answer(502, f"playhead record: {failure}"))
        except Exception as error:  # whatever it is, nobody is left waiting for an answer
            take.end("the exchange failed")
            self.notes.append(f"an exchange failed: {type(error).__name__}: {error}")
            connection.cut()
        finally:
            self._heed(take.session)
            self.recorded += take.recorded
            if not connection.open:
                self._let_go(connection)

    def _path(self, connection: Connection, name: str) -> Path:
        """Where a client's exchanges go. One without a name gets a file that was not there."""
        if not self.tape_per_client:
            return self.tape
        if name:
            return self.tape.with_stem(f"{self.tape.stem}-{name}")
        path = self._paths.get(connection)
        while path is None:
            self._number += 1
            path = self.tape.with_stem(f"{self.tape.stem}-{self._number}")
            path = None if path.exists() else path
        self._paths[connection] = path
        return path

    def _session(self, path: Path) -> Session:
        session = self._sessions.get(path)
        if session is None:
            session = self._sessions[path] = open_session(path, "resume", secrets=self._secrets)
        return session

    def _let_go(self, connection: Connection) -> None:
        """Close the tape of a client that is gone and has no name to come back by."""
        path = self._paths.pop(connection, None)
        if path is not None and (session := self._sessions.pop(path, None)) is not None:
            self._heed(session)
            session.close()

    def _heed(self, session: Session) -> None:
        self.notes += session.notes
        session.notes.clear()

    def _upstream_url(self, target: str) -> str | None:
        """Where a path leads; None where nothing is said of it."""
        path = target.partition("?")[0]
        prefix = max(
            (one for one in self.upstreams if path == one or path.startswith(one.rstrip("/") + "/")),
            key=len,
            default=None,
        )
        if prefix is None:
            return None
        return joined(self.upstreams[prefix], target[len(prefix.rstrip("/")) :])


def joined(base: str, target: str) -> str:
    """``https://h/api/v1`` and ``/v1/models?a=b`` -> ``https://h/api/v1/models?a=b``: what both have is said once."""
    scheme, _, rest = base.partition("://")
    host, _, path = rest.partition("/")
    first = [word for word in path.split("/") if word]
    asked, mark, query = target.partition("?")
    second = asked.split("/")[1:]
    for same in range(min(len(first), len(second)), 0, -1):
        if first[-same:] == second[:same]:
            second = second[same:]
            break
    return f"{scheme}://{host}/{'/'.join([*first, *second])}{mark}{query}"


def _upstreams(given: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in given:
        prefix, equals, url = word.partition("=")
        if not equals or "://" in prefix:
            prefix, url = "/", word
        prefix = "/" + prefix.strip("/")
        if not url.startswith(("http://", "https://")) or not url.partition("://")[2].strip("/"):
            raise ConfigError(
                f"an upstream is written URL or PREFIX=URL, the URL with http:// or https://, not {word!r}"
            )
        if "?" in url or "#" in url:
            raise ConfigError(f"an upstream's URL has no query: {word!r}")
        if prefix in found:
            raise ConfigError(f"two upstreams for {prefix}: {found[prefix]} and {url}")
        found[prefix] = url.rstrip("/")
    if not found:
        raise ConfigError("at least one upstream is needed: https://api.openai.com, or /openai=https://api.openai.com")
    return found
