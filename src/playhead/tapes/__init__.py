"""Tapes: what a run asked the outside world and what it answered, in go-vcr's version 2 format.

Tapes hold bytes. They know nothing of models, messages or dialects; the names here load when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playhead.tapes.diff import first_difference
    from playhead.tapes.interaction import Interaction
    from playhead.tapes.session import Mode, Session, default_mode, open_session
    from playhead.tapes.tape import Tape

__all__ = ["Interaction", "Mode", "Session", "Tape", "default_mode", "first_difference", "open_session"]

_HOMES = {
    "Interaction": "interaction",
    "Mode": "session",
    "Session": "session",
    "Tape": "tape",
    "default_mode": "session",
    "first_difference": "diff",
    "open_session": "session",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
