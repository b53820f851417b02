"""Another path, another host or another model is another question, and has no answer of this one."""

from __future__ import annotations

import json

import pytest
from raw_wire import ask

import playhead
from playhead import Tape
from playhead.wire import HTTPRequest

httpx = pytest.importorskip("httpx2", reason="a library of others: pip install httpx2")

HERE, ELSEWHERE = "https://one.test", "https://other.test"
NAMELESS = json.dumps({"messages": [{"role": "user", "content": "hi"}]}).encode()
NAMED = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
AZURE = "/openai/deployments/{}/chat/completions?api-version=1"


def recorded(method: str, *urls: str, body: bytes = b"") -> Tape:
    """A tape on which each URL is answered by itself."""
    tape = Tape()
    with playhead.tapes.open_session(tape, "record") as session:
        for url in urls:
            asked = HTTPRequest(method, url, (), body)
            session.record(
                asked, status=200, reason="OK", proto="HTTP/1.1", headers=(), body=url.encode(), nanoseconds=1
            )
    return tape


def in_process(tape: Tape, method: str, url: str, body: bytes = b"") -> str:
    """What a client of this process is answered; "" for a miss."""
    with httpx.Client(transport=playhead.httpx_transport(tape, mode="replay")) as http:
        answer = http.request(method, url, content=body)
    return str(answer.text) if answer.status_code == 200 else ""


def served(tape: Tape, method: str, path: str, body: bytes = b"") -> str:
    with playhead.TapeServer(tape) as server:
        answer = ask(server.port, path, body, method=method)
    return answer.body.decode() if answer.status == 200 else ""


@pytest.mark.parametrize(
    ("method", "one", "other", "body"),
    [
        ("GET", "/orders", "/users/7/orders", b""),
        ("GET", "/users/7/orders", "/orders", b""),
        ("POST", "/users/1/delete", "/users/2/delete", b"{}"),
        ("GET", "/rest?issueKey=PROJ-1", "/rest?issueKey=PROJ-2", b""),
        ("GET", "/tenants/7/v1/orders", "/tenants/8/v1/orders", b""),
        ("POST", AZURE.format("gpt-4o"), AZURE.format("gpt-35"), NAMELESS),
        ("POST", AZURE.format("gpt-4o"), AZURE.format("gpt-35"), NAMED),
        ("POST", AZURE.format("gpt-4o"), "/v1/chat/completions", NAMELESS),
        ("POST", "/v1/projects/p/locations/l/endpoints/12/chat/completions", "/endpoints/13/chat/completions", NAMED),
    ],
)
def test_another_path_of_the_same_host_is_a_miss(method: str, one: str, other: str, body: bytes) -> None:
    tape = recorded(method, HERE + one, body=body)
    assert in_process(tape, method, HERE + other, body) == served(tape, method, other, body) == ""
    assert in_process(tape, method, HERE + one, body) == served(tape, method, one, body) == HERE + one


@pytest.mark.parametrize("body", [b"", b"{}", b'{"id":1}'])
def test_what_is_of_no_wire_is_answered_by_its_own_host_in_a_process(body: bytes) -> None:
    tape = recorded("POST", f"{HERE}/users/1/delete", body=body)
    assert in_process(tape, "POST", f"{ELSEWHERE}/users/1/delete", body) == ""
    assert in_process(tape, "POST", f"{HERE}/users/1/delete", body) == f"{HERE}/users/1/delete"
    assert served(tape, "POST", "/users/1/delete", body) == f"{HERE}/users/1/delete"  # a server stands for all hosts


@pytest.mark.parametrize(
    ("one", "other", "body"),
    [
        ("/api/v1/embeddings", "/v1/embeddings", b"{}"),  # of no wire, at an upstream with a prefix of its own
        ("/v1/embeddings", "/api/v1/embeddings", b"{}"),
        ("/openai/deployments/gpt-4o/chat/completions", "/deployments/gpt-4o/chat/completions", NAMELESS),
        ("/openai/deployments/gpt-4o/chat/completions", "/v1/chat/completions", NAMED),
        ("/v1/chat/completions", "/chat/completions", NAMELESS),
    ],
)
def test_a_base_url_may_have_more_or_less_before_what_counts(one: str, other: str, body: bytes) -> None:
    assert served(recorded("POST", HERE + one, body=body), "POST", other, body) == HERE + one


def test_the_recording_at_the_very_path_goes_first() -> None:
    urls = [f"{HERE}/api/v1/files", f"{HERE}/v1/files"]
    for order in (urls, urls[::-1]):
        tape = recorded("GET", *order)
        assert [served(tape, "GET", path) for path in ("/v1/files", "/api/v1/files")] == urls[::-1]


def test_a_model_in_the_path_of_a_wire_is_streamed_or_not_the_same() -> None:
    """What a wire itself says in its path is no deployment's name."""
    url = f"{HERE}/v1/projects/p/locations/l/endpoints/12:generateContent"
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}).encode()
    answer = {"candidates": [{"content": {"role": "model", "parts": [{"text": "yes"}]}, "finishReason": "STOP"}]}
    tape = Tape()
    with playhead.tapes.open_session(tape, "record") as session:
        asked = HTTPRequest("POST", url, (), body)
        said = json.dumps(answer).encode()
        json_type = (("Content-Type", "application/json"),)
        session.record(asked, status=200, reason="", proto="HTTP/1.1", headers=json_type, body=said, nanoseconds=1)
    streamed = url.removeprefix(HERE).replace(":generate", ":streamGenerate") + "?alt=sse"
    assert '"yes"' in served(tape, "POST", streamed, body)
