"""Whether playhead asks what a tape says was asked: every request of every conversation, compared as JSON.

Each conversation is run again from its first request (:mod:`playhead.deck.rerun`). Each request that this run makes
is written in the hand of the recording client (the dialect reads that hand off the recorded request: which field bounds
the tokens, whether an empty content is left out) and compared with the recorded one. What the recorder changed in
its own history is taken over and reported (:mod:`playhead.deck.edits`); anything else is a difference.

``await verify(Tape.load("florence.yaml")) -> Verdict(requests=12, equal=12, …)``
"""

from __future__ import annotations

import msgspec

from playhead.deck.edits import edits
from playhead.deck.question import question
from playhead.deck.rerun import Reel, rerun
from playhead.errors import ConfigError, ModelError
from playhead.tapes import Interaction, Tape, first_difference
from playhead.wire import HTTPRequest


class Difference(msgspec.Struct, frozen=True):
    """A request that is not equal. ``id`` is the interaction's; ``where`` says what differs first."""

    id: int
    where: str


class Verdict(msgspec.Struct):
    """What a verification found.

    Attributes:
        requests: recorded requests that were looked at; tool calls are not counted.
        equal: those that playhead makes as well.
        edits: the recording client's own edits of its history, taken over, as sentences.
        differences: the requests that are not equal, and those that no dialect understands.
        unmodelled: paths in requests that the vocabulary does not model.
        conversations, steps: what the tape holds, as the run saw it.
    """

    requests: int = 0
    equal: int = 0
    edits: list[str] = msgspec.field(default_factory=list)
    differences: list[Difference] = msgspec.field(default_factory=list)
    unmodelled: list[str] = msgspec.field(default_factory=list)
    conversations: int = 0
    steps: int = 0

    @property
    def ok(self) -> bool:
        """Whether every request is equal, and there is at least one."""
        return 0 < self.requests == self.equal


async def verify(tape: Tape) -> Verdict:
    """Run a tape again and compare each request with the recorded one.

    Never raises for what the tape holds: what is not understood is a difference.
    """
    reel = Reel(tape)
    verdict = Verdict(requests=len(reel.left))
    while reel.left:
        first = reel.left[0]
        try:
            found = question(first)
        except (ConfigError, ModelError) as error:
            verdict.differences.append(Difference(first.id, str(error)))
            reel.skip()
            continue
        verdict.conversations += 1
        again = await rerun(found, reel)
        verdict.steps += len(again.run.steps)
        if not again.asked:
            verdict.equal += 1  # the request ends with an answer already: there is nothing to ask
        for asked, recorded in again.asked:
            _compare(verdict, asked, recorded)
    return verdict


def _compare(verdict: Verdict, asked: HTTPRequest, recorded: Interaction) -> None:
    try:
        hand = question(recorded)
        ours = hand.dialect.decode_request(asked).request
        rewritten = hand.dialect.encode_request(ours, hand.theirs).http
    except (ConfigError, ModelError) as error:
        verdict.differences.append(Difference(recorded.id, str(error)))
        return
    for path in hand.decoded.unmodelled:
        if path not in verdict.unmodelled:
            verdict.unmodelled.append(path)
    a, b = msgspec.json.decode(rewritten.body), msgspec.json.decode(recorded.request.body)
    if rewritten.method != recorded.request.method or rewritten.url != recorded.request.url:
        where = (
            f"{recorded.request.method} {recorded.request.url} on the tape, {rewritten.method} {rewritten.url} asked"
        )
        verdict.differences.append(Difference(recorded.id, where))
        return
    if a == b:
        verdict.equal += 1
        return
    made = edits(a, b) if isinstance(a, dict) and isinstance(b, dict) else None
    if made is not None:
        verdict.equal += 1
        verdict.edits.extend(f"interaction {recorded.id}: {edit}" for edit in made)
        return
    where = first_difference(recorded.request.body, rewritten.body) or "the bodies differ"
    verdict.differences.append(Difference(recorded.id, where))
