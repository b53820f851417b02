"""Many tapes as figures."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import pytest

from playhead import Agent, ConfigError, Tape, tool
from playhead.deck.spread import EXACT, Spread
from playhead.deck.stats import stats
from playhead.deck.transcript.telling import transcript
from playhead.testing import FakeProvider, refuse, reply, tool_call


def test_the_seed_is_counted_to_the_cent(seed: Path) -> None:
    """As its transcript has it."""
    found = stats(seed)
    row = found.rows["openrouter:moonshotai/kimi-k2-0905"]
    assert (found.tapes, row.conversations, row.steps, row.attempts) == (1, 1, 2, 12)
    assert row.refusals == {429: 10}
    assert row.cost == Decimal("0.0006258")
    assert not row.about
    assert not row.unpriced
    assert row.usage is not None
    assert (row.usage.input_tokens, row.usage.output_tokens) == (268, 66)
    assert row.tools["weather"].calls == 1
    durations = sorted(item.response.duration for item in Tape.load(seed).interactions)
    assert (row.latency.at(0.5), row.latency.at(1)) == (durations[5], durations[-1])
    assert row.first_byte.at(0.5) is None


def test_tools_streams_and_refusals_are_counted(tmp_path: Path) -> None:
    """Calls, their errors and durations, and the first byte of streams."""

    @tool
    def weather(location: str) -> str:
        """The weather."""
        raise ValueError(location)

    with FakeProvider(price=(1, 2)) as fake:
        fake.script(refuse(503), reply(tool_call("weather", location="x")), reply("A longer text.", pause=0.02))
        agent = Agent(fake.model("m"), tools=[weather])

        async def run() -> None:
            async for _ in agent.stream("?", tape=tmp_path / "a.yaml", tape_mode="record"):
                pass

        import asyncio

        asyncio.run(run())
        billed = fake.billed
    row = stats(tmp_path).rows["compatible:m"]
    assert row.refusals == {503: 1}
    assert row.attempts == 3
    assert (row.tools["weather"].calls, row.tools["weather"].errors) == (1, 1)
    assert row.tools["weather"].duration.count == 1
    assert row.first_byte.count >= 1
    assert row.usage is not None
    assert row.usage.input_tokens == billed.input_tokens


@pytest.mark.parametrize("by", ["model", "provider", "tape", "day"])
def test_the_rows_of_any_grouping_come_to_the_same(by: str, cassettes: Path) -> None:
    """What is counted does not depend on how."""
    found, other = stats(cassettes, by=by), stats(cassettes)  # type: ignore[arg-type]
    whole, same = found.total, other.total
    assert whole.attempts == same.attempts > 0
    assert whole.cost == same.cost
    assert whole.usage == same.usage
    assert whole.latency.at(0.9) == same.latency.at(0.9)
    talks = [talk for path in sorted(cassettes.rglob("*.yaml")) for talk in transcript(Tape.load(path)).conversations]
    assert whole.conversations == len(talks)
    assert whole.steps == sum(len(talk.steps) for talk in talks)


def test_a_damaged_tape_is_named_and_passed_over(seed: Path, tmp_path: Path) -> None:
    """The others are counted."""
    (tmp_path / "good.yaml").write_bytes(seed.read_bytes())
    (tmp_path / "bad.yaml").write_text("interactions: {")
    (tmp_path / "notes.txt").write_text("no tape")
    found = stats([tmp_path, tmp_path / "none.yaml"])
    assert found.tapes == 1
    assert [Path(name).name for name, _ in found.failed] == ["bad.yaml", "none.yaml"]
    assert found.total.attempts == 12


def test_several_processes_count_the_same(seed: Path, tmp_path: Path) -> None:
    """However the tapes are shared among them."""
    for number in range(120):
        (tmp_path / f"{number}.yaml").write_bytes(seed.read_bytes())
    alone, together = stats(tmp_path), stats(tmp_path, processes=2)
    assert alone == together
    assert alone.tapes == 120


def test_a_grouping_that_there_is_not_is_refused(seed: Path) -> None:
    """With those that there are."""
    with pytest.raises(ConfigError, match="model, provider, tape, day"):
        stats(seed, by="colour")  # type: ignore[arg-type]


def test_percentiles_of_many_values_are_right_to_a_percent() -> None:
    """In little memory, and however they are added together."""
    chance = random.Random(7)
    values = [chance.lognormvariate(0, 1) for _ in range(5 * EXACT)]
    whole, parts = Spread(), [Spread() for _ in range(7)]
    for number, value in enumerate(values):
        whole.add(value)
        parts[number % 7].add(value)
    summed = Spread()
    for part in parts:
        summed += part
    assert whole.count == summed.count == len(values)
    assert not whole.values
    assert len(whole.buckets) < 1500
    for share in (0.5, 0.9, 0.99):
        exact = sorted(values)[int(share * len(values)) - 1]
        assert whole.at(share) == pytest.approx(exact, rel=0.01)
        assert whole.at(share) == summed.at(share)
    assert whole.at(1) == pytest.approx(max(values), rel=0.01)


def test_few_values_are_exact_and_none_have_no_percentile() -> None:
    """Nearest rank; what is no duration is left out."""
    spread = Spread()
    assert spread.at(0.5) is None
    for value in (3.0, 1.0, 2.0, float("inf"), -1.0, float("nan")):
        spread.add(value)
    assert (spread.count, spread.at(0.5), spread.at(0.99), spread.at(0)) == (3, 2.0, 3.0, 1.0)
