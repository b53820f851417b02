"""The top-level fields of a responses request, by name: those the vocabulary models, and those that ride as options.

A field that the vocabulary does not model and that some server of this wire documents goes to ``Request.options``
under its own name. A field nobody knows is reported, never carried: what is carried unseen cannot be answered for.
Five options meet a field of the vocabulary and are joined with it: ``tools`` (the provider's own tools, beside the
functions), ``tool_choice``, ``reasoning`` (``summary`` beside the effort), ``text`` (``verbosity`` beside the format)
and ``include``.

Sources: the OpenAI API reference (responses/create), OpenRouter's, and the server references of vLLM and xAI, as of
2026.
"""

from __future__ import annotations

# ruff: noqa: SIM905 - the lists read better as words than as literals

OPENAI = frozenset(
    """background context_management conversation include max_tool_calls metadata moderation previous_response_id
    prompt prompt_cache_key prompt_cache_options prompt_cache_retention safety_identifier service_tier store
    stream_options top_logprobs truncation user""".split()
)

OPENROUTER = frozenset(
    """frequency_penalty image_config min_p modalities models plugins presence_penalty preset provider
    repetition_penalty route session_id top_a top_k trace""".split()
)

#: vLLM, llama.cpp, xAI.
SERVERS = frozenset(
    """bad_words cache_salt chat_template_kwargs enable_response_messages ignore_eos include_stop_str_in_output
    kv_transfer_params logit_bias mm_processor_kwargs priority request_id search_parameters seed skip_special_tokens
    stop stop_token_ids structured_outputs vllm_xargs""".split()
)

#: Every field that is carried in ``Request.options``.
CARRIED = OPENAI | OPENROUTER | SERVERS

#: What ``include`` says for reasoning that can go back to a server that stores nothing.
ENCRYPTED = "reasoning.encrypted_content"
