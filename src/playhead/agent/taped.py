"""How a tool call stands on a tape: an interaction whose method is CALL and whose URL is ``tool:<name>``.

The request's body is the arguments as the model wrote them, the response's body the result: plain text where it is one
text, else the parts as JSON. A failed call has status 500, so that anyone who reads the tape sees it::

    method: CALL, url: tool:weather, body: {"location": "Florence, Italy"}  ->  200 OK, text/plain, 40 C

A call that is not to be made twice is marked before it begins, by an interaction of the URL ``tool:<name>#begun`` with
status 102 and the call's idempotency key in a header. A mark without a result is a call that was under way when the
run was stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from playhead.errors import TapeFormatError
from playhead.messages import File, Text, ToolCall, ToolResult
from playhead.wire import Headers, HTTPRequest, header

if TYPE_CHECKING:
    from playhead.agent.inner_tape import RunTape
    from playhead.tapes import Interaction, Session

_PARTS = msgspec.json.Decoder(tuple[Text | File, ...])
_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"
_KEY = "Playhead-Idempotency-Key"
#: The header that a call's id rides in.
CALL_ID = "Playhead-Call-Id"
_FINAL = "Playhead-Final"
#: The header of the answer with the arguments that a call was made with, where a person gave others than the model.
AMENDED = "Playhead-Arguments"
#: What the URL of a mark ends with.
BEGUN = "#begun"


def call_request(call: ToolCall) -> HTTPRequest:
    """The request that stands for a call. The call's id rides in a header, which matching does not look at."""
    headers = (("Content-Type", _JSON), (CALL_ID, call.id))
    return HTTPRequest("CALL", f"tool:{call.name}", headers, call.arguments.encode())


def is_begun(interaction: Interaction) -> bool:
    """Whether this marks that a call begins."""
    return interaction.request.method == "CALL" and interaction.request.url.endswith(BEGUN)


def begun_request(call: ToolCall, key: str = "") -> HTTPRequest:
    """The request that stands for the beginning of a call."""
    headers = (("Content-Type", _JSON), (CALL_ID, call.id), (_KEY, key))
    return HTTPRequest("CALL", f"tool:{call.name}{BEGUN}", headers, call.arguments.encode())


def record_begun(session: Session, call: ToolCall, key: str) -> None:
    """Put on the tape that a call begins; when this returns it is in the file."""
    session.record(
        begun_request(call, key),
        status=102,
        reason="Processing",
        proto="HTTP/1.1",
        headers=(),
        body=b"",
        nanoseconds=0,
    )


def key_of(begun: Interaction) -> str:
    """The idempotency key in the mark of a call that began; "" where there is none."""
    return header(begun.request.headers, _KEY) or ""


def is_of(call: ToolCall, interaction: Interaction) -> bool:
    """Whether this can be of the call, of several that ask the same: it has its id, or none is said."""
    return header(interaction.request.headers, CALL_ID) in (None, call.id)


def amended(interaction: Interaction) -> str | None:
    """The arguments that the call was made with, where a person gave others than the model."""
    return header(interaction.response.headers, AMENDED)


def is_unfinished(interactions: Iterable[Interaction], call_id: str) -> bool:
    """Whether a call of this id had begun and has no result among them."""
    left: dict[tuple[str, bytes], int] = {}
    for one in interactions:
        request = one.request
        if request.method == "CALL" and header(request.headers, CALL_ID) == call_id:
            asked = request.url.removesuffix(BEGUN), request.body
            left[asked] = left.get(asked, 0) + (1 if is_begun(one) else -1)
    return any(count > 0 for count in left.values())


def is_final(interaction: Interaction) -> bool:
    """Whether this result ended its run."""
    return header(interaction.response.headers, _FINAL) is not None


def record_result(
    session: Session | RunTape,
    request: HTTPRequest,
    result: ToolResult,
    seconds: float,
    *,
    final: bool = False,
    headers: Headers = (),
    at: Callable[[int], Headers] | None = None,
) -> None:
    """Put a call and its result on the tape. ``final`` says that it ends the run; ``headers`` are further ones of the
    answer, and so are those that ``at`` gives for the id that the interaction gets."""
    plain = len(result.content) == 1 and isinstance(result.content[0], Text) and result.content[0].cache is None
    session.record(
        request,
        status=500 if result.is_error else 200,
        reason="Tool Error" if result.is_error else "OK",
        proto="HTTP/1.1",
        headers=(("Content-Type", _TEXT if plain else _JSON), *(((_FINAL, "true"),) if final else ()), *headers),
        body=result.text.encode() if plain else msgspec.json.encode(result.content),
        nanoseconds=round(seconds * 1e9),
        at=at,
    )


def read_result(call: ToolCall, interaction: Interaction) -> ToolResult:
    """The result that a tape holds for a call.

    Raises:
        TapeFormatError: the body is not what :func:`record_result` writes.
    """
    response = interaction.response
    content: tuple[Text | File, ...]
    if (header(response.headers, "Content-Type") or _TEXT).startswith(_JSON):
        try:
            content = _PARTS.decode(response.body)
        except msgspec.DecodeError as error:
            raise TapeFormatError(
                f"interaction {interaction.id} ({interaction.request.url}): the result is no list of parts: {error}"
            ) from error
    else:
        content = (Text(response.body.decode("utf-8", "replace")),)
    return ToolResult(call.id, call.name, content, response.code >= 400)
