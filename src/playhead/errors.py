"""Every error that playhead raises, one tree::

    PlayheadError
    ├── ConfigError                 what the caller asked for cannot be: unknown provider, option, missing key or wheel
    ├── HistoryFormatError          a message history that is none
    ├── ModelError                  a model call failed
    │   ├── BadRequestError         400, 422: the provider does not accept the request
    │   │   ├── ContextTooLongError more tokens than the model holds
    │   │   └── ContentFilteredError refused by a filter before the model answered
    │   ├── AuthenticationError     401: no key or a wrong one
    │   ├── PaymentRequiredError    402: out of credits
    │   ├── PermissionDeniedError   403
    │   ├── NotFoundError           404: no such model, or no upstream that may serve it
    │   ├── RateLimitError          429
    │   ├── OverloadedError         503, 529: the provider has no room
    │   ├── ServerError             other 5xx, 408, 409
    │   ├── TransportError          no whole answer came: DNS, refused, reset, TLS
    │   │   ├── TimeoutExceeded     one of the timeouts passed
    │   │   └── CutStreamError      the answer ended before its end
    │   └── ProtocolError           an answer came and is not what the wire's protocol says
    ├── ToolError                   a tool raises it to answer the model with an error of its own words
    ├── ToolsetError                a server of tools cannot be asked for them
    ├── UnfinishedCallError         a tool that changes the world had begun, and nothing says whether it was done
    ├── LimitError                  a limit of the run was reached
    ├── OutputError                 the answer does not hold the output type that was asked for
    └── TapeError
        ├── TapeFormatError         the file is no go-vcr v2 tape; says the line
        ├── TapeMissError           a replay was asked for what is not on the tape
        ├── TapeLockedError         another process records on this tape
        ├── TapeModeError           the mode and the file do not go together
        └── UnplayedError           interactions were left unplayed, where that was to fail

What the caller did wrong (ConfigError) and what the other side did wrong (ModelError) are kept apart. Raised in a run,
every one of them carries the partial run as ``error.run``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class PlayheadError(Exception):
    """The root. ``run`` is the partial run when the error was raised in one, ``partial`` the vectors that came when it
    was raised by ``embed``; else None."""

    run: Any = None
    partial: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        """As pickle wants it: the class, the args and all attributes, the run among them; no ``__init__`` is called."""
        return _rebuild, (type(self), self.args), vars(self)


def _rebuild(kind: type[PlayheadError], args: tuple[Any, ...]) -> PlayheadError:
    error = kind.__new__(kind)
    error.args = args
    return error


class ConfigError(PlayheadError, ValueError):
    """What was asked for cannot be; the message says what would be right."""


class HistoryFormatError(PlayheadError, ValueError):
    """JSON that is no message history."""


class ModelError(PlayheadError):
    """A model call failed.

    Attributes:
        provider: who answered, "" when not known.
        status: the HTTP status, None when none came. An error inside a 200 has the code that the body gives.
        request_id: the provider's id of the exchange, for its support; None when it gave none.
        retryable: whether trying the same again can help.
        retry_after: seconds that the provider asked to wait, None when it did not say.
        body: the answer's raw body as far as it came, known secrets replaced.
        advised: what the answer's body itself said of trying again, before any rule of statuses; None when nothing.
        attempts: the attempts (see :class:`playhead.events.Attempt`) of the call that was given up, () elsewhere.
    """

    retryable_by_default = False
    advised: bool | None = None
    attempts: tuple[Any, ...] = ()

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        status: int | None = None,
        request_id: str | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.status = status
        self.request_id = request_id
        self.retryable = self.retryable_by_default if retryable is None else retryable
        self.retry_after = retry_after
        self.body = body

    def __str__(self) -> str:
        where = " ".join(str(word) for word in (self.provider, self.status) if word)
        return f"{where}: {self.message}" if where else self.message


class BadRequestError(ModelError):
    """The provider does not accept the request; the same again fails again."""


class ContextTooLongError(BadRequestError):
    """More tokens than the model holds."""


class ContentFilteredError(BadRequestError):
    """A filter refused the request."""


class AuthenticationError(ModelError):
    """No key, or one that the provider does not know."""


class PaymentRequiredError(ModelError):
    """The account has no credits left."""


class PermissionDeniedError(ModelError):
    """The key may not do this."""


class NotFoundError(ModelError):
    """No such model, or no upstream that may serve it."""


class RateLimitError(ModelError):
    """Asked too often; wait and ask again."""

    retryable_by_default = True


class OverloadedError(ModelError):
    """The provider has no room now."""

    retryable_by_default = True


class ServerError(ModelError):
    """The provider failed."""

    retryable_by_default = True


class TransportError(ModelError):
    """No whole answer came. ``sent`` is False where nothing can have reached the other side."""

    retryable_by_default = True
    sent = True


class TimeoutExceeded(TransportError, TimeoutError):
    """A timeout passed; the message names which: connect, first byte, between chunks, total."""


class CutStreamError(TransportError):
    """The answer ended before its end."""


class ProtocolError(ModelError):
    """An answer came that the wire's protocol does not allow; the message says what was expected, and where."""


class ToolError(PlayheadError):
    """Raise it in a tool to answer the model with an error of your own words."""


class ToolsetError(PlayheadError):
    """A server of tools could not be reached, or did not say which it has; the message names it, and has its reason."""


class UnfinishedCallError(PlayheadError):
    """Calls of tools of effect "write" had begun when the run was stopped, and their results are not on the tape.

    ``calls`` are they (:class:`playhead.ToolCall`). Look whether they were done, and go on with ``assume="done"``,
    ``assume="not_done"``, or ``results={call.id: …}``."""

    def __init__(self, message: str, *, calls: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.calls = calls


class LimitError(PlayheadError):
    """A limit of the run was reached; ``limit`` names it ("steps", "seconds", "tokens", "dollars")."""

    def __init__(self, message: str, *, limit: str) -> None:
        super().__init__(message)
        self.limit = limit


class OutputError(PlayheadError):
    """The answer does not hold the output type; the message says where. Or ``run.output`` was read of a run that has
    none, and the message says why. ``complaint`` is what is wrong alone, without the answer."""

    def __init__(self, message: str, complaint: str = "") -> None:
        super().__init__(message)
        self.complaint = complaint or message


class TapeError(PlayheadError):
    """Something about a tape."""


class TapeFormatError(TapeError, ValueError):
    """The file is no go-vcr v2 tape. ``line`` counts from 1, None when no line is to blame."""

    def __init__(self, message: str, *, path: str | None = None, line: int | None = None) -> None:
        self.message, self.path, self.line = message, path, line
        where = ":".join(str(word) for word in (path, line) if word is not None)
        super().__init__(f"{where}: {message}" if where else message)


class TapeMissError(TapeError):
    """A replay was asked for what is not on the tape; the message shows where the conversation first differs.

    ``asked`` is the request (:class:`playhead.wire.HTTPRequest`), ``recorded`` the nearest that is on the tape, None
    where nothing is like it or the same request was played before. Both are without secrets."""

    asked: Any = None
    recorded: Any = None


class TapeLockedError(TapeError):
    """Another process records on this tape."""


class TapeModeError(TapeError):
    """The mode and the file do not go together."""


class UnplayedError(TapeError):
    """Interactions were left unplayed."""


#: How alike two words must be, from 0 to 1, for one to be taken for a slip of the other: "opnai" for "openai" is 0.91,
#: "nope" is 0.6.
NEAR = 0.65


def nearest(complaint: str, word: str, known: Iterable[str]) -> str:
    """A complaint about a word that is not known, with the nearest that is: ``…; did you mean 'only'?``."""
    import difflib

    names = list(known)
    close = difflib.get_close_matches(word, names, 1, NEAR)
    return f"{complaint}; did you mean {close[0]!r}?" if close else f"{complaint}; there are: {', '.join(names)}"
