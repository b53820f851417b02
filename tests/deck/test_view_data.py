"""What the page of a tape knows, without a browser: each text once, times that a tape allows, a file that is safe."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st
from made_tapes import JSON, URL, Maker, calling, hostile, long_run, research, result

from playhead.deck.transcript.telling import transcript
from playhead.deck.view import view
from playhead.deck.view.clock import Span, spans
from playhead.deck.view.data import document, encoded
from playhead.deck.view.store import Bodies, Messages
from playhead.messages import user
from playhead.tapes import Tape
from playhead.wire import HTTPRequest


def told(tape: Tape) -> dict[str, Any]:
    """One tape as the page has it."""
    (one,) = document([("t", tape)])["run"]["tapes"]
    return one  # type: ignore[no-any-return]


def times(tape: Tape) -> list[Span]:
    """When each exchange stood."""
    return spans(tape.interactions, transcript(tape))


def whole(kept: list[Any], number: int) -> bytes:
    """A body put together as the page does it, in UTF-16 units."""
    one = kept[number]
    if isinstance(one, dict):
        return base64.b64decode(one["base64"])
    if isinstance(one, str):
        return one.encode()
    base, head, tail, between = one
    before = whole(kept, base).decode().encode("utf-16-le")
    data: bytes = before[: 2 * head] + between.encode("utf-16-le") + (before[-2 * tail :] if tail else b"")
    return data.decode("utf-16-le").encode()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(["aé", "\U0001d573\U0001f99c", '{"role":"user"}', "\n", "x" * 150]), max_size=12),
        max_size=8,
    )
)
def test_a_body_that_is_kept_once_is_put_together_again(pieces: list[list[str]]) -> None:
    """Whatever two of them share, and whatever characters it is cut between."""
    bodies = Bodies()
    given = ["".join(one).encode() for one in pieces] + [b"\xff\xfe"]
    numbers = [bodies.add(one, "chain") for one in given]
    assert [whole(bodies.kept, number) for number in numbers] == given


def test_bodies_that_go_on_are_kept_as_what_is_new() -> None:
    """A row of 500 takes the room of what was added, and none is put together from many."""
    bodies, text = Bodies(), '{"messages":[' + "0," * 200
    numbers = []
    for n in range(500):
        text += f"{n},"
        numbers.append(bodies.add((text + '],"model":"m"}').encode(), "run"))
    assert sum(len(one) if isinstance(one, str) else len(str(one)) for one in bodies.kept) < 40_000
    for number in numbers:
        depth = 0
        while isinstance(kept := bodies.kept[number], list):
            number, depth = int(kept[0]), depth + 1
        assert depth <= 64 + 500 // 64 + 1


def test_a_message_is_kept_once_and_a_history_is_a_path() -> None:
    """What two histories share is the same nodes."""
    messages = Messages()
    first = messages.history((user("a"), user("b")))
    second = messages.history((user("a"), user("b"), user("a")), first)
    alone = messages.history((user("a"), user("b"), user("a")))
    assert len(messages.kept) == 2
    assert second.path[:2] == first.path
    assert alone.node == second.node
    assert messages.history(()).node == -1


def test_messages_that_differ_in_made_up_ids_are_alike() -> None:
    """For two runs that called the same, the page says so."""
    tapes = []
    for id in ("call_a", "call_b"):
        tape = Maker()
        call = calling((id, "weather", {"city": "F"}))
        tape.ask([{"role": "user", "content": "?"}], call)
        tape.ask([{"role": "user", "content": "?"}, call, result(id, "40 C")], {"content": "hot"})
        tapes.append((id, tape.tape))
    run = document(tapes)["run"]
    one, other = run["tapes"]
    for a, b in zip(one["steps"], other["steps"], strict=True):
        assert run["like"][a["answer"]] == run["like"][b["answer"]]
    assert one["steps"][0]["answer"] != other["steps"][0]["answer"]


def test_the_seed_stands_in_time_as_it_ran(seed: Path) -> None:
    """One exchange after the other; the last ends when all durations are over."""
    tape = Tape.load(seed)
    found = times(tape)
    assert found[0] == Span(0.0, tape.interactions[0].response.duration)
    for before, after in pairwise(found):
        assert after.start == pytest.approx(before.start + before.duration)
    assert found[-1].start + found[-1].duration == pytest.approx(sum(one.duration for one in found))


def test_tools_run_beside_each_other_and_a_run_within_its_call() -> None:
    """Both tools begin when the answer ends; the guide's run lies before the step that goes on; a wait is as the dates
    say, less what was taken."""
    plain, refused, answer, weather, forecast, inner, book, inner_last, last = times(research())
    assert plain.start == 0.0
    assert answer.wait == pytest.approx(6 - 2.4)
    assert answer.start == pytest.approx(refused.start + refused.duration + 3.6)
    ended = answer.start + answer.duration
    assert weather.start == forecast.start == pytest.approx(ended)
    assert ended <= inner.start
    assert inner.start + inner.duration <= book.start + 1e-9
    assert last.start >= inner_last.start + inner_last.duration - 1e-9


def test_runs_that_were_recorded_in_turns_ran_beside_each_other() -> None:
    """Neither waits for the other; nothing ends before what stands before it on the tape."""
    tape = Maker()
    first, second = [{"role": "user", "content": "one"}], [{"role": "user", "content": "two"}]
    for talk in (first, second):
        tape.ask(talk, calling(("c", "f", {"talk": str(talk)})), 1.0)
    for talk in (first, second):
        tape.ask([*talk, calling(("c", "f", {"talk": str(talk)})), result("c", "x")], {"content": "y"}, 1.0)
    found = times(tape.tape)
    ends = [one.start + one.duration for one in found]
    assert ends == sorted(ends)
    assert found[1].start < ends[0] + 1e-9
    assert ends[-1] < 4.0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["ask", "call", "get"]), max_size=12), st.integers(0, 3))
def test_no_schedule_goes_backwards(kinds: list[str], talks: int) -> None:
    """Whatever stands on a tape, exchanges end in its order and none begins before the tape."""
    tape = Maker()
    for number, kind in enumerate(kinds):
        if kind == "call":
            tape.call("c", "f", {"n": number}, "r", 0.3)
        else:
            words = [{"role": "user", "content": f"{number % (talks + 1)}"}]
            tape.ask(
                words,
                calling(("c", "f", {"n": number + 1})) if kind == "ask" else "no",
                0.2,
                status=200 if kind == "ask" else 429,
            )
    found = times(tape.tape)
    ends = [one.start + one.duration for one in found]
    assert all(one.start >= -1e-9 for one in found)
    assert all(a <= b + 1e-9 for a, b in pairwise(ends))


def test_a_step_has_its_tokens_its_price_and_its_history(seed: Path) -> None:
    """As the ledger has them; the history is the request's."""
    run = document([("t", Tape.load(seed))])["run"]
    (tape,) = run["tapes"]
    first, second = tape["steps"]
    assert (first["cost"], second["cost"], tape["cost"]) == ("0.00025495", "0.00037085", "0.0006258")
    assert tape["usage"] == {"input": 268, "output": 66, "cached": 0, "reasoning": 0}
    assert [one["attempts"] for one in (first, second)] == [[0, 1, 2], [3, 4, 5, 6, 7, 8, 9, 10, 11]]
    node, roles = second["history"], []
    while node >= 0:
        node, message = run["nodes"][node]
        roles.append(run["messages"][message]["role"])
    assert roles[::-1] == ["system", "user", "assistant", "tool"]


def test_the_page_is_one_file_that_names_nothing_outside(seed: Path) -> None:
    """No address is loaded, every script and style is named by its hash, and the same tapes give the same bytes."""
    page = view([("t", Tape.load(seed))])
    assert page == view([("t", Tape.load(seed))])
    html = page.decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "connect-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]
    for kind in ("script", "style"):
        for text in re.findall(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL):
            assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy[1]
    assert re.findall(r"<(?:link|iframe|object|embed|base)\b|\s(?:src|on[a-z]+)=\"", html) == []


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "</SCRIPT\t>", "\u2028", "\ud800"])
def test_nothing_on_a_tape_ends_the_block_that_it_stands_in(text: str) -> None:
    """No "<" of a tape is in the file, and no byte that is not UTF-8."""
    html = view([(text, hostile(text))]).decode()
    blocks = re.findall(r'<script type="application/json" id="data-\w+">(.*?)</script>', html, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        assert "<" not in block
        json.loads(block)


def test_a_large_page_is_compressed_and_holds_the_same() -> None:
    """The block is gzip in base64; unpacked it is the data."""
    tape = long_run(900)
    html = view([("t", tape)]).decode()
    packed = re.search(r'id="data-run" data-packed="gzip">([^<]+)<', html)
    assert packed is not None
    assert gzip.decompress(base64.b64decode(packed[1])) == encoded(document([("t", tape)])["run"])


def test_every_recording_has_a_page(cassettes: Path) -> None:
    """Each of the real cassettes: as many exchanges as the tape has, every step with its answer or refusal, and bodies
    that are whole."""
    for path in sorted(cassettes.rglob("*.yaml"))[::4]:
        tape = Tape.load(path)
        data = document([(path.name, tape)])
        (shown,) = data["run"]["tapes"]
        assert len(shown["exchanges"]) == len(tape.interactions)
        for one, exchange in zip(tape.interactions, shown["exchanges"], strict=True):
            assert whole(data["bodies"]["bodies"], exchange["asked"]) == one.request.body
            assert whole(data["bodies"]["bodies"], exchange["answered"]) == one.response.body
        encoded(data)


def test_absurd_numbers_and_nesting_do_no_harm() -> None:
    """An id of thousands of digits, a count, a cost, a date of the kind, JSON without end."""
    tape = Maker()
    for count in (10**5000, 10**400, -1):
        tape.ask([{"role": "user", "content": "?"}], {"content": "!"}, usage=(1, 1))
        text = tape.made[-1].response.body.replace(b'"prompt_tokens":1', f'"prompt_tokens":{"9" * 5000}'.encode())
        text = text.replace(b"1758647926", b"9" * 400).replace(b'"cost":', b'"cost":1e999, "x":')
        absurd = msgspec.structs.replace(tape.made[-1].response, body=text, nanoseconds=count, code=count)
        tape.made[-1] = msgspec.structs.replace(tape.made[-1], id=count, response=absurd)
    deep = b'{"model":"m","messages":[{"role":"user","content":' + b"[" * 100_000
    tape.put(HTTPRequest("POST", URL, JSON, deep), b"[" * 100_000, 0.1)
    data = json.loads(encoded(document([("t", tape.tape)])))
    assert len(data["run"]["tapes"][0]["exchanges"]) == 4
    assert all(one["took"] < 1e9 for one in data["run"]["tapes"][0]["exchanges"])
