"""Control characters are written as YAML has them, and a body of nothing else costs no more than it is long."""

from __future__ import annotations

import tracemalloc

import yaml

from playhead.tapes.scalars import decode_inline, encode_scalar


def test_each_control_character_is_read_back() -> None:
    raw = "".join(chr(code) for code in range(0x110)).encode() + "\u2028\ufeff😀\\0\\".encode()
    written = encode_scalar(raw, 0, 2)
    assert decode_inline(written) == raw
    assert yaml.safe_load(written.decode()).encode() == raw


def test_a_body_of_zeros_is_written_in_little_memory() -> None:
    raw = bytes(4 << 20)
    tracemalloc.start()
    try:
        written = encode_scalar(raw, 0, 2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert written == b'"' + b"\\0" * len(raw) + b'"'
    assert peak < 5 * len(raw)
