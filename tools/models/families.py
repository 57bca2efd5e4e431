"""The architectures that prove.py tries, each as a random checkpoint of tens of thousands of parameters.

A Family names a configuration class of Transformers and what to give it. Sizes are small, but everything
that tells an architecture from its neighbours is on: grouped heads, scaled rotary positions, windows
shorter than the texts, soft caps, multipliers, biases.
"""

import dataclasses

HIDDEN, HEADS, LAYERS, INNER, POSITIONS = 32, 4, 2, 48, 320
WINDOW = 24  # of sliding-window attention: every text is longer


@dataclasses.dataclass(frozen=True)
class Family:
    name: str  # of the checkpoint: "llama-gqa"
    people: str  # what people call it: "Llama, grouped heads"
    config: str  # Transformers' configuration class
    values: dict
    vocabulary: str = "bytes"  # bytes: byte-level BPE; pieces: SentencePiece BPE; unigram: SentencePiece unigram
    kept: tuple = ()  # parameters (parts of names) that keep their initial values, plus noise


def decoder(name, people, config, *, vocabulary="bytes", kept=(), **values):
    """A family whose configuration has the usual names."""
    usual = {
        "hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "intermediate_size": INNER, "max_position_embeddings": POSITIONS,
    }
    return Family(name, people, config, {**usual, **values}, vocabulary, kept)


GROUPED = {"num_key_value_heads": 2}
SCALED = {"factor": 4.0, "original_max_position_embeddings": 64}
LLAMA3 = {"rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0, **SCALED}
LONGROPE = {"type": "longrope", "short_factor": [1.0, 1.25, 1.5, 2.0], "long_factor": [1.5, 2.0, 4.0, 6.0]}
EXPERTS = {"moe_intermediate_size": 32, "num_experts_per_tok": 2, "decoder_sparse_step": 1}
FULL_AND_SLIDING = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": WINDOW}
MAMBA2 = {"mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 16, "mamba_d_conv": 4, "mamba_expand": 2,
          "mamba_n_groups": 1, "mamba_chunk_size": 16}
STATE = ("A_log", "dt_proj", "dt_bias", ".D")

FAMILIES = [
    Family("gpt2", "GPT-2", "GPT2Config", {"n_embd": HIDDEN, "n_layer": LAYERS, "n_head": HEADS, "n_positions": POSITIONS}),
    decoder("gptneox", "GPT-NeoX (Pythia)", "GPTNeoXConfig", rotary_pct=0.25, use_parallel_residual=True, intermediate_size=128),
    decoder("gptneox-sequential", "GPT-NeoX, sequential residual", "GPTNeoXConfig", rotary_pct=0.5, use_parallel_residual=False),
    Family("gptj", "GPT-J", "GPTJConfig", {"n_embd": HIDDEN, "n_layer": LAYERS, "n_head": HEADS, "n_positions": POSITIONS, "rotary_dim": 4}),
    Family("codegen", "CodeGen", "CodeGenConfig", {"n_embd": HIDDEN, "n_layer": LAYERS, "n_head": HEADS, "n_positions": POSITIONS, "n_ctx": POSITIONS, "rotary_dim": 4}),
    Family("starcoder", "GPT-BigCode (StarCoder)", "GPTBigCodeConfig", {"n_embd": HIDDEN, "n_layer": LAYERS, "n_head": HEADS, "n_positions": POSITIONS, "multi_query": True}),
    decoder("starcoder2", "StarCoder2", "Starcoder2Config", **GROUPED, use_bias=True, sliding_window=None),
    decoder("llama", "Llama", "LlamaConfig", num_key_value_heads=HEADS, vocabulary="pieces"),
    decoder("llama-gqa", "Llama, grouped heads (Vicuna, Llama 2)", "LlamaConfig", **GROUPED, vocabulary="pieces"),
    decoder("llama-rope3", "Llama 3.1, scaled rope", "LlamaConfig", **GROUPED, rope_scaling=LLAMA3, rope_theta=500000.0),
    decoder("llama-linear", "Llama, linear rope scaling", "LlamaConfig", rope_scaling={"rope_type": "linear", "factor": 4.0}),
    decoder("llama-yarn", "Llama, YaRN", "LlamaConfig", rope_scaling={"rope_type": "yarn", **SCALED}),
    decoder("llama-bias", "Llama with attention and MLP biases", "LlamaConfig", attention_bias=True, mlp_bias=False),
    decoder("mistral", "Mistral, text longer than the window", "MistralConfig", **GROUPED, sliding_window=WINDOW, head_dim=8),
    decoder("mistral-whole", "Mistral", "MistralConfig", **GROUPED, sliding_window=None, head_dim=8),
    decoder("mixtral", "Mixtral", "MixtralConfig", **GROUPED, num_local_experts=4, num_experts_per_tok=2, sliding_window=None),
    decoder("qwen2", "Qwen2", "Qwen2Config", **GROUPED, tie_word_embeddings=True),
    decoder("qwen2moe", "Qwen2 MoE", "Qwen2MoeConfig", **GROUPED, **EXPERTS, num_experts=4, shared_expert_intermediate_size=32),
    decoder("qwen3", "Qwen3", "Qwen3Config", **GROUPED, head_dim=16),
    decoder("qwen3moe", "Qwen3 MoE", "Qwen3MoeConfig", **GROUPED, **EXPERTS, num_experts=4, head_dim=8, norm_topk_prob=True),
    decoder("gemma", "Gemma", "GemmaConfig", vocabulary="pieces", num_key_value_heads=1, head_dim=16, hidden_activation="gelu_pytorch_tanh"),
    decoder("gemma2", "Gemma 2, soft caps and windows", "Gemma2Config", vocabulary="pieces", **GROUPED, head_dim=8, query_pre_attn_scalar=8,
            attn_logit_softcapping=2.0, final_logit_softcapping=3.0, sliding_window=WINDOW),
    decoder("gemma3", "Gemma 3, windows", "Gemma3TextConfig", vocabulary="pieces", **GROUPED, head_dim=8, query_pre_attn_scalar=8,
            num_hidden_layers=6, intermediate_size=32, sliding_window=WINDOW, rope_local_base_freq=100.0),
    decoder("phi2", "Phi-2", "PhiConfig", partial_rotary_factor=0.5, intermediate_size=4 * HIDDEN),
    decoder("phi-3", "Phi-3", "Phi3Config", **GROUPED, sliding_window=None, original_max_position_embeddings=POSITIONS, pad_token_id=0),
    decoder("phi-longrope", "Phi-3, long rope: texts below and above the original length", "Phi3Config", **GROUPED, sliding_window=None,
            original_max_position_embeddings=256, max_position_embeddings=1024, rope_scaling=LONGROPE, pad_token_id=0),
    decoder("phimoe", "Phi-3.5 MoE", "PhimoeConfig", **GROUPED, num_local_experts=4, num_experts_per_tok=2, sliding_window=None, attention_bias=True,
            lm_head_bias=True, original_max_position_embeddings=POSITIONS),
    Family("falcon", "Falcon 40B style", "FalconConfig", {"hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_kv_heads": 2,
                                                       "new_decoder_architecture": True, "alibi": False, "bias": False, "max_position_embeddings": 2048}),
    Family("falcon-mqa", "Falcon 7B style", "FalconConfig", {"hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "multi_query": True,
                                                       "new_decoder_architecture": False, "parallel_attn": True, "alibi": False, "bias": False, "max_position_embeddings": 2048}),
    Family("mpt", "MPT (ALiBi)", "MptConfig", {"d_model": HIDDEN, "n_layers": LAYERS, "n_heads": HEADS, "max_seq_len": POSITIONS, "expansion_ratio": 4}),
    Family("bloom", "Bloom (ALiBi)", "BloomConfig", {"hidden_size": HIDDEN, "n_layer": LAYERS, "n_head": HEADS, "seq_length": POSITIONS}),
    decoder("stablelm", "StableLM", "StableLmConfig", num_key_value_heads=HEADS, partial_rotary_factor=0.25, use_qkv_bias=True, intermediate_size=64),
    decoder("stablelm-parallel", "StableLM, parallel residual", "StableLmConfig", **GROUPED, partial_rotary_factor=0.5, use_parallel_residual=True),
    decoder("olmo", "OLMo", "OlmoConfig", num_key_value_heads=HEADS, clip_qkv=2.0),
    decoder("olmo2", "OLMo 2", "Olmo2Config", **GROUPED),
    decoder("olmoe", "OLMoE", "OlmoeConfig", num_key_value_heads=HEADS, num_experts=4, num_experts_per_tok=2),
    decoder("glm", "GLM-4 (GlmForCausalLM)", "GlmConfig", **GROUPED, head_dim=8, partial_rotary_factor=0.5, attention_bias=True, pad_token_id=0),
    decoder("glm4", "GLM-4 0414", "Glm4Config", **GROUPED, head_dim=8, partial_rotary_factor=0.5, attention_bias=True, pad_token_id=0),
    decoder("granite", "Granite", "GraniteConfig", **GROUPED, embedding_multiplier=3.0, attention_multiplier=0.4, residual_multiplier=0.6, logits_scaling=1.7),
    decoder("granitemoe", "Granite MoE", "GraniteMoeConfig", **GROUPED, embedding_multiplier=3.0, attention_multiplier=0.4, residual_multiplier=0.6, logits_scaling=1.7,
            num_local_experts=4, num_experts_per_tok=2),
    decoder("deepseek2", "DeepSeek V2", "DeepseekV2Config", num_key_value_heads=HEADS, q_lora_rank=16, kv_lora_rank=16, qk_nope_head_dim=8, qk_rope_head_dim=4,
            v_head_dim=8, n_routed_experts=4, num_experts_per_tok=2, n_shared_experts=1, moe_intermediate_size=24, first_k_dense_replace=1,
            topk_method="greedy", n_group=1, topk_group=1, routed_scaling_factor=1.5, norm_topk_prob=False),
    decoder("deepseek3", "DeepSeek V3", "DeepseekV3Config", num_key_value_heads=HEADS, q_lora_rank=16, kv_lora_rank=16, qk_nope_head_dim=8, qk_rope_head_dim=4,
            v_head_dim=8, n_routed_experts=8, num_experts_per_tok=2, n_shared_experts=1, moe_intermediate_size=24, first_k_dense_replace=1,
            n_group=2, topk_group=1, routed_scaling_factor=1.5, norm_topk_prob=True),
    decoder("deepseek3-one-group", "DeepSeek V3, one group of experts", "DeepseekV3Config", num_key_value_heads=HEADS, q_lora_rank=16, kv_lora_rank=16,
            qk_nope_head_dim=8, qk_rope_head_dim=4, v_head_dim=8, n_routed_experts=8, num_experts_per_tok=2, n_shared_experts=1, moe_intermediate_size=24,
            first_k_dense_replace=1, n_group=1, topk_group=1, routed_scaling_factor=1.5, norm_topk_prob=True),
    decoder("cohere", "Command R", "CohereConfig", **GROUPED, logit_scale=0.3),
    decoder("cohere2", "Command R7B", "Cohere2Config", **GROUPED, logit_scale=0.3, sliding_window=WINDOW, num_hidden_layers=4),
    decoder("exaone4", "EXAONE 4", "Exaone4Config", **GROUPED, sliding_window=None, layer_types=["full_attention"] * LAYERS),
    decoder("ernie", "ERNIE 4.5", "Ernie4_5Config", vocabulary="pieces", **GROUPED, head_dim=8),
    decoder("smollm3", "SmolLM3", "SmolLM3Config", **GROUPED, num_hidden_layers=4, no_rope_layer_interval=4, pad_token_id=0),
    decoder("nemotron", "Nemotron", "NemotronConfig", vocabulary="pieces", **GROUPED, partial_rotary_factor=0.5),
    decoder("seedoss", "Seed-OSS", "SeedOssConfig", **GROUPED, head_dim=8),
    decoder("gptoss", "GPT-OSS", "GptOssConfig", **GROUPED, head_dim=8, num_local_experts=4, num_experts_per_tok=2, sliding_window=WINDOW,
            rope_scaling={"rope_type": "yarn", "factor": 4.0, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": True, "original_max_position_embeddings": 64}),
    Family("t5", "T5", "T5Config", {"d_model": HIDDEN, "d_kv": 8, "d_ff": INNER, "num_layers": LAYERS, "num_heads": HEADS, "feed_forward_proj": "relu",
                                   "n_positions": POSITIONS, "decoder_start_token_id": 0}, "unigram"),
    Family("flan-t5", "Flan-T5 (T5 1.1)", "T5Config", {"d_model": HIDDEN, "d_kv": 8, "d_ff": INNER, "num_layers": LAYERS, "num_heads": HEADS, "feed_forward_proj": "gated-gelu",
                                   "n_positions": POSITIONS, "tie_word_embeddings": False, "decoder_start_token_id": 0}, "unigram"),
    Family("mamba", "Mamba", "MambaConfig", {"hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "state_size": 16, "conv_kernel": 4, "expand": 2, "time_step_rank": 4}, kept=STATE),
    Family("mamba2", "Mamba 2", "Mamba2Config", {"hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "state_size": 16, "conv_kernel": 4, "expand": 2, "num_heads": 4,
                                               "head_dim": 16, "n_groups": 1, "chunk_size": 16}, kept=STATE),
    Family("falcon-mamba", "Falcon Mamba", "FalconMambaConfig", {"hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "state_size": 16, "conv_kernel": 4, "expand": 2, "time_step_rank": 4, "mixer_rms_eps": 1e-5}, kept=STATE),
    decoder("jamba", "Jamba (hybrid)", "JambaConfig", vocabulary="pieces", **GROUPED, attn_layer_period=2, attn_layer_offset=1, expert_layer_period=2, expert_layer_offset=1, num_experts=4,
            num_experts_per_tok=2, mamba_d_state=16, mamba_d_conv=4, mamba_expand=2, mamba_dt_rank=4, use_mamba_kernels=False, kept=STATE),
    decoder("bamba", "Bamba (hybrid)", "BambaConfig", **GROUPED, **MAMBA2, attn_layer_indices=[1], kept=STATE),
    decoder("granite-hybrid", "Granite 4 (hybrid)", "GraniteMoeHybridConfig", **GROUPED, **MAMBA2, layer_types=["mamba", "attention"], num_local_experts=4,
            num_experts_per_tok=2, shared_intermediate_size=48, embedding_multiplier=3.0, attention_multiplier=0.4, residual_multiplier=0.6, logits_scaling=1.7,
            position_embedding_type="nope", kept=STATE),
    decoder("granite-hybrid-rope", "Granite hybrid with rope", "GraniteMoeHybridConfig", **GROUPED, **MAMBA2, layer_types=["mamba", "attention"], num_local_experts=4,
            num_experts_per_tok=2, shared_intermediate_size=48, embedding_multiplier=3.0, attention_multiplier=0.4, residual_multiplier=0.6, logits_scaling=1.7,
            position_embedding_type="rope", kept=STATE),
    decoder("falcon-h1", "Falcon H1 (hybrid)", "FalconH1Config", **GROUPED, **MAMBA2, mamba_d_ssm=64, head_dim=8, kept=STATE),
    decoder("lfm2", "LFM2 (hybrid)", "Lfm2Config", **GROUPED, layer_types=["conv", "full_attention"], block_ff_dim=48, block_auto_adjust_ff_dim=False, kept=()),
    decoder("qwen3next", "Qwen3-Next (hybrid)", "Qwen3NextConfig", **GROUPED, **EXPERTS, num_experts=4, head_dim=16, shared_expert_intermediate_size=32,
            layer_types=["linear_attention", "full_attention"], linear_num_key_heads=2, linear_num_value_heads=4, linear_key_head_dim=16,
            linear_value_head_dim=16, kept=STATE),
    decoder("opt", "OPT", "OPTConfig", ffn_dim=128, word_embed_proj_dim=HIDDEN),
]
