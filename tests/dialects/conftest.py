"""The recorded exchanges of this wire, read once."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
import yaml


class Exchange(NamedTuple):
    """One recorded exchange, named by its file and number."""

    name: str
    url: str
    request: bytes
    status: int
    answer: bytes

    @property
    def streamed(self) -> bool:
        return not self.answer.lstrip().startswith(b"{")


def read_exchanges(file: Path, name: str) -> list[Exchange]:
    text = file.read_text()
    if "/chat/completions" not in text:
        return []
    tape = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return [
        Exchange(
            f"{name} {item['id']}",
            item["request"]["url"],
            item["request"]["body"].encode(),
            item["response"]["code"],
            item["response"]["body"].encode(),
        )
        for item in tape["interactions"]
        if item["request"]["url"].partition("?")[0].endswith("/chat/completions")
    ]


@pytest.fixture(scope="session")
def seed_exchanges(seed: Path) -> list[Exchange]:
    return read_exchanges(seed, "seed")


@pytest.fixture(scope="session")
def exchanges(cassettes: Path, seed_exchanges: list[Exchange]) -> list[Exchange]:
    """Every exchange of every recording whose URL ends in /chat/completions, the seed's first."""
    found = list(seed_exchanges)
    for file in sorted(cassettes.rglob("*.yaml")):
        found += read_exchanges(file, str(file.relative_to(cassettes)))
    assert len(found) > 100
    return found
