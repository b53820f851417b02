"""What a script is made of: an :class:`Answer` is what the provider says and what goes wrong while it says it.

Four words make one::

    reply("Oi")                                         an answer: text, parts, calls, or a whole Response
    refuse(429, retry_after=1)                          an error with its status
    raw(b"<html>", content_type="text/html")            these bytes as the body
    garbage()                                           bytes that are no HTTP

and each takes the same faults: ``reply("Oi", delay=0.2)``, ``reply("a longer text", cut_after=2)``. An answer may also
be a function of the request. Nothing here knows a wire or a socket.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypedDict, Unpack

import msgspec

from playhead import errors
from playhead.errors import ModelError
from playhead.messages import Part, Text, ToolCall
from playhead.request import Request
from playhead.response import Finish, FinishReason, Response, Usage
from playhead.wire import Headers


class Faults(TypedDict, total=False):
    """How an answer is sent, and what goes wrong with it; see :class:`Answer`."""

    delay: float
    pause: float
    cut_after: int | None
    reset: bool
    error: ModelError | None
    hold: bool
    content_type: str | None
    headers: Headers


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of the fake provider. Made by :func:`reply`, :func:`refuse`, :func:`raw` and :func:`garbage`.

    Attributes:
        says: a Response, an error, or the bytes of a body.
        status: the HTTP status; None is 200, or the error's own.
        delay: seconds before the first byte, the status line included; ``math.inf`` never answers.
        pause: seconds before every chunk of the body but the first.
        cut_after: the connection is closed after so many chunks of the body, 0 right after the head. A streamed answer
            is a chunk for each event of its wire, a whole one is a single chunk: 1 leaves out the end of the body.
        reset: where it is cut, the connection is reset instead of closed.
        error: said in the stream instead of its end, after ``cut_after`` chunks or all but the last; an answer that is
            not streamed is this error with status 200.
        hold: the connection stays open after the last byte of the answer, and its end is never said.
        content_type: instead of the wire's own.
        headers: further headers.
        bare: ``says`` goes out as it is, without any HTTP around it.
    """

    says: Response | ModelError | bytes
    status: int | None = None
    delay: float = 0.0
    pause: float = 0.0
    cut_after: int | None = None
    reset: bool = False
    error: ModelError | None = None
    hold: bool = False
    content_type: str | None = None
    headers: Headers = ()
    bare: bool = False


#: What a script may hold: an answer, or the text, response or error that one is made of.
Said: TypeAlias = Answer | Response | ModelError | str
#: An item of a script, or the function of a request that gives one.
Scripted: TypeAlias = Said | Callable[[Request], Said]


def reply(
    *content: str | Part | Response,
    finish: Finish | None = None,
    usage: Usage | None = None,
    model: str | None = None,
    id: str | None = None,
    **faults: Unpack[Faults],
) -> Answer:
    """An answer: ``reply("Let me look", tool_call("weather", location="Florence"))``, or a :class:`Response` as it is.

    Args:
        content: text and parts, in order.
        finish: why the model stopped; None is "tool_calls" where it calls one, else "stop".
        usage: what is billed; None lets the provider count.
        model, id: what the answer says of itself; None is the model that was asked, and a number.
        faults: how it is sent; see :class:`Answer`.
    """
    if len(content) == 1 and isinstance(content[0], Response):
        return Answer(says=content[0], **faults)
    parts: list[Part] = []
    for piece in content:
        if isinstance(piece, Response):
            raise errors.ConfigError("reply: a Response stands alone; give its parts to join it with others")
        parts.append(Text(piece) if isinstance(piece, str) else piece)
    calls = any(isinstance(part, ToolCall) for part in parts)
    reason = FinishReason(finish or ("tool_calls" if calls else "stop"))
    return Answer(says=Response(tuple(parts), reason, usage, id, model), **faults)


def tool_call(name: str, id: str = "", /, **arguments: Any) -> ToolCall:
    """A call of a tool, for :func:`reply`: ``tool_call("weather", location="Florence")``. The provider numbers the
    calls that have no ``id``."""
    return ToolCall(id, name, msgspec.json.encode(arguments).decode())


def refuse(
    why: int | ModelError,
    message: str = "",
    *,
    retry_after: float | None = None,
    **faults: Unpack[Faults],
) -> Answer:
    """A refusal: a status, or an error of :mod:`playhead.errors` which is said as the wire says it.

    ``refuse(429, retry_after=1)``, ``refuse(ContextTooLongError("300000 tokens > 200000 maximum"))``. ``retry_after``
    is seconds, and goes out as the header Retry-After.
    """
    if isinstance(why, ModelError):
        error, status = why, why.status or _status_of(why)
    else:
        kind, words = _BY_STATUS.get(why, (errors.ServerError if why >= 500 else errors.BadRequestError, "refused"))
        error, status = kind(message or words, status=why, retry_after=retry_after), why
    wait = error.retry_after if retry_after is None else retry_after
    if wait is not None:
        faults["headers"] = (*faults.get("headers", ()), ("Retry-After", f"{wait:g}"))
    return Answer(says=error, status=status, **faults)


def raw(body: bytes = b"", *, status: int = 200, **faults: Unpack[Faults]) -> Answer:
    """These bytes as the body, in what the wire would call a good answer unless ``content_type`` says otherwise."""
    return Answer(says=body, status=status, **faults)


def garbage(data: bytes = b"\x15\x03\x01\x00\x02\x02\x46 this is no HTTP\r\n\r\n") -> Answer:
    """Bytes on the socket that are no HTTP at all; the connection is closed after them."""
    return Answer(says=data, bare=True)


def as_answer(said: Said) -> Answer:
    """What a script holds, as an answer.

    Raises:
        ConfigError: it is none.
    """
    if isinstance(said, Answer):
        return said
    if isinstance(said, str | Response):
        return reply(said)
    if isinstance(said, ModelError):
        return refuse(said)
    raise errors.ConfigError(
        f"a script holds answers, text, responses and errors, or functions of a request that give one; "
        f"a {type(said).__name__} is none of them"
    )


#: What a status means where nothing else is said, and its words.
_BY_STATUS: dict[int, tuple[type[ModelError], str]] = {
    400: (errors.BadRequestError, "invalid request"),
    401: (errors.AuthenticationError, "invalid API key"),
    402: (errors.PaymentRequiredError, "out of credits"),
    403: (errors.PermissionDeniedError, "this key may not do this"),
    404: (errors.NotFoundError, "no such model"),
    408: (errors.ServerError, "request timeout"),
    409: (errors.ServerError, "conflict"),
    422: (errors.BadRequestError, "invalid request"),
    429: (errors.RateLimitError, "too many requests"),
    500: (errors.ServerError, "internal error"),
    503: (errors.OverloadedError, "no capacity now"),
    529: (errors.OverloadedError, "overloaded"),
}


def _status_of(error: ModelError) -> int:
    """The status that an error of this class comes with, where it does not say."""
    return next((status for status, (kind, _) in _BY_STATUS.items() if isinstance(error, kind)), 500)
