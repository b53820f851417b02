"""`playhead record --tape-per-client`: whose tape is whose, and how long it stays open."""

from __future__ import annotations

import threading
from pathlib import Path

from odd_upstream import OddUpstream, Saying, answer
from raw_wire import Wire, ask, request
from record_process import RecordProcess

from playhead import RecordingProxy, Tape
from playhead.deck.http1.reading import Asked
from playhead.deck.record.opened import KEPT

CHAT = "/v1/chat/completions"


def asked_of(tape: Path) -> list[bytes]:
    return [item.request.body for item in Tape.load(tape).interactions]


def test_a_client_that_is_named_by_a_number_has_a_tape_of_its_own(tmp_path: Path) -> None:
    """It is under way when the first client without a name goes."""
    asked, leave = threading.Event(), threading.Event()

    def say(one: Asked) -> Saying:
        if one.body == b'"named"':
            asked.set()
            assert leave.wait(20)
        yield answer("200 OK", body=b"{}")

    with OddUpstream(say) as odd:
        with RecordingProxy(odd.url, tape=tmp_path / "run.yaml", tape_per_client=True) as proxy:
            with Wire(proxy.port) as named:
                with Wire(proxy.port) as nameless:
                    nameless.ask(CHAT, b'"nameless"')
                    named.send(request(f"/@1{CHAT}", b'"named"'))
                    assert asked.wait(20)
                leave.set()
                assert named.read().status == 200
        assert proxy.recorded == 2
    found = {path.name: asked_of(path) for path in tmp_path.iterdir()}
    assert found == {"run.1.yaml": [b'"nameless"'], "run-1.yaml": [b'"named"']}


def test_a_tape_is_not_closed_under_another_connection_of_its_client(tmp_path: Path) -> None:
    with OddUpstream(lambda asked: [answer("200 OK", body=b"{}")]) as odd:
        with RecordingProxy(odd.url, tape=tmp_path / "run.yaml", tape_per_client=True) as proxy:
            with Wire(proxy.port) as stays:
                stays.ask(f"/@a{CHAT}", b"0")
                for number in range(KEPT + 4):
                    ask(proxy.port, f"/@a{CHAT}", b"1")
                    ask(proxy.port, f"/@b{number}{CHAT}", b"2")
                assert stays.ask(f"/@a{CHAT}", b"3").status == 200
        assert proxy.notes == []
    assert asked_of(tmp_path / "run-a.yaml") == [b"0", *[b"1"] * (KEPT + 4), b"3"]


def test_a_name_holds_no_descriptor_for_ever_and_may_come_back(tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(100)]

    with OddUpstream(lambda asked: [answer("200 OK", body=b"{}")]) as odd:
        with RecordProcess(odd.url, tmp_path / "run.yaml", "--tape-per-client", limit="-n 80") as proxy:
            for _ in range(2):
                assert {ask(proxy.port, f"/@{name}{CHAT}", name.encode()).status for name in names} == {200}
            status, said = proxy.stop()
    assert (status, said) == (0, {"recorded": 200, "saved": [], "notes": []})
    assert proxy.noted == []
    assert all(asked_of(tmp_path / f"run-{name}.yaml") == [name.encode()] * 2 for name in names)
