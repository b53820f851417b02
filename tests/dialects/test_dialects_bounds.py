"""What a decoder keeps of an answer has a bound, on every wire and however the bytes are cut."""

from __future__ import annotations

import struct
from types import ModuleType
from typing import Any
from zlib import crc32

import pytest

from playhead import bounds
from playhead.dialects import anthropic_messages, bedrock_converse, gemini, openai_chat, openai_responses
from playhead.dialects.base import Endpoint
from playhead.errors import ProtocolError
from playhead.framing import sse
from playhead.framing.aws_event_stream import EventMessage, EventStreamDecoder, encode_message
from playhead.framing.sse import SSEDecoder

WIRES: list[Any] = [anthropic_messages, bedrock_converse, gemini, openai_chat, openai_responses]
COMMENT = b": ping\n\n" * 10


def decoder(dialect: ModuleType) -> Any:
    return dialect.decoder(Endpoint("someone", "http://x.invalid", dialect.Profile()))


def fed(reader: Any, piece: bytes, times: int) -> int:
    """How many bytes it took, at most so many times this piece, before it said no; that is raised."""
    size = 0
    for _ in range(times):
        size += len(piece)
        try:
            reader.feed(piece)
        except ProtocolError as error:
            error.args = (*error.args, size)
            raise
    return size


def unsaid(dialect: ModuleType) -> bytes:
    """Bytes of a stream of this wire that say nothing."""
    if dialect is bedrock_converse:
        return encode_message(EventMessage({":message-type": "event", ":event-type": "new"}, b"{}"))
    return COMMENT


@pytest.mark.parametrize("dialect", WIRES, ids=lambda dialect: dialect.NAME)
def test_every_wire_refuses_a_stream_that_is_too_long(dialect: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "ANSWER_LIMIT", 10_000)
    reader, piece = decoder(dialect), unsaid(dialect)
    with pytest.raises(ProtocolError, match=r"at most 10,000 bytes .* [\d,]+ bytes in \d+ pieces came") as caught:
        fed(reader, piece, 10_000)
    assert 10_000 < caught.value.args[1] <= 10_000 + len(piece)
    assert caught.value.provider == "someone"
    assert not caught.value.retryable
    with pytest.raises(ProtocolError) as again:
        reader.close()
    assert again.value is caught.value


@pytest.mark.parametrize("dialect", WIRES, ids=lambda dialect: dialect.NAME)
def test_every_wire_refuses_a_body_that_is_too_long(dialect: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "ANSWER_LIMIT", 10_000)
    reader = decoder(dialect)
    reader.feed(b"{")
    with pytest.raises(ProtocolError, match="at most 10,000 bytes"):
        fed(reader, b" " * 100, 101)


@pytest.mark.parametrize("dialect", WIRES, ids=lambda dialect: dialect.NAME)
def test_every_wire_refuses_too_many_pieces(dialect: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "PIECES_LIMIT", 8)
    reader = decoder(dialect)
    for at in range(8):
        assert reader.feed(unsaid(dialect)[at : at + 1]) == []
    with pytest.raises(ProtocolError, match="at most 8 pieces"):
        reader.feed(unsaid(dialect)[8:9])


def test_an_answer_that_ends_at_the_limit_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    monkeypatch.setattr(bounds, "ANSWER_LIMIT", len(stream))
    reader = decoder(openai_chat)
    assert reader.feed(stream)
    assert reader.finished


def test_an_event_of_lines_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_LINES", 100)
    reader = SSEDecoder()
    with pytest.raises(ProtocolError, match="100 lines expected"):
        fed(reader, b"data: a\n", 101)


def test_a_line_without_end_is_refused() -> None:
    reader = SSEDecoder(limit=1000)
    with pytest.raises(ProtocolError, match="at most 1,000 bytes"):
        fed(reader, b"x" * 100, 11)


def test_a_message_that_says_it_is_giant_is_refused_by_its_first_bytes() -> None:
    head = struct.pack(">II", 0xFFFFFFFF, 0)
    with pytest.raises(ProtocolError, match="its lengths are 4,294,967,295 and 0"):
        EventStreamDecoder().feed(head + struct.pack(">I", crc32(head)))
