#pragma once
/// Parses servers' responses: pure functions of a body. Bodies are foreign bytes: the transport bounds their size, this
/// code their nesting; a wrong shape is an error that says what was expected.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"
#include "hre/scorer.h"

namespace hre::server {

/// A server's values for one prompt: one entry per token, in the prompt's order, possibly followed by generated tokens.
struct ScoredPrompt {
  int index = 0;                                ///< number of the prompt in the request
  std::vector<std::optional<float>> log_probs;  ///< nats; nothing for null; -inf for -9999
  std::vector<Token> ids;                       ///< as long as log_probs, -1 if unknown; empty: the server sends none
  std::vector<int64_t> offsets;                 ///< of each token in the text; -1 if unknown; or empty
  std::vector<std::string> texts;               ///< of each token; or empty
  /// The token generated after the prompt, if the server lists it separately.
  std::optional<float> generated_log_prob;
  Token generated_id = -1;
  std::string generated_text;
  /// Tokens of the text, if it is the only one of the request and the server counts them; some that it doesn't list
  /// too.
  int64_t n_counted = 0;
};

/// OpenAI completions with echo (vLLM, llama-cpp-python); uses `prompt_logprobs` if present. Choices may be in any
/// order. Fails if a choice has no log-probabilities.
Result<std::vector<ScoredPrompt>> parse_completions(std::string_view body);

/// SGLang's /generate: one object, or a list in the order of the request. Its JSON has null for values that are not
/// finite, and for the value of a list's first token. An id may be unknown (-1), because SGLang lists the vocabulary's
/// last token as 0.
Result<std::vector<ScoredPrompt>> parse_sglang(std::string_view body);

/// TGI's /generate with decoder_input_details: one prompt, index 0.
Result<std::vector<ScoredPrompt>> parse_tgi(std::string_view body);

/// A token that llama-server lists with its log-probability before sampling.
struct ListedToken {
  Token id = -1;
  float log_prob = 0;    ///< nats
  bool is_text = false;  ///< its bytes are UTF-8
};
/// The token that llama-server generated, and the likeliest tokens. No token at all if the one that it generated ends
/// in the middle of a character: the server then lists nothing.
struct GeneratedToken {
  std::optional<ListedToken> token;
  std::vector<ListedToken> likeliest;
  int64_t n_computed = -1;  ///< tokens of the prompt that were not taken from the cache; -1: it doesn't say
};
Result<GeneratedToken> parse_llama(std::string_view body);

/// Token ids from /tokenize in vLLM's and SGLang's form {"tokens": [...]}, or in TGI's [{"id": ...}, ...].
Result<std::vector<Token>> parse_tokens(std::string_view body);

/// A server's description of itself, from any of its pages; members that a page does not mention stay empty. Names have
/// no control characters and at most 300 bytes.
struct ServerInfo {
  std::vector<std::string> models;  ///< names
  std::string owner;                ///< of the models: "vllm", "sglang", "llamacpp", "library" (Ollama)
  std::string version;
  int64_t max_length = 0;  ///< tokens of a prompt plus one generated token; 0: unknown
  int slots = 0;           ///< requests that llama-server computes at once; 0: unknown
  std::string weights;     ///< what llama-server says of them: type, parameters, bytes
};

Result<ServerInfo> parse_models(std::string_view body);       ///< GET /v1/models
Result<ServerInfo> parse_sglang_info(std::string_view body);  ///< GET /model_info, formerly /get_model_info
/// GET /props: llama-server's version, slots and longest prompt.
Result<ServerInfo> parse_llama_props(std::string_view body);
/// GET /server_info, formerly /get_server_info: SGLang's version and longest prompt.
Result<ServerInfo> parse_sglang_server(std::string_view body);
Result<ServerInfo> parse_tgi_info(std::string_view body);  ///< GET /info
Result<std::string> parse_version(std::string_view body);  ///< GET /version: vLLM's

/// The message in an error's body, in one line of at most 300 bytes: error.message, message, detail, error, or the
/// text.
std::string error_message(std::string_view body);

/// "429: too many requests", or only the status if the body has no message.
std::string refusal(int status, std::string_view body);

}  // namespace hre::server
