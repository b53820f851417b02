"""The page of tapes that have more than one of something, or less: models, tapes, times.

A headless Chromium is needed; where there is none these tests are skipped (`PLAYHEAD_CHROMIUM` names one).
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from chromium import Browser, Page
from made_tapes import research

from playhead import fork_sync
from playhead.deck.view import view
from playhead.tapes import Tape
from playhead.testing import FakeProvider, reply

PANE = "document.querySelector('[role=tab][aria-selected=true]').innerText"


def opened(page: Page, folder: Path, *tapes: tuple[str, Tape], place: str = "") -> Page:
    """The page of these tapes, opened."""
    path = folder / "page.html"
    path.write_bytes(view(tapes))
    page.open(path, place)
    return page


@pytest.fixture
def forked(seed: Path, monkeypatch: pytest.MonkeyPatch) -> Tape:
    """The seed, from its first call on with another model."""
    tape = Tape()
    with FakeProvider() as running:
        monkeypatch.setenv("PLAYHEAD_BASE_URL", running.url)
        running.script(reply("It is cold."))
        fork_sync(seed, at=1, set={"tool:weather": "12 C"}, model="compatible:m", tape=tape)
    return tape


def test_each_step_of_a_forked_tape_says_which_model_answered(page: Page, tmp_path: Path, forked: Tape) -> None:
    """In its head, in that of the page, and beside another tape; a tape of one model says it once."""
    opened(page, tmp_path, ("colder.yaml", forked))
    heads = "[...document.querySelectorAll('#conversation .step .whom')].map((one) => one.innerText).join('; ')"
    assert page.evaluate(heads) == "openrouter:moonshotai/kimi-k2-0905; forked: compatible:m"
    assert "openrouter:moonshotai/kimi-k2-0905, compatible:m" in page.text("#sum")
    opened(page, tmp_path, ("colder.yaml", forked), ("research.yaml", research()))
    assert "compatible:m" in page.text("#compare table")
    opened(page, tmp_path, ("research.yaml", research()))
    assert page.evaluate("new Set(run.tapes[0].steps.map((step) => step.asked)).size") == 1
    assert page.evaluate("document.querySelectorAll('.whom').length") == 0


def test_what_was_set_has_no_time_on_the_page(page: Page, tmp_path: Path, forked: Tape) -> None:
    """Nor does anything of a recording of which nobody measured any."""
    opened(page, tmp_path, ("colder.yaml", forked))
    assert "µs" not in page.text("body")
    tools = "[...document.querySelectorAll('#conversation h4')].map((one) => one.innerText.toLowerCase()).join()"
    assert page.evaluate(tools).split(",").count("tool") == 1
    untimed = [
        msgspec.structs.replace(one, response=msgspec.structs.replace(one.response, nanoseconds=0))
        for one in research().interactions
    ]
    opened(page, tmp_path, ("untimed.yaml", Tape(untimed)))
    shown = page.text("body")
    assert " ms" not in shown
    assert "0 s" not in shown.replace("00 s", "")


def test_two_tapes_open_side_by_side(page: Page, tmp_path: Path) -> None:
    """That is why they were given together; an address that names an exchange shows it."""
    tapes = ("a.yaml", research()), ("b.yaml", research("take water"))
    opened(page, tmp_path, *tapes)
    assert page.evaluate(PANE) == "Side by side"
    opened(page, tmp_path, *tapes, place="#2.1")
    assert page.evaluate(PANE) == "Conversation"
    opened(page, tmp_path, ("a.yaml", research()))
    assert page.evaluate(PANE) == "Conversation"


@pytest.mark.parametrize("width", [1280, 900, 420])
def test_no_label_of_the_timeline_lies_under_the_buttons(browser: Browser, tmp_path: Path, width: int) -> None:
    """However wide the page is; and the date stands on one line."""
    with browser.page(width, 700) as page:
        path = tmp_path / "page.html"
        path.write_bytes(view([("research.yaml", research())]))
        page.open(path)
        page.evaluate(
            "window.ends = []; const was = CanvasRenderingContext2D.prototype.fillText;"
            "CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {"
            " if (y < 22) window.ends.push(x + this.measureText(text).width); return was.call(this, text, x, y); };"
            "drawTimeline()"
        )
        assert page.evaluate("window.ends.length") > 1
        assert page.evaluate("Math.max(...window.ends) <= byId('closer').parentElement.offsetLeft")
        tall = "[...document.querySelectorAll('#sum .piece')].map((one) => one.getClientRects().length).join('')"
        assert set(page.evaluate(tall)) == {"1"}
