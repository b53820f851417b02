"""The Messages wire of Anthropic, spoken by its own API, by Vertex AI and by Bedrock's InvokeModel.

This module is the dialect (see :class:`playhead.dialects.base.Dialect`): each name below is one of its functions.
Beside them stand the :class:`Profile`, how one speaker writes the wire, and what the dialect gives beyond the protocol:
``decode_request(http, base)`` with the profile to start from, ``decoder(endpoint, report=True)``,
``encoder(framing="aws")`` and ``encoder().error(error)``.

| module | holds |
|---|---|
| profile | a speaker's hand, and how it is read out of a request |
| address | the URL of each service, both ways |
| request, inbound | a request out, and in |
| thinking | how much a model may think, both ways |
| content, turns | blocks of content, both ways; messages as they leave |
| answer, report | the shape of an answer; what of it is not modelled |
| response, stream, encoder | a whole answer both ways; a streamed one in, and out |
| errors | refusals, both ways |
| fields | the wire's field names |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from playhead.dialects.names import loading

if TYPE_CHECKING:
    from playhead.dialects.anthropic_messages.encoder import encoder
    from playhead.dialects.anthropic_messages.errors import decode_error, encode_error
    from playhead.dialects.anthropic_messages.inbound import decode_request
    from playhead.dialects.anthropic_messages.profile import Profile
    from playhead.dialects.anthropic_messages.request import encode_request
    from playhead.dialects.anthropic_messages.response import decode_response, encode_response
    from playhead.dialects.anthropic_messages.stream import decoder

NAME = "anthropic_messages"

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
