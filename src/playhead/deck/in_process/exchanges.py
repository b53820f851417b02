"""The exchanges of one session for a client of another library: a request in, an answer out, or leave to go live.

What :mod:`.httpx_tapes` and :mod:`.aiohttp_tapes` have in common. A request that the tape has no answer for, where it
may not go live, is answered with status 404 in the words of its wire and kept among the misses. It is not raised: SDKs
take what a transport raises for a connection that failed, try again, and hide it.
"""

from __future__ import annotations

import msgspec

from playhead.deck.http1.rendered import Rendered, render
from playhead.deck.record.take import learn
from playhead.deck.refusals import missed
from playhead.errors import TapeMissError
from playhead.tapes.session import Session
from playhead.wire import HTTPRequest


class Exchanges:
    """What passes through one client, on one open tape. ``pace`` 0 plays at once, 1.0 as recorded.

    Attributes:
        misses: what the tape had no answer for, in words.
    """

    def __init__(self, session: Session, pace: float = 0.0) -> None:
        self.session, self.pace = session, pace
        self.misses: list[str] = []

    def play(self, request: HTTPRequest) -> Rendered | None:
        """The recorded answer, or the one that says that there is none; None to go live."""
        learn(self.session, request)
        try:
            item = self.session.play(request)
        except TapeMissError as error:
            self.misses.append(str(error))
            return _miss(request, str(error))
        return None if item is None else render(item, self.pace)


def _miss(request: HTTPRequest, said: str) -> Rendered:
    told = {"method": request.method, "path": request.url.partition("?")[0], "message": said}
    body = msgspec.json.encode(missed(request.url, f"not on tape: {said}", told))
    headers = (("Content-Type", "application/json"), ("x-should-retry", "false"))
    return Rendered(404, "", headers, [(0.0, body)], False, False)
