"""Whether playhead asks what a tape says was asked: every request of every conversation, compared as JSON.

Each conversation is run again from its first request (:mod:`playhead.deck.rerun`). Each request that this run makes
is written in the hand of the recording client (the dialect reads that hand off the recorded request: which field bounds
the tokens, whether an empty content is left out) and compared with the recorded one. What the recorder changed in
its own history is taken over and reported (:mod:`playhead.deck.edits`); anything else is a difference.

``await verify(Tape.load("florence.yaml")) -> Verdict(requests=12, equal=12, …)``
"""

from __future__ import annotations

import msgspec

from playhead.deck.broken_off import after_broken_off, after_refusal
from playhead.deck.edits import edits
from playhead.deck.embedded import embedding_difference
from playhead.deck.question import question
from playhead.deck.reel import Reel
from playhead.deck.rerun import Rerun, rerun
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
        notes: where a conversation ends without an answer, and nothing says that it should not.
        unmodelled: paths in requests that the vocabulary does not model.
        conversations, steps: what the tape holds, as the run saw it.
    """

    requests: int = 0
    equal: int = 0
    edits: list[str] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
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
    verdict = Verdict()
    reel = Reel(_without_embeddings(tape, verdict))
    verdict.requests += len(reel.left)
    astray: set[int] = set()  # requests that do not follow from what is before them
    while reel.left:
        first = reel.left[0]
        try:
            found = question(first)
        except _NOT_UNDERSTOOD as error:
            verdict.differences.append(Difference(first.id, _told(error)))
            reel.skip()
            continue
        verdict.conversations += 1
        try:
            again = await rerun(found, reel)
        except _ABSURD as error:
            verdict.differences.append(Difference(first.id, _told(error)))
            if reel.left and reel.left[0] is first:
                reel.skip()
            continue
        verdict.steps += len(again.run.steps)
        verdict.edits.extend(f"interaction {id}: {said}" for id, said in again.taken)
        if not again.asked:
            verdict.equal += 1  # the request ends with an answer already: there is nothing to ask
        if again.open:
            _look_behind(verdict, again, reel, astray)
        for asked, recorded in again.asked:
            if recorded.id not in astray:
                try:
                    _compare(verdict, asked, recorded)
                except _ABSURD as error:
                    verdict.differences.append(Difference(recorded.id, _told(error)))
    return verdict


#: What nesting without end, and numbers without end, raise wherever they are looked at.
_ABSURD = (RecursionError, ArithmeticError)
_NOT_UNDERSTOOD = (ConfigError, ModelError, *_ABSURD)


def _without_embeddings(tape: Tape, verdict: Verdict) -> Tape:
    """The tape without its requests for vectors, each of which stands by itself and is compared here."""
    left: list[Interaction] = []
    for interaction in tape.interactions:
        is_one, where = embedding_difference(interaction)
        if not is_one:
            left.append(interaction)
            continue
        verdict.requests += 1
        if where is None:
            verdict.equal += 1
        else:
            verdict.differences.append(Difference(interaction.id, where))
    return tape if len(left) == len(tape.interactions) else Tape(left)


def _told(error: BaseException) -> str:
    return f"too deep or too large to be read ({error})" if isinstance(error, _ABSURD) else str(error)


def _look_behind(verdict: Verdict, again: Rerun, reel: Reel, astray: set[int]) -> None:
    """A conversation has come to no answer. Where the tape ends with it, its run was stopped there. Where something
    follows that nobody would ask (after a refusal anything but the same again, after calls anything but their results),
    that is a difference; a conversation of its own that begins after calls is not: not every client runs them. One that
    goes on from what came of an answer that its reader broke off, or asks another question, is named."""
    where = again.stopped or "it has no answer"
    last = again.asked[-1] if again.asked else None
    refused = last is not None and last[1].response.code >= 400
    if refused and last is not None and last[1] is not reel.last_of_all and not reel.left:
        # It was passed over while the rest was played: it stands in the midst of a conversation that it is no part of.
        recorded = again.asked[0][1]
        others = [item for item in reel.tape.interactions if item.request.method != "CALL" and item is not recorded]
        size = len(recorded.request.body)
        near = min(others, key=lambda item: (abs(item.id - recorded.id) > 1, abs(len(item.request.body) - size)))
        says = first_difference(near.request.body, recorded.request.body)
        astray.add(recorded.id)
        verdict.differences.append(
            Difference(recorded.id, f"belongs to nothing before it or after it; {says or where}")
        )
        return
    if not reel.left:
        verdict.notes.append(f"the tape ends before its last conversation does: {where}")
        return
    following = reel.left[0]
    try:
        behind = question(following)
        fresh = all(message.role in ("system", "user") for message in behind.request.messages)
        may_go_on = after_refusal if refused else after_broken_off
        goes_on = None if last is None else may_go_on(question(last[1]), behind)
    except _NOT_UNDERSTOOD:
        fresh, goes_on = True, None
    if goes_on is not None:
        verdict.edits.append(f"interaction {following.id}: {goes_on}")
        return
    if fresh and not refused:
        verdict.notes.append(f"interaction {following.id} begins anew though the one before has no answer: {where}")
        return
    astray.add(following.id)
    says = f"does not follow from the one before, which has no answer ({where})"
    if last is not None:
        says += f"; {first_difference(last[1].request.body, following.request.body) or 'it is asked elsewhere'}"
    verdict.differences.append(Difference(following.id, says))


def all_equal(again: Rerun) -> bool:
    """Whether a conversation asked what was recorded, request by request."""
    verdict = Verdict(len(again.asked))
    for asked, recorded in again.asked:
        _compare(verdict, asked, recorded)
    return verdict.equal == verdict.requests


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
