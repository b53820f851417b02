"""Events to a response, and back."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from playhead.errors import ProtocolError
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.fold import Folder, fold, unfold
from playhead.messages import File, Opaque, Part, Reasoning, Refusal, Source, Text, ToolCall
from playhead.response import FinishReason, Response, Usage

STOP = FinishReason("stop", "stop")
SIGNED = Opaque("openai_chat", [{"signature": "s"}])


def test_fold_joins_deltas_of_parts_that_overlap() -> None:
    events: list[ModelEvent] = [
        ResponseStart("r1", "m", "p", 5),
        PartStart(0, Reasoning()),
        PartDelta(0, "hm"),
        PartStart(1, ToolCall("c1", "add", "")),
        PartStart(2, ToolCall("c2", "mul", '{"a"')),
        PartDelta(1, "{"),
        PartDelta(2, ":1}"),
        PartDelta(1, "}"),
        PartEnd(0, SIGNED),
        PartEnd(1),
        PartEnd(2),
        ResponseEnd(STOP, Usage(1, 2)),
    ]
    assert fold(events) == Response(
        (Reasoning("hm", SIGNED), ToolCall("c1", "add", "{}"), ToolCall("c2", "mul", '{"a":1}')),
        STOP,
        Usage(1, 2),
        "r1",
        "m",
        "p",
        5,
    )


def test_unfold_is_the_reverse_of_fold() -> None:
    response = Response(
        (
            Text("a"),
            Refusal("no"),
            Reasoning("r", SIGNED),
            ToolCall("c", "t", "{}"),
            File("image/png", data=b"x"),
            Source("https://x.test", opaque=SIGNED),
        ),
        STOP,
    )
    assert fold(unfold(response)) == response


def test_partial_has_what_came_so_far() -> None:
    folder = Folder()
    folder.push([ResponseStart(), PartStart(0, Text("")), PartDelta(0, "Hel"), PartDelta(0, "lo")])
    assert folder.partial == (Text("Hello"),)
    with pytest.raises(ProtocolError, match="end before the response does"):
        folder.response()


@pytest.mark.parametrize(
    "events",
    [
        [PartStart(1, Text(""))],
        [PartDelta(0, "x")],
        [PartStart(0, File("image/png", data=b"")), PartDelta(0, "x"), ResponseEnd(STOP)],
    ],
)
def test_fold_refuses_events_that_are_out_of_order(events: list[ModelEvent]) -> None:
    with pytest.raises(ProtocolError):
        fold(events)


@pytest.mark.parametrize("part", [File("image/png", data=b"x"), Source("https://x.test"), Text("a"), Refusal("no")])
def test_the_data_of_a_parts_end_is_kept_by_every_part_that_has_a_place_for_it(part: Part) -> None:
    made = fold([ResponseStart(), PartStart(0, part), PartEnd(0, SIGNED), ResponseEnd(STOP)]).parts[0]
    assert made == msgspec.structs.replace(part, opaque=SIGNED)


@pytest.mark.parametrize("part", [File("image/png", data=b"x"), Source("https://x.test")])
def test_text_for_a_part_that_has_none_is_not_swallowed(part: Part) -> None:
    with pytest.raises(ProtocolError, match="takes no text"):
        fold([ResponseStart(), PartStart(0, part), PartDelta(0, "x"), PartEnd(0), ResponseEnd(STOP)])


def test_a_part_that_never_began_cannot_end() -> None:
    with pytest.raises(ProtocolError, match="part 3 expected to have begun"):
        fold([ResponseStart(), PartEnd(3, SIGNED), ResponseEnd(STOP)])


def test_a_cost_is_a_sum_only_where_every_part_of_it_is_known() -> None:
    """A bill that lacks a part is no bill; tokens are what was counted."""
    known, unknown = Usage(1, 2, cost=Decimal("0.1")), Usage(3, None, 4)
    assert known + unknown == unknown + known == Usage(4, 2, 4)
    assert known + known == Usage(2, 4, cost=Decimal("0.2"))
