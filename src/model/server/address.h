#pragma once
/// MODEL as the user writes a server: server:URL[,URL...][,model=NAME][,api=vllm|sglang|tgi|openai][,tokenizer=FILE].

#include <optional>
#include <string>
#include <vector>

#include "hre/result.h"

namespace hre::server {

/// Kinds of servers, by how they are asked for the log-probabilities of a given text.
enum class Api {
  kVllm,    ///< OpenAI completions with token ids, several prompts a request
  kSglang,  ///< /generate with input_ids
  kTgi,     ///< /generate with details.prefill; text only
  kOpenAi,  ///< OpenAI completions with echo; text, one prompt a request
};

std::string api_name(Api api);

struct Address {
  std::vector<std::string> urls;  ///< "http://host:8000", without "/v1" and without a slash at the end
  std::string model;              ///< empty: the only one that the server has
  std::optional<Api> api;         ///< nothing: found by a probe
  std::string tokenizer;          ///< a .gguf file whose vocabulary is the model's; empty: the server's own
};

/// Input errors for anything but http and https, a password in a URL (it would be kept with the result), and
/// unknown settings.
Result<Address> parse_address(const std::string& source);

}  // namespace hre::server
