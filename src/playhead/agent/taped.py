"""How a tool call stands on a tape: an interaction whose method is CALL and whose URL is ``tool:<name>``.

The request's body is the arguments as the model wrote them, the response's body the result: plain text where it is one
text, else the parts as JSON. A failed call has status 500, so that anyone who reads the tape sees it::

    method: CALL, url: tool:weather, body: {"location": "Florence, Italy"}  ->  200 OK, text/plain, 40 C
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from playhead.errors import TapeFormatError
from playhead.messages import File, Text, ToolCall, ToolResult
from playhead.wire import HTTPRequest, header

if TYPE_CHECKING:
    from playhead.tapes import Interaction, Session

_PARTS = msgspec.json.Decoder(tuple[Text | File, ...])
_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"


def call_request(call: ToolCall) -> HTTPRequest:
    """The request that stands for a call. The call's id rides in a header, which matching does not look at."""
    headers = (("Content-Type", _JSON), ("Playhead-Call-Id", call.id))
    return HTTPRequest("CALL", f"tool:{call.name}", headers, call.arguments.encode())


def record_result(session: Session, request: HTTPRequest, result: ToolResult, seconds: float) -> None:
    """Put a call and its result on the tape."""
    plain = len(result.content) == 1 and isinstance(result.content[0], Text) and result.content[0].cache is None
    session.record(
        request,
        status=500 if result.is_error else 200,
        reason="Tool Error" if result.is_error else "OK",
        proto="HTTP/1.1",
        headers=(("Content-Type", _TEXT if plain else _JSON),),
        body=result.text.encode() if plain else msgspec.json.encode(result.content),
        nanoseconds=round(seconds * 1e9),
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
