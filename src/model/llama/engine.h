#pragma once
/// libllama as hre uses it: set up once, its log kept back, its failures as Errors.
/// The only folder that sees llama.h.

#include <llama.h>

#include <memory>
#include <string>

#include "hre/result.h"
#include "hre/scorer.h"

namespace hre {

struct LlamaFree {
  void operator()(llama_model* model) const { llama_model_free(model); }
  void operator()(llama_context* context) const { llama_free(context); }
};
using LlamaModel = std::unique_ptr<llama_model, LlamaFree>;
using LlamaContext = std::unique_ptr<llama_context, LlamaFree>;

/// Loads a GGUF file with its vocabulary. Input errors for what is no usable model.
Result<LlamaModel> load_llama_model(const std::string& path, const ModelOptions& options);

/// Makes a context. Fails where memory does not suffice.
Result<LlamaContext> make_llama_context(llama_model* model, const llama_context_params& params);

/// Whole text to tokens, special tokens in the text recognised as Transformers does, none added.
Result<std::vector<Token>> llama_encode(const llama_vocab* vocab, std::string_view text);

/// The bytes that a token stands for; special tokens as their names.
std::string llama_piece(const llama_vocab* vocab, Token token);

/// A scalar of the model's metadata as text; empty where it has none of that name.
std::string llama_metadata(const llama_model* model, const char* key);

}  // namespace hre
