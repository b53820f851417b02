"""The tool calls of a stream while they arrive, and which of them a delta belongs to.

Servers differ: some give no index, some the same index to every call, some repeat the id on each chunk, some give
neither and begin a call by naming it. So a delta belongs to the latest call that it does not contradict:

- A delta with an index goes to a call of that index, or of none. Where it names its call and gives an id, it begins
  another unless the id is the same or not known yet.
- A delta with an id alone goes to the call of that id, or to one that has neither id nor name.
- A delta with neither goes to the last call; if it has a name, to the last that has none.

Each rule is a look into a table: a call is never searched for, so that an answer of any number of calls is read in time
that grows with its length.
"""

from __future__ import annotations

from collections.abc import Callable

from playhead.dialects.openai_chat.answer import WireCall
from playhead.messages import Opaque


class GrowingCall:
    """A tool call while it arrives. ``part`` is None until its name is known, ``held`` what its arguments were until
    then; ``position`` is its place among the calls."""

    __slots__ = ("extra", "held", "id", "index", "name", "part", "position")

    def __init__(self, position: int, index: int | None) -> None:
        self.position = position
        self.index = index
        self.id: str | None = None
        self.name = ""
        self.part: int | None = None
        self.held: list[str] = []
        self.extra: Opaque | None = None


class Calls:
    """The calls of one answer, in the order in which they began."""

    __slots__ = ("_by_id", "_by_index", "_idless", "_nameless", "_strangers", "all")

    def __init__(self) -> None:
        self.all: list[GrowingCall] = []
        self._by_index: dict[int | None, GrowingCall] = {}  # the latest of each index
        self._by_id: dict[tuple[int | str | None, str], GrowingCall] = {}  # of index and id; of "any" and id
        # Calls that lack something, the latest last; one that has got it meanwhile is dropped when it is looked at.
        self._idless: dict[int | None, list[GrowingCall]] = {}
        self._nameless: list[GrowingCall] = []
        self._strangers: list[GrowingCall] = []  # without id and name

    def take(self, said: WireCall) -> GrowingCall:
        """The call that this delta belongs to, a new one where it begins one; its id and name are set."""
        named = said.function is not None and bool(said.function.name)
        last = self.all[-1] if self.all else None
        if last is not None and said.index is not None and not said.id and said.index == last.index:
            call: GrowingCall | None = last
        elif said.index is None:
            call = self._without_index(said.id, named)
        else:
            call = _later(*(self._with_index(index, said.id, named) for index in (said.index, None)))
        if call is None:
            call = self._begin(said.index)
        if said.id and not call.id:
            call.id = said.id
            for key in ((call.index, said.id), ("any", said.id)):
                self._by_id[key] = _later(self._by_id.get(key), call) or call
        if said.function is not None and not call.name:
            call.name = said.function.name or ""
        return call

    def _begin(self, index: int | None) -> GrowingCall:
        call = GrowingCall(len(self.all), index)
        self.all.append(call)
        self._by_index[index] = call
        self._idless.setdefault(index, []).append(call)
        self._nameless.append(call)
        self._strangers.append(call)
        return call

    def _with_index(self, index: int | None, identifier: str | None, named: bool) -> GrowingCall | None:
        if not (identifier and named):
            return self._by_index.get(index)
        without = _latest(self._idless.get(index, []), lambda call: not call.id)
        return _later(self._by_id.get((index, identifier)), without)

    def _without_index(self, identifier: str | None, named: bool) -> GrowingCall | None:
        if identifier:
            stranger = _latest(self._strangers, lambda call: not (call.id or call.name))
            return _later(self._by_id.get(("any", identifier)), stranger)
        if named:
            return _latest(self._nameless, lambda call: not call.name)
        return self.all[-1] if self.all else None


def _later(a: GrowingCall | None, b: GrowingCall | None) -> GrowingCall | None:
    if a is None or b is None:
        return b if a is None else a
    return a if a.position > b.position else b


def _latest(calls: list[GrowingCall], lacking: Callable[[GrowingCall], bool]) -> GrowingCall | None:
    """The last of the calls that still lacks it; those after it never will again."""
    while calls and not lacking(calls[-1]):
        calls.pop()
    return calls[-1] if calls else None
