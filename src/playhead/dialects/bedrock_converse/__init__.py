"""The Converse wire of Amazon Bedrock: one body for every model there, Nova, Llama, Mistral, Claude and the others.

This module is the dialect (see :class:`playhead.dialects.base.Dialect`): each name below is one of its functions.
Beside them stand the :class:`Profile`, how one speaker writes the wire and what a model takes of it, and what the
dialect gives beyond the protocol: ``decode_request(http, base)`` with the profile to start from,
``decode_response(body, endpoint, report=True)``, ``decoder(endpoint, report=True)`` and ``encoder().error(error)``.

| module | holds |
|---|---|
| profile | a speaker's hand, what a model takes, and how both are read out of a request |
| address | the URL, both ways |
| request, inbound | a request out, and in |
| thinking | how much a model may think, both ways |
| content, files, turns | blocks of content and files, both ways; messages as they leave |
| answer, report | the shape of an answer; what of it is not modelled |
| response, stream, blocks, encoder | a whole answer both ways; a streamed one in, its blocks as they grow, and out |
| errors | refusals, both ways |
| fields | the wire's field names |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from playhead.dialects.names import loading

if TYPE_CHECKING:
    from playhead.dialects.bedrock_converse.encoder import encoder
    from playhead.dialects.bedrock_converse.errors import decode_error, encode_error
    from playhead.dialects.bedrock_converse.inbound import decode_request
    from playhead.dialects.bedrock_converse.profile import Profile
    from playhead.dialects.bedrock_converse.request import encode_request
    from playhead.dialects.bedrock_converse.response import decode_response, encode_response
    from playhead.dialects.bedrock_converse.stream import decoder

NAME = "bedrock_converse"

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
