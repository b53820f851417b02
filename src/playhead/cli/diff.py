"""Compare two tapes as conversations: where the runs part, and what was said, called and answered differently.

Ids, dates, costs, durations, refusals and retries may differ; what they came to stands beside each other. The exit
status is 0 where nothing else differs, 1 where something does, 2 where there is nothing to compare.

  playhead diff before.yaml after.yaml
  playhead diff before.yaml after.yaml --ignore reasoning --ignore 're:\\d{4}-\\d\\d-\\d\\d'
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from playhead.cli.ends import FAILED, UsageError

if TYPE_CHECKING:
    from playhead.cli.paint import Paint
    from playhead.deck.compare import Comparison, Difference, Figures, Pair

SUMMARY = "compare two tapes as conversations"

#: Characters of one side of a difference that are shown without --full.
GLANCE = 600
#: Words of a text up to which it is looked for those that differ: the search takes the square of them.
_WORDS = 1500
#: What share of two texts must be the same for single words to be worth a look.
_ALIKE = 0.5
#: Columns that the names of what differs take at least, and between the columns of what both came to.
_MARGIN, _GAP = 12, 3

_NAMES = {
    "model": "model",
    "system": "system",
    "said": "said",
    "tools": "tool",
    "settings": "setting",
    "reasoning": "reasoning",
    "answer": "answer",
    "call": "call",
    "result": "result",
    "finish": "finish",
    "steps": "one step more",
    "attempts": "attempts",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead diff``."""
    parser.add_argument("left", metavar="A", help="a tape, or another recording")
    parser.add_argument("right", metavar="B", help="the one that it is compared with")
    parser.add_argument(
        "--ignore",
        metavar="WHAT",
        action="append",
        default=[],
        help="what may differ: model, system, said, tools, settings, reasoning, answer, call, result, finish, steps, "
        "or re:PATTERN for text; several with commas",
    )
    parser.add_argument("--attempts", action="store_true", help="refusals and retries count")
    parser.add_argument("--strict", action="store_true", help="compare the bytes of all bodies instead")
    parser.add_argument("--full", action="store_true", help="show every difference to its end")


def main(arguments: argparse.Namespace) -> int:
    """Compare, and show it."""
    from playhead.cli.document import encode_json
    from playhead.cli.paint import Paint, clean
    from playhead.cli.reading import load_tape
    from playhead.deck.compare import PATTERN, compare, same_bytes

    left = load_tape(arguments.left, any_format=True)
    right = load_tape(arguments.right, any_format=True)
    paint = Paint.of(sys.stdout, arguments.color)
    if arguments.strict:
        where = same_bytes(left, right)
        if arguments.json:
            sys.stdout.write(encode_json({"same": where is None, "difference": where}, indent=True) + "\n")
        else:
            print(paint.green("the same, byte for byte") if where is None else clean(where))
        return FAILED if where is not None else 0
    ignore = [one for word in arguments.ignore for one in ([word] if word.startswith(PATTERN) else word.split(","))]
    found = compare(left, right, ignore=ignore, attempts=arguments.attempts)
    if not found.pairs:
        raise UsageError(
            f"neither {arguments.left} nor {arguments.right} holds a conversation; --strict compares bytes"
        )
    if arguments.json:
        sys.stdout.write(encode_json(as_document(found), indent=True) + "\n")
    else:
        for line in lines(found, paint, (arguments.left, arguments.right), full=arguments.full):
            sys.stdout.write(line.rstrip() + "\n")
    return 0 if found.same else FAILED


def as_document(found: Comparison) -> dict[str, Any]:
    """A comparison as the JSON that ``diff`` and ``rerun`` print."""
    return {
        "same": found.same,
        "pairs": [
            {
                "left": pair.left,
                "right": pair.right,
                "same": pair.same,
                "parts_at": pair.differences[0].step if pair.differences else None,
                "differences": pair.differences,
                "figures": pair.figures,
            }
            for pair in found.pairs
        ],
    }


def lines(found: Comparison, paint: Paint, names: tuple[str, str], *, full: bool = False) -> Iterator[str]:
    """A comparison as lines for people. ``names`` are those of the tapes, the first of which is told with a minus."""
    from playhead.cli.paint import clean

    signed = [f"{sign} {clean(name)}" for sign, name in zip("-+", names, strict=True)]
    if not found.same:
        yield from (color(text) for color, text in zip((paint.red, paint.green), signed, strict=True))
        yield ""
    for pair in found.pairs:
        alone = len(found.pairs) == 1
        if not alone:
            yield paint.bold(f"── conversation {pair.left or '-'} / {pair.right or '-'}")
        margin = max([_MARGIN, *(len(_label(item)) for item in pair.differences)])
        yield from _pair(pair, paint, full, margin)
        yield from _beside(pair, paint, signed, margin)
        if pair is not found.pairs[-1]:
            yield ""


def _pair(pair: Pair, paint: Paint, full: bool, margin: int) -> Iterator[str]:
    if pair.left is None or pair.right is None:
        yield paint.yellow("only in " + ("-" if pair.right is None else "+"))
        return
    if pair.same:
        yield paint.green("the same")
        return
    step = 0
    first = pair.differences[0]
    for item in pair.differences:
        if item.step != step:
            step = item.step
            words = "part" if item is first else "differ further"
            yield paint.bold(f"step {step}: the runs {words}")
        yield from _difference(item, paint, full or item is first, margin)


def _label(item: Difference) -> str:
    from playhead.cli.paint import clean

    return _NAMES[item.what] + (f" {clean(item.name)}" if item.name and item.what in ("tools", "settings") else "")


def _difference(item: Difference, paint: Paint, full: bool, margin: int) -> Iterator[str]:
    from playhead.cli.paint import clean, wrap_painted

    sides = (item.left, item.right)
    if item.what in ("tools", "settings"):
        sides = _apart(item.left, item.right)
    left, right = (None if text is None else clean(text) for text in sides)
    what, room = _label(item), None if paint.limit is None else max(paint.limit - margin - 5, 10)
    name = f"{clean(item.name)}: " if item.name and item.what in ("result", "said") else ""
    if left is not None and right is not None:
        left, right = painted(left, right, paint, None if full else GLANCE)
    for sign, text, color in (("-", left, paint.red), ("+", right, paint.green)):
        if text is None:
            continue
        one = _cut(text, None if full or (item.left is not None and item.right is not None) else GLANCE)
        told = f"{name}{one}"
        for line in told.split("\n") if room is None else wrap_painted(told, room):
            yield f"  {what:{margin}} {color(sign)} {line}"
            what = ""


def _apart(left: str | None, right: str | None) -> tuple[str | None, str | None]:
    """Two values of JSON without what is the same in them, a line for each place that differs; one that has no
    counterpart, and what is no object, as it is."""
    if left is None or right is None:
        return left, right
    import msgspec

    values = [msgspec.json.decode(text) for text in (left, right)]
    if not all(isinstance(value, dict) for value in values):
        return left, right
    leaves = [dict(_leaves(value, "")) for value in values]
    found = []
    for mine, other in (leaves, leaves[::-1]):
        rows = [f"{path}: {told}" for path, told in mine.items() if other.get(path) != told]
        found.append("\n".join(rows) if rows else "(nothing there)")
    return found[0], found[1]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """What stands at each place of a JSON value: ``parameters.required[0]``, ``"location"``."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        import msgspec

        yield path, msgspec.json.encode(value).decode()


def _cut(text: str, limit: int | None) -> str:
    return (
        text if limit is None or len(text) <= limit else f"{text[:limit]}… ({len(text)} characters; --full shows all)"
    )


def painted(left: str, right: str, paint: Paint, limit: int | None = None) -> tuple[str, str]:
    """Two texts with the words that differ coloured; without colours, and where they are long, as they are. What is
    longer than ``limit`` characters is cut, some way behind where they part."""
    if limit is not None and max(len(left), len(right)) > limit:
        parted = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), 0)
        begin = max(0, parted - limit // 4)
        begin = 0 if begin < limit // 4 else begin
        dots = "…" if begin else ""
        left, right = (dots + _cut(text[begin:], limit) for text in (left, right))
    if not paint.color:
        return left, right
    import re
    from difflib import SequenceMatcher

    words = [re.findall(r"\s+|\w+|[^\w\s]", text) for text in (left, right)]
    if max(map(len, words)) > _WORDS:
        return _each_line(left, paint.red), _each_line(right, paint.green)
    matcher = SequenceMatcher(None, words[0], words[1], autojunk=False)
    if matcher.ratio() < _ALIKE:
        return _each_line(left, paint.red), _each_line(right, paint.green)
    old, new = [], []
    for kind, a, b, c, d in matcher.get_opcodes():
        before, after = "".join(words[0][a:b]), "".join(words[1][c:d])
        old.append(before if kind == "equal" else _each_line(before, paint.red))
        new.append(after if kind == "equal" else _each_line(after, paint.green))
    return "".join(old), "".join(new)


def _each_line(text: str, color: Any) -> str:
    return "\n".join(color(line) for line in text.split("\n"))


def _beside(pair: Pair, paint: Paint, signed: Sequence[str], margin: int) -> Iterator[str]:
    """What both came to, in columns, each under the name of its tape; one below the other where the line is short."""
    from playhead.cli.paint import columns as wide
    from playhead.cli.table import padded, shortened

    columns = [
        [name, *_column(figures)] for name, figures in zip(signed, pair.figures, strict=True) if figures is not None
    ]
    if pair.same and columns[0][1:] == columns[-1][1:]:
        columns = [["", *columns[0][1:]]]
    else:
        yield ""
    widths = [max(wide(text) for text in column[1:]) for column in columns]
    room = None if paint.limit is None else paint.limit - margin - 3
    for at, column in enumerate(columns):  # a name gives way where its column need not be as wide
        spare = wide(column[0]) if room is None else (room - sum(widths) - _GAP * (len(columns) - 1)) // len(columns)
        column[0] = shortened(column[0], max(widths[at], min(wide(column[0]), widths[at] + max(spare, 0)), 8))
        widths[at] = max(widths[at], wide(column[0]))
    together = room is None or sum(widths) + _GAP * (len(columns) - 1) <= room
    for shown in [columns] if together else [[column] for column in columns]:
        for index, name in enumerate(("", "steps", "attempts", "tokens", "cost", "duration")):
            cells = [padded(column[index], widths[columns.index(column)] + _GAP) for column in shown]
            if any(cell.strip() for cell in cells):
                yield paint.dim(f"  {name:{margin}} " + "".join(cells).rstrip())


def _column(figures: Figures) -> list[str]:
    from playhead.cli.bill import bill
    from playhead.cli.paint import in_and_out, seconds

    usage = figures.usage
    counted, none = (None, None) if usage is None else (usage.input_tokens, usage.output_tokens), "not reported"
    refused = f" ({figures.refusals} refused)" if figures.refusals else ""
    return [
        str(figures.steps),
        f"{figures.attempts}{refused}",
        none if counted == (None, None) else in_and_out(*counted),
        bill(figures.ledger, figures.cost).removeprefix("cost "),
        none if figures.duration is None else seconds(figures.duration),
    ]
