"""Tools that OpenAI runs itself, and items that only it understands: kept whole, streamed or not, and sent back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playhead.dialects import openai_responses
from playhead.dialects.base import Endpoint
from playhead.dialects.openai_responses import Profile
from playhead.fold import fold
from playhead.messages import Native, Opaque, user
from playhead.request import Request
from playhead.response import Response

ENDPOINT = Endpoint("openai-responses", "https://api.openai.com/v1", Profile())

ITEMS: list[dict[str, Any]] = [
    {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "q"}},
    {"type": "file_search_call", "id": "fs", "status": "completed", "queries": ["q"], "results": None},
    {"type": "code_interpreter_call", "id": "ci", "status": "completed", "code": "1", "container_id": "c"},
    {"type": "computer_call", "id": "cu", "call_id": "1", "status": "completed", "action": {"type": "screenshot"}},
    {"type": "mcp_list_tools", "id": "ml", "server_label": "s", "tools": [{"name": "t", "input_schema": {}}]},
    {"type": "mcp_call", "id": "mc", "server_label": "s", "name": "t", "arguments": "{}", "output": "x"},
    {"type": "mcp_approval_request", "id": "ma", "server_label": "s", "name": "t", "arguments": "{}"},
    {"type": "local_shell_call", "id": "ls", "call_id": "1", "status": "completed", "action": {"type": "exec"}},
    {"type": "shell_call", "id": "sh", "call_id": "1", "status": "completed", "action": {"commands": ["ls"]}},
    {"type": "apply_patch_call", "id": "ap", "call_id": "1", "status": "completed", "operation": {"type": "update"}},
    {"type": "tool_search_call", "id": "ts", "status": "completed", "arguments": {}},
    {"type": "compaction", "id": "co", "encrypted_content": "e"},
]


def whole(item: dict[str, Any]) -> Response:
    body = {"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5", "output": [item]}
    return openai_responses.decode_response(json.dumps(body).encode(), ENDPOINT)[0]


def streamed(item: dict[str, Any]) -> Response:
    answer = {"id": "resp_1", "object": "response", "status": "in_progress", "model": "gpt-5", "output": []}
    begun = {**item, "status": "in_progress"} if "status" in item else item
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": answer},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        {"type": f"response.{item['type']}.in_progress", "output_index": 0, "item_id": item["id"]},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {**answer, "status": "completed", "output": [item]}},
    ]
    decoder = openai_responses.decoder(ENDPOINT)
    lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
    return fold([*decoder.feed("".join(lines).encode()), *decoder.close()])


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: str(item["type"]))
def test_an_item_of_the_providers_own_is_kept_whole_and_goes_back(item: dict[str, Any]) -> None:
    response = whole(item)
    assert response.parts == (Native(item["type"], Opaque("openai_responses", item)),)
    assert streamed(item).parts == response.parts
    again = openai_responses.decode_response(openai_responses.encode_response(response), ENDPOINT)[0]
    assert again.parts == response.parts
    request = Request("gpt-5", (user("hi"), response.as_message(), user("and?")))
    encoded = openai_responses.encode_request(request, ENDPOINT)
    assert json.loads(encoded.http.body)["input"][1] == item
    assert encoded.warnings == ()


def test_encrypted_reasoning_is_asked_for_where_reasoning_is() -> None:
    """Models that do not reason refuse the question for it; those that do give it unasked."""

    def included(**settings: Any) -> Any:
        encoded = openai_responses.encode_request(Request("gpt-5", (user("hi"),), **settings), ENDPOINT)
        return json.loads(encoded.http.body).get("include")

    assert included() is None
    assert included(options={"reasoning": {"summary": "auto"}}) == ["reasoning.encrypted_content"]
