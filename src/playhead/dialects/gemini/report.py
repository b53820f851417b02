"""What an answer holds that the vocabulary does not: found by path, so that it is reported and never silently lost.

The typed structs of :mod:`.answer` skip what they do not declare. This walks the same JSON as plain data against the
names that are understood, and gives the paths of the rest: ``candidates[].avgLogprobs``. A place in a list is written
``[]``: the report of a thousand chunks is as short as that of one. A value that says nothing (null, 0, false, "" and
empty containers) is not reported: nothing is lost with it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.lenient import count, decode_leniently
from playhead.dialects.unmodelled import Known, looked_at, walk_unknown
from playhead.surrogates import joined_json

_COUNTS: dict[str, Known] = dict.fromkeys(
    (
        "promptTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
        "cachedContentTokenCount",
        "toolUsePromptTokenCount",
        "totalTokenCount",
    )
)

_ANSWER: Known = {
    "responseId": None,
    "modelVersion": None,
    "createTime": None,
    "error": None,
    "promptFeedback": {"blockReason": None, "blockReasonMessage": None},
    "usageMetadata": _COUNTS,
    "candidates": {
        "index": None,
        "finishReason": None,
        "content": {"role": None, "parts": None},
        "groundingMetadata": {
            "groundingChunks": None,
            "groundingSupports": {
                "segment": None,
                "groundingChunkIndices": None,
                "confidenceScores": None,
            },
            "webSearchQueries": None,
            "searchEntryPoint": None,
        },
        "citationMetadata": {"citations": None, "citationSources": None},
    },
}

_TEXT: Known = {"text": None, "thought": None, "thoughtSignature": None}
_CALL: Known = {
    "functionCall": {"name": None, "id": None, "args": None, "partialArgs": None, "willContinue": None},
    "thoughtSignature": None,
}
_BLOB: Known = {"inlineData": {"mimeType": None, "data": None, "displayName": None}, "thoughtSignature": None}
_FILE: Known = {"fileData": {"mimeType": None, "fileUri": None, "displayName": None}, "thoughtSignature": None}


def unmodelled_paths(data: bytes | msgspec.Raw) -> set[str]:
    """The paths in this answer, or chunk of one, that the vocabulary does not model."""
    return looked_at(lambda: _look(plain(data)))


def _look(answer: Any) -> set[str]:
    found: set[str] = set()
    walk_unknown(answer, _ANSWER, "", found)
    if not isinstance(answer, dict):
        return found
    usage = answer.get("usageMetadata")
    if isinstance(usage, dict):
        wrong = (name for name in _COUNTS if usage.get(name) is not None and count(usage[name]) is None)
        found.update(f"usageMetadata.{name}" for name in wrong)
    for candidate in _list(answer.get("candidates")):
        content = candidate.get("content") if isinstance(candidate, dict) else None
        if isinstance(candidate, dict) and candidate.get("index"):
            found.add(f"candidates[{candidate['index']}]")
        for part in _list(content.get("parts")) if isinstance(content, dict) else ():
            if isinstance(part, dict):
                _part(part, found)
    return found


def plain(data: bytes | msgspec.Raw) -> Any:
    """The JSON as plain data; damage in text that the typed decoding skipped, or forgave, is replaced.

    Raises:
        ValueError: something else is wrong with it.
        RecursionError: it is nested too deep.
    """
    try:
        return msgspec.json.decode(data)
    except ValueError:
        return joined_json(decode_leniently(bytes(data).decode("utf-8", "replace").encode()))


def _part(part: dict[str, Any], found: set[str]) -> None:
    """What a part has beside what is read of it. A part of a kind that is kept whole is named by its field."""
    for name, known in (("functionCall", _CALL), ("inlineData", _BLOB), ("fileData", _FILE), ("text", _TEXT)):
        if name in part:
            walk_unknown(part, known, "candidates[].content.parts[]", found)
            return
    found.update(f"candidates[].content.parts[].{key}" for key in part if key not in ("thought", "thoughtSignature"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
