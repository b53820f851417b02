"""The top-level fields of a Converse request, by name: those the vocabulary models, and those that ride as options.

A field that the vocabulary does not model goes to ``Request.options`` under its own name. A field nobody knows is
reported, never carried: what is carried unseen cannot be answered for. Source: the API reference of Bedrock Runtime
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, ``…ConverseStream.html``) and its
service model, 2023-09-30 as of 2026.
"""

from __future__ import annotations

# ruff: noqa: SIM905 - the lists read better as words than as literals

#: Fields that are carried in ``Request.options`` as they are.
CARRIED = frozenset(
    """additionalModelResponseFieldPaths guardrailConfig performanceConfig promptVariables requestMetadata
    serviceTier""".split()
)

#: Fields that the vocabulary models in part. An option of such a name is an object that goes over what the vocabulary
#: says in it; the tools of ``toolConfig`` stand after the functions.
WORKED_IN = frozenset("additionalModelRequestFields inferenceConfig outputConfig toolConfig".split())
