"""The responses wire of OpenAI, ``POST /responses``: spoken by OpenAI and Azure, and by OpenRouter, vLLM and others.

This module is the dialect (see :class:`playhead.dialects.base.Dialect`): each name below is one of its functions.
Beside them stand the :class:`Profile`, how one speaker writes the wire, and what the dialect gives beyond the protocol:
``decode_request(http, base)`` with the profile to start from, ``decode_response(body, endpoint, report=True)``,
``decoder(endpoint, report=True)``, and ``encoder().error(error)``.

What is said here is a flat list of items: messages, calls, their outputs, reasoning, and what the provider's own tools
did. The vocabulary's messages are groups of them, and the order of the items is the order of the parts.

| module | holds |
|---|---|
| profile | a speaker's hand, and how it is read out of a request |
| request, message, inbound | a request out, its messages, and a request in |
| content | text and files in messages |
| items | an answer's items and the parts that they are |
| answer, report | the shape of an answer; what of it is not modelled |
| response, stream, encoder | a whole answer both ways; a streamed one in, and out |
| growth | the items of a streamed answer while they arrive |
| errors | refusals, both ways |
| fields | the wire's field names |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from playhead.dialects.names import loading

if TYPE_CHECKING:
    from playhead.dialects.openai_responses.encoder import encoder
    from playhead.dialects.openai_responses.errors import decode_error, encode_error
    from playhead.dialects.openai_responses.inbound import decode_request
    from playhead.dialects.openai_responses.profile import Profile
    from playhead.dialects.openai_responses.request import encode_request
    from playhead.dialects.openai_responses.response import decode_response, encode_response
    from playhead.dialects.openai_responses.stream import decoder

NAME = "openai_responses"

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
