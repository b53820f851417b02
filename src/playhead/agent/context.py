"""What a tool may know of the run that calls it: a parameter annotated :class:`Context` is given one.

::

    @tool(effect="write")
    async def refund(order: str, ctx: Context[Shop]) -> str:
        ctx.progress("asking the bank")
        return await ctx.deps.bank.refund(order, key=ctx.key)

The model is not told of the parameter. What a tool changes through ``deps`` is its own business; ``messages`` is the
history as it stood when the call began.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from playhead.messages import Message, ToolCall

if TYPE_CHECKING:
    from asyncio import Future

Deps = TypeVar("Deps")


class Context(Generic[Deps]):
    """One call's view of its run.

    Attributes:
        deps: what was passed as ``deps=`` to the run; None where nothing was.
        call: the call as the model wrote it.
        key: a key of this call alone, the same when the call is made again after a crash: give it to a service that
            knows idempotency keys. For a tool of effect "read" it is new each time.
        step: the number of the step, from 1.
        messages: the history, oldest first, the message that holds the call last.
        scope: what drives the run; for tools that run agents of their own on the same tape.
        thread: what ends when the thread does that a write runs in; None where there is none.
    """

    __slots__ = ("_cancelled", "_progress", "call", "deps", "key", "messages", "scope", "step", "thread")

    def __init__(
        self,
        deps: Deps,
        call: ToolCall,
        *,
        key: str = "",
        step: int = 1,
        messages: tuple[Message, ...] = (),
        progress: Callable[[str], None] | None = None,
        scope: Any = None,
    ) -> None:
        self.deps = deps
        self.call = call
        self.key = key
        self.step = step
        self.messages = messages
        self._progress = progress
        self.scope = scope
        self._cancelled = False
        self.thread: Future[Any] | None = None

    def __repr__(self) -> str:
        return f"<context of {self.call.name}, step {self.step}>"

    def progress(self, text: str) -> None:
        """Tell whoever watches the run how far the call is, by a :class:`playhead.ToolProgress`. Safe in a thread."""
        if self._progress is not None:
            self._progress(text)

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the result any more: the run was cancelled, or the tool's timeout has passed. A
        function that runs in a thread cannot be stopped from outside, and looks here to stop by itself."""
        return self._cancelled

    def cancel(self) -> None:
        """Nobody waits for the result any more."""
        self._cancelled = True
