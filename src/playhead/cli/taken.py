"""How a run stood to its tape, in a word: it was recorded there, played from there, or taken up there and gone on with.

Which it was is nobody's setting: with the mode ``once`` the first run is recorded, and the same command plays it from
then on. So it is read off the run itself, whose attempts say whether anybody was asked
(:attr:`playhead.Attempt.replayed`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playhead.agent.run import Run
    from playhead.events import Attempt


def tape_use(run: Run[Any], *, made: bool = False) -> str | None:
    """ "recorded", "played" or "resumed"; None where the run had no tape, or came to nothing. ``made`` says that a call
    was made anew, and so that not all of it was played."""
    attempts = _attempts(run)
    if run.tape is None or not attempts:
        return None
    if all(attempt.replayed for attempt in attempts):
        return "resumed" if made else "played"
    return "resumed" if run.before is not None or any(attempt.replayed for attempt in attempts) else "recorded"


def tape_words(run: Run[Any], path: str | None, *, made: bool = False, recorded: bool = False) -> str:
    """``recorded on t.yaml``, ``played from t.yaml``, ``resumed on t.yaml``; "" where there is nothing to say. A model
    that spoke by script is on no tape, and that is said. ``recorded`` says that what it goes on from was, just now."""
    use = "recorded" if recorded else tape_use(run, made=made)
    if use is None or path is None or run.tape is None:
        return ""
    held = run.tape.interactions
    if not held:
        return f"nothing is on {path}"
    if all(item.request.method == "CALL" for item in held):
        return f"only the calls of tools are on {path}"
    return f"played from {path}" if use == "played" else f"{use} on {path}"


def _attempts(run: Run[Any]) -> list[Attempt]:
    """Those of the run and of the runs inside of it."""
    return [*run.attempts, *(attempt for child in run.children for attempt in _attempts(child))]
