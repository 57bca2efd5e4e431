#include "model/llama/engine.h"

#include <fmt/format.h>
#include <ggml.h>

#include <climits>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include "core/text.h"
#include "model/llama/llama_scorer.h"

namespace hre {
namespace {

/// What libllama said at level ERROR since the last take(): it tells why a call failed.
class ErrorLog {
 public:
  static ErrorLog& instance() {
    static ErrorLog log;
    return log;
  }

  void add(const char* text) {
    const std::lock_guard lock(mutex_);
    if (text_.size() < kLongest) text_ += text;
  }

  /// The last line, without the names of functions before it.
  std::string take() {
    const std::lock_guard lock(mutex_);
    std::string text = std::exchange(text_, {});
    while (!text.empty() && text.back() == '\n') text.pop_back();
    if (const size_t cause = text.find("error loading model: "); cause != std::string::npos) {
      return text.substr(cause + std::strlen("error loading model: "),
                         text.find('\n', cause) - cause - std::strlen("error loading model: "));
    }
    const std::string line = text.substr(text.rfind('\n') + 1);
    const size_t colon = line.find(": ");
    return colon == std::string::npos ? line : line.substr(colon + 2);
  }

 private:
  static constexpr size_t kLongest = 1 << 16;
  std::mutex mutex_;
  std::string text_;
};

void start_engine() {
  static std::once_flag once;
  std::call_once(once, [] {
    llama_log_set(
        [](ggml_log_level level, const char* text, void*) {
          if (level == GGML_LOG_LEVEL_ERROR) ErrorLog::instance().add(text);
        },
        nullptr);
    llama_backend_init();
  });
}

/// What can be said of a file before libllama sees it.
Status check_file(const std::string& path) {
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (!std::filesystem::exists(status)) return input_error("no such file", path, "MODEL is a path to a .gguf file");
  if (std::filesystem::is_directory(status)) return input_error("is a folder, not a .gguf file", path);
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  file.read(magic, sizeof magic);
  if (!file.is_open()) return input_error("cannot be read", path);
  if (file.gcount() == 0) return input_error("is empty", path);
  if (file.gcount() < 4 || std::memcmp(magic, "GGUF", 4) != 0) return input_error("is not a GGUF file", path);
  return {};
}

Status check_model(const llama_model* model, const std::string& path) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  if (llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_NONE) {
    return input_error("the model has no vocabulary, so text can't become tokens", path);
  }
  if (llama_model_has_encoder(model) || !llama_model_has_decoder(model)) {
    return input_error("encoder models are not supported: only decoders give a continuation's log-likelihood", path);
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

}  // namespace

Result<LlamaModel> load_llama_model(const std::string& path, const ModelOptions& options) {
  if (auto ok = check_file(path); !ok) return forward(ok);
  start_engine();
  ErrorLog::instance().take();
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = options.gpu_layers;
  try {
    LlamaModel model(llama_model_load_from_file(path.c_str(), params));
    if (!model) return input_error("the model can't be loaded: " + ErrorLog::instance().take(), path);
    if (auto ok = check_model(model.get(), path); !ok) return forward(ok);
    return model;
  } catch (const std::exception& problem) {
    return input_error(std::string("the model can't be loaded: ") + problem.what(), path);
  }
}

Result<LlamaContext> make_llama_context(llama_model* model, const llama_context_params& params) {
  ErrorLog::instance().take();
  try {
    LlamaContext context(llama_init_from_model(model, params));
    if (context) return context;
  } catch (const std::exception& problem) {
    ErrorLog::instance().add(problem.what());
  }
  return fail(ErrorCode::kFailed,
              fmt::format("no room for a context of {} tokens: {}", params.n_ctx, ErrorLog::instance().take()), "",
              "a smaller --max-length needs less memory");
}

Result<std::vector<Token>> llama_encode(const llama_vocab* vocab, std::string_view text) {
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
    if (n < 0) return input_error("the text can't become tokens");
    tokens.resize(static_cast<size_t>(n));
    return tokens;
  } catch (const std::exception&) {  // SentencePiece vocabularies without byte tokens: std::out_of_range
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

std::string llama_metadata(const llama_model* model, const char* key) {
  char value[256];
  return llama_model_meta_val_str(model, key, value, sizeof value) < 0 ? "" : value;
}

std::string llama_engine_version() { return fmt::format("{}, ggml {}", HRE_LLAMA_BUILD, ggml_version()); }

std::string llama_engine_build() {
  start_engine();
  return llama_print_system_info();
}

}  // namespace hre
