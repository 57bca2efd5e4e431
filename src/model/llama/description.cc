#include "model/llama/description.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>

#include "core/fingerprint.h"
#include "core/hashing.h"
#include "model/llama/llama_scorer.h"
#include "model/option_names.h"

namespace hre {
namespace {

/// The type of most of the weights' bytes: "Q8_0".
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

/// The file type that the file states ("Q4_K - Medium"); empty if it states none that libllama knows. By the header:
/// libllama takes a model of which it loaded the vocabulary alone for F32.
std::string stated_type(const ModelFiles& files) {
  const int64_t stated = files.main().number("general.file_type", -1);
  if (stated < 0 || stated >= LLAMA_FTYPE_GUESSED) return "";
  std::string name = llama_ftype_name(static_cast<llama_ftype>(stated));
  if (name.starts_with("unknown")) return "";
  if (name.starts_with("all ")) name.erase(0, 4);  // "all F32"
  return name;
}

/// The stated file type, and the weights' where they are of another: programs that write files often copy the statement
/// of another file.
std::string file_type_name(const ModelFiles& files) {
  const std::string stated = stated_type(files), found = commonest_type(files);
  if (stated.empty()) return found;
  return stated.starts_with(found) ? stated : stated + ", most weights " + found;
}

/// The file's name without its extension and part number.
std::string name_of(const std::string& path) {
  std::string stem = std::filesystem::path(path).stem().string();
  std::replace_if(
      stem.begin(), stem.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');  // it is shown in tables
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

/// Each adapter as its content hash and scale: "1a2b... x 0.5".
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

}  // namespace

Result<PlanRules> plan_rules(const llama_model* model, const EngineOptions& options, const std::string& path) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  PlanRules rules;
  rules.max_length = options.max_length > 0 ? options.max_length : llama_model_n_ctx_train(model);
  rules.long_answers = options.long_answers;
  const Token bos = llama_vocab_bos(vocab);
  const bool wanted = wants_special_tokens(options, llama_vocab_get_add_bos(vocab));
  if (!llama_model_has_encoder(model)) {
    if (wanted && bos < 0) return input_error("the model has no beginning-of-sequence token", path, "use ‹bos› never");
    if (wanted) rules.bos = bos;
  }
  if (rules.max_length <= 0) return input_error("the model states no context length", path, "give ‹max_length›");
  return rules;
}

Result<EncoderDecoderRules> encoder_decoder_rules(const llama_model* model, const EngineOptions& options,
                                                  const std::string& path) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  EncoderDecoderRules rules;
  rules.start = llama_model_decoder_start_token(model);
  if (rules.start < 0) rules.start = llama_vocab_bos(vocab);
  if (rules.start < 0) return input_error("the model states no start token for its decoder", path);
  if (wants_special_tokens(options, llama_vocab_get_add_eos(vocab)) && llama_vocab_eos(vocab) >= 0) {
    rules.source_end = llama_vocab_eos(vocab);
  }
  return rules;
}

Result<ModelDescription> describe_files(const llama_model* model, const ModelFiles& files) {
  auto fingerprint = fingerprint_of(files.parts);
  if (!fingerprint) return forward(fingerprint);
  ModelDescription description;
  description.name = name_of(files.parts[0]);
  description.source = files.parts[0];
  description.fingerprint = *fingerprint;
  description.architecture = files.architecture();
  description.parameters = llama_model_n_params(model);
  description.file_type = file_type_name(files);
  description.context_length = llama_model_n_ctx_train(model);
  return description;
}

Result<Settings> describe_settings(const EngineOptions& options, const PlanRules& plan,
                                   const ComputationPlan& computation) {
  const ComputationRules& rules = computation.rules;
  Settings settings = {
      {"engine", llama_engine_version()},
      {"engine_build", llama_engine_build()},
      {"bos", plan.bos ? fmt::format("token {}", *plan.bos) : "none"},
      {"max_length", std::to_string(plan.max_length)},
      {"long_answers", name_of(kLongAnswers, plan.long_answers)},
      {"device", computation.device},
      {"cache_type", name_of(kCacheTypes, rules.cache_type)},
      {"flash_attention", name_of(kFlashAttentions, rules.flash_attention)},
      {"precision", name_of(kComputePrecisions, options.precision)},
      {"kernels", fast::describe(rules.fast)},
      {"passes", name_of(rules.passes.mode)},
  };
  if (rules.gelu_is_erf) settings.emplace_back("gelu", has_exact_gelu() ? "exact" : "its tanh form");
  if (!options.adapters.empty()) {
    auto adapters = describe_adapters(options.adapters);
    if (!adapters) return forward(adapters);
    settings.emplace_back("adapters", *adapters);
  }
  return settings;
}

}  // namespace hre
