"""The top-level fields of a Messages request, by name: those the vocabulary models, and those that ride as options.

A field that the vocabulary does not model and that Anthropic documents goes to ``Request.options`` under its own name.
A field nobody knows is reported, never carried: what is carried unseen cannot be answered for. Source: Anthropic's API
reference (Messages, and its beta), as of 2026.
"""

from __future__ import annotations

# ruff: noqa: SIM905 - the lists read better as words than as literals

#: Fields with a place of their own in the vocabulary or the profile.
MODELLED = frozenset(
    """anthropic_version max_tokens messages model output_config output_format stop_sequences stream system
    temperature thinking tool_choice tools top_p""".split()
)

#: Fields that are carried in ``Request.options`` as they are.
CARRIED = frozenset(
    """billing_policy cache_control compaction container context_management diagnostics fallback_credit_token fallbacks
    inference_geo mcp_servers metadata safety_identifier service_tier speed thread top_k user_profile_id
    workspace_id""".split()
)

#: Options that are worked into the request: the tools that the provider runs or defines stand beside the functions,
#: betas go into a header or field, and ``output_config`` goes over what the vocabulary says in it. Every other option
#: is a field of its own, over what the vocabulary says.
WORKED_IN = frozenset("anthropic_beta output_config tools".split())
