#pragma once
/// Request bodies, as JSON text: pure functions.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hre/scorer.h"
#include "model/server/address.h"

namespace hre::server {

/// OpenAI completions for several prompts of token ids. `max_tokens` is 0 if the server can generate nothing.
std::string completions_body(const std::string& model, std::span<const std::vector<Token>> prompts, int max_tokens);

/// OpenAI completions for one text.
std::string completions_text_body(const std::string& model, std::string_view text);

/// SGLang's /generate; requests the log-probabilities of each prompt's tokens from its start on.
std::string sglang_body(std::span<const std::vector<Token>> prompts, std::span<const size_t> starts);

/// TGI's /generate for one text.
std::string tgi_body(std::string_view text);

/// llama-server's /completion: one token after a prompt. `forced` is generated whatever its probability; the server
/// reports the probability before the bias that forces it, and those of the `n_listed` likeliest tokens. The prompt
/// stays in the slot's cache.
struct ForcedToken {
  std::span<const Token> prompt;
  Token forced = 0;
  int slot = 0;
  int n_listed = 1;
  bool is_fresh = false;  ///< compute the whole prompt, whatever the slot's cache has of it
};
/// More than any vocabulary has: all tokens are listed.
constexpr int kAllTokens = 1'000'000;
std::string llama_body(const std::string& model, const ForcedToken& token);

/// The tokens of a prompt that are computed where the slot's cache has these: the last one always is.
int64_t n_to_compute(std::span<const Token> cached, std::span<const Token> prompt);

/// The forms of requests to servers' tokenizers.
enum class TokenizeShape {
  kPrompt,   ///< {model, prompt, add_special_tokens}: vLLM, SGLang
  kInputs,   ///< {inputs, add_special_tokens}: TGI
  kInput,    ///< {model, input}: llama-cpp-python, which adds special tokens
  kContent,  ///< {model, content, add_special, parse_special}: llama-server
};
std::string tokenize_body(TokenizeShape shape, const std::string& model, std::string_view text, bool special = false);

}  // namespace hre::server
