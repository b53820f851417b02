"""Runs as lines of ``logging``, by the logger "playhead".

ERROR is an error that ended a run; WARNING a refusal, a cut answer, a tool that failed, something that a provider could
not be told; INFO the beginning and end of a run; DEBUG everything between. The lines tell what happened, to which
model, how long it took and what it used. What was said, and the words of errors (which may repeat it), are told only
where content was asked for; keys never, as they are in no event.

A run is named by a number, from 1, and by its agent's name where that has one: ``run 2 (scout) begins within run 1``.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError
from itertools import count
from typing import Any

from playhead.agent.events import RunEnd, RunFailed, RunStart, StepEnd, StepStart, ToolEnd, ToolStart
from playhead.errors import ModelError
from playhead.events import Asked, Attempt, AttemptEnd, Discard

#: What is said of an attempt that nobody was asked for: its seconds are those of the recording.
_PLAYED = ", on the tape"
_LEFT = (GeneratorExit, CancelledError, KeyboardInterrupt)


class Lines:
    """What ``on_event=log()`` is; :func:`playhead.watch.log` documents it."""

    def __init__(self, logger: logging.Logger | str | None, content: bool) -> None:
        self._logger = logger if isinstance(logger, logging.Logger) else logging.getLogger(logger or "playhead")
        self._content = content
        self._numbers = count(1)
        self._runs: dict[int, tuple[str, Any]] = {}

    def __call__(self, event: Any, run: Any) -> None:
        """An event of a run."""
        kind = type(event)
        if kind is RunStart:
            self._begin(event, run)
            return
        name, _ = self._runs.get(id(run), ("run ?", None))
        if kind is StepStart:
            self._logger.debug("%s step %d begins", name, event.step)
        elif kind is AttemptEnd:
            self._attempt(name, event.attempt)
        elif kind is Discard:
            self._logger.warning("%s step %d: an answer was cut; it is asked for again", name, event.step)
        elif kind is ToolStart:
            self._logger.debug(
                "%s step %d: calls %s%s", name, event.step, event.call.name, self._words(event.call.arguments)
            )
        elif kind is ToolEnd:
            self._tool(name, event)
        elif kind is StepEnd:
            response = event.step.response
            words = self._words(response.text)
            self._logger.debug("%s step %d: %s%s", name, event.step.number, response.finish.unified, words)
        elif kind is RunEnd:
            self._runs.pop(id(run), None)
            self._warnings(name, run)
            waits = " and waits for a decision" if run.pending is not None else ""
            self._logger.info("%s ends%s: %s", name, waits, _summary(run))
        elif kind is RunFailed:
            self._runs.pop(id(run), None)
            self._failed(name, run, event.error)

    def _begin(self, event: RunStart, run: Any) -> None:
        name = f"run {next(self._numbers)}" + (f" ({run.agent})" if run.agent else "")
        within = self._runs.get(id(event.parent))
        self._runs[id(run)] = (name, run)
        if within is None:
            self._logger.info("%s begins: asks %s", name, _whom(event.asked))
        else:
            self._logger.info("%s begins within %s: asks %s", name, within[0], _whom(event.asked))

    def _attempt(self, name: str, attempt: Attempt) -> None:
        where = f"{name} step {attempt.step} attempt {attempt.number}"
        asked, status = _whom(attempt.asked), attempt.status or "no status"
        of = f", request {attempt.request_id}" if attempt.request_id is not None else ""
        if attempt.error is None:
            on = _PLAYED if attempt.replayed else ""
            self._logger.debug("%s: %s answered %s after %.3g s%s%s", where, asked, status, attempt.duration, on, of)
            return
        then = f"; waits {attempt.wait:.3g} s" if attempt.wait is not None else ""
        words, on = self._words(attempt.error), _PLAYED if attempt.replayed else ""
        self._logger.warning(
            "%s: %s failed, %s after %.3g s%s%s%s%s", where, asked, status, attempt.duration, on, of, then, words
        )

    def _tool(self, name: str, event: ToolEnd) -> None:
        where, result = f"{name} step {event.step}", event.result
        how = "failed" if result.is_error else "was on the tape" if event.replayed else "is done"
        if event.replayed and result.is_error:
            how += " on the tape"
        level = logging.WARNING if result.is_error else logging.DEBUG
        words = self._words(result.text)
        self._logger.log(level, "%s: %s %s after %.3g s%s", where, result.name, how, event.duration, words)

    def _failed(self, name: str, run: Any, error: BaseException) -> None:
        self._warnings(name, run)
        kind = type(error).__name__
        if isinstance(error, _LEFT):
            self._logger.info("%s was left (%s): %s", name, kind, _summary(run))
            return
        status = f" {error.status}" if isinstance(error, ModelError) and error.status is not None else ""
        self._logger.error("%s failed, %s%s: %s%s", name, kind, status, _summary(run), self._words(str(error)))

    def _warnings(self, name: str, run: Any) -> None:
        for warning in run.warnings:
            self._logger.warning("%s: %s", name, warning)

    def _words(self, text: str) -> str:
        return f": {text}" if self._content and text else ""


def _whom(asked: Asked | None) -> str:
    return f"{asked.provider} {asked.model}" if asked is not None else "a model"


def _summary(run: Any) -> str:
    usage, cost = run.usage, run.cost
    steps = len(run.steps)
    played = bool(run.attempts) and all(attempt.replayed for attempt in run.attempts)
    said = [f"{steps} {'step' if steps == 1 else 'steps'}"]
    said.append(f"played from the tape in {run.duration:.3g} s" if played else f"{run.duration:.3g} s")
    if usage is not None and usage.total_tokens is not None:
        said.append(f"{usage.total_tokens} tokens")
    if cost is not None:
        said.append(f"${cost:.6f}")
    return ", ".join(said)
