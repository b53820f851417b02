"""What was seen in passing is replaced for a while, and never makes the redactor grow."""

from __future__ import annotations

from playhead.tapes.redact import Redactor
from playhead.tapes.session import open_session
from playhead.tapes.tape import Tape


def test_what_was_seen_is_replaced_until_many_others_were() -> None:
    redactor = Redactor(["lasting-secret"])
    redactor.add_seen(["first-cookie+"], cookies=True)
    text = b"lasting-secret first-cookie\\u002B"
    assert redactor.body(text) == b"REDACTED REDACTED"
    for number in range(100):
        redactor.add_seen([f"other-cookie-{number}"], cookies=True)
        assert redactor.body(b"other-cookie-%d" % number) == b"REDACTED"
    assert redactor.body(text) == b"REDACTED first-cookie\\u002B"
    assert redactor.body(b"other-cookie-98") == b"REDACTED"


def test_all_of_one_exchange_are_known_however_many_they_are() -> None:
    redactor = Redactor()
    values = [f"value-number-{number:04}" for number in range(500)]
    redactor.add_seen(values)
    assert redactor.body(" ".join(values).encode()) == b" ".join([b"REDACTED"] * 500)


def test_cookies_push_no_key_out_and_what_is_seen_again_stays() -> None:
    redactor = Redactor()
    redactor.add_seen(["the-key-of-a-client"])
    for number in range(100):
        redactor.add_seen([f"other-cookie-{number}"], cookies=True)
        redactor.add_seen([f"other-key-{number}"])
        redactor.add_seen(["the-key-of-a-client"])
    assert "the-key-of-a-client" in redactor.secrets
    assert len(redactor.secrets) < 50


def test_a_thousand_cookies_cost_what_ten_do() -> None:
    """By what is held, which is what each later body is searched for."""
    session = open_session(Tape(), "record")
    sizes = []
    for number in range(1010):
        session.add_seen([f"cookie-of-an-answer-{number}"], cookies=True)
        if number in (9, 1009):
            sizes.append(len(session.secrets))
    assert sizes == [8, 8]
