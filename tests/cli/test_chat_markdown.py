"""Markdown painted while it streams: the same however it was cut, nothing lost, nothing wider than the terminal."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from playhead.cli.chat.markdown import Markdown
from playhead.cli.paint import columns

SGR = re.compile(r"\x1b\[[0-9;]*m")

#: Texts made of what Markdown is made of, and of what terminals trip over.
MARKS = [
    "**",
    "*",
    "_",
    "`",
    "```",
    "```python\n",
    "~~",
    "# ",
    "- ",
    "1. ",
    "> ",
    "| ",
    "|",
    "---",
    "[",
    "](",
    ")",
    "!",
]
WORDS = [
    "\\",
    "\n",
    " ",
    "a",
    "word",
    "snake_case",
    "2*3",
    "日本語",
    "é",
    "e\u0301",
    "👍",
    "\x1b[2J",
    "\t",
    "long" * 30,
]
PIECES = st.sampled_from(MARKS + WORDS)
MARKDOWN = st.lists(PIECES, max_size=40).map("".join)
PLAIN = st.lists(st.sampled_from(["It", "is", "hot.", "日本", "(40", "°C)", "a-b", "x" * 50, "\n"]), max_size=40).map(
    " ".join
)


def painted(text: str, width: int = 40) -> str:
    markdown = Markdown(width)
    return markdown.feed(text) + markdown.close()


def bare(text: str) -> str:
    return SGR.sub("", text)


def letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum())


@settings(max_examples=150, deadline=None)
@given(MARKDOWN, st.lists(st.integers(0, 200), max_size=8), st.integers(20, 90))
def test_what_is_written_does_not_depend_on_the_cuts(text: str, cuts: list[int], width: int) -> None:
    """However the deltas came, the same bytes reach the terminal."""
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    markdown = Markdown(width)
    written = "".join(markdown.feed(text[a:b]) for a, b in pairwise(places)) + markdown.close()
    assert written == painted(text, width)


@settings(max_examples=150, deadline=None)
@given(MARKDOWN)
def test_no_letter_and_no_digit_is_lost(text: str) -> None:
    """Marks may go; what is said stays, in its order."""
    from playhead.cli.paint import clean

    assert letters(bare(painted(text))) == letters(clean(text))


def test_a_space_at_the_end_of_a_full_line_does_not_go_over_the_edge() -> None:
    assert max(map(columns, painted("It It It hot. hot. hot. hot. hot. \n", 33).split("\n"))) <= 33


@settings(max_examples=100, deadline=None)
@given(PLAIN, st.integers(20, 60))
def test_plain_text_loses_nothing_but_spaces_at_breaks(text: str, width: int) -> None:
    """Every character of plain text is there, and no line but that of one long word is wider than the terminal."""
    shown = painted(text, width)
    assert "".join(shown.split()) == "".join(text.split())
    for line in shown.split("\n"):
        assert columns(line) <= width or max(columns(word) for word in line.split()) > width - columns(line.split()[0])


@settings(max_examples=100, deadline=None)
@given(MARKDOWN)
def test_only_colours_command_the_terminal(text: str) -> None:
    """An answer cannot move the cursor, and every colour that was put on is taken off."""
    shown = painted(text)
    assert "\x1b" not in bare(shown)
    assert shown.rpartition("\x1b[")[2].startswith("0m") or "\x1b" not in shown


def test_words_go_out_as_they_come() -> None:
    """What is decided is written at once: only the word under way is held back."""
    markdown = Markdown(80)
    assert markdown.feed("It is hot in Flor") == "It is hot in"
    assert markdown.feed("ence, and ") == " Florence, and"
    assert markdown.close() == " \n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**bold** and *it*", "\x1b[1mbold\x1b[0m and \x1b[3mit\x1b[0m\n"),
        ("__bold__ and _it_", "\x1b[1mbold\x1b[0m and \x1b[3mit\x1b[0m\n"),
        ("**a *b* c**", "\x1b[1ma\x1b[0m\x1b[1m \x1b[0m\x1b[1;3mb\x1b[0m\x1b[1m \x1b[0m\x1b[1mc\x1b[0m\n"),
        ("use `a**b`", "use \x1b[36ma**b\x1b[0m\n"),
        ("2 * 3 * 4, 2*3*4, snake_case_name", "2 * 3 * 4, 2*3*4, snake_case_name\n"),
        (r"\*no\*, \[ x \]", "*no*, \\[ x \\]\n"),
        ("**open", "**open\n"),
        ("## Title ##\n", "\x1b[1mTitle\x1b[0m\n"),
        ("- one\n  - two\n", "• one\n  • two\n"),
        ("10. ten\n", "10. ten\n"),
        ("> said\n", "\x1b[2m│ \x1b[0msaid\n"),
        ("[words](https://x.y)", "\x1b[4mwords\x1b[0m\x1b[2m \x1b[0m\x1b[2m(https://x.y)\x1b[0m\n"),
        ("[x] done", "[x] done\n"),
        ("a\n\nb", "a\n\nb\n"),
        ("---\n", "\x1b[2m" + "─" * 40 + "\x1b[0m\n"),
        ("5\n", "5\n"),
        ("-\n", "-\n"),
    ],
)
def test_a_mark_becomes_a_style(text: str, shown: str) -> None:
    """And what is no mark stays the character that it is."""
    assert painted(text, 80) == shown


def test_code_is_shown_as_it_is() -> None:
    """Neither broken into lines nor read as Markdown, so that it can be copied; its fence and language stay."""
    code = "def f():\n    return **x * " + "y" * 60
    shown = bare(painted(f"```python\n{code}\n```\n*after*", 40))
    assert shown == f"```python\n{code}\n```\nafter\n"


def test_a_table_is_set_in_columns() -> None:
    """Widths count what is seen: no marks, wide characters as two."""
    shown = bare(painted("| City | °C |\n|---|--:|\n| **Florence** | 40 |\n| 東京 | 5 |\nHot.", 80))
    assert shown == "City      °C\n────────  ──\nFlorence  40\n東京       5\nHot.\n"


def test_a_table_that_is_too_wide_is_shown_cell_by_cell() -> None:
    """Each under the name of its column."""
    shown = bare(painted(f"| a | b |\n|---|---|\n| {'x' * 30} | {'y' * 30} |\n", 40))
    assert shown == f"a: {'x' * 30}\nb: {'y' * 30}\n"


def test_an_item_that_is_broken_goes_on_under_itself() -> None:
    """The lines that an item is broken into are indented as it is."""
    assert painted("- one two three four five six\n", 20) == "• one two three four\n  five six\n"


def test_a_lone_mark_does_not_hold_back_a_paragraph() -> None:
    """A mark that has not found its partner in a few hundred characters is a character."""
    markdown = Markdown(80)
    assert bare(markdown.feed("*note " + "words " * 200)).startswith("*note words")
