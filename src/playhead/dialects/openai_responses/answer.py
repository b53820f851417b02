"""The shape of an answer on this wire, and what its words mean in the vocabulary's.

The answer itself is a typed struct; its items are plain data, as most of each is kept verbatim. The structs are
lenient where servers differ (a count may be missing) and strict where a wrong type would change what was said.

Reference: https://platform.openai.com/docs/api-reference/responses/object, as of 2026; OpenRouter's ``usage.cost``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.lenient import amount, count, read_object
from playhead.response import Finish, FinishReason, Usage

#: What an absent raw field is.
ABSENT = msgspec.Raw()


class WireIncomplete(msgspec.Struct, gc=False):
    reason: str | None = None


class WireAnswer(msgspec.Struct):
    """A whole answer, or the ``response`` of a stream's event."""

    id: str | None = None
    status: str | None = None
    model: str | None = None
    provider: str | None = None
    created_at: int | float | str | None = None
    output: list[dict[str, Any]] | None = None
    usage: msgspec.Raw = ABSENT
    error: Any = None
    incomplete_details: WireIncomplete | None = None


_INCOMPLETE: dict[str, Finish] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "length": "length",
    "content_filter": "content_filter",
}


def finish_of(answer: WireAnswer, *, calls: bool) -> FinishReason:
    """The finish reason: what made it incomplete, else its status; ``calls`` says whether it asks for tools.

    A server that gives no status has finished. ``cancelled``, and what has not finished yet, is "other".
    """
    if answer.status == "incomplete":
        reason = answer.incomplete_details.reason if answer.incomplete_details is not None else None
        return FinishReason(_INCOMPLETE.get(reason or "", "other"), reason or "incomplete")
    if answer.status in (None, "", "completed"):
        return FinishReason("tool_calls" if calls else "stop", "completed")
    return FinishReason("other", answer.status)


def encode_finish(finish: FinishReason) -> dict[str, Any]:
    """``status`` and ``incomplete_details``."""
    reason = None
    if finish.unified in ("stop", "tool_calls"):
        status = "completed"
    elif finish.unified == "error":
        status = "failed"
    elif finish.unified == "other" and finish.raw in ("cancelled", "queued", "in_progress"):
        status = finish.raw
    else:
        status = "incomplete"
        default = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(finish.unified, "other")
        known = _INCOMPLETE.get(finish.raw or "", "other") == finish.unified
        reason = finish.raw if finish.raw and known else default
        reason = None if reason == "incomplete" else reason
    return {"status": status, "incomplete_details": None if reason is None else {"reason": reason}}


def usage_of(raw: msgspec.Raw) -> Usage | None:
    """Usage in the vocabulary's sense, None where there is none; a number that is none is None in it, for what was
    answered is not thrown away over what it cost.

    A cost never passes through a float. With a key of the user's own at OpenRouter (``is_byok``) ``cost`` is the
    router's fee alone and the upstream bills the rest, so both are added.
    """
    usage = read_object(raw)
    if usage is None:
        return None
    given, output = _details(usage, "input_tokens_details"), _details(usage, "output_tokens_details")
    cost = amount(usage.get("cost"))
    if cost is not None and usage.get("is_byok") is True:
        cost += amount(_details(usage, "cost_details").get("upstream_inference_cost")) or 0
    return Usage(
        count(usage.get("input_tokens")),
        count(usage.get("output_tokens")),
        count(given.get("cached_tokens")),
        count(given.get("cache_write_tokens")),
        count(output.get("reasoning_tokens")),
        cost,
    )


def _details(usage: dict[str, Any], name: str) -> dict[str, Any]:
    said = usage.get(name)
    return said if isinstance(said, dict) else {}


def encode_usage(usage: Usage) -> dict[str, Any]:
    """``usage``; a count that was not reported is left out."""
    said: dict[str, Any] = {}
    if usage.input_tokens is not None:
        said["input_tokens"] = usage.input_tokens
    details = {"cached_tokens": usage.cached_tokens, "cache_write_tokens": usage.cache_write_tokens}
    details = {key: value for key, value in details.items() if value is not None}
    if details:
        said["input_tokens_details"] = details
    if usage.output_tokens is not None:
        said["output_tokens"] = usage.output_tokens
    if usage.reasoning_tokens is not None:
        said["output_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    if usage.total_tokens is not None:
        said["total_tokens"] = usage.total_tokens
    if usage.cost is not None:
        said["cost"] = usage.cost
    return said


def whole_number(value: int | float | str | None) -> int | None:
    """``created_at`` as Unix seconds; None where it is no number, or no time that a clock will show."""
    return int(value) if isinstance(value, int | float) and abs(value) < 2**53 else None
