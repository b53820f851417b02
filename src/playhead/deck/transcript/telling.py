"""What a tape holds, as a person tells it: conversations of steps, each with its attempts, answer and tool results.

A tape repeats itself: every request carries the whole history, every refusal the whole request. A transcript says
each thing once, in the values of :mod:`.values`::

    transcript(tape).entries -> (Conversation(steps=(Step(attempts=(429, 429, 200), …), Step(…))),)

An exchange belongs to the conversation whose words it goes on from: the same question as an unanswered one is another
attempt, a history that begins with an answered question is the next step, anything else begins a conversation. What no
dialect here understands is an :class:`Exchange`, plain HTTP; nothing that a tape may hold makes this fail.

Waits between attempts are not on a tape, so durations here are those of the exchanges themselves. Showing a
transcript is the business of :mod:`playhead.cli.show`; running the tape again is :mod:`playhead.deck.rerun`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from playhead.agent.ledger import Line, line, total
from playhead.agent.taped import BEGUN, is_begun, is_final, key_of, read_result
from playhead.deck.answer import decoded
from playhead.deck.embedded import embedding
from playhead.deck.question import Question, forked, question
from playhead.deck.transcript.belonging import SUMMARY, goes_on, histories, listing, since, spoken_in, task_in, task_of
from playhead.deck.transcript.values import (
    TRANSCRIPT_VERSION,
    Begun,
    Conversation,
    Entry,
    Exchange,
    Step,
    Told,
    Transcript,
    Try,
    lasted,
    summed,
)
from playhead.errors import ConfigError, ModelError, PlayheadError
from playhead.events import Asked, Attempt
from playhead.messages import Message, ToolCall, ToolResult
from playhead.request import Request
from playhead.response import Response, Usage
from playhead.transport.replay import gave_way
from playhead.transport.retry import BEATEN
from playhead.wire import header

if TYPE_CHECKING:
    from playhead.tapes import Interaction, Tape


def transcript(
    tape: Tape,
    *,
    path: str | None = None,
    warnings: tuple[str, ...] = (),
    asked: Callable[[int, Request], None] | None = None,
) -> Transcript:
    """The transcript of a tape. ``warnings`` are what its reader had to say, shown along. ``asked`` is told each
    interaction's id and the whole request that it was understood as, of which a transcript keeps what is new."""
    teller = _Teller(asked)
    for interaction in tape.interactions:
        teller.take(interaction)
    entries = tuple(entry.finish() if isinstance(entry, _Telling) else entry for entry in teller.entries)
    return Transcript(TRANSCRIPT_VERSION, path, len(tape.interactions), entries, warnings, _date(tape, entries))


def _date(tape: Tape, entries: tuple[Entry, ...]) -> str | int | None:
    for interaction in tape.interactions:
        said = header(interaction.response.headers, "Date")
        if said and any(char.isdigit() for char in said):  # else somebody took it off
            return said
    for entry in entries:
        if isinstance(entry, Conversation):
            for step in entry.steps:
                if step.answer is not None and step.answer.created:
                    return step.answer.created
    return None


class _Asking:
    """A step while it is told."""

    def __init__(self, said: tuple[Message, ...], asked: str | None = None, forked: bool = False) -> None:
        self.said = said
        self.asked = asked
        self.forked = forked
        self.begun: dict[str, Begun] = {}
        self.history: tuple[tuple[str, str], ...] = ()
        self.length = 0
        self.number = 0
        self.attempts: list[Try] = []
        self.answer: Response | None = None
        self.results: dict[str, Told] = {}
        self.ledger: list[Line] = []

    def missing(self) -> tuple[ToolCall, ...]:
        """The calls whose results are not known yet."""
        calls = self.answer.tool_calls if self.answer is not None else ()
        return tuple(call for call in calls if call.id not in self.results)

    def finish(self, number: int) -> Step:
        order = [call.id for call in self.answer.tool_calls] if self.answer is not None else []
        results = [self.results[id] for id in order if id in self.results]
        slowest = max((told.duration for told in results if told.duration is not None), default=None)
        duration = lasted([*(attempt.duration for attempt in self.attempts), slowest])
        ledger = tuple(msgspec.structs.replace(line, step=number) for line in self.ledger)
        begun = tuple(mark for id, mark in self.begun.items() if id not in self.results)
        tries = tuple(self.attempts)
        said = (number, self.said, tries, self.answer, tuple(results), duration, ledger)
        return Step(*said, self.asked, begun, self.forked)


class _Telling:
    """A conversation while it is told."""

    def __init__(self, found: Question) -> None:
        self.found = found
        self.steps: list[_Asking] = []
        self.inside: str | None = None

    @property
    def summary(self) -> bool:
        """Whether it is one that made a summary of another, which nothing is inside of."""
        return self.inside is not None and self.inside.startswith(SUMMARY)

    def finish(self) -> Conversation:
        steps = tuple(step.finish(number) for number, step in enumerate(self.steps, 1))
        usages = [step.answer.usage for step in steps if step.answer is not None]
        known = [usage for usage in usages if usage is not None]
        cost = total([line for step in steps for line in step.ledger])
        return Conversation(
            self.found.provider.name,
            self.found.provider.dialect,
            self.found.request.model,
            tuple(tool.name for tool in self.found.request.tools),
            steps,
            _total(known),
            None if cost is None else summed([cost]),
            lasted(step.duration for step in steps),
            self.inside,
        )


class _Teller:
    """Takes interactions in order, finds for each where it belongs."""

    def __init__(self, asked: Callable[[int, Request], None] | None = None) -> None:
        self._asked = asked
        self.entries: list[_Telling | Exchange] = []
        # The conversations by the history that their last question had; two may have asked the same.
        self._by_history: dict[int, list[_Telling]] = {}
        self._recent: list[_Telling] = []
        # Those whose last question may have no answer, and what calls gave to other agents to do.
        self._open: list[_Telling] = []
        self._tasks: dict[str, list[tuple[ToolCall, _Asking]]] = {}

    def take(self, interaction: Interaction) -> None:
        if interaction.request.method == "CALL":
            if not self._told(interaction):
                self.entries.append(msgspec.structs.replace(_plain(interaction), listing=listing(interaction)))
            return
        vectors = embedding(interaction)
        if vectors is not None:
            self.entries.append(msgspec.structs.replace(_plain(interaction), embedding=vectors))
            return
        try:
            found = question(interaction)
            keys = histories(found)
        except ConfigError:  # nobody that playhead knows speaks at this URL
            self.entries.append(_plain(interaction))
            return
        except Exception as error:  # another's bytes: whatever is wrong with them, they are shown as they are
            self.entries.append(_plain(interaction, _unread(interaction, error)))
            return
        if self._asked is not None:
            self._asked(interaction.id, found.request)
        asking = self._placed(found, keys)
        asking.attempts.append(_answered(found, asking))
        for call in asking.answer.tool_calls if asking.answer is not None else ():
            if (task := task_of(call)) is not None:
                self._tasks.setdefault(task, []).append((call, asking))

    def _placed(self, found: Question, keys: list[int]) -> _Asking:
        """The step that this question belongs to, made where there is none yet."""
        for telling in self._by_history.get(keys[-1], ()):
            if telling.steps[-1].answer is None:
                return telling.steps[-1]
        messages = found.request.messages
        if forked(found.interaction):
            for telling in reversed(self._recent):
                added = since(telling.steps[-1].answer, messages)
                if added:
                    return self._begin(telling, added, keys[-1], found, forked=True)
        for length in range(len(messages) - 1, 0, -1):
            held = self._by_history.get(keys[length - 1])
            if held is None:
                continue
            continued = next((one for one in held if goes_on(one.steps[-1].answer, messages[length])), None)
            if continued is None:
                continue
            held.remove(continued)
            return self._begin(continued, messages[length:], keys[-1], found)
        self._open = [telling for telling in self._open if telling.steps[-1].answer is None]
        for telling in reversed(self._open):
            same = self._same_step(telling, found, keys[-1])
            if same is not None:
                return same
        has_history = any(message.role == "assistant" for message in messages)
        for same_ids in (True, False) if has_history else ():  # a wire may have no ids, or others
            for telling in reversed(self._recent):
                answer = telling.steps[-1].answer
                added = since(answer, messages, same_ids=same_ids) if answer is not None and answer.tool_calls else ()
                if added and any(one in _spoken(telling) for one in spoken_in(messages)):
                    return self._begin(telling, added, keys[-1], found)
        telling = _Telling(found)
        telling.inside = self._inside(messages)
        self.entries.append(telling)
        self._recent.append(telling)
        return self._begin(telling, messages, keys[-1], found)

    def _inside(self, messages: tuple[Message, ...]) -> str | None:
        """What a run is for that begins with these messages, where another one asked for it; else None."""
        task = task_in(messages)
        if task is None:
            return None
        around = next((one for one in reversed(self._recent) if not one.summary), None)
        if task == SUMMARY and around is not None:
            return f"{SUMMARY}, before step {len(around.steps) + 1}"
        for call, step in self._tasks.get(task, ()):
            if call.id not in step.results:
                return f"{call.name}, called in step {step.number}"
        return None

    def _same_step(self, telling: _Telling, found: Question, key: int) -> _Asking | None:
        """The last step of a conversation, where it was refused, and the same is asked of another model, or less of the
        history; else None."""
        step, messages = telling.steps[-1], found.request.messages
        if step.answer is not None or step.history != spoken_in(messages):
            return None
        if (step.asked or _whom(telling.found)) == _whom(found) and len(messages) >= step.length:
            return None  # asked of the same, with other words: that is something else
        step.length = len(messages)
        if _whom(found) == _whom(telling.found):
            return self._known(telling, key)
        step.asked = _whom(found)
        return self._known(telling, key)

    def _known(self, telling: _Telling, key: int) -> _Asking:
        """The last step of a conversation, known by this history as well."""
        self._by_history.setdefault(key, []).append(telling)
        return telling.steps[-1]

    def _begin(
        self, telling: _Telling, added: tuple[Message, ...], key: int, found: Question, *, forked: bool = False
    ) -> _Asking:
        said: list[Message] = []
        before = telling.steps[-1] if telling.steps else None
        for index, message in enumerate(added):
            if before is not None and index == 0 and message.role == "assistant":
                continue  # the answer of the step before, told already
            known = {call.id for call in before.missing()} if before is not None else set()
            results = message.all(ToolResult)
            for result in results:
                if before is not None and result.call_id in known:
                    before.results[result.call_id] = Told(result)
            if before is None or not results or any(result.call_id not in before.results for result in results):
                said.append(message)
        asking = _Asking(tuple(said), None if _whom(found) == _whom(telling.found) else _whom(found), forked)
        asking.history, asking.length = spoken_in(found.request.messages), len(found.request.messages)
        telling.steps.append(asking)
        asking.number = len(telling.steps)
        self._open.append(telling)
        self._by_history.setdefault(key, []).append(telling)
        if self._recent[-1] is not telling:
            self._recent.remove(telling)
            self._recent.append(telling)
        return asking

    def _told(self, interaction: Interaction) -> bool:
        """Give a recorded tool call to the step that waits for it; False where none does."""
        begun = is_begun(interaction)
        name, arguments = interaction.request.url.removeprefix("tool:"), interaction.request.body
        name = name.removesuffix(BEGUN) if begun else name
        call_id = header(interaction.request.headers, "Playhead-Call-Id")
        for telling in reversed(self._recent):
            step = telling.steps[-1]
            for call in step.missing():
                if call.name != name or call.arguments.encode() != arguments or call_id not in (None, call.id):
                    continue
                if begun:
                    if call.id in step.begun:
                        continue
                    step.begun[call.id] = Begun(call.id, key_of(interaction), interaction.id)
                    return True
                try:
                    result = read_result(call, interaction)
                except (PlayheadError, RecursionError):
                    return False
                step.results[call.id] = Told(result, interaction.id, _seconds(interaction), is_final(interaction))
                return True
        return False


def _whom(found: Question) -> str:
    return f"{found.provider.name}:{found.request.model}"


def _total(usages: list[Usage]) -> Usage | None:
    """All of them together; None where there are none."""
    if not usages:
        return None
    counts = [msgspec.structs.replace(usage, cost=None) for usage in usages]
    cost = summed([usage.cost for usage in usages])
    return msgspec.structs.replace(sum(counts[1:], counts[0]), cost=cost)


def _spoken(telling: _Telling) -> set[tuple[str, str]]:
    """What users said in a conversation."""
    spoken = {one for step in telling.steps for one in step.history}
    return {(role, text) for role, text in spoken if role == "user"}


def _answered(found: Question, asking: _Asking) -> Try:
    """The attempt that an exchange was; a good answer is put into its step."""
    interaction = found.interaction
    answer = interaction.response
    said, usage = None, None
    error: str | None
    try:
        if gave_way(answer.headers):
            error = BEATEN
        elif answer.code >= 300:
            refusal = found.dialect.decode_error(answer.code, answer.headers, answer.body, found.theirs)
            error = refusal.message
        else:
            decoder = found.dialect.decoder(found.theirs)
            try:
                said = asking.answer = decoded(found, decoder)
            finally:
                usage = decoder.usage
            error = None
    except Exception as broken:  # as in take: the answer may be anything
        error = _reason(interaction, broken)
    took = _seconds(interaction)
    asked = Asked(found.provider.name, interaction.request.url, found.request.model)
    date = header(answer.headers, "Date")
    attempt = Attempt(1, len(asking.ledger) + 1, answer.code, took or 0.0, error, date=date, usage=usage, asked=asked)
    asking.ledger.append(line(attempt, said))
    return Try(interaction.id, answer.code, took, error)


def _plain(interaction: Interaction, reason: str | None = None) -> Exchange:
    request, response = interaction.request, interaction.response
    return Exchange(
        interaction.id,
        request.method,
        request.url,
        response.code,
        len(request.body),
        len(response.body),
        _seconds(interaction),
        reason,
    )


def _seconds(interaction: Interaction) -> float | None:
    """How long it took; None for the zero of a recording that does not say."""
    try:
        return interaction.response.duration or None
    except OverflowError:  # of hundreds of digits
        return float("inf")


def _unread(interaction: Interaction, error: Exception) -> str | None:
    """Why a request that goes to a model by its URL is not told as one."""
    if not interaction.request.body:
        return "a model is asked here, by the URL, but the recording has no body of the request"
    why = error.message if isinstance(error, ModelError) else _reason(interaction, error)
    return f"not read as a request to a model: {why}"


def _reason(interaction: Interaction, error: Exception) -> str | None:
    if isinstance(error, ModuleNotFoundError):
        return f"no dialect here reads it ({error.name})"
    return str(error) if isinstance(error, PlayheadError) else f"{type(error).__name__}: {error}"
