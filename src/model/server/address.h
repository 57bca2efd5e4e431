#pragma once
/// MODEL for a server: server:URL[,URL...][,model=NAME][,api=vllm|sglang|llama|tgi|openai][,tokenizer=FILE].

#include <optional>
#include <string>
#include <vector>

#include "hre/result.h"

namespace hre::server {

/// Kinds of servers, which differ in how they return the log-probabilities of a given text.
enum class Api {
  kVllm,    ///< OpenAI completions with token ids, several prompts per request
  kSglang,  ///< /generate with input_ids
  kLlama,   ///< llama-server's /completion, one token of an answer per request
  kTgi,     ///< /generate with details.prefill; text only
  kOpenAi,  ///< OpenAI completions with echo; text, one prompt per request
};

std::string api_name(Api api);

struct Address {
  std::vector<std::string> urls;  ///< "http://host:8000", without "/v1" and without a slash at the end
  std::string model;              ///< empty: the server's only model
  std::optional<Api> api;         ///< nothing: found by a probe
  std::string tokenizer;          ///< a .gguf file with the model's vocabulary; empty: the server's own
};

/// Input errors for schemes other than http and https, for a password in a URL (it would be stored with the result),
/// and for unknown settings.
Result<Address> parse_address(const std::string& source);

}  // namespace hre::server
