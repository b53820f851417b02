"""The chat completions wire of OpenAI, spoken by OpenRouter, vLLM, llama.cpp, Ollama, Groq, xAI and many more.

This module is the dialect (see :class:`playhead.dialects.base.Dialect`): each name below is one of its functions.
Beside them stand the :class:`Profile`, how one speaker writes the wire, and what the dialect gives beyond the protocol:
``decode_request(http, base)`` with the profile to start from, ``decoder(endpoint, report=True)``, and
``encoder().error(error)``.

| module | holds |
|---|---|
| profile | a speaker's hand, and how it is read out of a request |
| request, inbound | a request out, and in |
| content, reasoning | parts of messages; details of reasoning |
| answer, report | the shape of an answer; what of it is not modelled |
| response, stream, encoder | a whole answer both ways; a streamed one in, and out |
| errors | refusals, both ways |
| fields | the wire's field names |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from playhead.dialects.names import loading

if TYPE_CHECKING:
    from playhead.dialects.openai_chat.encoder import encoder
    from playhead.dialects.openai_chat.errors import decode_error, encode_error
    from playhead.dialects.openai_chat.inbound import decode_request
    from playhead.dialects.openai_chat.profile import Profile
    from playhead.dialects.openai_chat.request import encode_request
    from playhead.dialects.openai_chat.response import decode_response, encode_response
    from playhead.dialects.openai_chat.stream import decoder

NAME = "openai_chat"

__all__ = [
    "NAME",
    "Profile",
    "decode_error",
    "decode_request",
    "decode_response",
    "decoder",
    "encode_error",
    "encode_request",
    "encode_response",
    "encoder",
]

__getattr__ = loading(__name__)
