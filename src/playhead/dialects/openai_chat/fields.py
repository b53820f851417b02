"""The top-level fields of a chat request, by name: those the vocabulary models, and those that ride as options.

A field that the vocabulary does not model and that some server of this wire documents goes to ``Request.options``
under its own name. A field nobody knows is reported, and carried in the open, under ``options["extra"]``: a caller may
put fields there for a server of their own, and they are written as they are.
Sources: the OpenAI API reference (chat/completions), OpenRouter's (parameters, provider routing), and the server
references of vLLM, llama.cpp, Ollama, xAI, Groq, DeepSeek and Z.AI, as of 2026.
"""

from __future__ import annotations

# ruff: noqa: SIM905 - the lists read better as words than as literals

#: Fields with a place of their own in the vocabulary or the profile.
MODELLED = frozenset(
    """messages model tools tool_choice response_format max_tokens max_completion_tokens temperature top_p stop seed
    parallel_tool_calls random_seed reasoning reasoning_effort stream stream_options usage""".split()
)

OPENAI = frozenset(
    """audio frequency_penalty function_call functions logit_bias logprobs metadata modalities moderation n prediction
    presence_penalty prompt_cache_key prompt_cache_retention safety_identifier service_tier store top_logprobs user
    verbosity web_search_options""".split()
)

OPENROUTER = frozenset(
    """cache_control debug image_config include_reasoning min_p models plugins preset provider repetition_penalty route
    session_id structured_outputs top_a top_k trace transforms""".split()
)

#: Servers of open models: vLLM, llama.cpp, Ollama, SGLang.
SERVERS = frozenset(
    """add_generation_prompt add_special_tokens allowed_token_ids bad_words best_of cache_prompt chat_template
    chat_template_kwargs continue_final_message documents dry_allowed_length dry_base dry_multiplier
    dry_penalty_last_n dry_sequence_breakers dynatemp_exponent dynatemp_range early_stopping echo format grammar
    grammar_lazy grammar_triggers guided_choice guided_decoding_backend guided_grammar guided_json guided_regex id_slot
    ignore_eos include_stop_str_in_output json_schema keep_alive length_penalty lora min_keep min_tokens mirostat
    mirostat_eta mirostat_tau mm_processor_kwargs n_cache_reuse n_discard n_indent n_keep n_predict n_probs num_ctx
    num_predict options parse_tool_calls post_sampling_probs preserved_tokens priority prompt_logprobs
    reasoning_format reasoning_in_content repeat_last_n repeat_penalty return_progress return_tokens
    return_tokens_as_token_ids samplers skip_special_tokens spaces_between_special_tokens stop_token_ids
    t_max_predict_ms thinking_forced_open timings_per_token tfs_z truncate_prompt_tokens typical_p use_beam_search
    vllm_xargs xtc_probability xtc_threshold""".split()
)

#: Hosted services of this wire: xAI, Groq, DeepSeek, Z.AI, Mistral, Google, Vercel, Moonshot, Together, Cerebras,
#: Fireworks.
SERVICES = frozenset(
    """caching citation_options clear_thinking compliance compound_custom context_length_exceeded_behavior deferred
    disable_reasoning disable_search disable_tool_validation do_sample enable_thinking exclude_domains extra_body google
    guardrails include_domains min_completion_tokens partial perf_metrics_in_response prompt_cache_isolation_key
    prompt_cache_max_len prompt_mode prompt_truncate_len providerOptions provider_options raw_output
    reasoning_format reasoning_history request_id return_citations return_images safe_prompt safety_model
    safety_settings search_domain_filter search_parameters search_recency_filter search_settings speculation thinking
    thinking_budget tool_stream top_prompt_logprobs user_id web_search""".split()
)

#: Every field that is carried in ``Request.options``.
CARRIED = OPENAI | OPENROUTER | SERVERS | SERVICES

#: Where fields that nobody knows are carried.
EXTRA = "extra"
