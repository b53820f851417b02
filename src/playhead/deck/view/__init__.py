"""A tape as a page: one HTML file that shows a run, or several beside each other, and asks nobody for anything.

:func:`view` is tapes to the bytes of the page. :mod:`.data` decides what the page knows, :mod:`.store` keeps each text
once, :mod:`.clock` says when each exchange stood in the run, :mod:`.page` puts the file together. What the page does
with it is in the folder ``browser``: HTML, CSS and plain JavaScript, a file for each purpose, shipped as it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playhead.tapes import Tape


def view(tapes: Sequence[tuple[str, Tape]]) -> bytes:
    """The page that shows these tapes, each under the name given with it: one HTML file, UTF-8, the same for the same
    tapes. Any go-vcr tape can be shown; what is no exchange with a model is shown as plain HTTP."""
    from playhead.deck.view.data import document
    from playhead.deck.view.page import page

    return page(document(tapes))
