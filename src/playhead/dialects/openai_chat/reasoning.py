"""OpenRouter's ``reasoning_details`` in a stream: pieces joined into the entries that go back verbatim.

A stream sends an entry in pieces, each with its type, format and index; the text of the pieces is joined, a signature
that comes alone is set on the entry it signs, and encrypted data, which is never cut, stays an entry of its own. Sent
back like this an answer's details are the same as those of the same answer not streamed.

Reference: https://openrouter.ai/docs/use-cases/reasoning-tokens, as of 2026.
"""

from __future__ import annotations

from typing import Any

#: The field that holds each kind's words, to be joined.
_WORDS = {"reasoning.text": "text", "reasoning.summary": "summary"}


def merge_detail(details: list[dict[str, Any]], piece: dict[str, Any]) -> None:
    """Add one piece: joined to the entry it continues, else as an entry of its own. ``piece`` is not changed."""
    field = _WORDS.get(str(piece.get("type")))
    entry = _continued(details, piece, field) if field is not None else None
    if entry is None or field is None:
        details.append(dict(piece))
        return
    for key, value in piece.items():
        if key == field:
            if value:
                entry[field] = (entry.get(field) or "") + value if isinstance(value, str) else value
            else:
                entry.setdefault(field, value)
        elif value or key not in entry:
            entry[key] = value


def _continued(details: list[dict[str, Any]], piece: dict[str, Any], field: str | None) -> dict[str, Any] | None:
    """The entry that a piece continues: the latest of its type, format, index and id; None where it begins one."""
    index = piece.get("index")
    for entry in reversed(details):
        if entry.get("type") == piece.get("type") and all(
            entry.get(key) == piece[key]
            for key in ("index", "id", "format")
            if piece.get(key) is not None and key in entry
        ):
            signed = entry.get("signature")
            return (
                None
                if signed and (piece.get(field or "") or piece.get("signature") not in (None, "", signed))
                else entry
            )
        if index is None:
            return None  # without an index only the last entry can be continued
    return None


def detail_text(detail: Any) -> str:
    """What one of ``reasoning_details`` says in words; "" where it is encrypted."""
    if not isinstance(detail, dict):
        return ""
    text = detail.get("text") or detail.get("summary")
    return text if isinstance(text, str) else ""
