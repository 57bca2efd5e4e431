#include "model/server/profile.h"

#include <fmt/format.h>

namespace hre::server {
namespace {

// A genuine response has a few hundred bytes per token: its text, its offset, the likeliest tokens.
constexpr size_t kReplyBase = 64 << 10, kReplyPerToken = 1024;

std::vector<std::vector<Token>> ids_of(std::span<const Prompt> prompts) {
  std::vector<std::vector<Token>> lists;
  for (const Prompt& prompt : prompts) lists.push_back(prompt.ids);
  return lists;
}

std::string sglang_scoring_body(std::span<const Prompt> prompts) {
  std::vector<size_t> starts;
  for (const Prompt& prompt : prompts) starts.push_back(prompt.start);
  return sglang_body(ids_of(prompts), starts);
}

}  // namespace

Request scoring_request(const Profile& profile, std::span<const Prompt> prompts) {
  Request request;
  size_t tokens = 0;
  for (const Prompt& prompt : prompts) tokens += std::max(prompt.ids.size(), prompt.text.size());
  request.work = static_cast<double>(tokens);
  request.max_reply = kReplyBase + kReplyPerToken * tokens;
  switch (profile.api) {
    case Api::kVllm:
    case Api::kLlama:
      request.path = "/v1/completions";
      request.body = completions_body(profile.model, ids_of(prompts), profile.max_tokens);
      break;
    case Api::kSglang:
      request.path = "/generate";
      request.body = sglang_scoring_body(prompts);
      break;
    case Api::kTgi:
      request.path = "/generate";
      request.body = tgi_body(prompts[0].text);
      break;
    case Api::kOpenAi:
      request.path = "/v1/completions";
      request.body = completions_text_body(profile.model, prompts[0].text);
      break;
  }
  return request;
}

Request forced_request(const Profile& profile, const ForcedToken& token) {
  Request request;
  request.path = "/completion";
  request.body = llama_body(profile.model, token);
  const size_t n_listed = token.n_listed == kAllTokens ? size_t{1} << 18 : static_cast<size_t>(token.n_listed);
  request.max_reply = kReplyBase + kReplyPerToken * (token.prompt.size() + n_listed);  // old versions repeat the prompt
  return request;
}

Result<std::vector<ScoredPrompt>> parse_scored(const Profile& profile, const std::string& body, size_t n_prompts) {
  auto scored = profile.api == Api::kSglang ? parse_sglang(body)
                : profile.api == Api::kTgi  ? parse_tgi(body)
                                            : parse_completions(body);
  if (scored && scored->size() != n_prompts) {
    return fail(ErrorCode::kFailed,
                fmt::format("the server's answer has {} prompts, but {} were sent", scored->size(), n_prompts));
  }
  return scored;
}

Request tokenize_request(const Profile& profile, std::string_view text, bool special) {
  Request request;
  request.path = profile.tokenize_path;
  request.body = tokenize_body(profile.tokenize_shape, profile.model, text, special);
  request.max_reply = kReplyBase + kReplyPerToken * text.size();
  return request;
}

}  // namespace hre::server
