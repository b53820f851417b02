"""Makes docs/view-light.png, view-dark.png and view-beside.png: the page of `playhead view`, as a browser shows it.

`python docs/view_pictures.py` makes them anew; it needs a Chromium, and drives it as the tests of the page do. The
tapes are those of the tests, so that the pictures can be made again. A test holds that they can.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "deck"))

from chromium import Browser, find_chromium  # noqa: E402
from made_tapes import research  # noqa: E402

from playhead.deck.view import view  # noqa: E402

WIDTH, HEIGHT = 1280, 760  # pixels


def pictures(browser: Browser, folder: Path) -> dict[str, bytes]:
    """Each picture by its name, as PNG; ``folder`` is for the pages."""
    one, two = folder / "one.html", folder / "two.html"
    one.write_bytes(view([("packing.yaml", research())]))
    two.write_bytes(view([("before.yaml", research()), ("after.yaml", research("take water"))]))
    made = {}
    for name, path, dark, keys, place in (
        ("view-light", one, False, "1", "#2"),
        ("view-dark", one, True, "2", "#8"),
        ("view-beside", two, False, "4", ""),
    ):
        with browser.page(WIDTH, HEIGHT, dark=dark) as page:
            page.open(path, place)
            page.press(*keys)
            if keys == "4":
                page.click("#to-first")
            page.until("[...document.images].every((image) => image.complete)")
            page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
            made[name] = page.screenshot()
    return made


if __name__ == "__main__":
    program = find_chromium()
    if program is None:
        sys.exit("no Chromium here; install one, or name it in PLAYHEAD_CHROMIUM")
    with tempfile.TemporaryDirectory() as folder, Browser(program) as browser:
        for name, data in pictures(browser, Path(folder)).items():
            (ROOT / "docs" / f"{name}.png").write_bytes(data)
            print(f"wrote docs/{name}.png, {len(data) / 1000:.0f} kB")
