#pragma once
/// libllama as hre uses it: set up once, its log kept back, its failures as Errors.
/// The only folder that sees llama.h.

#include <llama.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hre/engine_options.h"
#include "hre/result.h"
#include "model/llama/fast/weight_stream.h"

namespace hre {

/// Leaves what is on RPC servers that are gone: libllama would end the process.
struct LlamaFree {
  void operator()(llama_model* model) const;
  void operator()(llama_context* context) const;
};
using LlamaModel = std::unique_ptr<llama_model, LlamaFree>;
using LlamaContext = std::unique_ptr<llama_context, LlamaFree>;

/// Loads a model from its GGUF files (gguf_parts) with its vocabulary. Input errors for what is no usable model.
/// A pre-tokenizer that is not empty stands for the file's own. The engine may lay quantised weights out for its own
/// products where `may_repack`: nobody else can read them then.
Result<LlamaModel> load_llama_model(const std::vector<std::string>& parts, const std::string& pre_tokenizer,
                                    const EngineOptions& options, bool may_repack);

/// Where the weights of a model are that was loaded to be streamed.
std::vector<fast::MappedWeight> mapped_weights(const llama_model* model);

/// Loads a model's vocabulary and metadata alone.
Result<LlamaModel> load_llama_vocabulary(const std::vector<std::string>& parts, const std::string& pre_tokenizer);

/// Loads an adapter made for the model; it lives as long as the model.
Result<llama_adapter_lora*> load_llama_adapter(llama_model* model, const std::string& path);

/// Makes a context. Fails where memory does not suffice.
Result<LlamaContext> make_llama_context(llama_model* model, const llama_context_params& params);

/// Whole text to tokens, special tokens in the text recognised as Transformers does, none added.
Result<std::vector<Token>> encode_text(const llama_vocab* vocab, std::string_view text);

/// The bytes that a token stands for; special tokens as their names.
std::string llama_piece(const llama_vocab* vocab, Token token);

/// A scalar of the model's metadata as text; empty where it has none of that name.
std::string llama_metadata(const llama_model* model, const char* key);

/// A graphics processor, here or behind an RPC server.
struct UsedDevice {
  std::string description;
  uint64_t free_memory = 0;  ///< bytes
};

/// Those that compute with these options; none: the CPU alone. Registers the options' RPC servers first.
Result<std::vector<UsedDevice>> used_devices(const EngineOptions& options);

}  // namespace hre
