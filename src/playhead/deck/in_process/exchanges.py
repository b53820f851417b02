"""The exchanges of one session for a client of another library: a request in, an answer out, or leave to go live.

What :mod:`.httpx_tapes` and :mod:`.aiohttp_tapes` have in common. What the tape does not hold word for word is looked
for by what it asks, as ``playhead serve`` does (:mod:`.alike`). A request that the tape has no answer for, where it may
not go live, is answered with status 404 in the words of its wire and kept among the misses. It is not raised: SDKs take
what a transport raises for a connection that failed, try again, and hide it.
"""

from __future__ import annotations

import msgspec

from playhead.deck.http1.rendered import Rendered, render
from playhead.deck.in_process.alike import Alike
from playhead.deck.record.take import learn
from playhead.deck.refusals import missed, speaker
from playhead.errors import TapeMissError
from playhead.tapes.session import Session
from playhead.wire import HTTPRequest


class Exchanges:
    """What passes through one client, on one open tape. ``pace`` 0 plays at once, 1.0 as recorded.

    Attributes:
        misses: what the tape had no answer for, in words.
        fail_on_unplayed: whether it is an error to close the tape before all of it was asked for.
    """

    def __init__(self, session: Session, pace: float = 0.0, fail_on_unplayed: bool = False) -> None:
        self.session, self.pace, self.fail_on_unplayed = session, pace, fail_on_unplayed
        self.misses: list[str] = []
        self._alike = session.alike = Alike(session.playable)

    def play(self, request: HTTPRequest) -> Rendered | None:
        """The recorded answer, or the one that says that there is none; None to go live."""
        learn(self.session, request)
        try:
            item = self.session.play(request)
        except TapeMissError as error:
            self.misses.append(str(error))
            return self._miss(request, str(error))
        return None if item is None else render(self._alike.as_asked(request, item), self.pace)

    def close(self, *, failing: bool = False) -> None:
        """Close the tape; ``failing`` says that something else has failed, so that what was not asked for is no news.

        Raises:
            UnplayedError: where that is an error, and something was not asked for.
        """
        self.session.close(fail_on_unplayed=self.fail_on_unplayed and not failing)

    def _miss(self, request: HTTPRequest, said: str) -> Rendered:
        told = {"method": request.method, "path": request.url.partition("?")[0], "message": said}
        playable = self.session.playable
        speaks = speaker(request.url, request.headers, playable[0].request.url if playable else "")
        value = missed(speaks, request.url, request.body, f"not on tape: {said}", told)
        headers = (("Content-Type", "application/json"), ("x-should-retry", "false"))
        return Rendered(404, "", headers, [(0.0, msgspec.json.encode(value))], False, False)
