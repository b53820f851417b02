"""Print the transcript of a tape: who said what, attempts, tool calls and results, tokens, cost and durations.

Any go-vcr tape is shown, and any recording that `playhead convert` reads: what no dialect understands, as plain HTTP.
Long texts are cut unless --full is given.

  playhead show florence.yaml
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from playhead.agent.pending import REFUSED
from playhead.cli.bill import bill
from playhead.cli.paint import (
    HARD,
    TIMES,
    Paint,
    clean,
    hung,
    kept_whole,
    plural,
    seconds,
    size,
    tokens,
    whole,
    wrap,
    wrap_painted,
)

if TYPE_CHECKING:
    from playhead.deck.embedded import Embedding
    from playhead.deck.transcript.values import Conversation, Exchange, Step, Transcript
    from playhead.messages import File, Message, Part, Text

SUMMARY = "print the transcript of a tape"

#: Lines of one text that are shown without --full.
SHORT = 12
#: Characters of one text that are looked at without --full: what is beyond them is not counted in lines.
GLANCE = 100_000
#: The first second of 2015: what an answer says of its own date before that is no date.
EARLIEST = 1420070400
#: Columns that the names of the speakers take.
MARGIN = 11


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead show``."""
    parser.add_argument("tape", metavar="TAPE", help="a tape, or another recording")
    parser.add_argument("--full", action="store_true", help="show every text to its end")


def main(arguments: argparse.Namespace) -> int:
    """Print it."""
    from playhead.cli.reading import load_tape
    from playhead.deck.transcript.telling import transcript

    tape = load_tape(arguments.tape, any_format=True)
    told = transcript(tape, path=arguments.tape, warnings=tuple(tape.warnings))
    if arguments.json:
        from playhead.cli.document import encode_json

        sys.stdout.write(encode_json(told, indent=True) + "\n")
        return 0
    page = Page(Paint.of(sys.stdout, arguments.color), full=arguments.full)
    write(sys.stdout, page.lines(told))
    return 0


def write(out: TextIO, lines: Iterator[str]) -> None:
    """Lines, without the blanks at their ends."""
    for line in lines:
        out.write(line.rstrip() + "\n")


class Page:
    """A transcript as lines."""

    def __init__(self, paint: Paint, *, full: bool = False) -> None:
        self._paint = paint
        self._full = full

    def lines(self, told: Transcript) -> Iterator[str]:
        """All of it: head, entries, total."""
        from playhead.deck.transcript.values import Conversation

        yield from self._head(told)
        for warning in told.warnings:
            yield from self._block("warning", warning, self._paint.yellow)
        before = True
        for entry in told.entries:
            talks = isinstance(entry, Conversation)
            if talks or before:
                yield ""
            before = talks
            if isinstance(entry, Conversation):
                yield from self._conversation(entry, len(told.entries) == 1, entry is told.conversations[-1])
            else:
                yield from self._exchange(entry)
        yield ""
        yield from self._total(told)

    def _head(self, told: Transcript) -> Iterator[str]:
        talks = told.conversations
        asked = (step.asked or f"{talk.provider}:{talk.model}" for talk in talks for step in talk.steps)
        models = list(dict.fromkeys(asked))
        date = _date(told.date)
        words = [plural(told.interactions, "interaction"), *models, *([date] if date else [])]
        text = (
            self._paint.bold(clean(told.path or "tape"))
            + "  "
            + kept_whole(clean(", ".join(words)), self._paint.width - 2)
        )
        yield hung(text, self._paint.width).replace(HARD, " ")

    def _conversation(self, talk: Conversation, alone: bool, last: bool) -> Iterator[str]:
        if not alone:
            inside = f"(inside: {talk.inside}) " if talk.inside is not None else ""
            yield self._paint.bold(clean(f"── {talk.provider}:{talk.model} {inside}"))
        told, asked = "", None
        for step in talk.steps:
            if step.number > 1:
                yield ""
            for message in step.said:
                yield from self._message(message)
            if step.forked or step.asked != asked:
                whom = step.asked or f"{talk.provider}:{talk.model}"
                yield self._label("fork" if step.forked else "model") + self._paint.bold(clean(whom))
                asked = step.asked
            yield from self._beside(f"step {step.number}", self._attempts(step))
            for attempt in step.attempts:
                if attempt.error and attempt.error != told:  # the same refusal is told once
                    yield from self._block("", attempt.error, self._paint.yellow, short=3)
                    told = attempt.error
            yield from self._answer(step)
        if last and (why := _unfinished(talk)):
            yield from self._beside("", why, self._paint.dim)
        if not alone and len(talk.steps) > 1:
            yield from self._beside("sum", _sum((talk,), None), self._paint.dim)

    def _answer(self, step: Step) -> Iterator[str]:
        if step.answer is None:
            yield self._label("") + self._paint.red("no answer")
            return
        results = {told.result.call_id: told for told in step.results}
        yield from self._parts("assistant", step.answer.parts)
        for call in step.answer.tool_calls:
            told = results.get(call.id)
            name = f"{call.name} " if len(step.answer.tool_calls) > 1 else ""
            if told is None:
                for mark in step.begun:
                    if mark.call_id == call.id:
                        words = f"{name}began, with key {mark.key}; no result: whether it was done is not known"
                        yield from self._block("tool", f"← {words}", self._paint.yellow)
                continue
            color = self._paint.red if told.result.is_error else self._paint.cyan
            took = f"  ({seconds(told.duration)})".replace(" ", HARD) if told.duration is not None else ""
            said = _content(told.result.content)
            if told.result.is_error and said.startswith(REFUSED):
                said = f"refused by a person{said.removeprefix(REFUSED)}"
            ends = "  (it ends the run)" if told.final else ""
            yield from self._block("tool", f"← {name}{said}", color, tail=f"{took}{ends}")
        yield from self._beside("", _spent(step), self._paint.dim)

    def _attempts(self, step: Step) -> str:
        """``429 twice (0.34 s + 0.35 s), 200 (0.66 s)``, with a sign for "twice"."""
        groups: list[tuple[str, list[float]]] = []
        counts: list[int] = []
        for attempt in step.attempts:
            word = f"{attempt.status} failed" if attempt.error and attempt.status < 300 else str(attempt.status)
            if not groups or groups[-1][0] != word:
                groups.append((word, []))
                counts.append(0)
            counts[-1] += 1
            if attempt.duration is not None:
                groups[-1][1].append(attempt.duration)
        words = []
        for (word, times), count in zip(groups, counts, strict=True):
            shown = " + ".join(seconds(time) for time in times[:3])
            if len(times) > 3:
                shown = f"{seconds(sum(times))} in all"
            text = word + (f" {TIMES}{count}" if count > 1 else "")
            text = (self._paint.green if word.startswith("2") else self._paint.yellow)(text)
            words.append(f"{text} ({shown})" if shown else text)
        return ", ".join(words)

    def _message(self, message: Message) -> Iterator[str]:
        yield from self._parts(message.role, message.parts)

    def _parts(self, role: str, parts: tuple[Part, ...]) -> Iterator[str]:
        """What somebody says; what a model thinks has a label of its own, and what it says begins after it."""
        from playhead.messages import Reasoning

        label = role
        for part in parts:
            if isinstance(part, Reasoning):
                lines = list(self._part("reasoning", part))
                label = role if lines else label
            else:
                lines = list(self._part(label, part))
                label = "" if lines else label
            yield from lines

    def _part(self, role: str, part: Part) -> Iterator[str]:
        from playhead.messages import File, Native, Reasoning, Refusal, Source, Text, ToolCall, ToolResult

        match part:
            case Text(text=text):
                yield from self._block(role, text)
            case Reasoning(text=text):
                kept = "" if part.opaque is None else "(the model's reasoning is not readable)"
                if text or kept:
                    yield from self._block(role, text or kept, self._paint.dim)
            case Refusal(text=text):
                yield from self._block(role, f"refused: {text}", self._paint.red)
            case ToolCall(name=name, arguments=arguments):
                yield from self._block(role, f"→ {name}({arguments})", self._paint.cyan)
            case ToolResult(content=content):
                yield from self._block(role, f"← {_content(content)}", self._paint.cyan)
            case File():
                yield from self._block(role, _file(part), self._paint.dim)
            case Source(url=url, title=title):
                yield from self._block(role, f"source: {title + ', ' if title else ''}{url}", self._paint.dim)
            case Native(kind=kind):
                yield from self._block(role, f"({kind})", self._paint.dim)

    def _exchange(self, one: Exchange) -> Iterator[str]:
        sizes = f"{size(one.request_size)} → {size(one.response_size)}"
        sizes += f", {seconds(one.duration)}" if one.duration is not None else ""
        status = (self._paint.green if one.status < 400 else self._paint.red)(str(one.status))
        words = clean(f"{one.method} {one.url}")
        line = f"{words}  {status}  {self._paint.dim(sizes.replace(' ', HARD))}"
        yield from self._beside(f"http {whole(one.id, '')}", line)
        if one.listing is not None:
            yield from self._beside("", clean(one.listing), self._paint.dim)
        if one.embedding is not None:
            yield from self._beside("", _embedded(one.embedding), self._paint.dim)
        if one.reason:
            yield from self._block("", one.reason, self._paint.yellow, short=3)

    def _total(self, told: Transcript) -> Iterator[str]:
        from playhead.deck.transcript.values import Conversation

        talks = told.conversations
        plain = [entry for entry in told.entries if not isinstance(entry, Conversation)]
        yield from self._beside("total", _sum(talks, plain))

    def _label(self, word: str) -> str:
        return self._paint.bold(word[: MARGIN - 1]) + " " * (MARGIN - len(word[: MARGIN - 1]))

    def _block(self, role: str, text: str, color: object = None, short: int = SHORT, tail: str = "") -> Iterator[str]:
        """A text beside its speaker, wrapped, cut where it is long; ``tail`` are words of ours after it."""
        text = text.strip("\n")
        all_of_it = self._full or len(text) <= GLANCE
        shown = clean(text) + tail if all_of_it else clean(text[:GLANCE])
        lines = list(wrap(shown, max(self._paint.width - MARGIN, 10)))
        if all_of_it and tail:
            own = len(tail) if lines[-1].endswith(tail) else len(lines[-1])
            lines[-1] = lines[-1][: len(lines[-1]) - own] + lines[-1][len(lines[-1]) - own :].replace(HARD, " ")
        cut = 0
        if not self._full and (len(lines) > short + 1 or not all_of_it):
            cut = max(len(lines) - short, 0)
            lines = lines[:short]
        for index, line in enumerate(lines):
            yield self._label(role if index == 0 else "") + (color(line) if callable(color) else line)
        if cut or not all_of_it:
            left = plural(cut, "more line") if all_of_it else f"more than {plural(cut, 'more line')}"
            yield self._label("") + self._paint.dim(f"… {left} (--full shows them)")

    def _beside(self, label: str, text: str, color: object = None) -> Iterator[str]:
        """A line of ours beside its label, wrapped between its figures and never cut."""
        room = max(self._paint.width - MARGIN, 10)
        for index, line in enumerate(wrap_painted(kept_whole(text, room), room)):
            shown = line.replace(HARD, " ")
            yield self._label(label if index == 0 else "") + (color(shown) if callable(color) else shown)


def _embedded(told: Embedding) -> str:
    """``text-embedding-3-small, 2 texts, 2 vectors of 1,536 numbers, 8 tokens``."""
    words = [clean(told.model), plural(told.texts, "text")]
    if told.vectors is not None:
        words.append(f"{plural(told.vectors, 'vector')} of {whole(told.dimensions or 0)} numbers")
    if told.tokens is not None:
        words.append(plural(told.tokens, "token"))
    return ", ".join(words)


def _unfinished(talk: Conversation) -> str:
    """What to say under a conversation that has no answer yet, as its run was stopped; "" where it has one."""
    step, more = talk.steps[-1], ""
    if step.answer is None:
        ends = "a refusal"
    elif step.begun:
        names = {call.id: call.name for call in step.answer.tool_calls}
        calls = ", ".join(clean(f"{names[mark.call_id]} (call {mark.call_id})") for mark in step.begun)
        return (
            f"the tape ends while {calls} was made. A run with --tape-mode resume stops here, until it is told whether "
            "it was done: in Python, assume= or results="
        )
    elif any(told.final for told in step.results):
        return ""
    elif len(step.results) < len(step.answer.tool_calls):
        known = {told.result.call_id for told in step.results}
        open_calls = [clean(f"{call.name} (call {call.id})") for call in step.answer.tool_calls if call.id not in known]
        ends, more = "a call that has no result yet", f". It waits, or the run was stopped: {', '.join(open_calls)}"
    elif step.answer.tool_calls:
        ends = "results that the model has not seen"
    else:
        return ""
    return f"the tape ends with {ends}; a run with --tape-mode resume goes on from here{more}"


def _spent(step: Step) -> str:
    usage = step.answer.usage if step.answer is not None else None
    words = [tokens(usage.input_tokens, usage.output_tokens) if usage is not None else tokens(None, None)]
    if usage is not None:
        for count, noun in (
            (usage.cached_tokens, "cached"),
            (usage.cache_write_tokens, "written to the cache"),
            (usage.reasoning_tokens, "of reasoning"),
        ):
            if count:
                words.append(f"{whole(count)} {noun}")
        answered = step.ledger[-1:]
        if answered and answered[0].cost is not None:
            words.append(bill(answered, answered[0].cost))
    finish = step.answer.finish if step.answer is not None else None
    if finish is not None and finish.unified not in ("stop", "tool_calls"):
        words.append(f"stopped by {finish.unified}" + (f" ({clean(finish.raw)})" if finish.raw else ""))
    return ", ".join((*words, seconds(step.duration)) if step.duration is not None else words)


def _sum(talks: tuple[Conversation, ...], plain: list[Exchange] | None) -> str:
    """``2 steps, 12 attempts, 268 in + 66 out = 334 tokens, $0.0006258, 5.1 s``."""
    from msgspec import structs

    from playhead.cli.live import refusals
    from playhead.deck.transcript.values import lasted, summed
    from playhead.response import Usage

    steps = [step for talk in talks for step in talk.steps]
    tries = [attempt for step in steps for attempt in step.attempts]
    words: list[str] = []
    if len(talks) > 1:
        words.append(plural(len(talks), "conversation"))
    if steps:
        refused = refusals(attempt.status for attempt in tries if attempt.error is not None)
        words.append(plural(len(steps), "step"))
        words.append(plural(len(tries), "attempt") + (f" ({refused})" if refused else ""))
        usage = Usage()
        for talk in talks:
            usage += structs.replace(talk.usage, cost=None) if talk.usage is not None else Usage()
        both = usage.input_tokens is not None and usage.output_tokens is not None
        counted = tokens(usage.input_tokens, usage.output_tokens)
        words.append(counted.replace(" tokens", f" = {whole(usage.total_tokens or 0)} tokens") if both else counted)
        ledger = [line for step in steps for line in step.ledger]
        words.append(bill(ledger, summed([talk.cost for talk in talks])))
    if plain:
        words.append(plural(len(plain), "plain exchange"))
    if not words:
        words.append("nothing on this tape")
    took = lasted([talk.duration for talk in talks] + [one.duration for one in plain or ()])
    return ", ".join((*words, seconds(took)) if took is not None else words)


def _content(content: tuple[Text | File, ...]) -> str:
    from playhead.messages import Text

    return "\n".join(part.text if isinstance(part, Text) else _file(part) for part in content)


def _file(file: File) -> str:
    url = file.url or ""
    if url.startswith("data:"):  # base64 in another's hand
        url = size((len(url) - len(url.partition(",")[0]) - 1) * 3 // 4)
    what = file.name or url or size(len(file.data or b""))
    return f"[{file.media_type or 'file'}: {what[:200]}]"


def _date(date: str | int | None) -> str:
    """The date in words; "" for none, and for one before there were such models, which a server made up."""
    if isinstance(date, str) or date is None:
        return date or ""
    if date < EARLIEST:
        return ""
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(date, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, OSError, ValueError):
        return whole(date, "")
