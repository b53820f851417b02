"""Watching runs from outside: as spans and metrics of OpenTelemetry, and as lines of ``logging``.

::

    agent = Agent("openai:gpt-5", on_event=[otel(), log()])

Both are functions of an event and its run, as ``on_event=`` takes them; what they need is imported when they are made,
so that a program that watches nothing loads and pays nothing. Neither tells what was said, by the user, the model or a
tool, unless it is made with ``content=True``; keys are told never.

| module | holds |
|---|---|
| spans | runs, model calls, attempts and tools as spans, and their metrics |
| conventions | the names of OpenTelemetry's conventions for generative AI |
| contents | messages as those conventions write them |
| lines | the lines of the logger "playhead" |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playhead.watch.lines import Lines
    from playhead.watch.spans import Spans


def otel(*, content: bool = False, tracer_provider: Any = None, meter_provider: Any = None) -> Spans:
    """Spans and metrics by OpenTelemetry's conventions for generative AI, for ``on_event=``.

    Args:
        content: whether messages, arguments and results, and the words of errors, are told too.
        tracer_provider, meter_provider: instead of the global ones.

    Raises:
        ConfigError: the library is not installed.
    """
    from playhead.watch.spans import Spans

    return Spans(content, tracer_provider, meter_provider)


def log(logger: Any = None, *, content: bool = False) -> Lines:
    """Lines of ``logging``, for ``on_event=``: errors that end a run as ERROR, what went wrong on the way as WARNING,
    beginnings and ends of runs as INFO, the rest as DEBUG.

    Args:
        logger: a logger or a logger's name, instead of "playhead".
        content: whether the text of answers, arguments and results, and the words of errors, are told too.
    """
    from playhead.watch.lines import Lines

    return Lines(logger, content)
