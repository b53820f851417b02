"""What a request asks, in no wire's words: two requests are one question where this is equal, and only there.

A request is read by the dialect of its path. What that understands of it is the first half of the key. The second is
all that it does not model, each path with the value that stands there: a clip of another minute, another recording, a
field that nobody knows. What could change an answer is so in the key, whoever knows of it.

Left out is what says the same in other words, or asks for the same answer in another form:

- whether it is streamed, and how the usage of a stream is asked for; what the server keeps of it (``store``);
- a field that is null beside one that is not there;
- the hand in which it is written, field by field in :data:`_HAND`: a text as a list of one, the older name of a bound,
  a default that is said. What a dialect's profile gains is in the key until it is named there.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import msgspec

from playhead.errors import PlayheadError
from playhead.providers.paths import split
from playhead.tapes.canonical import canonical_value
from playhead.wire import HTTPRequest

#: What a reader may raise of a body that nobody has ever sent: its connection is not to go down with it.
UNREADABLE = (PlayheadError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)

#: The fields of each dialect's profile that say how a request is written, and nothing of what it asks.
_HAND: dict[str, frozenset[str]] = {
    dialect: frozenset(names.split())
    for dialect, names in {
        "openai_chat": """max_tokens_field usage_include stream_usage stream_false strict_field tool_choice_auto
            empty_content reasoning_request thinking_switch reasoning_back reasoning_stand_in reasoning_beside
            text_as_parts system_role cache_marks stop_as_string tool_name seed_field required_word file_parts""",
        "openai_responses": """instructions input_as_string system_role text_as_parts typed_messages items_verbatim
            tool_choice_auto own_tools_first stream_false store""",
        "anthropic_messages": """text_as_parts tool_choice_auto parallel_field provider_tools_first custom_type
            empty_description direct_caller is_error_false split_results blanks system_in_place output betas_in
            beta_query stream_false raw_colon""",
        "bedrock_converse": """tool_choice_auto tools_first status_success system_in_place as_it_is raw_colon""",
        "gemini": """system_role user_role result_role join_results tool_choice_auto parameters_field other_field
            output_field types tools_at tools_apart empty_parameters result_key object_results result_media empty_args
            thoughts_back call_ids result_ids own_ids effort levels file_names part_resolution query stream_query
            snake""",
    }.items()
}
#: The same of what is carried as an option.
_KEPT_ONLY = {"openai_responses": ("store",)}


def meaning(request: HTTPRequest) -> tuple[bytes, bool] | None:
    """What a request asks, as bytes that are equal where it is, and whether it asks for a stream; None where no
    dialect reads it."""
    found = split(request.url)
    if found is None:
        return None
    name = found[0]
    dialect: Any = import_module(f"playhead.dialects.{name}")
    try:
        said = msgspec.json.decode(request.body)
        if isinstance(said, dict) and None in said.values():  # a field that is null is one that is not said
            said = {field: value for field, value in said.items() if value is not None}
            request = HTTPRequest(request.method, request.url, (), msgspec.json.encode(said))
        decoded = dialect.decode_request(request)
        asked = msgspec.to_builtins(msgspec.structs.replace(decoded.request, stream=False))
        for option in _KEPT_ONLY.get(name, ()):
            asked.get("options", {}).pop(option, None)
        hand = {field: getattr(decoded.profile, field) for field in decoded.profile.__struct_fields__}
        hand = {field: value for field, value in hand.items() if field not in _HAND[name]}
        unmodelled = {*decoded.unmodelled}
        stands = list(_standing(said, "", unmodelled)) if unmodelled else []
        key = [asked, msgspec.to_builtins(hand, order="sorted"), sorted(unmodelled), stands]
        return msgspec.json.encode(canonical_value(key), order="sorted"), decoded.request.stream
    except UNREADABLE:
        return None


def _standing(value: Any, path: str, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    """Each of the wanted paths with the JSON that stands there; paths as a dialect writes them."""
    if path in wanted:
        yield path, msgspec.json.encode(canonical_value(value), order="sorted")
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _standing(value[key], f"{path}.{key}" if path else key, wanted)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _standing(item, f"{path}[{position}]", wanted)
