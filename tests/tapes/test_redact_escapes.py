"""A secret is kept out in whatever escapes it is written, and nothing else is."""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from html import escape as html_escape
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings, strategies as st

from playhead import Agent, AuthenticationError, RetryPolicy
from playhead.tapes.escaped import places, plain
from playhead.tapes.named import is_placeholder
from playhead.tapes.redact import Redactor
from playhead.testing import FakeProvider, raw

KEY = "wJalrXUtnFEMI+K7MDENG/bPxRfiCY&EXAMPLE'KEY=="


def dotnet(text: str) -> str:
    """As .NET's System.Text.Json writes it."""
    return "".join(one if one.isalnum() else all_units(one).upper().replace("U", "u") for one in text)


def all_units(text: str) -> str:
    units = text.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02X}" for at in range(0, len(units), 2))


def octets(text: str) -> str:
    return "".join(f"%{octet:02X}" for octet in text.encode())


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    ".NET": dotnet,
    "Go": lambda text: "".join(f"\\u{ord(one):04x}" if one in "&<>" else one for one in text),
    "PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "Python": lambda text: json.dumps(text)[1:-1],
    "JSON in JSON": lambda text: json.dumps(dotnet(text))[1:-1],
    "JSON in JSON in JSON": lambda text: json.dumps(json.dumps(dotnet(text))[1:-1])[1:-1],
    "all as units": all_units,
    "percent": lambda text: quote(text, safe=""),
    "percent in small letters": lambda text: "".join(
        one if one.isalnum() else "".join(f"%{octet:02x}" for octet in one.encode()) for one in text
    ),
    "all as octets": octets,
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "a query": quote_plus,
    "a page": html_escape,
    "a page by numbers": lambda text: "".join(one if one.isalnum() else f"&#x{ord(one):X};" for one in text),
    "a page by decimal numbers": lambda text: "".join(one if one.isalnum() else f"&#{ord(one):03};" for one in text),
    "a page in JSON": lambda text: html_escape(text).replace("/", "\\/"),
    "base64": lambda text: b64encode(b"Bearer " + text.encode()).decode(),
    "base64 as .NET writes it": lambda text: dotnet(b64encode(b"user:" + text.encode()).decode()),
    "base64 for URLs": lambda text: urlsafe_b64encode(b"x" + text.encode()).decode(),
}


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize(
    "key", [KEY, "sk-plain0123456789abcdef", 'q"u\\o/t<e>d+k e y', "ключ-пароль-ß", "k😀ey-of-halves-+"]
)
def test_a_secret_is_found_in_every_spelling(name: str, key: str) -> None:
    if "base64" in name and not key.isascii():
        key += "12345678"
    spelt = SPELLINGS[name](key)
    body = f'{{"a":"50% \\u00e9 \\n","error":"bad key {spelt} \\u002B %41 &amp; rest"}}'.encode()
    clean = Redactor([key]).body(body)
    if "base64" in name:  # the signs at both ends belong to its neighbours as well
        assert b"REDACTED" in clean
        assert spelt.encode()[8:-8] not in clean
    else:
        assert clean == body.replace(spelt.encode(), b"REDACTED")


def test_what_is_not_the_secret_stays_to_the_byte() -> None:
    body = rb'{"a":"\u002B%41%zz\\\"&#43; &lt;\u00e9\ud83d\ude00","b":"wJalrXUtnFEMI\u002BK7MDENG\/other"}' * 3
    assert Redactor([KEY, 'has"quotes&more']).body(body) is body


def test_several_secrets_in_one_text_are_all_replaced_and_one_inside_of_another_with_it() -> None:
    redactor = Redactor(["inner+inner", "outer+inner+inner+outer", "third/third"])
    spelt = dotnet("<outer+inner+inner+outer> <inner+inner> <third/third> <third/third>")
    clean = redactor.body(spelt.encode())
    assert plain(clean) == b"<REDACTED> <REDACTED> <REDACTED> <REDACTED>"


@given(
    st.lists(st.tuples(st.sampled_from("ab+-é~"), st.sampled_from([str, all_units, octets, str])), min_size=3),
    st.data(),
)
@settings(max_examples=200, deadline=None)
def test_a_place_is_that_of_the_escapes_and_no_more(
    signs: list[tuple[str, Callable[[str], str]]], data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(signs) - 1))
    end = data.draw(st.integers(start + 1, len(signs)))
    spelt = [spell(sign).encode() for sign, spell in signs]
    written = b"<" + b"".join(spelt[:start]) + b"|" + b"".join(spelt[start:end]) + b"|" + b"".join(spelt[end:])
    word = "".join(sign for sign, _ in signs[start:end]).encode()
    assert places([b"|" + word + b"|"], written) == [(written.index(b"|"), written.rindex(b"|") + 1)]


@given(
    st.text(
        st.characters(max_codepoint=0xFFFF, exclude_categories=["Cc", "Cs"], exclude_characters="\\%&"),
        min_size=8,
        max_size=24,
    )
)
@settings(max_examples=100, deadline=None)
def test_no_secret_is_left_whatever_its_signs(key: str) -> None:
    assume(not is_placeholder(key))
    for name, spell in SPELLINGS.items():
        if "base64" not in name:
            clean = Redactor([key]).body(b"<" + spell(key).encode() + b">")
            # A sign at its beginning may stand there as it is, behind what escapes it.
            assert re.fullmatch(rb"<(?:\\|&#[x0-9a-fA-F]+)?REDACTED>", clean), name


@pytest.mark.parametrize("spell", [dotnet, lambda text: quote(text, safe="").lower()])
def test_a_key_that_a_server_repeats_in_escapes_is_neither_on_the_tape_nor_on_the_error(
    spell: Callable[[str], str], tmp_path: Path
) -> None:
    key = "wjalrxutnfemi+k7mdeng+bpxrficyexamplekey"
    tape = tmp_path / "tape.yaml"
    with FakeProvider() as fake:
        fake.script(raw(json.dumps({"error": {"message": "@"}}).replace("@", spell(key)).encode(), status=401))
        url = fake.model("openai:m").endpoint.base_url
        agent = Agent("openai:m", base_url=url, api_key=key, retry=RetryPolicy(attempts=1))
        with pytest.raises(AuthenticationError) as caught:
            agent.run_sync("hi", tape=tape, tape_mode="record")
    for shown in (tape.read_bytes(), caught.value.body, str(caught.value).encode(), repr(caught.value).encode()):
        assert b"REDACTED" in shown
        assert key.encode() not in plain(shown)
