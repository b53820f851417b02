"""Who watches a run: ``on_event=`` is a function, or several, called with each event and the run that it is of.

A watch may also be around each call of a tool: where it has a method ``inside(call, run)`` that gives a context
manager, the tool runs within it, in the tool's own task, so that what the tool does can be told apart (the spans of
:mod:`playhead.watch.otel` nest so). Runs within a run, of agents that are tools, are told to the same watch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any, TypeAlias

from playhead.agent.events import Watch
from playhead.agent.tools import is_async
from playhead.errors import ConfigError
from playhead.messages import ToolCall

if TYPE_CHECKING:
    from playhead.agent.run import Run

#: What ``on_event=`` may be.
OnEvent: TypeAlias = Watch | Iterable[Watch]
Inside: TypeAlias = Callable[[ToolCall], AbstractContextManager[Any]]


class _Several:
    """Several watches as one, told in their order."""

    def __init__(self, watches: tuple[Watch, ...]) -> None:
        self.watches = watches

    def __call__(self, event: Any, run: Any) -> None:
        for watch in self.watches:
            watch(event, run)

    def inside(self, call: ToolCall, run: Any) -> AbstractContextManager[Any]:
        stack = ExitStack()
        try:
            for watch in self.watches:
                around = getattr(watch, "inside", None)
                if around is not None:
                    stack.enter_context(around(call, run))
        except BaseException:
            stack.close()
            raise
        return stack


def as_watch(*given: OnEvent | None) -> Watch | None:
    """What was given as one watch, each of them once; None where nobody watches.

    Raises:
        ConfigError: one of them cannot be called.
    """
    watches: list[Watch] = []
    for one in given:
        if isinstance(one, _Several):
            watches.extend(one.watches)
        elif callable(one):
            watches.append(one)
        elif isinstance(one, Iterable):
            watches.extend(one)
        elif one is not None:
            raise ConfigError(f"on_event is a function or several of them; got a {type(one).__name__}")
    for watch in watches:
        if not callable(watch):
            raise ConfigError(f"on_event is a function or several of them; a {type(watch).__name__} is among them")
        if is_async(watch):
            raise ConfigError(
                "on_event is called and not awaited, and one of them is async: make it a plain function, which may "
                "hand the event to a task: on_event=lambda event, run: queue.put_nowait(event)"
            )
    several = tuple(dict.fromkeys(watches))
    return several[0] if len(several) == 1 else _Several(several) if several else None


def inside_of(watch: Watch | None, run: Run[Any]) -> Inside | None:
    """What the calls of a run are made within; None where nobody wants to be around them."""
    around = getattr(watch, "inside", None)
    if around is None or (isinstance(watch, _Several) and not any(hasattr(one, "inside") for one in watch.watches)):
        return None
    return lambda call: around(call, run)
