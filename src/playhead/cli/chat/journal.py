"""The tape of a chat: every turn is added at its end, and started again on it the chat goes on where it was.

A chat never plays: a question that was taken back with ``/undo`` and asked again in the same words is to have a new
answer, not the old one. So its tape has nothing to play for the sessions that record on it (:class:`Journal`), and the
conversation is read back instead, from the last request on the tape, which holds the whole of it, and from what came
after: its answer, whole or cut, and the results of its calls.

The file is locked as long as the chat is open, so that two chats do not write on one tape.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from playhead.cli.ends import UsageError
from playhead.tapes import Interaction, Session, Tape, open_session
from playhead.tapes.files import TAPE, write_whole

if TYPE_CHECKING:
    from playhead.deck.question import Question
    from playhead.fold import Folder
    from playhead.messages import Message, ToolCall, ToolResult


class Journal(Tape):
    """A tape that is added to and never played."""

    held: Session | None = None

    @classmethod
    def open(cls, path: str) -> Journal:
        """The tape at a path, made where there is none, and locked until it is closed.

        Raises:
            TapeError: it cannot be recorded on; see :func:`playhead.tapes.open_session`.
        """
        place = Path(path)
        try:
            there = place.is_file() and place.stat().st_size > 0
        except OSError:
            there = False
        journal = cast(Journal, cls.load(place)) if there else cls((), place)
        journal.held = open_session(journal, "resume")
        return journal

    def settled(self) -> tuple[Interaction, ...]:
        """Nothing that a run could play."""
        return ()

    def close(self) -> None:
        """Let go of the file."""
        if self.held is not None:
            self.held.close()

    def forked(self, path: str | None) -> Journal:
        """A copy of the tape in another file, open; this one is closed, and stays as it is.

        Raises:
            UsageError: the file is there already.
            TapeError: it cannot be written.
        """
        place = Path(path) if path else _free(Path(str(self.path)))
        if os.path.lexists(place):
            raise UsageError(f"{place} is there already: give the copy another name, /fork FILE")
        write_whole(place, self.copy(place).dumps(), TAPE, like=() if self.path is None else (self.path,))
        journal = Journal.open(str(place))
        self.close()
        return journal


def _free(path: Path) -> Path:
    """``chat-2.yaml`` for ``chat.yaml``: the first that is not there."""
    number = 2
    while os.path.lexists(made := path.with_name(f"{path.stem}-{number}{path.suffix}")):
        number += 1
    return made


class Recalled(msgspec.Struct, frozen=True):
    """A conversation as a tape holds it; ``notes`` are what its end leaves open, in sentences."""

    messages: tuple[Message, ...] = ()
    notes: tuple[str, ...] = ()


def recall(tape: Tape) -> Recalled:
    """The conversation that the last request to a model on this tape is of."""
    for interaction in reversed(tape.interactions):
        found = _understood(interaction)
        if found is not None:
            return _recalled(tape, found)
    return Recalled()


def _understood(interaction: Interaction) -> Question | None:
    """A request to a model; None for another's exchange, and for bytes that nobody here reads: no turn of this chat."""
    from playhead.deck.question import question

    try:
        return None if interaction.request.method == "CALL" else question(interaction)
    except Exception:
        return None


def _recalled(tape: Tape, found: Question) -> Recalled:
    from playhead.messages import Message, ToolCall

    messages = [*found.request.messages]
    answer = _answer(found)
    calls: tuple[ToolCall, ...] = ()
    if answer is not None and answer.complete:
        messages.append(answer.response().as_message())
        calls = messages[-1].all(ToolCall)
    elif answer is not None:
        messages.extend(said(answer.partial))
    after = [item for item in tape.interactions if item.id > found.interaction.id and item.request.method == "CALL"]
    results, notes = [], []
    for call in calls:
        result = _result(after, call)
        if result is not None:
            results.append(result)
        elif any(_is_of(item, call, "#begun") for item in after):
            notes.append(
                f"{call.name}({call.arguments}) had begun, and its result is not on the tape: look whether it was done"
            )
    if results:
        messages.append(Message("tool", tuple(results)))
    if not notes and messages[-1].role == "tool":
        notes.append("an answer was under way: the model sees the results of its calls with the next question")
    elif messages[-1].role == "user":
        notes.append("the last question on the tape has no answer, and is taken back: ask it again")
    return Recalled(tuple(settled(messages)), tuple(notes))


def said(parts: Any) -> list[Message]:
    """What came of an answer that was broken off, as a message that every provider takes back: its words. Half a call
    and half a thought are neither."""
    from playhead.messages import Message, Text

    words = tuple(Text(part.text) for part in parts if isinstance(part, Text) and part.text.strip())
    return [Message("assistant", words)] if words else []


def settled(messages: Any) -> list[Message]:
    """The history with each call answered, and without a question at its end that nothing came of."""
    from playhead.messages import closed

    kept = list(closed(messages))
    while kept and kept[-1].role == "user":
        kept.pop()
    return kept


def _result(after: list[Interaction], call: ToolCall) -> ToolResult | None:
    from playhead.agent.taped import read_result
    from playhead.errors import TapeFormatError

    for item in after:
        if _is_of(item, call):
            try:
                return read_result(call, item)
            except TapeFormatError:
                return None
    return None


def _is_of(item: Interaction, call: ToolCall, mark: str = "") -> bool:
    from playhead.wire import header

    request = item.request
    same = request.url == f"tool:{call.name}{mark}" and request.body == call.arguments.encode()
    return same and header(request.headers, "Playhead-Call-Id") in (None, call.id)


def _answer(found: Question) -> Folder | None:
    """The answer as far as it came; None where it was a refusal."""
    from playhead.deck.answer import as_far_as_it_came

    return None if found.interaction.response.code >= 300 else as_far_as_it_came(found)
