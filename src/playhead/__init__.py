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
    from playhead.agent.budget import Budget as Budget
    from playhead.agent.compaction import (
        Compaction as Compaction,
        drop_oldest as drop_oldest,
        summarise as summarise,
    )
    from playhead.agent.content import Final as Final
    from playhead.agent.context import Context as Context
    from playhead.agent.events import (
        Event as Event,
        RunEnd as RunEnd,
        RunFailed as RunFailed,
        RunStart as RunStart,
        StepEnd as StepEnd,
        StepStart as StepStart,
        ToolEnd as ToolEnd,
        ToolProgress as ToolProgress,
        ToolStart as ToolStart,
    )
    from playhead.agent.ledger import Line as Line
    from playhead.agent.pending import Pending as Pending
    from playhead.agent.plan import Preparation as Preparation, Prepare as Prepare
    from playhead.agent.provided import (
        CodeExecution as CodeExecution,
        ComputerUse as ComputerUse,
        WebSearch as WebSearch,
    )
    from playhead.agent.run import Run as Run
    from playhead.agent.step import Step as Step
    from playhead.agent.stream import RunStream as RunStream
    from playhead.agent.tools import AnyTool as AnyTool, Approve as Approve, Tool as Tool, tool as tool
    from playhead.agent.watching import OnEvent as OnEvent
    from playhead.deck.compare import Comparison as Comparison, compare as compare
    from playhead.deck.fork import (
        Retake as Retake,
        fork as fork,
        fork_sync as fork_sync,
        rerun as rerun,
        rerun_sync as rerun_sync,
    )
    from playhead.deck.in_process.taped import (
        aiohttp_connector as aiohttp_connector,
        httpx_transport as httpx_transport,
        taped as taped,
    )
    from playhead.deck.record.proxy import RecordingProxy as RecordingProxy
    from playhead.deck.serve.server import TapeServer as TapeServer
    from playhead.embedding import Embeddings as Embeddings, embed as embed, embed_sync as embed_sync
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
        ToolsetError as ToolsetError,
        TransportError as TransportError,
        UnfinishedCallError as UnfinishedCallError,
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
    from playhead.histories import read_messages as read_messages
    from playhead.losses import Loss as Loss, preflight as preflight
    from playhead.mcp_client.toolset import MCPToolset as MCPToolset, mcp as mcp
    from playhead.messages import (
        File as File,
        Message as Message,
        Native as Native,
        Part as Part,
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
    from playhead.resilience import fallback as fallback, hedged as hedged
    from playhead.response import FinishReason as FinishReason, Response as Response, Usage as Usage
    from playhead.tapes import Interaction as Interaction, Tape as Tape
    from playhead.transport.http import Timeouts as Timeouts
    from playhead.transport.http2 import HTTP2Transport as HTTP2Transport
    from playhead.transport.limiter import Limiter as Limiter
    from playhead.transport.retry import RetryPolicy as RetryPolicy

_HOMES = {
    "agent.agent": "Agent",
    "agent.compaction": "Compaction drop_oldest summarise",
    "agent.budget": "Budget",
    "agent.content": "Final",
    "agent.context": "Context",
    "agent.events": "Event RunEnd RunFailed RunStart StepEnd StepStart ToolEnd ToolProgress ToolStart",
    "agent.ledger": "Line",
    "agent.pending": "Pending",
    "agent.plan": "Preparation Prepare",
    "agent.provided": "CodeExecution ComputerUse WebSearch",
    "agent.run": "Run",
    "agent.step": "Step",
    "agent.stream": "RunStream",
    "agent.tools": "AnyTool Approve Tool tool",
    "agent.watching": "OnEvent",
    "deck.compare": "Comparison compare",
    "deck.fork": "Retake fork fork_sync rerun rerun_sync",
    "deck.in_process.taped": "aiohttp_connector httpx_transport taped",
    "deck.record.proxy": "RecordingProxy",
    "deck.serve.server": "TapeServer",
    "errors": "AuthenticationError BadRequestError ConfigError ContentFilteredError ContextTooLongError CutStreamError "
    "HistoryFormatError LimitError ModelError NotFoundError OutputError OverloadedError PaymentRequiredError "
    "PermissionDeniedError PlayheadError ProtocolError RateLimitError ServerError TapeError TapeFormatError "
    "TapeLockedError TapeMissError TapeModeError TimeoutExceeded ToolError ToolsetError TransportError "
    "UnfinishedCallError UnplayedError",
    "events": "Attempt AttemptEnd AttemptStart Discard PartDelta PartEnd PartStart ResponseEnd ResponseStart",
    "embedding": "Embeddings embed embed_sync",
    "mcp_client.toolset": "MCPToolset mcp",
    "histories": "read_messages",
    "losses": "Loss preflight",
    "messages": "File Message Native Part Reasoning Refusal Source Text ToolCall ToolResult dump_messages "
    "load_messages system user",
    "model": "Model",
    "request": "ReasoningSettings Request",
    "resilience": "fallback hedged",
    "response": "FinishReason Response Usage",
    "tapes": "Interaction Tape",
    "transport.http": "Timeouts",
    "transport.http2": "HTTP2Transport",
    "transport.limiter": "Limiter",
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
