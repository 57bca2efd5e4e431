#include "model/llama/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <thread>

#include "core/cores.h"
#include "core/fingerprint.h"
#include "core/hashing.h"
#include "model/llama/fast/choice.h"
#include "model/llama/gelu.h"
#include "model/llama/llama_scorer.h"
#include "model/llama/memory.h"

namespace hre {
namespace {

/// The type that most of the weights' bytes have: "Q8_0".
std::string commonest_type(const ModelFiles& files) {
  std::map<uint32_t, uint64_t> bytes;
  for (const GgufHeader& header : files.headers) {
    for (const GgufTensor& tensor : header.tensors) bytes[tensor.type] += tensor.bytes;
  }
  const auto most =
      std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == bytes.end()) return "";
  std::string name = ggml_type_name(static_cast<ggml_type>(most->first));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  return name;
}

/// As the file states it ("Q4_K - Medium"), where that goes with its weights: programs that write files often leave the
/// statement as it was.
std::string file_type_name(const llama_model* model, const ModelFiles& files) {
  std::string stated = llama_ftype_name(llama_model_ftype(model));
  const std::string found = commonest_type(files);
  return stated.starts_with(found) ? stated : found;
}

/// The file's name without its extension and a part's number.
std::string name_of(const std::string& path) {
  const std::string stem = std::filesystem::path(path).stem().string();
  return std::regex_replace(stem, std::regex("-[0-9]{5}-of-[0-9]{5}$"), "");
}

/// The hash of the file, or of the hashes of its parts.
Result<std::string> fingerprint_of(const std::vector<std::string>& parts) {
  if (parts.size() == 1) return fingerprint_file(parts[0]);
  ContentHash all;
  for (const std::string& part : parts) {
    auto hash = fingerprint_file(part);
    if (!hash) return hash;
    all.add_field(*hash);
  }
  return all.value();
}

const char* name_of(CacheType type) {
  return type == CacheType::kF32 ? "f32" : type == CacheType::kF16 ? "f16" : "q8_0";
}

const char* name_of(FlashAttention flash) {
  return flash == FlashAttention::kOff ? "off" : flash == FlashAttention::kOn ? "on" : "auto";
}

const char* name_of(LongAnswers policy) {
  return policy == LongAnswers::kError ? "error" : policy == LongAnswers::kTruncate ? "truncate" : "skip";
}

const char* name_of(Passes passes) {
  switch (passes) {
    case Passes::kShared:
      return "shared prefix";
    case Passes::kCopied:
      return "copied prefix state";
    case Passes::kPerAnswer:
      break;
  }
  return "one an answer";
}

/// Each adapter by content and scale: "1a2b... x 0.5".
Result<std::string> describe_adapters(const std::vector<Adapter>& adapters) {
  std::string text;
  for (const Adapter& adapter : adapters) {
    auto hash = fingerprint_file(adapter.path);
    if (!hash) return hash;
    text += fmt::format("{}{} x {}", text.empty() ? "" : ", ", *hash, adapter.scale);
  }
  return text;
}

bool wants_special_tokens(const EngineOptions& options, bool model_adds) {
  return options.bos == BosPolicy::kAlways || (options.bos == BosPolicy::kAuto && model_adds);
}

/// ALiBi's distances are in half precision in the mask that flash attention takes: exact for 2048 tokens alone.
bool has_alibi(const std::string& architecture) {
  static const std::set<std::string> all = {"baichuan", "bloom", "jais", "mpt", "refact"};
  return all.contains(architecture);
}

bool has_experts(const ModelFiles& files) { return files.main().of_layer("expert_count", 0, 0) != 0; }

}  // namespace

bool ModelFiles::has_tensor(const std::string& name) const {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const GgufHeader& header) { return header.tensor(name) != nullptr; });
}

uint64_t ModelFiles::tensor_bytes() const {
  uint64_t total = 0;
  for (const GgufHeader& header : headers) total += header.tensor_bytes;
  return total;
}

Result<ModelFiles> read_model_files(const std::string& path) {
  ModelFiles files;
  auto parts = gguf_parts(path);
  if (!parts) return forward(parts);
  files.parts = std::move(*parts);
  for (const std::string& part : files.parts) {
    auto header = read_gguf_header(part);
    if (!header) return forward(header);
    files.headers.push_back(std::move(*header));
  }
  const int64_t n_parts = files.main().number("split.count", 0);
  if (n_parts > 1 && files.parts.size() == 1) {
    return input_error(fmt::format("is one of {} parts of a model, but its name does not say so", n_parts), path,
                       "such files end in -00001-of-00003.gguf");
  }
  return files;
}

Result<std::string> pre_tokenizer_for(const ModelFiles& files) {
  const GgufHeader& header = files.main();
  if (header.text("tokenizer.ggml.model") != "gpt2" || !header.text("tokenizer.ggml.pre").empty()) return "";
  static const std::set<std::string> kLikeGpt2 = {"gpt2", "gptneox", "gptj", "codegen", "mpt", "phi2"};
  if (kLikeGpt2.contains(header.text("general.architecture"))) return "gpt-2";
  return input_error("the file does not say how its vocabulary cuts text into words (tokenizer.ggml.pre)",
                     files.parts.front(), "without that, tokens would be wrong: convert the model again");
}

Result<LlamaModel> load_vocabulary(const ModelFiles& files) {
  auto pre_tokenizer = pre_tokenizer_for(files);
  if (!pre_tokenizer) return forward(pre_tokenizer);
  return load_llama_vocabulary(files.parts, *pre_tokenizer);
}

Result<PlanRules> plan_rules(const llama_model* model, const EngineOptions& options, const std::string& path) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  PlanRules rules;
  rules.max_length = options.max_length > 0 ? options.max_length : llama_model_n_ctx_train(model);
  rules.long_answers = options.long_answers;
  const Token bos = llama_vocab_bos(vocab);
  const bool wanted = wants_special_tokens(options, llama_vocab_get_add_bos(vocab));
  if (!llama_model_has_encoder(model)) {
    if (wanted && bos < 0) return input_error("the model has no beginning-of-sequence token", path, "use --bos never");
    if (wanted) rules.bos = bos;
  }
  if (rules.max_length <= 0) return input_error("the model states no context length", path, "give --max-length");
  return rules;
}

Result<EncoderDecoderRules> encoder_decoder_rules(const llama_model* model, const EngineOptions& options,
                                                  const std::string& path) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  EncoderDecoderRules rules;
  rules.start = llama_model_decoder_start_token(model);
  if (rules.start < 0) rules.start = llama_vocab_bos(vocab);
  if (rules.start < 0) return input_error("the model states no token that its decoder starts with", path);
  if (wants_special_tokens(options, llama_vocab_get_add_eos(vocab)) && llama_vocab_eos(vocab) >= 0) {
    rules.source_end = llama_vocab_eos(vocab);
  }
  return rules;
}

bool attends_here(const ModelFiles& files, const EngineOptions& options) {
  return options.kernels != EngineKernels::kPlain && fast::engine_asks() && options.cache_type == CacheType::kF32 &&
         options.flash_attention == FlashAttention::kOff && !has_alibi(files.main().text("general.architecture"));
}

fast::Settings kernels_for(const ModelFiles& files, const EngineOptions& options) {
  if (options.kernels == EngineKernels::kPlain || !fast::engine_asks()) return {};
  fast::Settings settings = options.kernels == EngineKernels::kFast ? fast::all_here() : fast::fastest_here();
  settings.attention = attends_here(files, options);
  return settings;
}

bool engine_multiplies_quantised(const ModelFiles& files, const EngineOptions& options) {
  return has_experts(files) || kernels_for(files, options).quantised == fast::Multiplies::kEngine;
}

/// Tokens that a GPU computes at once.
constexpr int64_t kDeviceChunk = 2048;

ComputationRules computation_rules(const llama_model* model, const ModelFiles& files, const EngineOptions& options) {
  ComputationRules rules;
  const std::string architecture = files.main().text("general.architecture");
  const bool has_state = llama_model_is_recurrent(model) || llama_model_is_hybrid(model);
  rules.passes.mode = options.one_pass_an_answer ? Passes::kPerAnswer : has_state ? Passes::kCopied : Passes::kShared;
  if (files.has_tensor("rope_factors_long.weight") || files.has_tensor("blk.0.rope_factors_long.weight")) {
    rules.passes.long_above = files.main().number(architecture + ".rope.scaling.original_context_length", 0);
  }
  if (llama_model_n_swa(model) == 0) rules.window = files.main().of_layer("attention.sliding_window", 0, 0);
  rules.passes.most_positions = pass_tokens(files.tensor_bytes(), cache_bytes_a_token(files, CacheType::kF32));
  rules.has_encoder = llama_model_has_encoder(model);
  if (architecture == "t5" && !files.has_tensor("output.weight")) {  // Raffel et al. 2020: tied embeddings are scaled
    rules.logit_scale = 1 / std::sqrt(static_cast<float>(llama_model_n_embd(model)));
  }
  rules.threads = options.threads > 0 ? options.threads : usable_cores();
  rules.gelu_is_erf = gelu_form(files.main(), files.parts.front()).value_or(GeluForm()).is_erf;
  rules.cache_type = options.cache_type;
  rules.flash_attention = options.flash_attention;
  rules.fast = kernels_for(files, options);
  const bool all_layers = options.gpu_layers < 0 || options.gpu_layers > llama_model_n_layer(model);
  const bool has_device = llama_devices(options) != "CPU";
  if (has_device) rules.fast.attention = false;  // flash attention over what devices don't take
  rules.on_device = has_device && all_layers && options.kernels != EngineKernels::kPlain;
  rules.chunk = rules.on_device ? kDeviceChunk
                                : std::min(rules.passes.most_positions,
                                           chunk_tokens(files.tensor_bytes(), chunk_bytes_a_token(files)));
  // Experts are multiplied by the engine, whose results may depend on the rows beside; so do a GPU's, by rounding, but
  // one question alone would leave it idle. An RPC server may be a CPU.
  rules.groups_questions =
      ((rules.on_device && options.rpc.empty()) || (rules.fast.attention && rules.fast.any_products())) &&
      !rules.has_encoder && rules.passes.mode == Passes::kShared && rules.passes.long_above == 0 && rules.window == 0 &&
      !has_experts(files);
  return rules;
}

Result<ModelDescription> describe_files(const llama_model* model, const ModelFiles& files) {
  auto fingerprint = fingerprint_of(files.parts);
  if (!fingerprint) return forward(fingerprint);
  ModelDescription description;
  description.name = name_of(files.parts[0]);
  description.source = files.parts[0];
  description.fingerprint = *fingerprint;
  description.architecture = files.main().text("general.architecture");
  description.parameters = llama_model_n_params(model);
  description.file_type = file_type_name(model, files);
  description.context_length = llama_model_n_ctx_train(model);
  return description;
}

Result<Settings> describe_settings(const EngineOptions& options, const PlanRules& plan,
                                   const ComputationRules& computation) {
  Settings settings = {
      {"engine", llama_engine_version()},
      {"engine_build", llama_engine_build()},
      {"bos", plan.bos ? fmt::format("token {}", *plan.bos) : "none"},
      {"max_length", std::to_string(plan.max_length)},
      {"long_answers", name_of(plan.long_answers)},
      {"device", llama_devices(options)},
      {"cache_type", name_of(computation.cache_type)},
      {"flash_attention", name_of(computation.flash_attention)},
      {"kernels", fast::describe(computation.fast)},
      {"passes", name_of(computation.passes.mode)},
  };
  if (computation.gelu_is_erf) settings.emplace_back("gelu", has_exact_gelu() ? "exact" : "its tanh form");
  if (!options.adapters.empty()) {
    auto adapters = describe_adapters(options.adapters);
    if (!adapters) return forward(adapters);
    settings.emplace_back("adapters", *adapters);
  }
  return settings;
}

}  // namespace hre
