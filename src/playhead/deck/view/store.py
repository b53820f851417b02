"""Texts that are kept once, however often a tape repeats them.

Each request of a run holds the whole history, so the bodies of a run of n steps grow with n squared, and the page
would. Two stores keep it with n:

* :class:`Bodies` has each body once, and one that goes on from another as what was put between that one's beginning
  and its end::

      add(b'{"m":[1]}', "run") -> 0       kept as '{"m":[1]}'
      add(b'{"m":[1,2]}', "run") -> 1     kept as [0, 7, 2, ',2']: of body 0 the first 7 and the last 2, ',2' between

* :class:`Messages` has each message once, and each history as a node ``(the history before, its last message)``.

Places are counted in UTF-16 units, as JavaScript counts.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Hashable, Sequence
from json import dumps
from typing import Any

from playhead.deck.view.parts import described, likened
from playhead.messages import Message

#: A body goes on from the one before it, every 64th from the 64th before: none is put together from more than
#: 64 + n / 64 others.
STRIDE = 64
#: Characters that must be shared for it to be worth saying so.
WORTH = 200


class _Chain:
    """What bodies of one row went on from."""

    def __init__(self) -> None:
        self.count = 0
        self.last: tuple[int, str] | None = None
        self.milestone: tuple[int, str] | None = None


class Bodies:
    """Bodies by number. ``kept`` is the page's: text, ``[base, head, tail, between]``, or ``{"base64": …}`` where the
    bytes are no UTF-8."""

    def __init__(self) -> None:
        self.kept: list[str | list[int | str] | dict[str, str]] = []
        self._known: dict[bytes, int] = {}
        self._chains: dict[Hashable, _Chain] = {}

    def add(self, data: bytes, chain: Hashable = None) -> int:
        """The number of a body. ``chain`` names the row of bodies that it may repeat."""
        known = self._known.get(data)
        if known is not None:
            return known
        number = self._known[data] = len(self.kept)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self.kept.append({"base64": b64encode(data).decode()})
            return number
        self.kept.append(text if chain is None else self._chained(number, text, chain))
        return number

    def _chained(self, number: int, text: str, name: Hashable) -> str | list[int | str]:
        chain = self._chains.setdefault(name, _Chain())
        stone = chain.count % STRIDE == 0
        base = chain.milestone if stone else chain.last
        chain.count += 1
        chain.last = (number, text)
        if stone:
            chain.milestone = chain.last
        if base is None:
            return text
        head = _shared(base[1], text)
        tail = _shared(base[1][head:], text[head:], backwards=True)
        if head + tail < max(WORTH, len(text) // 8):
            return text
        ending = text[len(text) - tail :]
        return [base[0], _units(text[:head]), _units(ending), text[head : len(text) - tail]]


def _shared(one: str, other: str, *, backwards: bool = False) -> int:
    """How many characters both begin with, or end with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if backwards:
            same = one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]
        else:
            same = one[low:middle] == other[low:middle]
        low, high = (middle, high) if same else (low, middle - 1)
    return low


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


class Messages:
    """Messages and histories by number. ``kept`` are the messages as the page has them; ``like`` has for each the
    number of the first that says the same, whatever ids its calls have; ``nodes`` are ``[history before, message]``,
    where -1 is the empty history."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.like: list[int] = []
        self.nodes: list[tuple[int, int]] = []
        self._known: dict[str, int] = {}
        self._alike: dict[str, int] = {}
        self._nodes: dict[tuple[int, int], int] = {}

    def add(self, message: Message) -> int:
        """The number of a message."""
        told = described(message)
        key = dumps(told)
        number = self._known.setdefault(key, len(self.kept))
        if number == len(self.kept):
            self.kept.append(told)
            self.like.append(self._alike.setdefault(dumps(likened(told)), number))
        return number

    def history(self, messages: Sequence[Message], before: History | None = None) -> History:
        """A history as a path of nodes. What it shares with ``before`` is not looked at again."""
        path: list[int] = []
        if before is not None:
            for one, other, node in zip(messages, before.messages, before.path, strict=False):
                if one != other:
                    break
                path.append(node)
        at = path[-1] if path else -1
        for message in messages[len(path) :]:
            key = (at, self.add(message))
            at = self._nodes.setdefault(key, len(self.nodes))
            if at == len(self.nodes):
                self.nodes.append(key)
            path.append(at)
        return History(tuple(messages), path)


class History:
    """Messages and the nodes that they have led to; ``node`` is the last."""

    __slots__ = ("messages", "path")

    def __init__(self, messages: tuple[Message, ...], path: list[int]) -> None:
        self.messages = messages
        self.path = path

    def shared(self, messages: Sequence[Message]) -> int:
        """How much of this history the messages may begin with: its length where they have its last message in its
        place, 1 where they have its first."""
        own = self.messages
        if own and len(messages) >= len(own) and messages[len(own) - 1] == own[-1]:
            return len(own)
        return 1 if own and messages and messages[0] == own[0] else 0

    @property
    def node(self) -> int:
        """The number of the whole; -1 where it is empty."""
        return self.path[-1] if self.path else -1
