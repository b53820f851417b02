"""What secrets and personal data look like in a text, kind by kind.

A kind is a pattern and, where the pattern alone would find too much, a test of what it found: the checksum of a card
(ISO/IEC 7812) or an account (ISO 13616), the entropy of a key. Keys are known by the prefixes that their makers give
them; a random word without one is taken for nothing, as tapes are full of ids. Addresses of domains that are reserved
for examples (RFC 2606) are nobody's.

IP addresses are looked for only where asked for (``ip``): tapes of tools hold versions that look like them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from playhead.tapes.named import KEYS, is_random, is_varied

Kind: TypeAlias = Literal[
    "api-key", "aws-key", "bearer", "jwt", "private-key", "password", "cookie", "email", "phone", "card", "iban", "ip"
]
SECRETS: tuple[Kind, ...] = ("api-key", "aws-key", "bearer", "jwt", "private-key", "password", "cookie")
PERSONAL: tuple[Kind, ...] = ("email", "phone", "card", "iban")
OPTIONAL: tuple[Kind, ...] = ("ip",)

#: A shorter value is not replaced elsewhere than where it was found, and so not found at all.
SHORTEST = 4
_TAKEN_OFF = re.compile(
    r"REDACTED|[*<\[{(_-]*(?:redacted|filtered|masked|removed|scrubbed)[*>\]})_-]*\Z|[*xX.-]+\Z", re.IGNORECASE
)


class Sign(msgspec.Struct, frozen=True):
    """How a kind is recognised: ``hint`` is a text that every value has near it, so that most texts are passed over at
    once; the value is the group ``v`` of the pattern, or all of it."""

    kind: Kind
    pattern: re.Pattern[str]
    hints: tuple[str, ...]
    holds: Callable[[str], bool] | None = None


def taken_off(value: str) -> bool:
    """Whether it is what somebody wrote in the place of a secret: ``REDACTED-EMAIL-1``, ``**REDACTED**``, ``xxxx``."""
    return _TAKEN_OFF.match(value) is not None


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (2 if place % 2 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def _is_card(value: str) -> bool:
    digits = re.sub(r"[ -]", "", value)
    known = (
        (r"4", (13, 16, 19)),
        (r"5[1-5]|2[2-7]|6011|64[4-9]|65|35", (16,)),
        (r"3[47]", (15,)),
        (r"30[0-5]|36|38", (14,)),
    )
    fits = any(re.match(start, digits) and len(digits) in lengths for start, lengths in known)
    return fits and len(set(digits)) > 1 and luhn(digits)


def _is_iban(value: str) -> bool:
    plain = value.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    turned = "".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])
    return int(turned) % 97 == 1


def _is_phone(value: str) -> bool:
    return 8 <= sum(sign.isdigit() for sign in value) <= 15


def _is_somebody(value: str) -> bool:
    domain = value.rpartition("@")[2].lower()
    return not re.search(r"(?:^|\.)(?:example(?:\.(?:com|org|net))?|invalid|test|localhost)$", domain)


def _is_public(value: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(value).is_global
    except ValueError:
        return False


_KEYS = "|".join(re.escape(start) + rest for start, rest in KEYS.items())
SIGNS: tuple[Sign, ...] = (
    Sign(
        "private-key",
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:(?!-----).){20,9000}"
            r"(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
        ("PRIVATE KEY",),
    ),
    Sign("jwt", re.compile(r"(?<![\w-])eyJ[\w-]{8,2000}\.eyJ[\w-]{8,9000}\.[\w-]{8,2000}"), ("eyJ",)),
    Sign(
        "api-key",
        re.compile(rf"(?<![A-Za-z0-9_/+-])(?:{_KEYS})(?![A-Za-z0-9_/+-])"),
        ("-", "_", "AIza", "."),
        is_random,
    ),
    Sign(
        "aws-key",
        re.compile(r"(?<![A-Za-z0-9/+])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9/+])"),
        ("AKIA", "ASIA", "ABIA", "ACCA"),
        lambda value: not value.endswith("EXAMPLE"),
    ),
    Sign(
        "aws-key",
        re.compile(r"(?i)secret_?access_?key\W{1,6}(?P<v>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"),
        ("ecret", "SECRET"),
        lambda value: not value.endswith("EXAMPLEKEY"),
    ),
    # With its user: a password alone may be a word of every second sentence.
    Sign("bearer", re.compile(r"(?i)\bbearer\s+(?P<v>[A-Za-z0-9._~+/=-]{16,4000})"), ("earer", "EARER"), is_varied),
    Sign("password", re.compile(r"\w://(?P<v>[^/\s:@\"'<>]{0,100}:[^/\s@\"'<>]{1,200})@[\w.-]"), ("://",)),
    Sign(
        "email",
        re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])", re.A),
        ("@",),
        _is_somebody,
    ),
    Sign("iban", re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", re.A), (), _is_iban),
    Sign("card", re.compile(r"(?<![\w.-])(?:[0-9][ -]?){12,18}[0-9](?![\w.-])", re.A), (), _is_card),
    Sign(
        "phone",
        re.compile(
            r"(?<![\w+.-])\+[1-9][0-9]{0,2}[ .-]?(?:\([0-9]{1,4}\)[ .-]?)?[0-9]{1,4}(?:[ .-]?[0-9]{2,4}){1,4}(?!\w)"
        ),
        ("+",),
        _is_phone,
    ),
    Sign("phone", re.compile(r"(?<![\w.(-])(?:\([0-9]{3}\) ?|[0-9]{3}[-. ])[0-9]{3}[-.][0-9]{4}(?![\w-])"), ("-", ".")),
    Sign("ip", re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w.])", re.A), (".",), _is_public),
    Sign("ip", re.compile(r"(?<![\w:.])[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])"), (":",), _is_public),
)


class Finder:
    """Finds values in texts: of the wanted kinds, and what a user names.

    Args:
        kinds: those that are looked for.
        words: values to find as they are.
        patterns: regular expressions; what their first group, or all of them, matches is a value.
    """

    def __init__(
        self, kinds: Iterable[Kind] = (*SECRETS, *PERSONAL), words: Iterable[str] = (), patterns: Iterable[str] = ()
    ) -> None:
        wanted = frozenset(kinds)
        self.kinds = wanted
        self._signs = tuple(sign for sign in SIGNS if sign.kind in wanted)
        self._words = tuple(word for word in words if word)
        self._patterns = tuple(re.compile(pattern) for pattern in patterns)

    def find(self, text: str) -> Iterator[tuple[str, str]]:
        """Each kind and value; "word" and "pattern" are the kinds of what was named."""
        for word in self._words:
            if word in text:
                yield "word", word
        for pattern in self._patterns:
            for match in pattern.finditer(text):
                if value := match[1] if pattern.groups else match[0]:
                    yield "pattern", value
        if len(text) < 2 * SHORTEST:
            return
        for sign in self._signs:
            if sign.hints and not any(hint in text for hint in sign.hints):
                continue
            for match in sign.pattern.finditer(text):
                value = match["v"] if "v" in sign.pattern.groupindex else match[0]
                fits = len(value) >= SHORTEST and not taken_off(value)
                if fits and (sign.holds is None or sign.holds(value)):
                    yield sign.kind, value
