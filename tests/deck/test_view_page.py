"""The page of a tape in a real browser: what it shows, its keys, and that nothing of a tape commands it.

A headless Chromium is needed; where there is none these tests are skipped (`PLAYHEAD_CHROMIUM` names one).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chromium import Browser, Page
from made_tapes import hostile, long_run, research

from playhead.deck.view import view
from playhead.tapes import Tape

TIMES = "\N{MULTIPLICATION SIGN}"
SELECTED = "[...document.querySelectorAll('.row[aria-selected=true]')].map((row) => row.dataset.number).join()"
PANE = "document.querySelector('[role=tab][aria-selected=true]').innerText"


def opened(page: Page, folder: Path, *tapes: tuple[str, Tape], place: str = "") -> Page:
    """The page of these tapes, opened."""
    path = folder / "page.html"
    path.write_bytes(view(tapes))
    page.open(path, place)
    return page


def test_the_seed_is_shown_as_a_person_tells_it(page: Page, tmp_path: Path, seed: Path) -> None:
    """Steps, refusals, the call and its result, tokens and dollars."""
    opened(page, tmp_path, ("florence.yaml", Tape.load(seed)))
    assert page.text("#name") == "florence.yaml"
    for words in (
        "2 steps",
        "12 attempts (10 refused or failed)",
        "268 in + 66 out = 334 tokens",
        "$0.0006258",
        "5.30 s",
    ):
        assert words in page.text("#sum")
    talk = page.text("#conversation")
    for words in (
        f"429 {TIMES}2",
        f"429 {TIMES}8",
        "What's the weather in Florence,Italy?",
        "→ weather",
        "40 C",
        "97 in + 31 out",
    ):
        assert words in talk
    codes = "[...document.querySelectorAll('.row .chip')].map((chip) => chip.innerText).join(' ')"
    assert page.evaluate(codes) == "429 429 200" + " 429" * 8 + " 200"


def test_the_legend_has_what_the_tape_has_and_the_buttons_say_what_they_do(
    page: Page, tmp_path: Path, seed: Path
) -> None:
    legend = "[...document.querySelectorAll('.legend li')].filter((one) => one.offsetWidth).map((one) => one.innerText)"
    opened(page, tmp_path, ("florence.yaml", Tape.load(seed)))
    assert page.evaluate(legend) == ["answer", "refusal"]
    assert (page.text("#theme"), page.text("#help")) == ("Theme: auto", "Keyboard")
    opened(page, tmp_path, ("packing.yaml", research()))
    assert "tool" in page.evaluate(legend)


def test_the_keys_walk_through_the_whole_page(page: Page, tmp_path: Path, seed: Path) -> None:
    """Without a mouse: the list, the panes, refusals, steps, the dialog, the colours."""
    opened(page, tmp_path, ("florence.yaml", Tape.load(seed)))
    page.evaluate("document.querySelector('#list').focus()")
    page.press("ArrowDown", "ArrowDown")
    assert page.evaluate(SELECTED) == "2"
    page.press("End")
    assert page.evaluate(SELECTED) == "11"
    page.press("Home")
    page.evaluate("document.activeElement.blur()")
    page.press("j", "j", "k")
    assert page.text("#said").startswith("exchange 1, step 1, refused 429")
    assert page.evaluate(SELECTED) == "1"
    page.evaluate("document.querySelector('#list').focus()")
    page.press("Enter")
    assert page.evaluate(PANE) == "Exchange"
    page.until("document.querySelector('#exchange h2')?.innerText.includes('Exchange 1')")
    page.press("]")
    assert page.evaluate(SELECTED) == "11"
    page.press("[")
    assert page.evaluate(SELECTED) == "2"
    page.press("r")
    assert page.evaluate(SELECTED) == "3"
    page.press("3")
    assert page.evaluate(PANE) == "Difference"
    page.press("1")
    assert page.evaluate(PANE) == "Conversation"
    page.press("?")
    assert page.evaluate("document.querySelector('#keys').open")
    page.press("Escape")
    assert not page.evaluate("document.querySelector('#keys').open")
    page.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.press("t")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 23, 26)"
    page.press("t")
    page.press("+", "+", "-", "0")
    assert page.evaluate("[track.from, track.to === track.end].join()") == "0,true"


def test_the_focus_goes_round_and_is_seen(page: Page, tmp_path: Path) -> None:
    """Tab reaches every control, each with an outline; the arrows go through the tabs."""
    opened(page, tmp_path, ("a.yaml", research()), ("b.yaml", research()))
    seen = []
    for _ in range(40):
        page.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        style = "getComputedStyle(document.activeElement)"
        if seen[-1]:
            assert page.evaluate(f"{style}.outlineStyle") != "none", seen[-1]
    wanted = {"tapes", "find", "previous", "next", "theme", "help", "closer", "wider", "whole", "show", "list"}
    assert wanted | {"tab-compare", "compare"} <= set(seen)
    page.evaluate("document.querySelector('#tab-conversation').focus()")
    page.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-exchange"
    page.press("ArrowLeft", "ArrowLeft")
    assert page.evaluate("document.activeElement.id") == "tab-compare"


def test_a_screen_reader_finds_its_way(page: Page, tmp_path: Path) -> None:
    """Landmarks are there, and everything that can be used has a role and a name."""
    opened(page, tmp_path, ("research.yaml", research()))
    nodes = [node for node in page.call("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]
    roles = {node["role"]["value"] for node in nodes}
    assert {"banner", "main", "navigation", "search", "region", "tablist", "listbox", "option", "status"} <= roles
    usable = {"button", "textbox", "searchbox", "combobox", "tab", "option", "listbox", "link", "image", "Canvas"}
    named = [node for node in nodes if node["role"]["value"] in usable]
    assert len(named) > 20
    assert [node["role"] for node in named if not node["name"]["value"].strip()] == []
    assert (
        page.evaluate(
            "document.querySelectorAll('div[onclick], span[onclick], [tabindex]:is(div, span):not([role])').length"
        )
        == 0
    )
    page.press("j")
    active = "document.getElementById(document.querySelector('#list').getAttribute('aria-activedescendant')).ariaLabel"
    assert page.evaluate(active).startswith("exchange 1, step 1, refused 429")


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_has_contrast(page: Page, tmp_path: Path, seed: Path, dark: bool) -> None:
    """4.5 to 1 on each ground that it stands on, as WCAG counts."""
    page.prefer(dark=dark)
    opened(page, tmp_path, ("florence.yaml", Tape.load(seed)))
    pairs = [(ink, ground) for ink in ("ink", "dim", "accent") for ground in ("ground", "panel", "chosen")]
    pairs += [(f"said-{kind}", f"ground-{kind}") for kind in ("answer", "refusal", "failure", "tool")]
    pairs += [(f"json-{kind}", "panel") for kind in ("name", "text", "number")] + [("ink", "hit"), ("ink", "hit-now")]
    ratios = page.evaluate(f"""{json.dumps(pairs)}.map((pair) => {{
      const light = pair.map((name) => {{
        const probe = document.body.appendChild(document.createElement("i"));
        probe.style.color = `var(--${{name}})`;
        const parts = getComputedStyle(probe).color.match(/\\d+/g).slice(0, 3).map((part) => part / 255);
        probe.remove();
        const [r, g, b] = parts.map((part) => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
      }}).sort();
      return (Math.max(...light) + .05) / (Math.min(...light) + .05);
    }})""")
    assert {pair: ratio for pair, ratio in zip(pairs, ratios, strict=True) if ratio < 4.5} == {}


def test_an_exchange_is_shown_as_it_was_on_the_wire(page: Page, tmp_path: Path) -> None:
    """Every body of the tape, letter by letter; laid out the same but for white space."""
    tape = research()
    opened(page, tmp_path, ("research.yaml", tape))
    page.press("2")
    for number, one in enumerate(tape.interactions):
        page.evaluate(f"select({number})")
        title = f"document.querySelector('#exchange h2')?.innerText.match(/Exchange {number} |Tool call/)"
        page.until(
            f"{title} && document.querySelector('#exchange .address').innerText.endsWith({json.dumps(one.request.url)})"
        )
        shown = "[...document.querySelectorAll('#exchange .raw')].map((block) => block.textContent)"
        bodies = [body.decode() for body in (one.request.body, one.response.body) if body]
        assert ["".join(text.split()) for text in page.evaluate(shown)] == ["".join(text.split()) for text in bodies]
        page.evaluate(
            "document.querySelectorAll('#exchange h3 [aria-pressed=false]').forEach((button) => button.click())"
        )
        assert page.evaluate(shown) == bodies
        page.evaluate("wire.pretty = true")


def test_the_facts_of_a_stream_are_there(page: Page, tmp_path: Path) -> None:
    """First token, pieces, and when they came."""
    opened(page, tmp_path, ("research.yaml", research()), place="#8")
    page.press("2")
    page.until("document.querySelector('.rhythm')")
    facts = page.text("#exchange .facts")
    for words in ("after 0.70 s", "29 pieces", "912 in + 56 out", "$0.0014"):
        assert words in facts


def test_the_conversation_shows_every_kind_of_part(page: Page, tmp_path: Path) -> None:
    """Thoughts are folded, a picture is shown, arguments are laid out, a failed tool says so."""
    opened(page, tmp_path, ("research.yaml", research()))
    assert page.evaluate("document.querySelector('.reasoning details').open") is False
    page.until("document.querySelector('.picture')?.naturalWidth === 96")
    assert page.evaluate("document.querySelector('.result.failed p').innerText") == "← forecast failed"
    assert "Let me look at the weather" in page.text("#conversation")
    page.click(".reasoning summary")
    assert "Santa Maria del Fiore" in page.text(".reasoning")
    page.evaluate("document.querySelector('.chip.is-refusal.chip[type=button]').click()")
    assert page.evaluate(PANE) == "Exchange"


def test_the_difference_says_what_a_step_added(page: Page, tmp_path: Path, seed: Path) -> None:
    """Of any two steps: messages the same, added, taken out."""
    opened(page, tmp_path, ("florence.yaml", Tape.load(seed)), place="#11")
    page.press("3")
    assert "2 messages the same, 2 added, 0 taken out, 97 → 171 tokens in" in page.text("#difference")
    added = page.evaluate("[...document.querySelectorAll('.changed.added .turn')].map((turn) => turn.className)")
    assert added == ["turn from-assistant", "turn from-tool"]
    page.choose("#step-from", "2")
    page.choose("#step-to", "1")
    assert "0 added, 2 taken out" in page.text("#difference")
    page.press("Escape")


def test_search_looks_into_everything_and_goes_on_and_back(page: Page, tmp_path: Path) -> None:
    """Words that were said, a header, a body's own fields; nothing found is said."""
    opened(page, tmp_path, ("research.yaml", research()))
    page.press("/")
    page.type("retry-after")
    page.until("document.querySelector('#found').innerText === '1 of 1'")
    assert page.evaluate(f"{PANE} + at.exchange") == "Exchange1"
    for query, count, first in (
        ("miniato", 4, "Conversation"),
        ("PROMPT_TOKENS", 4, "Exchange"),
        ("nowhere at all", 0, ""),
    ):
        page.evaluate("document.querySelector('#find').value = ''; document.querySelector('#find').focus()")
        page.type(query)
        page.until(f"finding.query === {json.dumps(query)} && finding.done")
        assert page.evaluate("finding.hits.length") >= count
        assert first in (page.evaluate(PANE), "")
        if not count:
            assert page.text("#found") == "not found"
            continue
        page.until("CSS.highlights.get('now').size === 1")
        before = page.evaluate("finding.place")
        page.press("Enter")
        assert page.evaluate("finding.place") == before + 1
        page.press("Enter", shift=True)
        assert page.evaluate("finding.place") == before
    page.press("Escape")
    assert page.text("#found") == ""
    assert page.evaluate("document.activeElement.id") == "list"


def test_two_tapes_stand_side_by_side_and_part_where_they_part(page: Page, tmp_path: Path) -> None:
    """The first difference is marked and gone to; what is the same is folded."""
    opened(page, tmp_path, ("before.yaml", research()), ("after.yaml", research("take water")))
    page.press("4")
    assert page.evaluate(PANE) == "Side by side"
    assert "1,534 in + 184 out" in page.text(".beside")
    assert page.text("#to-first") == "They part at step 2: the answers differ"
    page.click("#to-first")
    assert "the first difference" in page.text(".pair.parts")
    assert "bring a hat" in page.text(".pair.parts > div")
    assert "take water" in page.text(".pair.parts > div + div")
    assert page.evaluate("document.querySelectorAll('.pair.same').length") == 3
    page.choose("#tapes", "1")
    page.press("1")
    assert "take water" in page.evaluate("document.querySelector('#conversation').textContent")


def test_the_address_keeps_the_place(page: Page, tmp_path: Path) -> None:
    """Of exchange and tape; one that names nothing that is there does no harm."""
    opened(page, tmp_path, ("a.yaml", research()), ("b.yaml", research("take water")), place="#2.3")
    assert page.evaluate("[at.tape, at.exchange].join()") == "1,3"
    page.press("j")
    page.until("location.hash === '#2.4'")
    page.evaluate("location.hash = '#1'")
    page.until("at.tape === 0 && at.exchange === 1")
    opened(page, tmp_path, ("a.yaml", research()), place="#9.999")
    assert page.evaluate("[at.tape, at.exchange].join()") == "0,8"


def test_tapes_that_say_the_same_do_not_part(page: Page, tmp_path: Path) -> None:
    """And the page says so."""
    opened(page, tmp_path, ("a.yaml", research()), ("b.yaml", research()))
    page.press("4")
    assert page.text("#to-first") == "They say the same, step by step."


@pytest.mark.parametrize(
    "text",
    [
        "</script><script>window.taken = 1</script>",
        "<img src=x onerror='window.taken=1'><svg onload='window.taken=1'>",
        "<!--<script>",
        "%%scripts%% %%data%%",
        "\u202egnp.exe \x00\x07\x1b[31m \ufeff\u2066",
        "javascript:window.taken=1",
        "\U0001d573alf \U0001f99c \u2028 of it",
    ],
)
def test_what_a_tape_holds_is_text_and_nothing_else(page: Page, tmp_path: Path, text: str) -> None:
    """Wherever it stands, in every pane: no element comes of it, no script runs, no request leaves."""
    opened(page, tmp_path, (f"{text}.yaml", hostile(text)), ("other", hostile(text)))
    for pane in "1234":
        page.press(pane)
        for number in range(6):
            page.evaluate(f"select({number})")
            page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
            assert (
                page.evaluate("document.querySelectorAll('main img, main svg, main script, main iframe').length") == 0
            )
    assert page.evaluate("window.taken ?? null") is None
    assert page.evaluate("[...document.querySelectorAll('a[href]')].every((a) => /^(https?:|file:)/.test(a.href))")
    page.press("1")
    shown = page.evaluate("document.querySelector('#conversation').textContent")
    for char in text:
        if ord(char) < 32 or char in "\u202e\ufeff\u2066\u2028":
            assert char not in shown
            assert f"U+{ord(char):04X}" in shown


def test_the_page_can_ask_nobody_for_anything(browser: Browser, tmp_path: Path, seed: Path) -> None:
    """Were a script to run after all: no request, no further script, no style of its own."""
    with browser.page() as page:
        opened(page, tmp_path, ("florence.yaml", Tape.load(seed)))
        assert page.evaluate("fetch('https://example.invalid/').then(() => 'sent', () => 'refused')") == "refused"
        page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), {text: 'window.taken = 1'}))"
        )
        assert page.evaluate("window.taken ?? null") is None
        assert all(url.startswith("file:") for url in page.requests)
        assert any("Content Security Policy" in words for words in page.complaints)


def test_five_thousand_exchanges_are_scrolled_without_a_stutter(page: Page, tmp_path: Path) -> None:
    """Few rows are on the page at once; a frame while scrolling takes a fraction of what one would notice."""
    tape = long_run(5000)
    opened(page, tmp_path, ("long.yaml", tape))
    assert (
        (tmp_path / "page.html").stat().st_size
        < 1_500_000
        < sum(len(one.request.body) for one in tape.interactions) / 10
    )
    frames = page.evaluate("""new Promise((done) => {
      const box = document.querySelector("#list");
      const [times, rows] = [[], []];
      let last = performance.now();
      (function frame() {
        const now = performance.now();
        times.push(now - last);
        last = now;
        rows.push(document.querySelectorAll(".row").length);
        box.scrollTop += 900;
        if (times.length < 120) requestAnimationFrame(frame);
        else {
          const slow = times.sort((a, b) => a - b)[Math.floor(times.length * .9)];
          done({ slow, rows: Math.max(...rows), end: box.scrollTop });
        }
      })();
    })""")
    assert frames["rows"] < 120
    assert frames["end"] > 80_000
    assert frames["slow"] < 200  # milliseconds; some 17 on a machine of its own
    page.evaluate("document.querySelector('#list').focus()")
    page.press("End")
    assert page.evaluate(SELECTED) == "4999"
    page.until("document.querySelector('.step.chosen')?.dataset.filled")
    took = page.evaluate("""(async () => {
      document.querySelector("#find").value = "the sum is 80"; const from = performance.now(); await find();
      return performance.now() - from; })()""")
    assert page.evaluate("finding.hits.length") > 0
    assert took < 20_000  # milliseconds, while everything else stays awake


def test_bodies_that_were_kept_once_are_whole_again(page: Page, tmp_path: Path) -> None:
    """What is put together from others is the body that is on the tape."""
    tape = long_run(1200, steps=200)
    opened(page, tmp_path, ("long.yaml", tape))
    page.evaluate("bodiesReady()")
    for number in range(0, 1200, 37):
        one = tape.interactions[number]
        shown = page.evaluate(
            f"[body(tape().exchanges[{number}].asked).text, body(tape().exchanges[{number}].answered).text]"
        )
        assert shown == [one.request.body.decode(), one.response.body.decode()]


@pytest.mark.parametrize(("width", "height"), [(320, 640), (700, 900), (2200, 1200)])
def test_no_width_needs_scrolling_sideways(page: Page, tmp_path: Path, width: int, height: int) -> None:
    """From a telephone to a wide screen."""
    page.resize(width, height)
    opened(page, tmp_path, ("before.yaml", research()), ("after.yaml", research("take water")))
    for pane in "1234":
        page.press(pane)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)))")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert (
            page.evaluate(
                "[...document.querySelectorAll('.view')].filter((v) => v.scrollWidth > v.clientWidth + 1).length"
            )
            == 0
        )


def test_the_timeline_is_clicked_and_filtered(page: Page, tmp_path: Path) -> None:
    """A click on a bar chooses its exchange; the list can show refusals alone; tools that ran at once are on lanes."""
    opened(page, tmp_path, ("research.yaml", research()))
    point = """(() => {
      const box = track.canvas.getBoundingClientRect(), one = tape().exchanges[8];
      const top = TRACK.top + 4 + track.lanes[8] * rowsOf(box.height).each;
      return [box.x + xOf(one.start + one.took / 2, box.width), box.y + top];
    })()"""
    page.click_at(*page.evaluate(point))
    assert page.evaluate(SELECTED) == "8"
    assert page.evaluate("track.lanes[3] !== track.lanes[4] && track.lanes[5] !== track.lanes[3]")
    assert page.evaluate("tape().exchanges[2].wait > 2")
    page.choose("#show", "refused")
    assert page.evaluate("document.querySelectorAll('.row').length") == 2
    assert page.text("#count") == "2 of 9"


def test_on_paper_the_conversation_is_whole(page: Page, tmp_path: Path, seed: Path) -> None:
    """What was folded is open, the controls are left out."""
    opened(page, tmp_path, ("research.yaml", research()))
    assert page.printed().startswith(b"%PDF")
    assert page.evaluate("[...document.querySelectorAll('.step')].every((step) => step.dataset.filled)")
    assert page.evaluate("document.querySelector('.reasoning details').open")


def test_an_empty_tape_and_plain_http_have_a_page(page: Page, tmp_path: Path) -> None:
    """Nothing on it is said; what no dialect reads is a line of HTTP."""
    opened(page, tmp_path, ("empty.yaml", Tape()))
    assert "Nothing is on this tape." in page.text("#conversation")
    for key in "1234j]r0":
        page.press(key)
    plain = Tape([one for one in research().interactions if one.request.method == "GET"])
    opened(page, tmp_path, ("plain.yaml", plain))
    assert "GET https://openrouter.ai/api/v1/models" in page.text("#conversation")
    page.press("3")
    assert "No step is on this tape" in page.text("#difference")


def test_the_pictures_of_the_docs_can_be_made_again(browser: Browser, tmp_path: Path) -> None:
    """By docs/view_pictures.py, each as large as the one that is there."""
    import importlib.util

    docs = Path(__file__).resolve().parents[2] / "docs"
    spec = importlib.util.spec_from_file_location("view_pictures", docs / "view_pictures.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for name, data in script.pictures(browser, tmp_path).items():
        assert data[:24] == (docs / f"{name}.png").read_bytes()[:24]  # the size stands there
