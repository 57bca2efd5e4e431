#include "model/llama/engine.h"

#include <fmt/format.h>
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>

#include "core/text.h"
#include "model/llama/failures.h"
#include "model/llama/fast/engine_switches.h"
#include "model/llama/llama_scorer.h"
#include "model/llama/rpc_servers.h"

namespace hre {
namespace {

void start_engine() {
  static std::once_flag once;
  std::call_once(once, [] {
    watch_failures();
    llama_backend_init();
  });
}

/// Fails if the engine was built for instructions that this processor lacks: they would end the process. (F16C comes
/// with AVX2, and clang 14's __builtin_cpu_supports does not know the name.)
Status check_processor() {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  const struct {
    const char* name;
    int built;
    int present;
  } kinds[] = {{"AVX", ggml_cpu_has_avx(), __builtin_cpu_supports("avx")},
               {"AVX2", ggml_cpu_has_avx2(), __builtin_cpu_supports("avx2")},
               {"FMA", ggml_cpu_has_fma(), __builtin_cpu_supports("fma")},
               {"BMI2", ggml_cpu_has_bmi2(), __builtin_cpu_supports("bmi2")},
               {"AVX-512", ggml_cpu_has_avx512(), __builtin_cpu_supports("avx512f")},
               {"AVX-512 VNNI", ggml_cpu_has_avx512_vnni(), __builtin_cpu_supports("avx512vnni")},
               {"AVX-512 BF16", ggml_cpu_has_avx512_bf16(), __builtin_cpu_supports("avx512bf16")}};
  std::vector<std::string> missing;
  for (const auto& kind : kinds) {
    if (kind.built != 0 && kind.present == 0) missing.emplace_back(kind.name);
  }
  if (!missing.empty()) {
    return fail(ErrorCode::kFailed,
                "the engine was built for a processor with " + join(missing, ", ") + ", which this one lacks", "",
                "build hre on this machine");
  }
#endif
  return {};
}

/// The devices of these names, terminated by null as libllama demands; empty for no names.
Result<std::vector<ggml_backend_dev_t>> find_devices(const std::vector<std::string>& names) {
  std::vector<ggml_backend_dev_t> devices;
  if (names.empty()) return devices;
  for (const std::string& name : names) {
    devices.push_back(ggml_backend_dev_by_name(name.c_str()));
    if (devices.back() != nullptr) continue;
    std::vector<std::string> known;
    for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
      known.emplace_back(ggml_backend_dev_name(ggml_backend_dev_get(i)));
    }
    return input_error("there is no device " + name, "‹device›", "this build has " + join(known, ", "));
  }
  devices.push_back(nullptr);
  return devices;
}

Status check_model(const llama_model* model, const std::string& path) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  if (llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_NONE) {
    return input_error("the model has no vocabulary, so text can't be tokenised", path);
  }
  if (!llama_model_has_decoder(model)) {
    return input_error("the model is only an encoder: only decoders give a continuation's log-likelihood", path);
  }
  if (llama_model_is_diffusion(model))
    return input_error("diffusion models have no left-to-right log-likelihood", path);
  return {};
}

std::string describe_missing_character(const llama_vocab* vocab, std::string_view text) {
  std::set<std::string_view> seen;
  while (!text.empty()) {
    const std::string_view character = first_code_points(text, 1);
    text.remove_prefix(character.size());
    if (!seen.insert(character).second) continue;
    try {
      Token tokens[16];
      llama_tokenize(vocab, character.data(), static_cast<int32_t>(character.size()), tokens, 16, false, false);
    } catch (const std::exception&) {
      return fmt::format("the model's vocabulary can't express '{}'", character);
    }
  }
  return "the model's vocabulary can't express some of its characters";
}

Result<LlamaModel> load_files(const std::vector<std::string>& parts, const std::string& pre_tokenizer,
                              llama_model_params params) {
  llama_model_kv_override overrides[2] = {};  // terminated by an empty key
  if (!pre_tokenizer.empty()) {
    overrides[0].tag = LLAMA_KV_OVERRIDE_TYPE_STR;
    std::strncpy(overrides[0].key, "tokenizer.ggml.pre", sizeof overrides[0].key - 1);
    std::strncpy(overrides[0].val_str, pre_tokenizer.c_str(), sizeof overrides[0].val_str - 1);
    params.kv_overrides = overrides;
  }
  std::vector<const char*> files;
  for (const std::string& part : parts) files.push_back(part.c_str());
  take_error_log();
  try {
    const AssertionGuard guard;
    LlamaModel model(parts.size() == 1 ? llama_model_load_from_file(files[0], params)
                                       : llama_model_load_from_splits(files.data(), files.size(), params));
    if (model) return model;
    if (rpc_server_is_lost()) return tl::unexpected<Error>(lost_rpc_server());
    return input_error("the model can't be loaded: " + take_last_error(), parts[0]);
  } catch (const std::exception& problem) {
    return input_error(std::string("the model can't be loaded: ") + problem.what(), parts[0]);
  }
}

}  // namespace

void LlamaFree::operator()(llama_model* model) const {
  if (rpc_servers_answer()) llama_model_free(model);
}

void LlamaFree::operator()(llama_context* context) const {
  if (rpc_servers_answer()) llama_free(context);
}

Result<LlamaModel> load_llama_model(const std::vector<std::string>& parts, const std::string& pre_tokenizer,
                                    const EngineOptions& options, bool may_repack) {
  const std::string& path = parts.front();
  if (auto ok = check_processor(); !ok) return forward(ok);
  start_engine();
  if (options.numa) llama_numa_init(GGML_NUMA_STRATEGY_DISTRIBUTE);
  if (auto ok = add_rpc_servers(options.rpc); !ok) return forward(ok);
  auto devices = find_devices(options.devices);
  if (!devices) return forward(devices);
  std::vector<float> split = options.tensor_split;
  split.resize(std::max(split.size(), llama_max_devices()));
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = options.gpu_layers;
  params.devices = devices->empty() ? nullptr : devices->data();
  params.tensor_split = options.tensor_split.empty() ? nullptr : split.data();
  params.use_extra_bufts = may_repack;
  if (options.stream_weights) {
    if (fast::engine_patch() == 0) {
      return input_error("this build's engine can't stream weights", "‹stream_weights›",
                         "build the engine with tools/setup.sh");
    }
    params.n_gpu_layers = 0;
    params.load_mode = LLAMA_LOAD_MODE_MMAP;
  }
  // Without the lock, another model could be loading for streaming; this one's weights would be read later, values
  // stay.
  std::optional<fast::EngineLock> lock;
  if (options.stream_weights) lock.emplace(fast::EngineSwitches{.streams_weights = true});
  auto model = load_files(parts, pre_tokenizer, params);
  lock.reset();
  if (!model) return model;
  if (auto ok = check_model(model->get(), path); !ok) return forward(ok);
  return model;
}

std::vector<fast::MappedWeight> mapped_weights(const llama_model* model) {
  std::vector<fast::MappedWeight> weights;
  for (const auto& [name, tensor] : fast::tensors_of(model)) {
    weights.push_back({name, static_cast<const std::byte*>(tensor->data), ggml_nbytes(tensor)});
  }
  return weights;
}

Result<LlamaModel> load_llama_vocabulary(const std::vector<std::string>& parts, const std::string& pre_tokenizer) {
  if (auto ok = check_processor(); !ok) return forward(ok);
  start_engine();
  llama_model_params params = llama_model_default_params();
  params.vocab_only = true;
  return load_files(parts, pre_tokenizer, params);
}

Result<llama_adapter_lora*> load_llama_adapter(llama_model* model, const std::string& path) {
  take_error_log();
  try {
    const AssertionGuard guard;
    llama_adapter_lora* adapter = llama_adapter_lora_init(model, path.c_str());
    if (adapter != nullptr) return adapter;
    return input_error("the adapter can't be used with this model: " + take_last_error(), path);
  } catch (const std::exception& problem) {
    return input_error(std::string("the adapter can't be loaded: ") + problem.what(), path);
  }
}

Result<LlamaContext> make_llama_context(llama_model* model, const llama_context_params& params) {
  take_error_log();
  try {
    const AssertionGuard guard;
    LlamaContext context(llama_init_from_model(model, params));
    if (context) return context;
  } catch (const std::exception& problem) {
    add_to_error_log(problem.what());
  }
  if (rpc_server_is_lost()) return tl::unexpected<Error>(lost_rpc_server());
  return fail(ErrorCode::kFailed,
              fmt::format("a context of {} tokens can't be created: {}", params.n_ctx, take_last_error()), "",
              "a smaller ‹max_length› or ‹kv_type› f16 needs less memory");
}

Result<std::vector<Token>> encode_text(const llama_vocab* vocab, std::string_view text) {
  if (text.size() > INT32_MAX / 2) return input_error("the text is longer than 1 GiB");
  std::vector<Token> tokens(text.size() / 2 + 16);
  const auto encode = [&] {
    return llama_tokenize(vocab, text.data(), static_cast<int32_t>(text.size()), tokens.data(),
                          static_cast<int32_t>(tokens.size()), false, true);
  };
  try {
    int32_t n = encode();
    if (n < 0 && n != INT32_MIN) {
      tokens.resize(static_cast<size_t>(-n));
      n = encode();
    }
    if (n < 0) return input_error("the text can't be tokenised");
    tokens.resize(static_cast<size_t>(n));
    return tokens;
  } catch (const std::exception&) {  // SentencePiece vocabularies without byte tokens throw std::out_of_range
    return input_error(describe_missing_character(vocab, text));
  }
}

std::string llama_piece(const llama_vocab* vocab, Token token) {
  std::string piece(32, '\0');
  const auto write = [&] {
    return llama_token_to_piece(vocab, token, piece.data(), static_cast<int32_t>(piece.size()), 0, true);
  };
  int32_t n = write();
  if (n < 0) {
    piece.resize(static_cast<size_t>(-n));
    n = write();
  }
  piece.resize(static_cast<size_t>(std::max(0, n)));
  return piece;
}

Result<std::vector<UsedDevice>> used_devices(const EngineOptions& options) {
  if (auto ok = check_processor(); !ok) return forward(ok);
  start_engine();
  if (auto ok = add_rpc_servers(options.rpc); !ok) return forward(ok);
  const auto& asked = options.devices;
  std::vector<UsedDevice> devices, integrated;
  bool has_card = false;
  for (size_t i = 0; i < ggml_backend_dev_count() && options.gpu_layers != 0; ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    const auto type = ggml_backend_dev_type(device);
    if (type != GGML_BACKEND_DEVICE_TYPE_GPU && type != GGML_BACKEND_DEVICE_TYPE_IGPU) continue;
    if (!asked.empty() && std::find(asked.begin(), asked.end(), ggml_backend_dev_name(device)) == asked.end()) continue;
    const std::string remote = describe_rpc_device(device);  // an RPC device describes itself only by its address
    size_t free = 0, total = 0;
    ggml_backend_dev_memory(device, &free, &total);
    const UsedDevice used{remote.empty() ? ggml_backend_dev_description(device) : remote, free};
    if (asked.empty() && type == GGML_BACKEND_DEVICE_TYPE_IGPU) {
      integrated.push_back(used);
    } else {
      devices.push_back(used);
      has_card = has_card || remote.empty();
    }
  }
  // As libllama chooses: integrated devices are used only on request, or if there is no graphics card.
  if (!has_card) devices.insert(devices.end(), integrated.begin(), integrated.end());
  return devices;
}

std::string llama_engine_version() {
  const int patch = fast::engine_patch();
  const std::string changes = patch == 0 ? "not hre's own build" : fmt::format("hre's patch {}", patch);
  return fmt::format("{}, ggml {}, {}", HRE_LLAMA_BUILD, ggml_version(), changes);
}

std::string llama_engine_build() {
  if (auto ok = check_processor(); !ok) return ok.error().message;
  start_engine();
  return llama_print_system_info();
}

}  // namespace hre
