#include "model/checkpoint/families.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "core/json_whole.h"
#include "model/checkpoint/unknown.h"

namespace hre {

using Json = nlohmann::json;

namespace {

using Names = std::map<std::string, std::string>;

const Names kUsualLayer = {
    {"input_layernorm", "attn_norm"}, {"self_attn.q_proj", "attn_q"},      {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},   {"self_attn.o_proj", "attn_output"}, {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},    {"mlp.up_proj", "ffn_up"},           {"mlp.down_proj", "ffn_down"},
};

Names with(Names names, const Names& others) {
  for (const auto& [from, to] : others) names[from] = to;
  return names;
}

Names without(Names names, const std::vector<std::string>& others) {
  for (const std::string& name : others) names.erase(name);
  return names;
}

const Names kHeadNorms = {{"self_attn.q_norm", "attn_q_norm"}, {"self_attn.k_norm", "attn_k_norm"}};
const Names kGemmaNorms = {{"post_attention_layernorm", "post_attention_norm"},
                           {"pre_feedforward_layernorm", "ffn_norm"},
                           {"post_feedforward_layernorm", "post_ffw_norm"}};

const Names kUsualModel = {{"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}};

/// Keys that no conversion reads, whatever their value: they are about training, generation or other programs.
const std::set<std::string> kHarmless = {
    "_name_or_path",        "architectures",       "model_type",           "attention_dropout",
    "initializer_range",    "use_cache",           "torch_dtype",          "dtype",
    "transformers_version", "tie_word_embeddings", "bos_token_id",         "eos_token_id",
    "pad_token_id",         "pretraining_tp",      "cache_implementation", "hidden_dropout",
    "classifier_dropout",   "resid_pdrop",         "embd_pdrop",           "unsloth_version",
    "unsloth_fixed",        "use_bfloat16",        "output_attentions",    "output_hidden_states",
    "return_dict",          "_attn_implementation"};

}  // namespace

/// What tells a family from the others. Names are of tensors without ".weight" or ".bias".
struct Family {
  std::string architecture, model_type;  ///< of config.json
  std::string gguf;                      ///< general.architecture
  std::string layer_start = "model.layers.";
  Names model = kUsualModel;
  Names layer = kUsualLayer;
  VocabularyRule vocabulary = VocabularyRule::kLlama;
  std::set<std::string> keys;        ///< of config.json that its conversion reads
  std::map<std::string, Json> only;  ///< keys that must have this value, where they are there and not null
  Json theta = 10000.0;              ///< the default of rope_theta
  bool is_llama = false;             ///< queries and keys are reordered; llama's additional metadata
  bool defaults_kv_heads = false;    ///< num_key_value_heads may be left out
  bool is_gemma = false;             ///< norms are stored less 1
};

namespace {

std::set<std::string> usual_keys(std::initializer_list<std::string> others) {
  std::set<std::string> keys = {"vocab_size",
                                "hidden_size",
                                "intermediate_size",
                                "num_hidden_layers",
                                "num_attention_heads",
                                "num_key_value_heads",
                                "max_position_embeddings",
                                "rope_theta",
                                "rope_scaling",
                                "rope_parameters",
                                "rms_norm_eps",
                                "hidden_act",
                                "head_dim"};
  keys.insert(others);
  return keys;
}

/// Built once. An architecture stands here if its random checkpoints convert to equal bytes by both roads.
const std::vector<Family>& families() {  // NOLINT(readability-function-size): a table
  static const std::vector<Family> kFamilies = [] {
    std::vector<Family> all;
    const auto add = [&](const char* architecture, const char* type, const char* gguf) -> Family& {
      Family& family = all.emplace_back();
      family.architecture = architecture;
      family.model_type = type;
      family.gguf = gguf;
      return family;
    };
    {
      Family& llama = add("LlamaForCausalLM", "llama", "llama");
      llama.keys = usual_keys({"attention_bias", "mlp_bias"});
      llama.is_llama = llama.defaults_kv_heads = true;
    }
    {
      Family& mistral = add("MistralForCausalLM", "mistral", "llama");
      mistral.keys = usual_keys({"sliding_window"});
      mistral.is_llama = true;
    }
    {
      Family& smollm3 = add("SmolLM3ForCausalLM", "smollm3", "smollm3");
      smollm3.keys = usual_keys({"attention_bias", "mlp_bias", "sliding_window", "no_rope_layers",
                                 "no_rope_layer_interval", "layer_types", "max_window_layers"});
      smollm3.only = {{"use_sliding_window", false}};
      smollm3.is_llama = true;
      smollm3.theta = 2000000.0;
    }
    {
      Family& qwen2 = add("Qwen2ForCausalLM", "qwen2", "qwen2");
      qwen2.keys = usual_keys({"sliding_window", "max_window_layers", "layer_types"});
      qwen2.only = {{"use_sliding_window", false}, {"use_mrope", false}};
      qwen2.vocabulary = VocabularyRule::kPiecesOrBytes;
      Family qwen3 = qwen2;
      qwen3.architecture = "Qwen3ForCausalLM";
      qwen3.model_type = qwen3.gguf = "qwen3";
      qwen3.keys.insert("attention_bias");
      qwen3.layer = with(kUsualLayer, kHeadNorms);
      all.push_back(qwen3);
    }
    {
      Family& gemma2 = add("Gemma2ForCausalLM", "gemma2", "gemma2");
      gemma2.keys = usual_keys({"hidden_activation", "attention_bias", "query_pre_attn_scalar", "sliding_window",
                                "layer_types", "final_logit_softcapping", "attn_logit_softcapping"});
      gemma2.layer = with(kUsualLayer, kGemmaNorms);
      gemma2.vocabulary = VocabularyRule::kGemma;
      gemma2.is_gemma = true;
      Family gemma3 = gemma2;
      gemma3.architecture = "Gemma3ForCausalLM";
      gemma3.model_type = "gemma3_text";
      gemma3.gguf = "gemma3";
      gemma3.keys.insert({"rope_local_base_freq", "_sliding_window_pattern", "sliding_window_pattern"});
      gemma3.only = {{"use_bidirectional_attention", false}};
      gemma3.layer = with(gemma3.layer, kHeadNorms);
      gemma3.theta = 1000000.0;
      all.push_back(gemma3);
    }
    {
      Family& neox = add("GPTNeoXForCausalLM", "gpt_neox", "gptneox");
      neox.keys = {"vocab_size",
                   "hidden_size",
                   "intermediate_size",
                   "num_hidden_layers",
                   "num_attention_heads",
                   "max_position_embeddings",
                   "rotary_pct",
                   "rotary_emb_base",
                   "layer_norm_eps",
                   "hidden_act",
                   "use_parallel_residual",
                   "rope_theta",
                   "partial_rotary_factor",
                   "attention_bias"};
      neox.layer_start = "gpt_neox.layers.";
      neox.model = {
          {"gpt_neox.embed_in", "token_embd"}, {"gpt_neox.final_layer_norm", "output_norm"}, {"embed_out", "output"}};
      neox.layer = {{"input_layernorm", "attn_norm"},          {"post_attention_layernorm", "ffn_norm"},
                    {"attention.query_key_value", "attn_qkv"}, {"attention.dense", "attn_output"},
                    {"mlp.dense_h_to_4h", "ffn_up"},           {"mlp.dense_4h_to_h", "ffn_down"}};
      neox.vocabulary = VocabularyRule::kBytes;
    }
    {
      Family& phi3 = add("Phi3ForCausalLM", "phi3", "phi3");
      phi3.keys = usual_keys({"original_max_position_embeddings", "partial_rotary_factor", "sliding_window"});
      phi3.layer = with(without(kUsualLayer, {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                              "mlp.gate_proj", "mlp.up_proj"}),
                        {{"self_attn.qkv_proj", "attn_qkv"}, {"mlp.gate_up_proj", "ffn_up"}});
      phi3.vocabulary = VocabularyRule::kPhi3;
      phi3.defaults_kv_heads = true;
    }
    {
      Family& olmo2 = add("Olmo2ForCausalLM", "olmo2", "olmo2");
      olmo2.keys = usual_keys({"attention_bias"});
      olmo2.layer =
          with(with(without(kUsualLayer, {"input_layernorm"}), kHeadNorms),
               {{"post_attention_layernorm", "post_attention_norm"}, {"post_feedforward_layernorm", "post_ffw_norm"}});
      olmo2.vocabulary = VocabularyRule::kBytes;
      olmo2.defaults_kv_heads = true;
    }
    return all;
  }();
  return kFamilies;
}

/// A whole number of config.json that must be there.
uint32_t whole(const Json& config, const std::string& key) {
  if (!has(config, key)) throw Unknown{"config.json has no " + key};
  return whole_number<uint32_t>(config[key]);
}

double number(const Json& config, const std::string& key) {
  if (!has(config, key)) throw Unknown{"config.json has no " + key};
  if (!config[key].is_number()) throw Unknown{"config.json has a " + key + " that is no number"};
  return config[key].get<double>();
}

uint32_t kv_heads(const Family& family, const Json& config) {
  if (has(config, "num_key_value_heads")) return whole(config, "num_key_value_heads");
  // Transformers' classes take null for the number of heads, and have other defaults where the key is missing.
  if (!family.defaults_kv_heads && (family.is_gemma || !config.contains("num_key_value_heads")))
    throw Unknown{"config.json has no num_key_value_heads"};
  return whole(config, "num_attention_heads");
}

/// The size of a head that the converter finds: nothing where Transformers' class has no such value.
std::optional<uint32_t> head_dim(const Family& family, const Json& config) {
  if (has(config, "head_dim")) return whole(config, "head_dim");
  if (family.model_type == "qwen3" || family.is_gemma) throw Unknown{"config.json has no head_dim"};
  if (family.model_type != "llama") return {};
  return whole(config, "hidden_size") / whole(config, "num_attention_heads");
}

/// The converter's rope_parameters: rope_parameters or rope_scaling, with what stands beside them.
Json rope_of(const Family& family, const Json& config) {
  Json rope = Json::object();
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    if (config.contains(key)) rope = has(config, key) ? config[key] : Json::object();
  }
  if (!rope.is_object()) throw Unknown{"config.json has rope parameters of an unusual kind"};
  static const std::set<std::string> kKnown = {"rope_theta",
                                               "rope_type",
                                               "type",
                                               "factor",
                                               "original_max_position_embeddings",
                                               "low_freq_factor",
                                               "high_freq_factor",
                                               "attention_factor",
                                               "beta_fast",
                                               "beta_slow",
                                               "partial_rotary_factor",
                                               "short_factor",
                                               "long_factor"};
  for (const auto& [key, value] : rope.items()) {
    if (!kKnown.contains(key) || value.is_null()) throw Unknown{"config.json has the rope parameter " + key};
  }
  if (rope.contains("type") && rope.contains("rope_type") && rope["type"] != rope["rope_type"])
    throw Unknown{"config.json has two types of rope scaling"};
  if (!rope.contains("rope_theta"))
    rope["rope_theta"] = has(config, "rope_theta") ? config["rope_theta"] : family.theta;
  if (rope.contains("type")) rope["rope_type"] = rope["type"];
  for (const char* key : {"partial_rotary_factor", "original_max_position_embeddings"}) {
    if (!rope.contains(key) && has(config, key)) rope[key] = config[key];
  }
  return rope;
}

/// What the converter's TextModel.set_gguf_parameters writes.
void add_usual_parameters(const Family& family, const Json& config, uint32_t file_type, GgufMetadata& metadata) {
  const std::string& arch = family.gguf;
  metadata.add_u32(arch + ".block_count", whole(config, "num_hidden_layers"));
  metadata.add_u32(arch + ".context_length", whole(config, "max_position_embeddings"));
  metadata.add_u32(arch + ".embedding_length", whole(config, "hidden_size"));
  metadata.add_u32(arch + ".feed_forward_length", whole(config, "intermediate_size"));
  metadata.add_u32(arch + ".attention.head_count", whole(config, "num_attention_heads"));
  metadata.add_u32(arch + ".attention.head_count_kv", kv_heads(family, config));
  const Json rope = rope_of(family, config);
  const std::string type = rope.contains("rope_type") ? rope["rope_type"].get<std::string>() : "default";
  if (type == "linear" || type == "yarn") {
    metadata.add_text(arch + ".rope.scaling.type", type);
    metadata.add_f32(arch + ".rope.scaling.factor", number(rope, "factor"));
    if (type == "yarn") {
      metadata.add_u32(arch + ".rope.scaling.original_context_length", whole(rope, "original_max_position_embeddings"));
      if (rope.contains("attention_factor"))
        metadata.add_f32(arch + ".rope.scaling.yarn_attn_factor", number(rope, "attention_factor"));
      for (const std::string key : {"beta_fast", "beta_slow"})
        if (rope.contains(key)) metadata.add_f32(fmt::format("{}.rope.scaling.yarn_{}", arch, key), number(rope, key));
    }
  } else if (type != "default" && !(type == "llama3" && family.is_llama)) {
    throw Unknown{"config.json has the rope scaling " + type};
  }
  metadata.add_f32(arch + ".rope.freq_base", number(rope, "rope_theta"));
  if (has(config, "rope_local_base_freq"))
    metadata.add_f32(arch + ".rope.freq_base_swa", number(config, "rope_local_base_freq"));
  metadata.add_f32(arch + ".attention.layer_norm_rms_epsilon", number(config, "rms_norm_eps"));
  if (const auto size = head_dim(family, config)) {
    metadata.add_u32(arch + ".attention.key_length", *size);
    metadata.add_u32(arch + ".attention.value_length", *size);
  }
  metadata.add_u32("general.file_type", file_type);
}

void add_gemma2(const Json& config, uint32_t file_type, GgufMetadata& metadata) {
  metadata.add_u32("gemma2.context_length", whole(config, "max_position_embeddings"));
  metadata.add_u32("gemma2.embedding_length", whole(config, "hidden_size"));
  metadata.add_u32("gemma2.block_count", whole(config, "num_hidden_layers"));
  metadata.add_u32("gemma2.feed_forward_length", whole(config, "intermediate_size"));
  metadata.add_u32("gemma2.attention.head_count", whole(config, "num_attention_heads"));
  metadata.add_u32("gemma2.attention.head_count_kv", whole(config, "num_key_value_heads"));
  metadata.add_f32("gemma2.attention.layer_norm_rms_epsilon", number(config, "rms_norm_eps"));
  metadata.add_u32("gemma2.attention.key_length", whole(config, "head_dim"));
  metadata.add_u32("gemma2.attention.value_length", whole(config, "head_dim"));
  metadata.add_u32("general.file_type", file_type);
  metadata.add_f32("gemma2.attn_logit_softcapping", number(config, "attn_logit_softcapping"));
  metadata.add_f32("gemma2.final_logit_softcapping", number(config, "final_logit_softcapping"));
  metadata.add_u32("gemma2.attention.sliding_window", whole(config, "sliding_window"));
}

void add_gemma3(const Json& config, GgufMetadata& metadata) {
  if (has(config, "attn_logit_softcapping")) throw Unknown{"config.json has attn_logit_softcapping"};
  if (has(config, "final_logit_softcapping") && number(config, "final_logit_softcapping") != 0)
    metadata.add_f32("gemma3.final_logit_softcapping", number(config, "final_logit_softcapping"));
  for (const char* key : {"sliding_window_pattern", "_sliding_window_pattern"})
    if (has(config, key) && whole(config, key) < 2) throw Unknown{"config.json has no windows"};
  metadata.add_u32("gemma3.attention.sliding_window", whole(config, "sliding_window"));
}

void add_neox(const Json& config, GgufMetadata& metadata) {
  const uint32_t hidden = whole(config, "hidden_size"), heads = whole(config, "num_attention_heads");
  if (heads == 0 || hidden % heads != 0) throw Unknown{"config.json has heads that don't divide hidden_size"};
  metadata.add_u32("gptneox.context_length", whole(config, "max_position_embeddings"));
  metadata.add_u32("gptneox.embedding_length", hidden);
  metadata.add_u32("gptneox.block_count", whole(config, "num_hidden_layers"));
  metadata.add_u32("gptneox.feed_forward_length", whole(config, "intermediate_size"));
  const uint32_t head = hidden / heads;
  const double rotary = number(config, "rotary_pct") * head;
  if (rotary < 0 || rotary > hidden) throw Unknown{"config.json has an impossible rotary_pct"};
  metadata.add_u32("gptneox.rope.dimension_count", static_cast<uint32_t>(rotary));
  metadata.add_u32("gptneox.attention.head_count", heads);
  metadata.add_bool("gptneox.use_parallel_residual",
                    !has(config, "use_parallel_residual") || config["use_parallel_residual"].get<bool>());
  metadata.add_f32("gptneox.attention.layer_norm_epsilon", number(config, "layer_norm_eps"));
}

/// Phi-3's dimensions that turn.
uint32_t phi3_rotary(const Json& config, const Json& rope) {
  const double share = rope.contains("partial_rotary_factor") ? number(rope, "partial_rotary_factor") : 1.0;
  const double all = share * whole(config, "hidden_size");
  if (share <= 0 || share > 1 || whole(config, "num_attention_heads") == 0)
    throw Unknown{"config.json has an impossible rope"};
  return static_cast<uint32_t>(all) / whole(config, "num_attention_heads");
}

void add_phi3(const Family& family, const Json& config, uint32_t file_type, GgufMetadata& metadata) {
  const Json rope = rope_of(family, config);
  metadata.add_u32("phi3.context_length", whole(config, "max_position_embeddings"));
  metadata.add_u32("phi3.rope.scaling.original_context_length", whole(rope, "original_max_position_embeddings"));
  metadata.add_u32("phi3.embedding_length", whole(config, "hidden_size"));
  metadata.add_u32("phi3.feed_forward_length", whole(config, "intermediate_size"));
  metadata.add_u32("phi3.block_count", whole(config, "num_hidden_layers"));
  metadata.add_u32("phi3.attention.head_count", whole(config, "num_attention_heads"));
  metadata.add_u32("phi3.attention.head_count_kv", kv_heads(family, config));
  metadata.add_f32("phi3.attention.layer_norm_rms_epsilon", number(config, "rms_norm_eps"));
  metadata.add_u32("phi3.rope.dimension_count", phi3_rotary(config, rope));
  metadata.add_f32("phi3.rope.freq_base", number(rope, "rope_theta"));
  metadata.add_u32("general.file_type", file_type);
  metadata.add_u32("phi3.attention.sliding_window",
                   has(config, "sliding_window") ? whole(config, "sliding_window") : 0);
}

TensorSource vector_of(const std::string& name, std::vector<float> values) {
  TensorSource tensor;
  tensor.name = name;
  tensor.shape = {static_cast<int64_t>(values.size())};
  tensor.values = std::move(values);
  return tensor;
}

/// Llama 3's factors of frequencies, in float32 as PyTorch computes them.
void add_llama3_factors(const Family& family, const Json& config, FamilyContent& content) {
  const Json rope = rope_of(family, config);
  if (!rope.contains("rope_type") || rope["rope_type"] != "llama3") return;
  const double base = number(rope, "rope_theta");
  const uint32_t size =
      head_dim(family, config).value_or(whole(config, "hidden_size") / whole(config, "num_attention_heads"));
  // PyTorch's powers may differ from the nearest float by the last bit. These are known to be the nearest.
  static const std::set<uint32_t> kKnown = {4, 8, 16, 32, 64, 80, 128};
  if (base != 500000.0 || !kKnown.contains(size))
    throw Unknown{"config.json has Llama 3's rope scaling with an unusual base or size of heads"};
  const double factor = number(rope, "factor"), low = number(rope, "low_freq_factor"),
               high = number(rope, "high_freq_factor");
  const double context = whole(rope, "original_max_position_embeddings");
  if (factor <= 0 || low <= 0 || high <= low || context <= 0)
    throw Unknown{"config.json has impossible rope parameters"};
  std::vector<float> factors;
  for (uint32_t i = 0; i < size; i += 2) {
    const float exponent = static_cast<float>(i) / static_cast<float>(size);
    const float frequency = 1.0F / static_cast<float>(std::pow(base, static_cast<double>(exponent)));
    const float wavelength = static_cast<float>(2 * std::numbers::pi) / frequency;
    if (wavelength < static_cast<float>(context / high)) {
      factors.push_back(1);
    } else if (wavelength > static_cast<float>(context / low)) {
      factors.push_back(static_cast<float>(factor));
    } else {
      const float smooth =
          (static_cast<float>(context) / wavelength - static_cast<float>(low)) / static_cast<float>(high - low);
      factors.push_back(1.0F / ((1.0F - smooth) / static_cast<float>(factor) + smooth));
    }
  }
  content.tensors.push_back(vector_of("rope_freqs.weight", std::move(factors)));
}

std::vector<float> floats(const Json& list, size_t size) {
  if (!list.is_array() || list.size() != size)
    throw Unknown{"config.json has a list of rope factors of another length"};
  std::vector<float> values;
  for (const Json& value : list) {
    if (!value.is_number()) throw Unknown{"config.json has a rope factor that is no number"};
    values.push_back(static_cast<float>(value.get<double>()));
  }
  return values;
}

/// Phi-3's factors of frequencies for long and for short texts.
void add_phi3_factors(const Family& family, const Json& config, FamilyContent& content) {
  const Json rope = rope_of(family, config);
  const std::string type = rope.contains("rope_type") ? rope["rope_type"].get<std::string>() : "default";
  if (type == "default" && !rope.contains("long_factor")) return;
  if ((type != "su" && type != "longrope") || !has(config, "rope_scaling") || config["rope_scaling"].size() != 3 ||
      !config["rope_scaling"].contains("type") || has(config, "rope_parameters")) {
    throw Unknown{"config.json has the rope scaling " + type};
  }
  const double original = whole(rope, "original_max_position_embeddings");
  const double scale = whole(config, "max_position_embeddings") / original;
  content.before_name.add_f32("phi3.rope.scaling.attn_factor",
                              scale > 1 ? std::sqrt(1 + std::log(scale) / std::log(original)) : 1.0);
  const uint32_t size = phi3_rotary(config, rope);
  if (size % 2 != 0 || size == 0) throw Unknown{"config.json has an impossible rope"};
  content.tensors.push_back(vector_of("rope_factors_long.weight", floats(rope["long_factor"], size / 2)));
  content.tensors.push_back(vector_of("rope_factors_short.weight", floats(rope["short_factor"], size / 2)));
}

/// A tensor's name in GGUF, or nothing if the converter leaves it out.
std::optional<std::string> gguf_name(const Family& family, const std::string& name, uint32_t n_layers) {
  for (const char* end : {".attention.masked_bias", ".attention.bias", ".rotary_emb.inv_freq"})
    if (name.ends_with(end)) return {};
  if (family.gguf == "gemma2" && name == "lm_head.weight") return {};
  const size_t dot = name.rfind('.');
  const std::string end = dot == std::string::npos ? "" : name.substr(dot),
                    start = name.substr(0, std::min(dot, name.size()));
  if (end == ".weight" || end == ".bias") {
    if (const auto found = family.model.find(start); found != family.model.end()) return found->second + end;
    if (start.starts_with(family.layer_start)) {
      const std::string rest = start.substr(family.layer_start.size());
      const std::string layer = rest.substr(0, rest.find('.'));
      const bool is_number = !layer.empty() && layer.size() < 9 &&
                             layer.find_first_not_of("0123456789") == std::string::npos &&
                             (layer == "0" || layer[0] != '0');
      const auto found =
          rest.size() > layer.size() ? family.layer.find(rest.substr(layer.size() + 1)) : family.layer.end();
      if (is_number && std::stoul(layer) < n_layers && found != family.layer.end())
        return fmt::format("blk.{}.{}{}", layer, found->second, end);
    }
  }
  throw Unknown{"there is a tensor " + name};
}

WeightType stored_type(const Safetensor& tensor) {
  if (tensor.type == "F32") return WeightType::kF32;
  if (tensor.type == "F16") return WeightType::kF16;
  if (tensor.type == "BF16") return WeightType::kBF16;
  throw Unknown{fmt::format("{} has the type {}", tensor.name, tensor.type)};
}

void set_order(TensorSource& tensor, RowOrder order, uint32_t groups, uint32_t parts) {
  if (groups == 0 || tensor.shape[0] % (int64_t{groups} * parts) != 0)
    throw Unknown{tensor.name + " has a shape that its heads don't divide"};
  tensor.order = order;
  tensor.groups = groups;
}

/// The window that the converter leaves out, and the activation.
void add_own(const Family& family, const Json& config, const FamilyContent& content, GgufMetadata& metadata) {
  const std::string window = family.gguf + ".attention.sliding_window";
  const bool is_qwen = family.gguf.starts_with("qwen");  // whose class has no window where it isn't used
  if (family.model_type == "mistral" && !config.contains("sliding_window"))
    throw Unknown{"config.json has no sliding_window"};
  if (has(config, "sliding_window") && !is_qwen && family.gguf != "smollm3" && whole(config, "sliding_window") != 0 &&
      !content.parameters.has(window)) {
    metadata.add_u32(window, whole(config, "sliding_window"));
  }
  if (family.is_gemma) return;
  const std::string otherwise = family.gguf == "gptneox" ? "gelu" : "silu";
  metadata.add_text(family.gguf + ".hidden_activation",
                    has(config, "hidden_act") ? config["hidden_act"].get<std::string>() : otherwise);
}

}  // namespace

const Family& family_of(const Json& config) {
  if (!has(config, "architectures") || !config["architectures"].is_array() || config["architectures"].empty() ||
      !has(config, "model_type"))
    throw Unknown{"config.json names no architecture"};
  const Json& name = config["architectures"][0];
  const auto found = std::find_if(families().begin(), families().end(),
                                  [&](const Family& family) { return name == family.architecture; });
  if (found == families().end())
    throw Unknown{"hre's own conversion does not know the architecture " + name.get<std::string>()};
  if (config["model_type"] != found->model_type) throw Unknown{"config.json has a model_type of another architecture"};
  for (const auto& [key, value] : config.items()) {
    const auto only = found->only.find(key);
    if (only != found->only.end() && (value.is_null() || value == only->second)) continue;
    if (only == found->only.end() && (value.is_null() || kHarmless.contains(key) || found->keys.contains(key)))
      continue;
    throw Unknown{"config.json has the key " + key};
  }
  return *found;
}

VocabularyRule vocabulary_of(const Family& family) { return family.vocabulary; }

FamilyContent convert_family(const Family& family, const Json& config, const Safetensors& weights, WeightType type) {
  FamilyContent content;
  content.architecture = family.gguf;
  static const std::map<WeightType, uint32_t> kFileTypes = {
      {WeightType::kF32, 0}, {WeightType::kF16, 1}, {WeightType::kBF16, 32}};
  const uint32_t file_type = kFileTypes.at(type);
  const uint32_t heads = whole(config, "num_attention_heads"), n_layers = whole(config, "num_hidden_layers");
  if (heads == 0) throw Unknown{"config.json has no heads"};

  if (family.gguf == "gemma2") {
    add_gemma2(config, file_type, content.parameters);
  } else if (family.gguf == "gptneox") {
    add_neox(config, content.parameters);
  } else if (family.gguf == "phi3") {
    add_phi3(family, config, file_type, content.parameters);
    add_phi3_factors(family, config, content);
  } else {
    add_usual_parameters(family, config, file_type, content.parameters);
    if (family.gguf == "gemma3") add_gemma3(config, content.parameters);
    if (family.is_llama) {
      content.parameters.add_u32(family.gguf + ".vocab_size", whole(config, "vocab_size"));
      content.parameters.add_u32(family.gguf + ".rope.dimension_count",
                                 head_dim(family, config).value_or(whole(config, "hidden_size") / heads));
      add_llama3_factors(family, config, content);
    }
  }
  add_own(family, config, content, content.after_vocabulary);

  std::set<std::string> names;
  for (const Safetensor& stored : weights.tensors) {
    const auto name = gguf_name(family, stored.name, n_layers);
    if (!name) continue;
    TensorSource tensor;
    tensor.name = *name;
    tensor.shape = stored.shape;
    tensor.stored = stored_type(stored);
    tensor.file = stored.file;
    tensor.offset = stored.offset;
    if (tensor.shape.empty() || tensor.shape.size() > 2 || stored.bytes == 0)
      throw Unknown{stored.name + " has an unusual shape"};
    if (!names.insert(*name).second) throw Unknown{"two tensors would be named " + *name};
    const bool is_vector = tensor.shape.size() == 1 || name->ends_with("_norm.weight") || !name->ends_with(".weight");
    tensor.type = is_vector ? WeightType::kF32 : type;
    const std::string part = stored.name.substr(0, stored.name.rfind('.'));
    if (family.is_llama && part.ends_with("q_proj")) set_order(tensor, RowOrder::kPairs, heads, 2);
    if (family.is_llama && part.ends_with("k_proj")) set_order(tensor, RowOrder::kPairs, kv_heads(family, config), 2);
    if (part.ends_with("attention.query_key_value")) set_order(tensor, RowOrder::kGrouped, heads, 3);
    tensor.plus_one = family.is_gemma && stored.name.ends_with("norm.weight");
    if (family.gguf == "gemma3" && stored.name == "model.embed_tokens.weight")
      tensor.shape[0] = std::min<int64_t>(tensor.shape[0], whole(config, "vocab_size"));
    content.tensors.push_back(std::move(tensor));
  }
  return content;
}

}  // namespace hre
