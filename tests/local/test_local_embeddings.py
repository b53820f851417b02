"""The embedded model makes vectors as well, on a server of its own beside the one that answers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from playhead import embed_sync
from playhead.local.weights import Weights, says_pooling

TEXTS = ["The cat sits on the mat.", "A cat on a mat.", "Stock markets fell today."]


def test_texts_that_mean_alike_lie_nearer(weights: Weights, tmp_path: Path) -> None:
    tape = tmp_path / "vectors.yaml"
    found = embed_sync("local:smollm2", TEXTS, tape=tape, tape_mode="record")
    cat, also, stocks = found.vectors
    assert len(cat) == 576
    assert abs(sum(number * number for number in cat) - 1) < 1e-3

    def alike(other: Iterable[float]) -> float:
        return sum(a * b for a, b in zip(cat, other, strict=True))

    assert alike(also) > alike(stocks)
    assert found.usage is not None
    assert found.usage.input_tokens
    assert "127.0.0.1" not in tape.read_text()
    assert embed_sync("local:smollm2", TEXTS, tape=tape, tape_mode="replay") == found


def test_a_file_that_says_how_to_pool_is_known(tmp_path: Path) -> None:
    own, none = tmp_path / "own.gguf", tmp_path / "none.gguf"
    own.write_bytes(b"GGUF" + bytes(40) + b"nomic-bert.pooling_type" + bytes(8))
    none.write_bytes(b"GGUF" + bytes(60))
    assert says_pooling(Weights("own", str(own)))
    assert not says_pooling(Weights("none", str(none)))
