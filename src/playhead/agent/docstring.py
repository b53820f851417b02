"""What a docstring says: its summary for a tool's description, its argument texts for the schema.

Three styles are read: Google (``Args:``), NumPy (``Parameters`` underlined) and Sphinx (``:param name:``). What is
none of them is description::

    described_arguments("Get it.\\n\\nArgs:\\n    city: the city") -> {"city": "the city"}
"""

from __future__ import annotations

import re

_SECTION = re.compile(
    r"^(args|arguments|parameters|params|returns?|raises|yields?|examples?|notes?|attributes|see also|warnings?):?$",
    re.IGNORECASE,
)
_GOOGLE_ARGUMENT = re.compile(r"^(\*{0,2}\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")
_NUMPY_ARGUMENT = re.compile(r"^(\w+)\s*(?::.*)?$")
_SPHINX_ARGUMENT = re.compile(r"^:param\s+(?:[^:]*\s)?(\w+)\s*:\s*(.*)$")


def _lines(docstring: str) -> list[str]:
    lines = docstring.expandtabs().splitlines()
    margins = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    margin = min(margins, default=0)
    return [lines[0].strip(), *(line[margin:].rstrip() for line in lines[1:])] if lines else []


def summary(docstring: str | None) -> str:
    """The description: everything before the first section or field list, as it stands; "" for no docstring."""
    kept: list[str] = []
    for line in _lines(docstring or ""):
        bare = line.strip()
        if _SECTION.match(bare) and (bare.endswith(":") or line == bare) and kept and not kept[-1].strip():
            break
        if bare.startswith((":param", ":return", ":raise", ":type", ":rtype")):
            break
        kept.append(line)
    return "\n".join(kept).strip()


def described_arguments(docstring: str | None) -> dict[str, str]:
    """Argument texts by name; empty where the docstring has none."""
    texts: dict[str, list[str]] = {}
    section = ""
    current: str | None = None
    indent = -1
    for line in _lines(docstring or ""):
        bare = line.strip()
        depth = len(line) - len(line.lstrip())
        sphinx = _SPHINX_ARGUMENT.match(bare)
        if sphinx:
            section, current, indent = "sphinx", sphinx[1], depth
            texts[current] = [sphinx[2]]
            continue
        if depth == 0 and _SECTION.match(bare):
            section = bare.rstrip(":").lower()
            current, indent = None, -1
            continue
        if not bare or set(bare) <= {"-", "="}:
            continue
        if section in ("args", "arguments", "parameters", "params"):
            if indent < 0:
                indent = depth
            pattern = _NUMPY_ARGUMENT if indent == 0 else _GOOGLE_ARGUMENT
            argument = pattern.match(bare) if depth == indent else None
            if argument:
                current = argument[1].lstrip("*")
                texts[current] = [argument[2]] if pattern is _GOOGLE_ARGUMENT else []
                continue
        if current is not None and depth > indent:
            texts[current].append(bare)
        elif section == "sphinx":
            current = None
    return {name: " ".join(words).strip() for name, words in texts.items() if any(words)}
