"""What stands within a line of Markdown: bold, italics, struck out, code, links.

:func:`spans` reads a text into pieces with their styles. While a line still comes, it stops before what is not decided
yet (a ``**`` whose end has not come), and says how far it got; at the line's end a mark without a partner is the
character that it is. A mark is given :data:`LONGEST` characters to find its partner, so that a lone asterisk does not
hold back a paragraph. What is read depends on the text alone, never on how it was cut.

It is the part of CommonMark (https://spec.commonmark.org/0.31.2/#inlines) that models write, a little stricter: a
single asterisk or underscore within a word is no mark, so that ``2*3*4`` and ``snake_case`` stay what they are. Marks
are taken away, never a letter or a digit; the address of a link stands behind its words.
"""

from __future__ import annotations

import re

from playhead.cli.flow import Piece

#: Characters within which a mark's partner must come.
LONGEST = 400

#: SGR codes (ECMA-48, 8.3.117).
BOLD, ITALIC, STRUCK, CODE, LINK, DIM = "1", "3", "9", "36", "4", "2"

_SPECIAL = re.compile(r"[*_`~\[!\\]")
#: What a backslash makes plain. Brackets are not among them: ``\[`` begins a formula.
_ESCAPED = "*_`#~"
_LINK = re.compile(r"\[([^\]\n]*)\]\(([^()\s]*)(?:\s+\"[^\"\n]*\")?\)")
_STYLE = {"*": ITALIC, "_": ITALIC, "**": BOLD, "__": BOLD, "***": f"{BOLD};{ITALIC}", "~~": STRUCK}


def spans(text: str, style: str = "", *, ended: bool = True, before: str = "") -> tuple[list[Piece], int]:
    """The pieces of a text, and how many of its characters they stand for: all of them where it has ended. ``before``
    is the character that stood before it."""
    pieces: list[Piece] = []
    at, size = 0, len(text)
    while at < size:
        found = _SPECIAL.search(text, at)
        if found is None:
            pieces.append(Piece(text[at:], style))
            return pieces, size
        start = found.start()
        if start > at:
            pieces.append(Piece(text[at:start], style))
        read = _read(text, start, style, ended or size - start > LONGEST, text[start - 1] if start else before)
        if read is None:
            return pieces, start
        inner, at = read
        pieces.extend(inner)
    return pieces, size


def _read(text: str, at: int, style: str, ended: bool, before: str) -> tuple[list[Piece], int] | None:
    """What begins with the special character at ``at``, and where it ends; None where more must come first."""
    char = text[at]
    if char == "\\":
        if at + 1 == len(text) and not ended:
            return None
        after = text[at + 1 : at + 2]
        escapes = bool(after) and after in _ESCAPED
        return [Piece(after if escapes else char, style)], at + 2 if escapes else at + 1
    if char in "[!":
        return _link(text, at, style, ended)
    end = at
    while end < len(text) and text[end] == char:
        end += 1
    if end == len(text) and not ended:  # the mark may be longer
        return None
    mark = text[at:end]
    plain = [Piece(mark, style)], end
    if char == "`":
        close = _run(text, end, mark)
        if close is None or close - at > LONGEST:
            return plain if ended or close is not None else None
        if close + len(mark) == len(text) and not ended:
            return None
        return [Piece(_code(text[end:close]), _joined(style, CODE))], close + len(mark)
    follows = text[end : end + 1]
    single = char == "_" or (char == "*" and len(mark) == 1)
    if mark not in _STYLE or not follows or follows.isspace() or (single and before.isalnum()):
        return plain
    close = _partner(text, end, mark, single)
    if close is None or close - at > LONGEST:
        return plain if ended or close is not None else None
    if close + len(mark) == len(text) and not ended:  # what follows says whether it is one
        return None
    inner, _ = spans(text[end:close], _joined(style, _STYLE[mark]), before=char)
    return inner, close + len(mark)


def _partner(text: str, start: int, mark: str, single: bool) -> int | None:
    """Where the mark ends that was opened before ``start``: after no space, and not within a word where it is single;
    a longer run of the character closes by its last."""
    char, size, at = mark[0], len(mark), start
    while True:
        at = text.find(mark, at)
        if at < 0:
            return None
        end = at
        while end < len(text) and text[end] == char:
            end += 1
        run = end - at
        fits = run == size or (run == 3 and size < 3)
        close = end - size
        if fits and not text[at - 1].isspace() and at > start and not (single and text[end : end + 1].isalnum()):
            return close
        at = end


def _run(text: str, start: int, mark: str) -> int | None:
    """Where a run of just as many backticks stands next."""
    at = start
    while True:
        at = text.find(mark, at)
        if at < 0:
            return None
        end = at
        while end < len(text) and text[end] == "`":
            end += 1
        if end - at == len(mark):
            return at
        at = end


def _code(text: str) -> str:
    """Code without the one space on each side that sets off a backtick."""
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] == " " and text.strip() else text


def _link(text: str, at: int, style: str, ended: bool) -> tuple[list[Piece], int] | None:
    start = at + 1 if text[at] == "!" else at
    if text[start : start + 1] != "[":
        return None if start == len(text) and not ended else ([Piece(text[at:start], style)], start)
    found = _LINK.match(text, start)
    if found is not None and found.end() - at <= LONGEST:
        words, address = found.groups()
        inner, _ = spans(words, _joined(style, LINK), before="[")
        title = found[0][found.end(2) - start : -1].strip()
        more = f" {title}" if title else ""
        return [
            *inner,
            Piece(f" ({address}{more})" if words else f"({address}{more})", _joined(style, DIM)),
        ], found.end()
    if not ended and _may_be_link(text[start:]):
        return None
    return [Piece(text[at : start + 1], style)], start + 1


def _may_be_link(text: str) -> bool:
    """Whether this may be the beginning of a link."""
    close = text.find("]")
    return close < 0 or close + 1 == len(text) or (text[close + 1] == "(" and ")" not in text[close:])


def _joined(style: str, more: str) -> str:
    return f"{style};{more}" if style else more
