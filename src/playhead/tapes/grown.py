"""Request bodies that grow out of each other, held once.

Each step of a run sends the whole history again, so that the bodies of a run of N steps are N² bytes long though only
N of them are new. The file holds them all, as it must; in memory a body that begins as the one before it did is held as
that one and what follows. Whoever looks at it sees the bytes: :class:`GrownRequest` is a recorded request in all ways.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.tapes.interaction import RecordedRequest

#: A body of fewer bytes is not worth the trouble.
_SMALL = 4096


class Growth(msgspec.Struct, frozen=True, gc=False):
    """``length`` bytes of another body, and ``tail``."""

    base: bytes | Growth
    length: int
    tail: bytes

    def whole(self) -> bytes:
        """The body. One copy of it is made, however long the chain of bodies that it grew out of."""
        pieces, wanted, at = [self.tail], self.length, self.base
        while isinstance(at, Growth):
            if wanted > at.length:
                pieces.append(at.tail[: wanted - at.length])
                wanted = at.length
            at = at.base
        pieces.append(at[:wanted])
        return b"".join(reversed(pieces))


class GrownRequest(RecordedRequest, frozen=True, gc=False):
    """A recorded request whose body is held as a growth of another's."""

    @property  # type: ignore[misc]
    def body(self) -> bytes:
        """The body, put together anew at each look."""
        held: Any = _held(self)
        return held.whole() if isinstance(held, Growth) else bytes(held)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RecordedRequest):
            return NotImplemented
        return plain(self) == plain(other)

    def __hash__(self) -> int:
        return hash(plain(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return RecordedRequest, msgspec.structs.astuple(plain(self))


_held: Any = vars(RecordedRequest)["body"].__get__


def plain(request: RecordedRequest) -> RecordedRequest:
    """The same request with its body as bytes."""
    if not isinstance(request, GrownRequest):
        return request
    fields = {name: getattr(request, name) for name in RecordedRequest.__struct_fields__}
    return RecordedRequest(**fields)


def grown(request: RecordedRequest, before: RecordedRequest | None) -> RecordedRequest:
    """The request, its body held as a growth of the one before where most of it is the same."""
    body = request.body
    if before is None or len(body) < _SMALL:
        return request
    held: Any = _held(before)
    same = _same_beginning(held.whole() if isinstance(held, Growth) else held, body)
    if same < len(body) // 2:
        return request
    fields: dict[str, Any] = {name: getattr(request, name) for name in RecordedRequest.__struct_fields__}
    fields["body"] = Growth(held, same, body[same:])
    return GrownRequest(**fields)


def _same_beginning(one: bytes, other: bytes) -> int:
    """How many bytes two bodies have in common at their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
