"""What every dialect's profile says of the model behind it, whatever the wire: how it is best asked for what it may not
know natively.

Who reads these fields is above the wires: :mod:`playhead.dialects.structured` for answers of a type,
:mod:`playhead.dialects.constrained_tools` for tools. The defaults are those of a model that can all of it; a dialect
says others where most who speak it differ, and a provider's row or a quirk where one does.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class ModelProfile(msgspec.Struct, frozen=True):
    """The fields that all profiles share; a dialect's own stand in its ``Profile``.

    Attributes:
        tools: "constrained" where the server holds a JSON schema but knows no tool calls.
        output_mode: how the model is best asked for an answer that holds a schema: "native", "tool" or "text".
        output_beside_tools: the same where the request has tools too; None where that makes no difference.
        output_schemas: whose schemas are taken, a row of :data:`playhead.dialects.structured.schemas.RULES`.
        forced_choice: whether a call may be forced: "always", "unless_thinking", "never".
    """

    tools: Literal["native", "constrained"] = "native"
    output_mode: Literal["native", "tool", "text"] = "native"
    output_beside_tools: Literal["native", "tool", "text"] | None = None
    output_schemas: str = "any"
    forced_choice: Literal["always", "unless_thinking", "never"] = "always"
