#pragma once
/// Wraps libllama: initialised once, its log kept back, its failures turned into Errors. The only folder that includes
/// llama.h.

#include <llama.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hre/engine_options.h"
#include "hre/result.h"
#include "model/llama/fast/weight_stream.h"

namespace hre {

/// Leaks objects on lost RPC servers: to free them, libllama would end the process.
struct LlamaFree {
  void operator()(llama_model* model) const;
  void operator()(llama_context* context) const;
};
using LlamaModel = std::unique_ptr<llama_model, LlamaFree>;
using LlamaContext = std::unique_ptr<llama_context, LlamaFree>;

/// Loads a model with its vocabulary from its GGUF files (gguf_parts). Input errors if they are not a usable model. A
/// non-empty pre-tokenizer replaces the file's own. With `may_repack` the engine may repack quantised weights for its
/// own products; no other code can read them then.
Result<LlamaModel> load_llama_model(const std::vector<std::string>& parts, const std::string& pre_tokenizer,
                                    const EngineOptions& options, bool may_repack);

/// The addresses of the weights of a model that was loaded for streaming.
std::vector<fast::MappedWeight> mapped_weights(const llama_model* model);

/// Loads only a model's vocabulary and metadata.
Result<LlamaModel> load_llama_vocabulary(const std::vector<std::string>& parts, const std::string& pre_tokenizer);

/// Loads an adapter for the model; the model owns it.
Result<llama_adapter_lora*> load_llama_adapter(llama_model* model, const std::string& path);

/// Makes a context. Fails if memory does not suffice.
Result<LlamaContext> make_llama_context(llama_model* model, const llama_context_params& params);

/// Tokenises a whole text. Recognises special tokens in the text as Transformers does, and adds none.
Result<std::vector<Token>> encode_text(const llama_vocab* vocab, std::string_view text);

/// The bytes that a token stands for; for special tokens their names.
std::string llama_piece(const llama_vocab* vocab, Token token);

/// A GPU, in this machine or behind an RPC server.
struct UsedDevice {
  std::string description;
  uint64_t free_memory = 0;  ///< bytes
};

/// The devices that compute with these options; empty: only the CPU. Registers the options' RPC servers first.
Result<std::vector<UsedDevice>> used_devices(const EngineOptions& options);

}  // namespace hre
