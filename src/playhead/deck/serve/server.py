"""A server that plays tapes to any client, in any language: its base URL is changed, nothing else.

::

    with TapeServer("florence.yaml") as server:
        client = OpenAI(base_url=f"{server.url}/v1", api_key="none")

Which recording a request asks for is in :mod:`.index`, whose turn is which in :mod:`.turns`, what is sent in
:mod:`playhead.deck.http1.rendered`, and what may be laid over it in :mod:`.faults`. Here is the server: what stands at
which path, what a miss says, and the books.

======================== ============================================================================================
``/__playhead__``        status, as JSON: tapes, what was played and was not, misses
``/__playhead__/reset``  POST: everything begins anew, the counting for faults too
``/@NAME/…``             the rest of the path, asked by a client with this name; ``/@NAME/__playhead__/reset`` begins
                         anew for it alone
``…/models``, ``/``      what models the tapes have; that somebody is here
======================== ============================================================================================

A miss is status 404 with the error in the words of the wire that was asked in, so that every SDK shows it: which
recording is nearest, and where the conversation first differs. Keys are not looked at and appear nowhere.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from playhead.deck.credentials import credentials
from playhead.deck.http1.connection import Connection, json_answer
from playhead.deck.http1.listener import Listener
from playhead.deck.http1.reading import Asked
from playhead.deck.http1.rendered import broken, render, send, send_whole
from playhead.deck.refusals import missed, refused, speaker
from playhead.deck.serve.faults import Fault, fault
from playhead.deck.serve.index import Index, Question, Recording
from playhead.deck.serve.models import listing, models_of
from playhead.deck.serve.turns import Turns
from playhead.errors import ConfigError
from playhead.given import check_there
from playhead.surrogates import joined
from playhead.tapes.redact import Redactor
from playhead.tapes.tape import Tape

_OWN = "/__playhead__"
#: Misses that the status shows: the last ones.
_SHOWN = 50
_WORDS = ("this client has had it", "this client has not had it yet")


class TapeServer(Listener):
    """The server; ``with`` starts and stops it in a thread, :meth:`run` runs it in the loop of the caller.

    Args:
        tapes: paths, or tapes; read once.
        host, port: where it listens; port 0 is any that is free.
        pace: 0 plays at once, 1.0 as recorded, 0.5 in half the time.
        faults: what is laid over the recordings, as :func:`playhead.deck.serve.faults.fault` reads it.
        loop: a question that its client has heard in full begins anew when it is asked again.

    Attributes:
        asked: how many requests asked for a recording, misses among them.
        missed: how many had no answer; ``misses`` tells of the last of them.

    Raises:
        ConfigError: a fault that is none, or a pace below 0.
        TapeError: a tape cannot be read.
    """

    def __init__(
        self,
        *tapes: str | os.PathLike[str] | Tape,
        host: str = "127.0.0.1",
        port: int = 0,
        pace: float = 0.0,
        faults: Iterable[str] = (),
        loop: bool = False,
    ) -> None:
        super().__init__(host, port)
        check_there("TapeServer", "pace", pace)
        if not 0 <= pace < float("inf"):
            raise ConfigError(f"a pace is 0 (at once) or a factor of the recorded time, not {pace}")
        self.tapes: Sequence[Tape] = [tape if isinstance(tape, Tape) else Tape.load(tape) for tape in tapes]
        self.pace = pace
        self.faults: list[Fault] = [fault(script) for script in faults]
        self.index = Index(self.tapes)
        self.turns = Turns(loop)
        self.asked = self.missed = 0
        self.misses: deque[dict[str, Any]] = deque(maxlen=_SHOWN)
        self._models = models_of(self.index.recordings)

    def __enter__(self) -> TapeServer:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @property
    def unplayed(self) -> list[Recording]:
        """What nobody has asked for yet, in order."""
        return [recording for recording in self.index.recordings if not recording.played]

    def answer(self, asked: Asked, connection: Connection) -> None:
        """Play what was asked for."""
        target, client = asked.target, ""
        if target.startswith("/@"):
            client, _, rest = target[2:].partition("/")
            target = f"/{rest}"
        path = target.partition("?")[0]
        if path.startswith(_OWN):
            self._own(asked, connection, path, client)
            return
        if client:
            client = joined(client)
            self.turns.had(connection, client)
        body = asked.plain()
        question = self.index.find(asked.method, target, body, asked.headers)
        if question is None and asked.method in ("GET", "HEAD", "OPTIONS"):
            self._small_talk(asked, connection, target, client)
            return
        self.asked += 1
        if question is None:
            self._miss(asked, connection, target, body, client)
            return
        walk = self.turns.whose(question, connection, client, asked.header("x-stainless-retry-count"))
        struck = next((one for one in self.faults if one.strikes(self.asked)), None) if self.faults else None
        if walk is None:
            self._miss(asked, connection, target, body, client, question)
        elif struck is None:
            self._play(asked, connection, self.turns.advance(walk, self.opened))
        elif struck.status is not None:
            speaks = speaker(target, asked.headers, question.recordings[0].interaction.request.url)
            send(refused(speaks, struck.status, struck.retry_after), asked, connection)
        elif struck.breaks is None:
            recording = self.turns.advance(walk, self.opened)
            self.loop.call_later(struck.wait, self._play, asked, connection, recording)
        elif struck.breaks != "hang":
            rendered = render(question.recordings[walk.at].interaction, self.pace)
            short = broken(rendered, struck.chunks, struck.bytes)
            send(short, asked, connection, reset=struck.breaks == "reset")

    def status(self) -> dict[str, Any]:
        """What ``/__playhead__`` says."""
        from playhead import __version__

        tapes = []
        for tape in self.tapes:
            mine = [recording for recording in self.index.recordings if recording.tape is tape]
            left = [recording.interaction.id for recording in mine if not recording.played]
            name = None if tape.path is None else joined(str(tape.path))
            tapes.append({"tape": name, "exchanges": len(mine), "played": len(mine) - len(left), "unplayed": left})
        return {
            "playhead": __version__,
            "tapes": tapes,
            "models": self._models,
            "asked": self.asked,
            "played": sum(recording.played for recording in self.index.recordings),
            "missed": self.missed,
            "misses": list(self.misses),
            "clients": sorted(self.turns.names),
            "connections": len(self.open),
        }

    def reset(self, client: str = "") -> None:
        """Begin anew, all of it or for one client that has a name."""
        self.turns.forget(client or None)
        if client:
            return
        for connection in self.open:
            connection.state = None
        for recording in self.index.recordings:
            recording.played = 0
        self.asked = self.missed = 0
        self.misses.clear()

    def _own(self, asked: Asked, connection: Connection, path: str, client: str) -> None:
        bodiless = asked.method == "HEAD"
        if path == _OWN and asked.method in ("GET", "HEAD"):
            send_whole(asked, connection, json_answer(200, self.status(), bodiless=bodiless))
        elif path == f"{_OWN}/reset" and asked.method == "POST":
            self.reset(client)
            send_whole(asked, connection, json_answer(200, {"reset": client or True}))
        else:
            how = f"GET {_OWN} says how it stands, POST {_OWN}/reset begins anew"
            status = 405 if path in (_OWN, f"{_OWN}/reset") else 404
            allowed = (("Allow", "GET, HEAD" if path == _OWN else "POST"),) if status == 405 else ()
            send_whole(asked, connection, json_answer(status, {"error": {"message": how}}, allowed, bodiless=bodiless))

    def _small_talk(self, asked: Asked, connection: Connection, target: str, client: str) -> None:
        path = target.partition("?")[0]
        found = listing(asked, path, self._models)
        if found is None and path == "/":
            found = 200, {"playhead": "plays tapes", "status": _OWN}
        if found is None and asked.method == "OPTIONS":
            found = 405, {"error": {"message": "nothing is served to pages of other origins (no CORS)"}}
        if found is None:
            self.asked += 1
            self._miss(asked, connection, target, b"", client)
            return
        send_whole(asked, connection, json_answer(*found, bodiless=asked.method == "HEAD"))

    def _play(self, asked: Asked, connection: Connection, recording: Recording) -> None:
        if not self.pace and asked.minor and asked.method != "HEAD":
            data = recording.rendered
            if data is None:
                data = recording.rendered = render(recording.interaction, 0.0).at_once()
            if not asked.last:
                connection.write(data)
                connection.done(close=recording.cut)
                return
        send(render(recording.interaction, self.pace), asked, connection)

    def _miss(
        self,
        asked: Asked,
        connection: Connection,
        target: str,
        body: bytes,
        client: str,
        question: Question | None = None,
    ) -> None:
        self.missed += 1
        redactor = Redactor(credentials(asked.headers, target, body))
        shown = joined(redactor.url(target))
        near: Recording | None = None
        if question is not None:
            said, recorded = _heard(question, client), question.recordings[0].interaction.request.url
        else:
            heard = self.turns.had(connection, client)
            said, near = self.index.describe(asked.method, target, redactor.body(body), heard, _WORDS)
            recorded = near.interaction.request.url if near is not None else ""
        message = f"not on tape: {asked.method} {shown} has no answer: {said}"
        told: dict[str, Any] = {"client": client or None, "method": asked.method, "path": shown, "message": said}
        if near is not None:
            path = joined(str(near.tape.path)) if near.tape.path else None
            told["nearest"] = {"tape": path, "id": near.interaction.id}
        self.misses.append(told)
        headers = (("x-should-retry", "false"),)
        value = missed(speaker(target, asked.headers, recorded), target, body, message, told)
        send_whole(asked, connection, json_answer(404, value, headers, bodiless=asked.method == "HEAD"))


def _heard(question: Question, client: str) -> str:
    """Why a question that is on the tapes has no answer any more."""
    times = len(question.recordings)
    who = f"client {client}" if client else "this client, which is told by its connection,"
    return (
        f"the same request was recorded {'once' if times == 1 else f'{times} times'}, and {who} has heard that. Over a "
        f"connection that is opened later it begins anew, and so it does with --loop or after POST /__playhead__/reset"
    )
