"""`playhead run` comes to a call that a person is to decide on: it asks, knows already, or ends there and says so."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typed import Typed

from playhead import Pending
from playhead.testing import FakeProvider, reply, tool_call

Playhead = Callable[..., "subprocess.CompletedProcess[str]"]

TOOL = '''
from pathlib import Path
from playhead import tool

@tool(effect="write", approve=True)
def refund(order: int) -> str:
    """Pay an order back"""
    with open(Path(__file__).parent / "paid.txt", "a") as file:
        file.write(f"{order}\\n")
    return f"order {order} is paid back"
'''


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as fake:
        yield fake


@pytest.fixture
def shop(tmp_path: Path, fake: FakeProvider) -> tuple[str, ...]:
    """The words of every command here, after the model's and the prompt."""
    (tmp_path / "shop.py").write_text(TOOL, "utf-8")
    return ("--base-url", fake.url, "--tool", "shop.py", "--tape-mode", "resume", "--tape", "t.yaml")


def paid(tmp_path: Path) -> str:
    file = tmp_path / "paid.txt"
    return file.read_text() if file.exists() else ""


REFUND = reply(tool_call("refund", "call_1", order=7))


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_call_that_waits_ends_the_run_with_a_status_and_a_sentence(
    tmp_path: Path, playhead: Playhead, fake: FakeProvider, shop: tuple[str, ...], more: tuple[str, ...]
) -> None:
    fake.script(REFUND)
    done = playhead("run", "compatible:m", "Refund order 7", *shop, *more)
    assert (done.returncode, paid(tmp_path)) == (3, "")
    said = done.stderr.replace('\\"', '"')
    assert 'the run waits for a person\'s word on refund({"order":7}) (call call_1); --yes makes such calls' in said
    if more:
        last = json.loads(done.stdout.splitlines()[-1])
        assert last["complete"] is False
        assert [call.id for call in Pending.from_json(json.dumps(last["pending"])).calls] == ["call_1"]


def test_yes_makes_every_such_call(
    tmp_path: Path, playhead: Playhead, fake: FakeProvider, shop: tuple[str, ...]
) -> None:
    fake.script(REFUND, "It is paid back.")
    done = playhead("run", "compatible:m", "Refund order 7", *shop, "--yes")
    assert (done.returncode, done.stdout, paid(tmp_path)) == (0, "It is paid back.\n", "7\n")


@pytest.mark.parametrize(
    ("words", "told", "was_paid"),
    [
        (("--approve", "call_1"), "order 7 is paid back", "7\n"),
        (("--refuse", "call_1=too dear"), "Error: the call was refused: too dear", ""),
        (("--refuse", "call_1"), "Error: the call was refused", ""),
    ],
)
def test_a_run_that_was_kept_goes_on_with_what_was_decided(
    tmp_path: Path,
    playhead: Playhead,
    fake: FakeProvider,
    shop: tuple[str, ...],
    words: tuple[str, ...],
    told: str,
    was_paid: str,
) -> None:
    """In another process, on the same tape; and the tape is that of one run."""
    fake.script(REFUND, "Done.")
    kept = playhead("run", "compatible:m", "Refund order 7", *shop, "--pending", "waits.json")
    assert kept.returncode == 3
    assert "go on with --continue waits.json --approve call_1" in kept.stderr
    done = playhead("run", "compatible:m", "--continue", "waits.json", *words, *shop)
    assert (done.returncode, done.stdout, paid(tmp_path)) == (0, "Done.\n", was_paid)
    assert fake.requests[-1].json["messages"][-1]["content"] == told
    assert playhead("verify", "t.yaml").stdout == "t.yaml: 2 of 2 requests equal\n"
    again = playhead("replay", "t.yaml")
    assert (again.returncode, again.stdout) == (0, "Done.\n")


@pytest.mark.parametrize(("typed", "told"), [("y", "order 7 is paid back"), ("too dear", "too dear"), ("n", "Error")])
def test_who_is_at_a_terminal_is_asked(
    tmp_path: Path, fake: FakeProvider, shop: tuple[str, ...], typed: str, told: str
) -> None:
    fake.script(REFUND, "Done.")
    with Typed("run", "compatible:m", "Refund order 7", *shop, cwd=tmp_path) as terminal:
        terminal.wait_for("make this call? y, n, or why not: ")
        terminal.type(typed)
        terminal.wait_for("Done.")
        assert terminal.ended() == 0
    assert told in fake.requests[-1].json["messages"][-1]["content"]
    assert paid(tmp_path) == ("7\n" if typed == "y" else "")


def test_who_does_not_say_lets_it_wait(tmp_path: Path, fake: FakeProvider, shop: tuple[str, ...]) -> None:
    fake.script(REFUND)
    with Typed("run", "compatible:m", "Refund order 7", *shop, "--pending", "waits.json", cwd=tmp_path) as terminal:
        terminal.wait_for("make this call? y, n, or why not: ")
        terminal.type("\x04", "")
        terminal.wait_for("it is kept in waits.json")
        assert terminal.ended() == 3
    assert Pending.from_json((tmp_path / "waits.json").read_bytes()).calls[0].id == "call_1"


def test_a_replay_shows_what_waits_and_can_be_gone_on_with(
    tmp_path: Path, playhead: Playhead, fake: FakeProvider, shop: tuple[str, ...]
) -> None:
    fake.script(REFUND, "Done.")
    playhead("run", "compatible:m", "Refund order 7", *shop)
    shown = playhead("replay", "t.yaml")
    assert shown.returncode == 1
    assert 'without a result: refund({"order":7}) (call call_1)' in shown.stderr
    (run,) = json.loads(playhead("replay", "t.yaml", "--json").stdout)["runs"]
    (tmp_path / "waits.json").write_text(json.dumps(run["pending"]))
    done = playhead("run", "compatible:m", "--continue", "waits.json", "--approve", "call_1", *shop)
    assert (done.returncode, done.stdout, paid(tmp_path)) == (0, "Done.\n", "7\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("compatible:m",), "required: PROMPT"),
        (("compatible:m", "x", "--approve", "c"), "give it with --continue FILE"),
        (("compatible:m", "x", "--continue", "waits.json"), "has its prompt"),
        (("compatible:m", "--continue", "no.json"), "--continue no.json: No such file"),
        (("compatible:m", "--continue", "shop.py"), "this is not a run that waits"),
    ],
)
def test_what_cannot_be_decided_is_said(
    tmp_path: Path, playhead: Playhead, shop: tuple[str, ...], words: tuple[str, ...], says: str
) -> None:
    done = playhead("run", *words, *shop)
    assert done.returncode in (1, 2)
    assert says in done.stderr
