#include "model/server/requests.h"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

namespace hre::server {
namespace {

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Writes [1,2,3] by hand, because most of the bytes sent are such lists.
template <class Number>
void append_list(std::string& text, std::span<const Number> numbers) {
  text += '[';
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) text += ',';
    fmt::format_to(std::back_inserter(text), "{}", numbers[i]);
  }
  text += ']';
}

void append_lists(std::string& text, std::span<const std::vector<Token>> lists) {
  text += '[';
  for (size_t i = 0; i < lists.size(); ++i) {
    if (i > 0) text += ',';
    append_list<Token>(text, lists[i]);
  }
  text += ']';
}

}  // namespace

std::string completions_body(const std::string& model, std::span<const std::vector<Token>> prompts, int max_tokens) {
  std::string body = R"({"model":)" + json_text(model) + R"(,"prompt":)";
  append_lists(body, prompts);
  // A model's generation_config.json may set a penalty, which is not part of the model itself.
  return body + fmt::format(R"(,"echo":true,"logprobs":1,"max_tokens":{},"temperature":0,)", max_tokens) +
         R"("repetition_penalty":1,"return_tokens_as_token_ids":true})";
}

std::string completions_text_body(const std::string& model, std::string_view text) {
  return R"({"model":)" + json_text(model) + R"(,"prompt":)" + json_text(text) +
         R"(,"echo":true,"logprobs":1,"max_tokens":1,"temperature":0})";
}

std::string sglang_body(std::span<const std::vector<Token>> prompts, std::span<const size_t> starts) {
  std::string body = R"({"input_ids":)";
  append_lists(body, prompts);
  body += R"(,"sampling_params":{"max_new_tokens":1,"temperature":0},"return_logprob":true,"logprob_start_len":)";
  append_list<size_t>(body, starts);
  return body + R"(,"top_logprobs_num":0})";
}

std::string tgi_body(std::string_view text) {
  return R"({"inputs":)" + json_text(text) +
         R"(,"parameters":{"details":true,"decoder_input_details":true,"max_new_tokens":1}})";
}

int64_t n_to_compute(std::span<const Token> cached, std::span<const Token> prompt) {
  const auto n_same = std::ranges::mismatch(cached, prompt).in2 - prompt.begin();
  const auto n = static_cast<int64_t>(prompt.size());
  return n - std::min<int64_t>(n_same, n - 1);
}

std::string llama_body(const std::string& model, const ForcedToken& token) {
  std::string body = R"({"model":)" + json_text(model) + R"(,"prompt":)";
  append_list<Token>(body, token.prompt);
  // The server's own settings must not move parts of a text that occur elsewhere in the cache, which gives other
  // values, nor choose another token: no sampler is left but the bias and top_k 1.
  body += fmt::format(R"(,"id_slot":{},"cache_prompt":{},"n_cache_reuse":0,"n_predict":1,"n_probs":{},)", token.slot,
                      !token.is_fresh, token.n_listed);
  body +=
      R"("post_sampling_probs":false,"samplers":["top_k"],"top_k":1,"mirostat":0,"response_fields":["completion_probabilities","timings/prompt_n"],)";
  constexpr int kBias = 100'000;  // above any difference of logits
  return body + fmt::format(R"("logit_bias":[[{},{}]]}})", token.forced, kBias);
}

std::string tokenize_body(TokenizeShape shape, const std::string& model, std::string_view text, bool special) {
  const std::string how = std::string(R"(,"add_special_tokens":)") + (special ? "true}" : "false}");
  switch (shape) {
    case TokenizeShape::kPrompt:
      return R"({"model":)" + json_text(model) + R"(,"prompt":)" + json_text(text) + how;
    case TokenizeShape::kInputs:
      return R"({"inputs":)" + json_text(text) + how;
    case TokenizeShape::kContent:
      // Special tokens' names in a text are text, as they are in process.
      return R"({"model":)" + json_text(model) + R"(,"content":)" + json_text(text) +
             fmt::format(R"(,"add_special":{},"parse_special":false}})", special);
    case TokenizeShape::kInput:
      break;
  }
  return R"({"model":)" + json_text(model) + R"(,"input":)" + json_text(text) + "}";
}

}  // namespace hre::server
