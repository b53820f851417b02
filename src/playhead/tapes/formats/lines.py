"""Lines of JSON: prompts, the requests of a batch, and its results.

A line is one of

- a prompt: ``{"messages": […]}`` or ``{"prompt": "…"}``, with further fields of the body beside it (``model``, …)
- a batch's request: ``{"custom_id", "method", "url", "body"}`` (OpenAI's batch API, which others follow)
- a batch's result: ``{"custom_id", "response": {"status_code", "request_id", "body"}, "error"}``
- both in one: a request with its ``response``

A tape holds exchanges, so a result whose request is known becomes an interaction: the requests are those of the same
file, or of ``requests``, by ``custom_id``. What has no answer is an :class:`Ask`, and is written as lines of requests
for a batch to come (:func:`write_lines`), as the requests of any tape can be.

Reference: https://platform.openai.com/docs/guides/batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from playhead.errors import TapeFormatError
from playhead.tapes.formats.bodies import json_bytes, number
from playhead.tapes.formats.brought import Ask, Brought, Losses, Written
from playhead.tapes.formats.detect import is_line
from playhead.tapes.formats.documents import decoded_text, load_json
from playhead.tapes.interaction import CALL, Interaction, interaction
from playhead.wire import Headers, HTTPRequest

#: Where a relative URL of a batch's line is asked.
BASE = "https://api.openai.com"
CHAT = "/v1/chat/completions"
_JSON: Headers = (("Content-Type", "application/json"),)
_ABOUT = {"custom_id", "method", "url", "body", "id", "response", "error"}


def read_lines(
    data: bytes, path: str | None = None, *, requests: bytes | None = None, base: str = BASE, model: str | None = None
) -> Brought:
    """The exchanges of the lines that have an answer, and the requests of those that have none.

    Args:
        requests: the batch's requests, where ``data`` are its results.
        base: what stands before a URL that begins with a slash.
        model: goes into bodies that name none.

    Raises:
        TapeFormatError: a line is no JSON object of one of the kinds; says the line.
    """
    losses = Losses()
    asked: dict[str, Ask] = {}
    if requests is not None:
        for _, value in _objects(requests, None):
            if (ask := _ask(value, base, model)) is not None:
                asked[ask.id] = ask
    results: list[tuple[str, dict[str, Any]]] = []
    order: list[str] = []
    for line, value in _objects(data, path):
        if not is_line(value) and "response" not in value:
            raise TapeFormatError("expected a prompt, or a line of a batch", path=path, line=line)
        ask = _ask(value, base, model, f"line-{line}")
        if ask is not None:
            if ask.id in asked and requests is None:
                losses.add(f"the custom_id {ask.id[:40]!r} stands twice: the last is taken")
            asked[ask.id] = ask
            order.append(ask.id)
        if isinstance(value.get("response"), dict):
            results.append((_id(value, f"line-{line}"), value["response"]))
        elif value.get("error"):
            losses.add("a result that is an error of the batch, and no answer")
    made: list[Interaction] = []
    for id, response in results:
        if id not in asked:
            losses.add("a result whose request is not known (left out): name the file of the requests, --requests")
            continue
        made.append(_interaction(len(made), asked[id], response))
    if made:
        losses.add("durations: a batch has none, the tape says 0s", len(made))
    answered = {id for id, _ in results}
    asks = tuple(asked[id] for id in dict.fromkeys(order) if id not in answered)
    return Brought("jsonl", tuple(made), losses.told(), asks)


def write_lines(interactions: Iterable[Interaction], asks: Iterable[Ask] = ()) -> Written:
    """Lines of requests, for a batch: of interactions the requests alone, each question once."""
    losses = Losses()
    lines: list[bytes] = []
    seen: set[tuple[str, bytes]] = set()
    for one in interactions:
        request = one.request
        if request.method == CALL or request.method != "POST":
            what = "a tool call" if request.method == CALL else f"a {request.method[:20]}"
            losses.add(f"{what}: no request of a batch")
            continue
        losses.add("answers: lines of a batch hold requests only")
        if (request.url, request.body) in seen:
            losses.add("a request that was asked before: once is enough")
            continue
        seen.add((request.url, request.body))
        ask = Ask(f"interaction-{one.id}", "POST", request.url, request.body)
        if (line := _line(ask)) is None:
            losses.add("a request whose body is no JSON object (left out)")
        else:
            lines.append(line)
    lines += [line for ask in asks if (line := _line(ask)) is not None]
    return Written(b"".join(lines), losses.told())


def _line(ask: Ask) -> bytes | None:
    try:
        body = msgspec.json.decode(ask.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    url = ask.url
    if url.startswith(f"{BASE}/"):
        url = url.removeprefix(BASE)
    url = url.encode("utf-8", "replace").decode()
    return json_bytes({"custom_id": ask.id, "method": ask.method, "url": url, "body": body}) + b"\n"


def _objects(data: bytes, path: str | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """The number of each line, from 1, and its object; blank lines are passed over."""
    decoded_text(data, path)
    for line, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not raw.strip():
            continue
        value = load_json(raw, path, line)
        if not isinstance(value, dict):
            raise TapeFormatError("expected a JSON object", path=path, line=line)
        yield line, value


def _ask(value: dict[str, Any], base: str, model: str | None, otherwise: str = "") -> Ask | None:
    """The request that a line holds; None where it is a result alone."""
    url, body = value.get("url"), value.get("body")
    method = value.get("method")
    if not isinstance(body, dict):
        body = {key: item for key, item in value.items() if key not in _ABOUT}
        if not any(key in body for key in ("messages", "prompt", "contents", "input")):
            return None
        if isinstance(body.get("prompt"), str):
            body = {key: item for key, item in body.items() if key != "prompt"} | {
                "messages": [{"role": "user", "content": body["prompt"]}]
            }
    if model is not None and "model" not in body:
        body = {"model": model, **body}
    url = url if isinstance(url, str) and url else CHAT
    url = url.encode("utf-8", "replace").decode()
    full = f"{base.rstrip('/')}{url}" if url.startswith("/") else url
    method = method.upper() if isinstance(method, str) and method else "POST"
    method = method.encode("utf-8", "replace").decode()
    return Ask(_id(value, otherwise), method, full, json_bytes(body))


def _id(value: dict[str, Any], otherwise: str) -> str:
    id = value.get("custom_id")
    return id.encode("utf-8", "replace").decode() if isinstance(id, str) and id else otherwise


def _interaction(id: int, ask: Ask, response: dict[str, Any]) -> Interaction:
    headers: Headers = _JSON
    request_id = response.get("request_id")
    if isinstance(request_id, str) and request_id:
        headers += (("X-Request-Id", request_id.encode("utf-8", "replace").decode()),)
    return interaction(
        id,
        HTTPRequest(ask.method, ask.url, _JSON, ask.body),
        status=number(response.get("status_code")) or 0,
        reason="",
        proto="HTTP/1.1",
        headers=headers,
        body=b"" if response.get("body") is None else json_bytes(response["body"]),
        nanoseconds=0,
    )
