"""A proxy that records what any client asks of a provider: its base URL is changed, nothing else.

::

    with RecordingProxy("https://openrouter.ai/api", tape="run.yaml") as proxy:
        client = OpenAI(base_url=f"{proxy.url}/v1")

Where a path leads is said by the upstreams (:mod:`.upstreams`): one URL for all paths, and any number of ``PREFIX=URL``
for those that begin with a prefix, which is taken away. The tape has the upstream's URLs, so that it can be played by
playhead's own models, by ``playhead serve`` and by other tools.

Each exchange is on the tape in full before the client has its last byte (:mod:`.passing`); a tape that is there is gone
on with. Keys are passed on and kept off the tape (:mod:`playhead.deck.credentials`). Many clients at once share a tape,
or have one each (:mod:`.opened`, which also keeps what cannot be written): a client says its name in the base URL,
``http://127.0.0.1:PORT/@alice/v1``.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from playhead.deck.credentials import credentials
from playhead.deck.http1.connection import Connection, error_answer
from playhead.deck.http1.listener import Listener
from playhead.deck.http1.reading import Asked, Refused
from playhead.deck.http1.rendered import send_whole
from playhead.deck.record.opened import OpenTapes
from playhead.deck.record.passing import as_request, open_client, pass_on
from playhead.deck.record.take import Take
from playhead.deck.record.upstreams import look_up, read_upstreams
from playhead.errors import ConfigError, PlayheadError
from playhead.given import check_there

if TYPE_CHECKING:
    import aiohttp

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
#: What no header can be sent with.
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class RecordingProxy(Listener):
    """The proxy; ``with`` starts and stops it in a thread, :meth:`run` runs it in the loop of the caller.

    Args:
        upstreams: ``URL`` or ``PREFIX=URL``. A user and password in a URL go in the place of the clients' own keys.
        tape: where to record; what is there is kept, and gone on with.
        tape_per_client: a tape for each client, named after this one.
        secrets: values that are kept off the tape, beside the keys that are seen.

    Attributes:
        upstreams: the URLs by their prefix, without user and password.
        recorded: how many exchanges are on tape since it began.
        notes: what went wrong, for people; ``on_note`` is told of each at once.
        saved: the files that hold what could not be written to the tape; once it is stopped.
        lost: how many exchanges could not be saved anywhere; once it is stopped.

    Raises:
        ConfigError: an upstream that is none, or two for one prefix; a port or host that is none.
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
        self._upstreams = read_upstreams(upstreams)
        self.upstreams = {prefix: upstream.url for prefix, upstream in self._upstreams.items()}
        self.tape = Path(tape)
        self.tape_per_client = tape_per_client
        self.notes: list[str] = []
        given = [("Authorization", one.authorization) for one in self._upstreams.values() if one.authorization]
        self._tapes = OpenTapes(
            self.tape,
            per_client=tape_per_client,
            secrets=(*secrets, *credentials(tuple(given), "")),
            note=self.note,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: aiohttp.ClientSession | None = None

    def __enter__(self) -> RecordingProxy:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @property
    def recorded(self) -> int:
        """How many exchanges are on tape since it began."""
        return self._tapes.recorded

    @property
    def saved(self) -> list[Path]:
        """The files that hold what could not be written to the tape; once it is stopped."""
        return self._tapes.saved

    @property
    def lost(self) -> int:
        """How many exchanges could not be saved anywhere; once it is stopped."""
        return self._tapes.lost

    def note(self, message: str) -> None:
        """Keep it, and say it at once."""
        self.notes.append(message)
        super().note(message)

    def answer(self, asked: Asked, connection: Connection) -> None:
        """Pass it on, in a task of its own."""
        target, name = asked.target, ""
        if target.startswith("/@"):
            name, _, rest = target[2:].partition("/")
            target = f"/{rest}"
        upstream = look_up(self._upstreams, target)
        if upstream is None or (name and not _NAME.fullmatch(name)) or name in (".", ".."):
            known = ", ".join(sorted(self.upstreams)) or "none"
            why = f"no upstream for {asked.target.partition('?')[0][:100]}: there are some for {known}"
            if upstream is not None:
                why = f"a client's name is letters, digits, '.', '_' and '-', not {name[:100]!r}"
            connection.write(error_answer(404, f"playhead record: {why}", (("Connection", "close"),)))
            connection.done(close=True)
            return
        if any(not value.isprintable() and _CONTROLS.search(value) for _, value in asked.headers):
            raise Refused(400, "playhead record: a header of the request holds a control character")
        request = as_request(asked, upstream.url)
        try:
            session = self._tapes.session(connection, name)
        except PlayheadError as error:
            connection.write(error_answer(500, f"playhead record: {error}", (("Connection", "close"),)))
            connection.done(close=True)
            return
        take = Take(session, request, told=partial(self._tapes.heed, session))
        task = self.loop.create_task(self._pass_on(asked, connection, upstream.url, upstream.authorization, take))
        connection.state = task
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, connection))

    def gone(self, connection: Connection) -> None:
        """The client went away: so does what was asked for it."""
        super().gone(connection)
        task = connection.state
        if isinstance(task, asyncio.Task) and not task.done():
            task.cancel()
        else:
            self._tapes.let_go(connection)

    async def closing(self) -> None:
        """Let what is under way be recorded, as far as it came, and close the tapes."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._client is not None:
                await self._client.close()
        finally:
            self._tapes.close()

    async def _pass_on(self, asked: Asked, connection: Connection, url: str, authorization: str, take: Take) -> None:
        if self._client is None:
            self._client = open_client()
        try:
            failure = await pass_on(asked, connection, url, take, self._client, authorization)
            if failure:
                send_whole(asked, connection, error_answer(502, f"playhead record: {failure}"))
        except Exception as error:  # whatever it is, nobody is left waiting for an answer
            take.end("the exchange failed")
            self.note(f"an exchange failed: {type(error).__name__}: {error}")
            connection.cut()

    def _ended(self, connection: Connection, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not connection.open:
            self._tapes.let_go(connection)
