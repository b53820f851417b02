"""What an answer holds that the vocabulary does not: found by path, so that it is reported and never silently lost.

An answer of this wire repeats the request: tools, instructions, temperature. What only repeats what was asked says
nothing new and is not reported. Items are kept verbatim by the parts they become. Of the rest what is not read is
reported: ``service_tier``, ``content_filters``, ``billing``.
"""

from __future__ import annotations

# ruff: noqa: SIM905 - the list reads better as words than as a literal
from playhead.dialects.unmodelled import Known, looked_at, misfits, plainly, walk_unknown

_ECHO = """background conversation frequency_penalty include instructions max_output_tokens max_tool_calls metadata
    parallel_tool_calls presence_penalty previous_response_id prompt prompt_cache_key prompt_cache_options
    prompt_cache_retention reasoning safety_identifier store temperature text tool_choice tools top_logprobs top_p
    truncation user""".split()

_USAGE: Known = {
    "input_tokens": None,
    "output_tokens": None,
    "total_tokens": None,
    "input_tokens_details": {"cached_tokens": None, "cache_write_tokens": None},
    "output_tokens_details": {"reasoning_tokens": None},
    "cost": None,
    "is_byok": None,
}

#: ``output_text`` is all the text once more.
_ANSWER: Known = {
    **dict.fromkeys(_ECHO),
    **dict.fromkeys("id object created_at status model provider error output output_text".split()),
    "incomplete_details": {"reason": None},
    "usage": _USAGE,
}

#: ``logprobs`` and ``part`` come again with the item; ``obfuscation`` is random and hides the length of the text.
_EVENT: Known = {
    **dict.fromkeys(
        """type sequence_number output_index content_index summary_index annotation_index item_id item part delta text
        arguments name input refusal annotation logprobs obfuscation partial_image_b64 partial_image_index code message
        param error output_format size quality background""".split()
    ),
    "response": _ANSWER,
}


def unmodelled_paths(data: bytes, *, event: bool = False) -> set[str]:
    """The paths in this answer, or event of a stream, that the vocabulary does not model."""
    return looked_at(lambda: _look(data, _EVENT if event else _ANSWER))


def _look(data: bytes, known: Known) -> set[str]:
    answer = plainly(data)
    found: set[str] = set()
    walk_unknown(answer, known, "", found)
    said = answer.get("response", answer) if isinstance(answer, dict) else None
    if isinstance(said, dict):
        found |= misfits(said.get("usage"), _USAGE, "usage")
    return {path.removeprefix("response.") for path in found}
