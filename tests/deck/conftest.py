"""A real browser, for the tests of pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import Browser, Page, find_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of a file."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here; install one, or name it in PLAYHEAD_CHROMIUM")
    with Browser(program) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab. At its end: it has asked for nothing but the file, and had nothing to complain of."""
    with browser.page() as page:
        yield page
        assert [url for url in page.requests if not url.startswith(("file:", "data:image/"))] == []
        assert page.complaints == []
