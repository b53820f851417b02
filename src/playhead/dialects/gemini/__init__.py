"""Google's Gemini wire, ``generateContent`` and its stream, as AI Studio and Vertex AI speak it.

This module is the dialect (see :class:`playhead.dialects.base.Dialect`): each name below is one of its functions.
Beside them stand the :class:`Profile`, how one speaker writes the wire, and what the dialect gives beyond the protocol:
``decode_request(http, base)`` with the profile to start from, ``decoder(endpoint, report=True)``,
``encoder().error(error)``, and :func:`split_url`, because here the model and the streaming are said by the URL.

| module | holds |
|---|---|
| profile | a speaker's hand, and how it is read out of a request |
| fields, place | the wire's names, in both spellings; the URL |
| schema | JSON schema to Gemini's subset of OpenAPI's, and back |
| request, contents, settings | a request out: the body, its messages, its generationConfig |
| inbound, conversation | a request in; its messages |
| parts | one part of a content, both ways; ids of calls that have none |
| answer, timestamp, report | the shape of an answer; its time; what of it is not modelled |
| assemble, streamed_args | chunks to events: the one reducer, for whole answers and streams; arguments in pieces |
| grounding | search results and citations as sources, both ways |
| response, stream, encoder | a whole answer both ways; a streamed one in, and out |
| errors | refusals, both ways |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from playhead.dialects.names import loading

if TYPE_CHECKING:
    from playhead.dialects.gemini.encoder import encoder
    from playhead.dialects.gemini.errors import decode_error, encode_error
    from playhead.dialects.gemini.inbound import decode_request
    from playhead.dialects.gemini.place import split_url
    from playhead.dialects.gemini.profile import Profile
    from playhead.dialects.gemini.request import encode_request
    from playhead.dialects.gemini.response import decode_response, encode_response
    from playhead.dialects.gemini.stream import decoder

NAME = "gemini"

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
    "split_url",
]

__getattr__ = loading(__name__, split_url="place")
