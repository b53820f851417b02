"""playhead: LLM agents on tape.

One API for every provider; every run recorded as it happens, replayed offline, resumed after a crash, counted to the
cent. Names are loaded when they are first used, so that ``import playhead`` costs next to nothing::

    from playhead import Agent, tool

The public names are those of ``__all__``; what is not there is reachable by its module and may change.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what typing's is; importing typing for it would be most of what `import playhead` costs

__version__ = "0.1.0"

if TYPE_CHECKING:
    from playhead.agent.agent import Agent as Agent
    from playhead.agent.events import (
        Event as Event,
        RunEnd as RunEnd,
        StepEnd as StepEnd,
        StepStart as StepStart,
        ToolEnd as ToolEnd,
        ToolStart as ToolStart,
    )
    from playhead.agent.run import Run as Run, Step as Step
    from playhead.agent.stream import RunStream as RunStream
    from playhead.agent.tools import Tool as Tool, tool as tool
    from playhead.errors import (
        AuthenticationError as AuthenticationError,
        BadRequestError as BadRequestError,
        ConfigError as ConfigError,
        ContentFilteredError as ContentFilteredError,
        ContextTooLongError as ContextTooLongError,
        CutStreamError as CutStreamError,
        HistoryFormatError as HistoryFormatError,
        LimitError as LimitError,
        ModelError as ModelError,
        NotFoundError as NotFoundError,
        OutputError as OutputError,
        OverloadedError as OverloadedError,
        PaymentRequiredError as PaymentRequiredError,
        PermissionDeniedError as PermissionDeniedError,
        PlayheadError as PlayheadError,
        ProtocolError as ProtocolError,
        RateLimitError as RateLimitError,
        ServerError as ServerError,
        TapeError as TapeError,
        TapeFormatError as TapeFormatError,
        TapeLockedError as TapeLockedError,
        TapeMissError as TapeMissError,
        TapeModeError as TapeModeError,
        TimeoutExceeded as TimeoutExceeded,
        ToolError as ToolError,
        TransportError as TransportError,
        UnplayedError as UnplayedError,
    )
    from playhead.events import (
        Attempt as Attempt,
        AttemptEnd as AttemptEnd,
        AttemptStart as AttemptStart,
        Discard as Discard,
        PartDelta as PartDelta,
        PartEnd as PartEnd,
        PartStart as PartStart,
        ResponseEnd as ResponseEnd,
        ResponseStart as ResponseStart,
    )
    from playhead.messages import (
        File as File,
        Message as Message,
        Native as Native,
        Reasoning as Reasoning,
        Refusal as Refusal,
        Source as Source,
        Text as Text,
        ToolCall as ToolCall,
        ToolResult as ToolResult,
        dump_messages as dump_messages,
        load_messages as load_messages,
        system as system,
        user as user,
    )
    from playhead.model import Model as Model
    from playhead.request import ReasoningSettings as ReasoningSettings, Request as Request
    from playhead.response import FinishReason as FinishReason, Response as Response, Usage as Usage
    from playhead.tapes import Interaction as Interaction, Tape as Tape
    from playhead.transport.http import Timeouts as Timeouts
    from playhead.transport.http2 import HTTP2Transport as HTTP2Transport
    from playhead.transport.retry import RetryPolicy as RetryPolicy

_HOMES = {
    "agent.agent": "Agent",
    "agent.events": "Event RunEnd StepEnd StepStart ToolEnd ToolStart",
    "agent.run": "Run Step",
    "agent.stream": "RunStream",
    "agent.tools": "Tool tool",
    "errors": "AuthenticationError BadRequestError ConfigError ContentFilteredError ContextTooLongError CutStreamError "
    "HistoryFormatError LimitError ModelError NotFoundError OutputError OverloadedError PaymentRequiredError "
    "PermissionDeniedError PlayheadError ProtocolError RateLimitError ServerError TapeError TapeFormatError "
    "TapeLockedError TapeMissError TapeModeError TimeoutExceeded ToolError TransportError UnplayedError",
    "events": "Attempt AttemptEnd AttemptStart Discard PartDelta PartEnd PartStart ResponseEnd ResponseStart",
    "messages": "File Message Native Reasoning Refusal Source Text ToolCall ToolResult dump_messages "
    "load_messages system user",
    "model": "Model",
    "request": "ReasoningSettings Request",
    "response": "FinishReason Response Usage",
    "tapes": "Interaction Tape",
    "transport.http": "Timeouts",
    "transport.http2": "HTTP2Transport",
    "transport.retry": "RetryPolicy",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'playhead' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"playhead.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
