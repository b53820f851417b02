"""The line that ``playhead check`` names is that of the field that it names, in every format."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from playhead import Tape
from playhead.tapes.interaction import Interaction, interaction
from playhead.wire import HTTPRequest

Playhead = Callable[..., "subprocess.CompletedProcess[str]"]

MAIL = "ada@engine.co.uk"


def exchange(id: int, asked: str, answered: str, header: str = "-") -> Interaction:
    """An exchange with these words in it."""
    body = json.dumps({"content": asked}).encode()
    return interaction(
        id,
        HTTPRequest("POST", f"https://a.example/{id}", (("X-Mail", header),), body),
        status=200,
        reason="OK",
        proto="HTTP/1.1",
        headers=(),
        body=answered.encode() if answered.startswith("data:") else json.dumps({"content": answered}).encode(),
        nanoseconds=0,
    )


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """The address in both bodies of the first, in the answer of the second, in a header of the third."""
    path = tmp_path / "t.yaml"
    Tape(
        [
            exchange(0, f"write {MAIL}", f"wrote {MAIL}"),
            exchange(1, "nothing", f"wrote {MAIL}"),
            exchange(2, "nothing", "nothing", MAIL),
        ]
    ).save(path)
    return path


PLACES = [(0, "request.body"), (0, "response.body"), (1, "response.body"), (2, "request.headers.X-Mail")]


@pytest.mark.parametrize("file", ["t.yaml", "t.har", "t.vcr.yaml", "t.json"])
@pytest.mark.usefixtures("tape")
def test_each_line_has_the_value_in_the_field_that_is_named(playhead: Playhead, tmp_path: Path, file: str) -> None:
    """The same value stands in four places, on four lines; each is told with its own."""
    if file != "t.yaml":
        to = "har" if file.endswith(".har") else "vcrpy"
        words = ("convert", "t.yaml", "--to", to, "--keep-header", "X-Mail", "-o", file)
        made = playhead(*words)
        assert made.returncode == 0, made.stderr
    told = json.loads(playhead("check", file, "--json").stdout)["found"]
    assert [(row["interaction"], row["place"]) for row in told] == PLACES
    rows = (tmp_path / file).read_text().splitlines()
    numbers = [row["line"] for row in told]
    assert all(MAIL in rows[number - 1] for number in numbers)
    assert numbers == [number for number, row in enumerate(rows, 1) if MAIL in row]


def test_a_value_in_pieces_is_told_at_its_field(playhead: Playhead, tmp_path: Path) -> None:
    """A stream says it in two events; the line is that of the body they are in."""
    body = 'data: {"content": "ada@eng"}\n\ndata: {"content": "ine.co.uk"}\n\n'
    Tape([exchange(0, "nothing", body)]).save(tmp_path / "s.yaml")
    told = json.loads(playhead("check", "s.yaml", "--json").stdout)["found"]
    rows = (tmp_path / "s.yaml").read_text().splitlines()
    number = told[0]["line"]
    assert "body:" in rows[number - 1]
    assert number > rows.index("    response:")


def test_a_folded_text_is_found_where_it_begins(playhead: Playhead, tmp_path: Path) -> None:
    """A cassette may break a quoted text over lines, and a word of it over two."""
    (tmp_path / "c.yaml").write_text(
        "interactions:\n- request: {method: GET, uri: 'https://a.example/x', headers: {}, body: null}\n"
        "  response:\n    status: {code: 200, message: OK}\n    headers: {}\n"
        '    body: {string: "first a line\\\n      \\ then ada@eng\\\n      ine.co.uk, and more"}\nversion: 1\n'
    )
    told = json.loads(playhead("check", "c.yaml", "--json").stdout)["found"]
    assert [row["line"] for row in told] == [7]
