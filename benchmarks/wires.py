"""The same text of 1,000 deltas as the server of each wire streams it, in bytes that a client of it can read.

Each delta is one event of the wire with what its server says beside: ids, indexes, padding, counts. Each event is a
chunk of its own. ``openai_chat`` stands in ``server.py``.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any

from playhead.framing.aws_event_stream import EventMessage, encode_message

SSE, AWS = "text/event-stream", "application/vnd.amazon.eventstream"
USAGE = {"input_tokens": 97, "output_tokens": 1000}
PADDING = "abcdefghijkl"

Event = tuple[str, dict[str, Any]]


def compact(value: Any) -> bytes:
    """JSON without white space."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def named(events: Iterable[Event]) -> list[bytes]:
    """Server-sent events with their names, which stand in their data as ``type`` too."""
    return [f"event: {name}\ndata: ".encode() + compact({"type": name, **said}) + b"\n\n" for name, said in events]


def message(name: str, payload: bytes) -> bytes:
    """One message of Amazon's event stream."""
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return encode_message(EventMessage({**headers}, payload))


def openai_responses(words: list[str]) -> list[bytes]:
    """The events of a response with one message of one text."""
    text = "".join(words)
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    head = {"id": "resp_1", "object": "response", "created_at": 1758647926, "model": "gpt-5"}
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    usage = {**USAGE, "total_tokens": 1097}
    events: list[Event] = [
        ("response.created", {"response": {**head, "status": "in_progress", "output": []}}),
        ("response.output_item.added", {"output_index": 0, "item": {**item, "status": "in_progress", "content": []}}),
        ("response.content_part.added", {**place, "part": {**part, "text": ""}}),
        *(
            ("response.output_text.delta", {**place, "delta": word, "logprobs": [], "obfuscation": PADDING})
            for word in words
        ),
        ("response.output_text.done", {**place, "text": text}),
        ("response.content_part.done", {**place, "part": part}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": {**head, "status": "completed", "output": [item], "usage": usage}}),
    ]
    return named((name, {"sequence_number": number, **said}) for number, (name, said) in enumerate(events))


def anthropic_events(words: list[str]) -> list[Event]:
    """The events of a message with one block of text."""
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": []}
    return [
        ("message_start", {"message": {**head, "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}}}),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        *(("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": word}}) for word in words),
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": USAGE}),
        ("message_stop", {}),
    ]


def anthropic_messages(words: list[str]) -> list[bytes]:
    """As Anthropic sends them."""
    return named(anthropic_events(words))


def anthropic_on_bedrock(words: list[str]) -> list[bytes]:
    """As Bedrock's InvokeModel sends them: each in base64, in a message of Amazon's."""
    events = (compact({"type": name, **said}) for name, said in anthropic_events(words))
    return [message("chunk", compact({"bytes": b64encode(event).decode(), "p": PADDING})) for event in events]


def gemini(words: list[str]) -> list[bytes]:
    """One chunk of an answer for each delta, each with the counts so far."""
    head = {"modelVersion": "gemini-2.5-flash", "responseId": "r1"}
    counts = {"promptTokenCount": 97, "candidatesTokenCount": 1000, "totalTokenCount": 1097}

    def chunk(text: str, **rest: str) -> bytes:
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, **rest, "index": 0}
        return b"data: %b\r\n\r\n" % compact({"candidates": [candidate], "usageMetadata": counts, **head})

    return [*map(chunk, words), chunk("", finishReason="STOP")]


def bedrock_converse(words: list[str]) -> list[bytes]:
    """The events of ConverseStream, plain JSON in messages of Amazon's."""
    usage = {"inputTokens": 97, "outputTokens": 1000, "totalTokens": 1097}
    events: list[Event] = [
        ("messageStart", {"role": "assistant"}),
        *(("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}}) for word in words),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"metrics": {"latencyMs": 1200}, "usage": usage}),
    ]
    return [message(name, compact({**said, "p": PADDING})) for name, said in events]


#: By the name that stands in the URL: what the server says that it sends, and the events.
WIRES: dict[str, tuple[str, Callable[[list[str]], list[bytes]]]] = {
    "openai_responses": (SSE, openai_responses),
    "anthropic_messages": (SSE, anthropic_messages),
    "anthropic_on_bedrock": (AWS, anthropic_on_bedrock),
    "gemini": (SSE, gemini),
    "bedrock_converse": (AWS, bedrock_converse),
}
