"""Events to a response: the one reducer, for streams and whole answers alike.

``fold([ResponseStart(), PartStart(0, Text("")), PartDelta(0, "Hi"), PartEnd(0), ResponseEnd(stop)]) ->
Response((Text("Hi"),), stop)``. :class:`Folder` is the same, an event at a time.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from playhead.errors import ProtocolError
from playhead.events import AttemptEvent, Discard, ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.messages import File, Native, Opaque, Part, Reasoning, Refusal, Source, Text, ToolCall
from playhead.response import Response


class Folder:
    """Takes events in order, gives the response at the end. A :class:`Discard` makes it begin again; the other events
    of an attempt are none of its business."""

    __slots__ = ("_end", "_opaque", "_parts", "_start", "_texts")

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._start = ResponseStart()
        self._parts: list[Part] = []
        self._texts: list[list[str]] = []
        self._opaque: dict[int, Opaque] = {}
        self._end: ResponseEnd | None = None

    def push(self, events: Iterable[ModelEvent | AttemptEvent]) -> None:
        """Take events, in the order they came."""
        for event in events:
            if type(event) is PartDelta:
                try:
                    self._texts[event.index].append(event.text)
                except IndexError:
                    raise self._not_begun(event.index) from None
            elif type(event) is PartStart:
                if event.index != len(self._parts):
                    raise ProtocolError(f"part {len(self._parts)} expected to begin next, part {event.index} began")
                self._parts.append(event.part)
                self._texts.append([])
            elif type(event) is PartEnd:
                if not 0 <= event.index < len(self._parts):
                    raise self._not_begun(event.index)
                if event.opaque is not None:
                    self._opaque[event.index] = event.opaque
            elif type(event) is ResponseStart:
                self._start = event
            elif type(event) is ResponseEnd:
                self._end = event
            elif type(event) is Discard:
                self._clear()

    def _not_begun(self, index: int) -> ProtocolError:
        return ProtocolError(f"part {index} expected to have begun before its text and its end")

    @property
    def complete(self) -> bool:
        """Whether the response has ended."""
        return self._end is not None

    @property
    def partial(self) -> tuple[Part, ...]:
        """The parts so far, whether or not they have ended."""
        opaque = self._opaque
        return tuple(
            [
                finished(part, "".join(texts), opaque.get(index)) if texts or index in opaque else part
                for index, (part, texts) in enumerate(zip(self._parts, self._texts, strict=True))
            ]
        )

    def response(self) -> Response:
        """The whole response.

        Raises:
            ProtocolError: no ResponseEnd has come; a decoder raises on a cut stream before it comes to this.
        """
        if self._end is None:
            raise ProtocolError("the events end before the response does")
        start, end = self._start, self._end
        return Response(self.partial, end.finish, end.usage, start.id, start.model, start.provider, start.created)


def fold(events: Iterable[ModelEvent]) -> Response:
    """The response that these events make."""
    folder = Folder()
    folder.push(events)
    return folder.response()


def finished(part: Part, text: str, opaque: Opaque | None) -> Part:
    """The part with the text of its deltas joined to it and the data of its end.

    Raises:
        ProtocolError: a part of this kind takes neither.
    """
    if not text and opaque is None:
        return part
    match part:
        case Text(text=head) | Refusal(text=head):
            return msgspec.structs.replace(part, text=head + text, opaque=opaque or part.opaque)
        case Reasoning(text=head):
            return Reasoning(head + text, opaque or part.opaque)
        case ToolCall(arguments=head):
            return msgspec.structs.replace(part, arguments=head + text, opaque=opaque or part.opaque)
        case Source() | File() if not text:
            return msgspec.structs.replace(part, opaque=opaque or part.opaque)
        case Native() if not text:
            return Native(part.kind, opaque or part.opaque)
        case _:
            raise ProtocolError(f"a {type(part).__name__} part takes no {'text' if text else 'data at its end'}")


def unfold(response: Response) -> list[ModelEvent]:
    """A whole response as the events of a stream: what :func:`fold` turns back into it."""
    events: list[ModelEvent] = [ResponseStart(response.id, response.model, response.provider, response.created)]
    for index, part in enumerate(response.parts):
        events.append(PartStart(index, part))
        events.append(PartEnd(index))
    events.append(ResponseEnd(response.finish, response.usage))
    return events
