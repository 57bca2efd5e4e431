#pragma once
/// What servers answer, parsed: pure functions of a body. Bodies are foreign bytes: sizes are bounded by the
/// transport, nesting here; a wrong shape is an error that says what was expected.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"
#include "hre/scorer.h"

namespace hre::server {

/// What a server said of one prompt: one entry a token, in the prompt's order, and perhaps of tokens generated after
/// it.
struct ScoredPrompt {
  int index = 0;                                ///< which prompt of the request
  std::vector<std::optional<float>> log_probs;  ///< nats; nothing where the server sent null; -inf for -9999
  std::vector<Token> ids;          ///< as long as log_probs, -1 where unknown; or empty: the server sends none
  std::vector<int64_t> offsets;    ///< of each token in the text, or empty; -1 where unknown
  std::vector<std::string> texts;  ///< of each token, or empty
  /// What was generated after the prompt, where the server lists it apart from the prompt's tokens.
  std::optional<float> generated_log_prob;
  Token generated_id = -1;
  std::string generated_text;
};

/// OpenAI completions with echo (vLLM, llama-cpp-python), with `prompt_logprobs` taken where it is there. Choices come
/// in any order. Fails where a choice has no log-probabilities.
Result<std::vector<ScoredPrompt>> parse_completions(std::string_view body);

/// SGLang's /generate: one object, or a list of them in the order of the request. Its JSON has null for what is not
/// finite, as well as for the value of a list's first token; an id may be unknown (-1), since it lists the vocabulary's
/// last token as 0.
Result<std::vector<ScoredPrompt>> parse_sglang(std::string_view body);

/// TGI's /generate with decoder_input_details: one prompt, index 0.
Result<std::vector<ScoredPrompt>> parse_tgi(std::string_view body);

/// Token ids of /tokenize in vLLM's and SGLang's shape {"tokens": [...]}, or TGI's [{"id": ...}, ...].
Result<std::vector<Token>> parse_tokens(std::string_view body);

/// What a server says of itself, whichever of its pages was asked; what a page doesn't say stays empty. Names
/// are without control characters, and of at most 300 bytes.
struct ServerInfo {
  std::vector<std::string> models;  ///< names
  std::string owner;                ///< of the models: "vllm", "sglang", "llamacpp", "library" (Ollama)
  std::string version;
  int64_t max_length = 0;  ///< tokens of a prompt and of one generated after it; 0: not said
};

Result<ServerInfo> parse_models(std::string_view body);       ///< GET /v1/models
Result<ServerInfo> parse_sglang_info(std::string_view body);  ///< GET /model_info, once /get_model_info
/// GET /server_info, once /get_server_info: SGLang's version and longest prompt.
Result<ServerInfo> parse_sglang_server(std::string_view body);
Result<ServerInfo> parse_tgi_info(std::string_view body);  ///< GET /info
Result<std::string> parse_version(std::string_view body);  ///< GET /version: vLLM's

/// The message of an error body, in one line of at most 300 bytes: error.message, message, detail, error, or the text.
std::string error_message(std::string_view body);

/// "429: too many requests", or the status alone where the body says nothing.
std::string refusal(int status, std::string_view body);

}  // namespace hre::server
