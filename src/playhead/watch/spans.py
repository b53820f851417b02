"""Runs as spans of OpenTelemetry, by its conventions for generative AI (:mod:`.conventions`)::

    invoke_agent guide            a run; runs within it are below the tool that began them
    ├── chat gpt-5                a step's model call, waits included
    │   ├── POST                  an attempt that was refused
    │   └── POST                  the one that was answered
    └── execute_tool weather      a call, from when its function began until it had its result

A span that a tool's function makes itself is below the tool's: the function runs in its context. Spans are closed
however a run ends; one that an error or a cancellation has ended bears its class as ``error.type``. What was said, and
the words of errors, are attributes only where content was asked for.

Tokens and cost of ``invoke_agent`` are those of its own answers: a run within it has its own span, and a sum over all
spans of one kind counts each token once.

Metrics are the duration of each operation, the tokens of each answer, and what attempts cost as far as it is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from time import time_ns
from typing import TYPE_CHECKING, Any

from playhead import __version__
from playhead.agent.events import RunEnd, RunFailed, RunStart, StepEnd, StepStart, ToolEnd, ToolStart
from playhead.agent.ledger import lines, total
from playhead.errors import ConfigError
from playhead.events import Asked, Attempt, AttemptEnd, AttemptStart, Discard, ResponseEnd, ResponseStart
from playhead.messages import ToolCall, ToolResult
from playhead.watch import conventions as names
from playhead.watch.contents import input_messages, output_messages, result_text, system_instructions

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from playhead.agent.run import Run
    from playhead.request import Request
    from playhead.response import Usage

#: The run whose tool runs in this context.
_within: ContextVar[Any] = ContextVar("playhead_run", default=None)


class _Tool:
    """A call under way: its span, and when its function was done."""

    def __init__(self, span: Span, began: int) -> None:
        self.span = span
        self.began = began
        self.done: int | None = None


class _Watched:
    """A run under way, and what is open in it."""

    def __init__(self, run: Run[Any], span: Span, asked: Asked, request: Request | None) -> None:
        self.run = run
        self.span = span
        self.asked = asked
        self.settings = names.settings(request)
        self.about = {} if request is None else {tool.name: tool.description for tool in request.tools}
        self.began = time_ns()
        self.chat: Span | None = None
        self.chat_began = 0
        self.chat_asked = asked
        self.attempt: Span | None = None
        self.attempt_began = 0
        self.first: float | None = None
        self.answered: int | None = None
        self.start: ResponseStart | None = None
        self.end: ResponseEnd | None = None
        self.calls: dict[str, ToolCall] = {}
        self.tools: dict[str, _Tool] = {}


class Spans:
    """What ``on_event=otel()`` is; :func:`playhead.watch.otel` documents it."""

    def __init__(self, content: bool, tracer_provider: Any, meter_provider: Any) -> None:
        try:
            from opentelemetry import context, metrics, trace
        except ImportError as error:
            raise ConfigError("watching by OpenTelemetry needs it: pip install 'playhead[otel]'") from error
        self._context, self._trace = context, trace
        self._content = content
        self._tracer = trace.get_tracer("playhead", __version__, tracer_provider)
        meter = metrics.get_meter("playhead", __version__, meter_provider)
        name, unit, about, buckets = names.DURATION
        self._durations = meter.create_histogram(name, unit, about, explicit_bucket_boundaries_advisory=buckets)
        name, unit, about, sizes = names.TOKENS
        self._tokens = meter.create_histogram(name, unit, about, explicit_bucket_boundaries_advisory=sizes)
        self._spent = meter.create_counter(*names.SPENT)
        self._runs: dict[int, _Watched] = {}

    def __call__(self, event: Any, run: Any) -> None:
        """An event of a run."""
        if type(event) is RunStart:
            self._begin(event, run)
            return
        watched = self._runs.get(id(run))
        if watched is None:
            return
        kind = type(event)
        if kind is StepStart:
            self._end_chat(watched, None)
            self._begin_chat(watched, event.step)
        elif kind is AttemptStart:
            self._begin_attempt(watched, event)
        elif kind is AttemptEnd:
            self._end_attempt(watched, event.attempt)
        elif kind is ResponseStart:
            watched.start, watched.end = event, None
            watched.first = (time_ns() - watched.attempt_began) / 1e9
        elif kind is ResponseEnd:
            watched.end = event
        elif kind is Discard:
            watched.start = watched.end = None
        elif kind is ToolStart:
            self._end_chat(watched, None)
            watched.calls[event.call.id] = event.call
        elif kind is ToolEnd:
            self._end_tool(watched, event)
        elif kind is StepEnd:
            self._end_chat(watched, None)
        elif kind is RunEnd:
            self._end(watched, None)
        elif kind is RunFailed:
            self._end(watched, event.error)

    def inside(self, call: ToolCall, run: Any) -> AbstractContextManager[Any]:
        """The context in which a tool's function runs: that of its span."""
        return self._inside(call, run)

    @contextmanager
    def _inside(self, call: ToolCall, run: Any) -> Iterator[None]:
        watched = self._runs.get(id(run))
        if watched is None:
            yield
            return
        tool = watched.tools[call.id] = self._begin_tool(watched, call, None)
        entered = self._context.attach(self._trace.set_span_in_context(tool.span))
        before = _within.set(run)
        try:
            yield
        finally:
            tool.done = time_ns()
            _within.reset(before)
            self._context.detach(entered)

    def _begin(self, event: RunStart, run: Any) -> None:
        asked = event.asked or Asked()
        parent = None if event.parent is None else self._runs.get(id(event.parent))
        # A tool's own context holds its span, or one that its function has made below it.
        above = None if parent is None or _within.get() is parent.run else self._under(parent.span)
        attributes = {names.OPERATION: "invoke_agent", **names.whom(asked), **names.settings(event.request)}
        if run.agent:
            attributes[names.AGENT_NAME] = run.agent
        name = f"invoke_agent {run.agent}" if run.agent else "invoke_agent"
        span = self._tracer.start_span(name, above, self._trace.SpanKind.INTERNAL, attributes)
        self._runs[id(run)] = _Watched(run, span, asked, event.request)

    def _end(self, watched: _Watched, error: BaseException | None) -> None:
        del self._runs[id(watched.run)]
        run, span = watched.run, watched.span
        if watched.attempt is not None:
            self._close(watched.attempt, error)
        self._end_chat(watched, error)
        for tool in watched.tools.values():
            self._close(tool.span, error, tool.done)
        own = lines(run.attempts, run.steps, run.prices)
        span.set_attributes(names.counts(_used(run)))
        if run.finish is not None:
            span.set_attribute(names.FINISH_REASONS, [run.finish.unified])
        if run.compactions:
            span.set_attribute(names.COMPACTED, True)
        cost = None if run.partial else total(own)
        if cost is not None:
            span.set_attribute(names.COST, float(cost))
        self._close(span, error)
        self._measure("invoke_agent", watched.asked, watched.began, time_ns(), error=_kind(error))
        for line in own:
            if line.cost is not None and line.cost.is_finite() and line.cost > 0:
                about = {names.PROVIDER: names.provider_name(line.provider), names.REQUEST_MODEL: line.model}
                self._spent.add(float(line.cost), about)

    def _begin_chat(self, watched: _Watched, step: int) -> None:
        watched.start = watched.end = watched.answered = watched.first = None
        watched.calls.clear()
        watched.chat_asked, watched.chat_began = watched.asked, time_ns()
        attributes = {names.OPERATION: "chat", **names.whom(watched.asked), **watched.settings, names.STEP: step}
        if watched.run.compactions:
            attributes[names.COMPACTED] = True
        if self._content:
            attributes[names.INPUT_MESSAGES] = input_messages(watched.run.messages)
            instructions = system_instructions(watched.run.messages)
            if instructions is not None:
                attributes[names.SYSTEM_INSTRUCTIONS] = instructions
        name = f"chat {watched.asked.model}"
        watched.chat = self._tracer.start_span(
            name, self._under(watched.span), self._trace.SpanKind.CLIENT, attributes, start_time=watched.chat_began
        )

    def _end_chat(self, watched: _Watched, error: BaseException | None) -> None:
        span, watched.chat = watched.chat, None
        if span is None:
            return
        asked, start, end = watched.chat_asked, watched.start, watched.end
        at = watched.answered or time_ns()
        usage = None if end is None else end.usage
        model = None if start is None else start.model
        if asked != watched.asked:
            span.update_name(f"chat {asked.model}")
            span.set_attributes(names.whom(asked))
        if start is not None and start.id is not None:
            span.set_attribute(names.RESPONSE_ID, start.id)
        if model is not None:
            span.set_attribute(names.RESPONSE_MODEL, model)
        if watched.first is not None and start is not None and "gen_ai.request.stream" in watched.settings:
            span.set_attribute(names.FIRST_CHUNK, watched.first)
        span.set_attributes(names.counts(usage))
        if end is not None:
            span.set_attribute(names.FINISH_REASONS, [end.finish.unified])
            if self._content and watched.run.steps:
                response = watched.run.steps[-1].response
                said = output_messages(response.as_message(), response.finish.unified)
                span.set_attribute(names.OUTPUT_MESSAGES, said)
        if usage is not None and usage.cost is not None and usage.cost.is_finite():
            span.set_attribute(names.COST, float(usage.cost))
        failed = None if watched.answered is not None else error
        self._close(span, failed, at)
        self._measure("chat", asked, watched.chat_began, at, model=model, error=_kind(failed))
        if usage is not None:
            about = {names.OPERATION: "chat", **names.whom(asked)}
            if model is not None:
                about[names.RESPONSE_MODEL] = model
            for kind, count in (("input", usage.input_tokens), ("output", usage.output_tokens)):
                if count is not None:
                    self._tokens.record(count, {**about, names.TOKEN_TYPE: kind})

    def _begin_attempt(self, watched: _Watched, event: AttemptStart) -> None:
        attributes: dict[str, Any] = {names.HTTP_METHOD: "POST"}
        if event.number > 1:
            attributes[names.HTTP_RESEND] = event.number - 1
        above = self._under(watched.chat or watched.span)
        watched.attempt_began = time_ns()
        watched.attempt = self._tracer.start_span("POST", above, self._trace.SpanKind.CLIENT, attributes)

    def _end_attempt(self, watched: _Watched, attempt: Attempt) -> None:
        span, watched.attempt = watched.attempt, None
        asked = attempt.asked or watched.asked
        watched.chat_asked = asked
        watched.answered = None if attempt.error is not None else time_ns()
        if span is None:
            return
        about = names.whom(asked)
        span.set_attributes({name: about[name] for name in (names.SERVER_ADDRESS, names.SERVER_PORT) if name in about})
        if attempt.url:
            span.set_attribute(names.URL_FULL, attempt.url)
        if attempt.status is not None:
            span.set_attribute(names.HTTP_STATUS, attempt.status)
        if attempt.request_id is not None:
            span.set_attribute(names.REQUEST_ID, attempt.request_id)
        if attempt.error is not None:
            refused = attempt.status is not None and attempt.status >= 400
            span.set_attribute(names.ERROR_TYPE, str(attempt.status) if refused else names.OTHER)
            words = attempt.error if self._content else None
            span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, words))
        span.end()

    def _begin_tool(self, watched: _Watched, call: ToolCall, at: int | None) -> _Tool:
        began = at or time_ns()
        attributes: dict[str, Any] = {
            names.OPERATION: "execute_tool",
            names.TOOL_NAME: call.name,
            names.TOOL_CALL_ID: call.id,
            names.TOOL_TYPE: "function",
        }
        if about := watched.about.get(call.name):
            attributes[names.TOOL_DESCRIPTION] = about
        if self._content:
            attributes[names.TOOL_ARGUMENTS] = call.arguments
        name, kind = f"execute_tool {call.name}", self._trace.SpanKind.INTERNAL
        span = self._tracer.start_span(name, self._under(watched.span), kind, attributes, start_time=began)
        return _Tool(span, began)

    def _end_tool(self, watched: _Watched, event: ToolEnd) -> None:
        result: ToolResult = event.result
        tool = watched.tools.pop(result.call_id, None)
        if tool is None:  # no function ran: the result was on the tape, or given, or the call was refused
            call = watched.calls.get(result.call_id) or ToolCall(result.call_id, result.name, "")
            tool = self._begin_tool(watched, call, time_ns())
            tool.done = tool.began
        if event.replayed:
            tool.span.set_attribute(names.REPLAYED, True)
        if self._content:
            tool.span.set_attribute(names.TOOL_RESULT, result_text(result))
        failed = (_kind(event.error) or names.OTHER) if result.is_error else None
        if failed is not None:
            tool.span.set_attribute(names.ERROR_TYPE, failed)
            tool.span.set_status(self._trace.Status(self._trace.StatusCode.ERROR))
        done = tool.done or time_ns()
        tool.span.end(done)
        if not event.replayed:
            self._measure("execute_tool", None, tool.began, done, tool=result.name, error=failed)

    def _under(self, span: Span) -> Any:
        return self._trace.set_span_in_context(span)

    def _close(self, span: Span, error: BaseException | None, at: int | None = None) -> None:
        """End a span; one that an error ended says so. Leaving a stream early is no error."""
        if error is not None and not isinstance(error, GeneratorExit):
            span.set_attribute(names.ERROR_TYPE, type(error).__name__)
            words = str(error) if self._content else None
            span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, words))
        span.end(at)

    def _measure(
        self,
        operation: str,
        asked: Asked | None,
        began: int,
        ended: int,
        *,
        model: str | None = None,
        tool: str | None = None,
        error: str | None = None,
    ) -> None:
        about: dict[str, Any] = {names.OPERATION: operation, **({} if asked is None else names.whom(asked))}
        more = {names.RESPONSE_MODEL: model, names.TOOL_NAME: tool, names.ERROR_TYPE: error}
        about.update({name: value for name, value in more.items() if value is not None})
        self._durations.record((ended - began) / 1e9, about)


def _used(run: Run[Any]) -> Usage | None:
    """Tokens of a run's own answers."""
    reported = [usage for step in run.steps if (usage := step.response.usage) is not None]
    return sum(reported[1:], reported[0]) if reported else None


def _kind(error: BaseException | None) -> str | None:
    return None if error is None or isinstance(error, GeneratorExit) else type(error).__name__
