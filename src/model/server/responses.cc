#include "model/server/responses.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/text.h"
#include "core/visible.h"

namespace hre::server {
namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 32;
constexpr double kMinusInfinity = -9999;  // stands for minus infinity, which JSON lacks

/// Whether brackets are nested deeper than in any genuine response; strings are skipped.
bool too_deep(std::string_view body) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

tl::unexpected<Error> wrong(const std::string& what) {
  return fail(ErrorCode::kFailed, "the server's answer is not as expected: " + what);
}

Result<Json> parse_json(std::string_view body) {
  if (too_deep(body)) return wrong("it is nested more than 32 deep");
  Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return wrong(body.empty() ? "it is empty" : "it is not JSON");
  return json;
}

/// A member of an object; null if it is missing.
const Json& member(const Json& json, const char* name) {
  static const Json null;
  if (!json.is_object()) return null;
  const auto found = json.find(name);
  return found == json.end() ? null : *found;
}

std::string text_of(const Json& json) { return json.is_string() ? json.get<std::string>() : std::string(); }

/// The beginning of a server's words in one line, safe to show in a terminal. Line ends become spaces.
std::string shown(std::string text) {
  const auto cut = [&] {
    constexpr size_t kLongest = 300;
    if (text.size() > kLongest) text.resize(kLongest);
    if (const auto bad = find_invalid_utf8(text)) text.resize(*bad);
  };
  cut();
  for (char& c : text) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  }
  text = visible_line(text);
  cut();  // again: a control character is shown as several
  return text;
}

/// Formats a message, to be appended to another.
std::string as_clause(std::string text) {
  text = shown(std::move(text));
  const size_t last = text.find_last_not_of(" .");
  return text.substr(0, last == std::string::npos ? 0 : last + 1);
}

/// The first positive whole number; 0 if there is none.
int64_t first_length(const Json& json, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const Json& value = member(json, name);
    if (value.is_number_integer() && value > 0 && value <= std::numeric_limits<int32_t>::max()) return value;
  }
  return 0;
}

Result<Token> token_id(const Json& json) {
  if (!json.is_number_integer() || json < 0 || json > std::numeric_limits<Token>::max()) {
    return wrong("a token id is not a whole number from 0 to 2^31 - 1");
  }
  return json.get<Token>();
}

Result<std::optional<float>> log_prob(const Json& json) {
  if (json.is_null()) return std::optional<float>();
  if (!json.is_number()) return wrong("a log-probability is not a number");
  const double value = json.get<double>();
  if (!std::isfinite(value)) return wrong("a log-probability is not finite");
  if (value > 1e-3) return wrong("a log-probability is positive");
  if (value <= kMinusInfinity) return std::optional<float>(-std::numeric_limits<float>::infinity());
  return std::optional<float>(static_cast<float>(std::min(value, 0.0)));
}

/// Parses "token_id:123", vLLM's form of tokens if return_tokens_as_token_ids is set.
std::optional<Token> id_in_text(const Json& token) {
  const std::string text = text_of(token), prefix = "token_id:";
  Token id = 0;
  if (!text.starts_with(prefix)) return std::nullopt;
  const auto [end, problem] = std::from_chars(text.data() + prefix.size(), text.data() + text.size(), id);
  const bool whole = problem == std::errc() && end == text.data() + text.size() && id >= 0;
  return whole ? std::optional(id) : std::nullopt;
}

/// {"tokens": [...], "token_logprobs": [...], "text_offset": [...]}
Status read_echo(const Json& log_probs, ScoredPrompt& prompt) {
  const Json& values = member(log_probs, "token_logprobs");
  if (!values.is_array()) return wrong("a choice has no log-probabilities for its prompt");
  for (const Json& value : values) {
    auto number = log_prob(value);
    if (!number) return forward(number);
    prompt.log_probs.push_back(*number);
  }
  for (const Json& token : member(log_probs, "tokens")) {
    if (const auto id = id_in_text(token)) prompt.ids.push_back(*id);
    prompt.texts.push_back(text_of(token));
  }
  if (prompt.ids.size() != prompt.log_probs.size()) prompt.ids.clear();
  if (prompt.texts.size() != prompt.log_probs.size() || !prompt.ids.empty()) prompt.texts.clear();
  for (const Json& offset : member(log_probs, "text_offset")) {
    prompt.offsets.push_back(offset.is_number_integer() ? offset.get<int64_t>() : -1);
  }
  if (prompt.offsets.size() != prompt.log_probs.size()) prompt.offsets.clear();
  return {};
}

/// Reads an entry {"<id>": {"logprob": x, "rank": r}, ...} for the id of the prompt's own token. vLLM lists that token
/// first, and with prompt_logprobs 0 lists no other. JSON objects have no order, so more than one id is refused.
Status read_entry(const Json& entry, ScoredPrompt& prompt) {
  if (entry.is_null()) {
    prompt.log_probs.emplace_back();
    prompt.ids.push_back(-1);
    return {};
  }
  if (!entry.is_object() || entry.size() != 1) return wrong("an entry of prompt_logprobs does not hold one token");
  const std::string& name = entry.begin().key();
  Token id = -1;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (problem != std::errc() || end != name.data() + name.size() || id < 0) return wrong("a token id is not a number");
  auto number = log_prob(member(entry.begin().value(), "logprob"));
  if (!number) return forward(number);
  prompt.ids.push_back(id);
  prompt.log_probs.push_back(*number);
  return {};
}

Result<ScoredPrompt> read_choice(const Json& choice, size_t n_choices) {
  ScoredPrompt prompt;
  const Json& index = member(choice, "index");
  if (!index.is_number_integer() || index < 0 || index >= n_choices) return wrong("a choice's index is out of range");
  prompt.index = index.get<int>();
  // vLLM answers `echo` in both forms. Then prompt_logprobs also contains likelier tokens, without saying which one was
  // sent.
  const Json &echo = member(choice, "logprobs"), &entries = member(choice, "prompt_logprobs");
  if (!entries.is_array() || member(echo, "token_logprobs").is_array()) {
    if (auto ok = read_echo(echo, prompt); !ok) return forward(ok);
    return prompt;
  }
  for (const Json& entry : entries) {
    if (auto ok = read_entry(entry, prompt); !ok) return forward(ok);
  }
  return prompt;
}

/// [lp or null, id, text]
Status read_triple(const Json& entry, ScoredPrompt& prompt) {
  if (!entry.is_array() || entry.size() < 2) return wrong("an entry of input_token_logprobs is not [value, id, text]");
  auto number = log_prob(entry[0]);
  if (!number) return forward(number);
  auto id = token_id(entry[1]);
  if (!id) return forward(id);
  prompt.log_probs.push_back(*number);
  prompt.ids.push_back(*id);
  return {};
}

Result<ScoredPrompt> read_generated(const Json& answer, int index) {
  ScoredPrompt prompt;
  prompt.index = index;
  const Json& meta = member(answer, "meta_info");
  if (const Json& reason = member(meta, "finish_reason"); text_of(member(reason, "type")) == "abort") {
    return wrong("the server aborted the request: " + as_clause(text_of(member(reason, "message"))));
  }
  const Json& entries = member(meta, "input_token_logprobs");
  if (!entries.is_array()) return wrong("meta_info.input_token_logprobs is missing");
  for (const Json& entry : entries) {
    if (auto ok = read_triple(entry, prompt); !ok) return forward(ok);
    auto& value = prompt.log_probs.back();
    if (!value && prompt.log_probs.size() > 1) value = -std::numeric_limits<float>::infinity();
    if (prompt.ids.back() == 0) prompt.ids.back() = -1;
  }
  const Json& generated = member(meta, "output_token_logprobs");
  ScoredPrompt after;
  if (generated.is_array() && !generated.empty() && read_triple(generated[0], after)) {
    prompt.generated_log_prob = after.log_probs[0];
    prompt.generated_id = after.ids[0];
  }
  return prompt;
}

/// {"id": 7, "token": " x", "bytes": [32, 120], "logprob": -1.5}; the token's text is cut where it is not UTF-8.
Result<ListedToken> read_listed(const Json& entry) {
  auto id = token_id(member(entry, "id"));  // absent before December 2024, when values were those after sampling
  if (!id) return forward(id);
  auto number = log_prob(member(entry, "logprob"));
  if (!number) return forward(number);
  if (!*number) return wrong("a token has no logprob");
  const size_t n_bytes = member(entry, "bytes").size();
  return ListedToken{*id, **number, n_bytes > 0 && text_of(member(entry, "token")).size() == n_bytes};
}

}  // namespace

Result<std::vector<ScoredPrompt>> parse_completions(std::string_view body) {
  auto json = parse_json(body);
  if (!json) return forward(json);
  const Json& choices = member(*json, "choices");
  if (!choices.is_array() || choices.empty()) return wrong("it has no choices");
  std::vector<ScoredPrompt> prompts;
  for (const Json& choice : choices) {
    auto prompt = read_choice(choice, choices.size());
    if (!prompt) return forward(prompt);
    prompts.push_back(std::move(*prompt));
  }
  std::sort(prompts.begin(), prompts.end(), [](const auto& a, const auto& b) { return a.index < b.index; });
  for (size_t i = 0; i < prompts.size(); ++i) {
    if (prompts[i].index != static_cast<int>(i)) return wrong("two choices have the same index");
  }
  const Json& counted = member(member(*json, "usage"), "prompt_tokens");
  if (prompts.size() == 1 && counted.is_number_integer()) prompts[0].n_counted = counted.get<int64_t>();
  return prompts;
}

Result<std::vector<ScoredPrompt>> parse_sglang(std::string_view body) {
  auto json = parse_json(body);
  if (!json) return forward(json);
  const Json list = json->is_array() ? std::move(*json) : Json::array({std::move(*json)});
  std::vector<ScoredPrompt> prompts;
  for (const Json& answer : list) {
    auto prompt = read_generated(answer, static_cast<int>(prompts.size()));
    if (!prompt) return forward(prompt);
    prompts.push_back(std::move(*prompt));
  }
  return prompts;
}

Result<std::vector<ScoredPrompt>> parse_tgi(std::string_view body) {
  auto json = parse_json(body);
  if (!json) return forward(json);
  const Json& answer = json->is_array() && !json->empty() ? (*json)[0] : *json;
  const Json& prefill = member(member(answer, "details"), "prefill");
  if (!prefill.is_array() || prefill.empty()) {
    return wrong("details.prefill is missing or empty; TGI 3 fills it if started with --enable-prefill-logprobs");
  }
  ScoredPrompt prompt;
  for (const Json& entry : prefill) {
    auto id = token_id(member(entry, "id"));
    if (!id) return forward(id);
    auto number = log_prob(member(entry, "logprob"));
    if (!number) return forward(number);
    prompt.ids.push_back(*id);
    prompt.log_probs.push_back(*number);
  }
  const Json& generated = member(member(answer, "details"), "tokens");
  if (generated.is_array() && !generated.empty()) {
    const auto number = log_prob(member(generated[0], "logprob"));
    const auto id = token_id(member(generated[0], "id"));
    if (number && id) prompt.generated_log_prob = *number, prompt.generated_id = *id;
    prompt.generated_text = text_of(member(generated[0], "text"));
  }
  return std::vector<ScoredPrompt>{std::move(prompt)};
}

Result<GeneratedToken> parse_llama(std::string_view body) {
  auto json = parse_json(body);
  if (!json) return forward(json);
  if (!json->is_object()) return wrong("it is no object");
  const Json& list = member(*json, "completion_probabilities");
  GeneratedToken generated;
  const Json& computed = member(*json, "timings/prompt_n");
  if (computed.is_number_integer()) generated.n_computed = computed.get<int64_t>();
  if (list.is_null() || (list.is_array() && list.empty())) return generated;
  if (!list.is_array() || list.size() != 1) return wrong("completion_probabilities does not hold one token");
  auto token = read_listed(list[0]);
  if (!token) return forward(token);
  generated.token = *token;
  for (const Json& entry : member(list[0], "top_logprobs")) {
    auto listed = read_listed(entry);
    if (!listed) return forward(listed);
    generated.likeliest.push_back(*listed);
  }
  return generated;
}

Result<std::vector<Token>> parse_tokens(std::string_view body) {
  auto json = parse_json(body);
  if (!json) return forward(json);
  const Json& list = json->is_array() ? *json : member(*json, "tokens");
  if (!list.is_array()) return wrong("it holds no tokens");
  std::vector<Token> tokens;
  for (const Json& entry : list) {
    auto id = token_id(entry.is_object() ? member(entry, "id") : entry);
    if (!id) return forward(id);
    tokens.push_back(*id);
  }
  return tokens;
}

Result<ServerInfo> parse_models(std::string_view body) {
  auto json = parse_json(body);
  if (!json) return forward(json);
  const Json& list = member(*json, "data");
  if (!list.is_array()) return wrong("/v1/models holds no list of models");
  ServerInfo info;
  for (const Json& model : list) {
    if (const std::string id = shown(text_of(member(model, "id"))); !id.empty()) info.models.push_back(id);
    if (info.owner.empty()) info.owner = text_of(member(model, "owned_by"));
    if (info.max_length == 0) info.max_length = first_length(model, {"max_model_len"});
    const Json& meta = member(model, "meta");
    if (!info.weights.empty() || !meta.is_object()) continue;
    for (const char* name : {"ftype", "n_vocab", "n_embd", "n_params", "size"}) {
      if (const Json& value = member(meta, name); !value.is_null()) info.weights += shown(value.dump()) + ' ';
    }
  }
  return info;
}

Result<ServerInfo> parse_sglang_info(std::string_view body) {
  auto json = parse_json(body);
  if (!json) return forward(json);
  ServerInfo info;
  const std::string path = shown(text_of(member(*json, "model_path")));
  if (path.empty()) return wrong("/model_info names no model_path");
  info.models = {path};
  info.owner = "sglang";
  return info;
}

Result<ServerInfo> parse_llama_props(std::string_view body) {
  auto json = parse_json(body);
  if (!json) return forward(json);
  ServerInfo info;
  info.slots = static_cast<int>(first_length(*json, {"total_slots"}));
  if (info.slots == 0) return wrong("/props states no total_slots");
  info.version = shown(text_of(member(*json, "build_info")));
  info.max_length = first_length(member(*json, "default_generation_settings"), {"n_ctx"});
  return info;
}

Result<ServerInfo> parse_sglang_server(std::string_view body) {
  auto json = parse_json(body);
  if (!json) return forward(json);
  ServerInfo info;
  info.version = shown(text_of(member(*json, "version")));
  info.max_length = first_length(*json, {"max_req_input_len"});  // prompts must be shorter than this
  return info;
}

Result<ServerInfo> parse_tgi_info(std::string_view body) {
  auto json = parse_json(body);
  if (!json) return forward(json);
  ServerInfo info;
  const std::string model = shown(text_of(member(*json, "model_id")));
  if (model.empty()) return wrong("/info names no model_id");
  info.models = {model};
  info.owner = "tgi";
  info.version = shown(text_of(member(*json, "version")));
  const int64_t most_sent = first_length(*json, {"max_input_tokens", "max_input_length"});
  const int64_t most = first_length(*json, {"max_total_tokens"});
  info.max_length = most_sent == 0 ? most : most == 0 ? most_sent + 1 : std::min(most_sent + 1, most);
  return info;
}

Result<std::string> parse_version(std::string_view body) {
  auto json = parse_json(body);
  if (!json) return forward(json);
  std::string version = shown(text_of(member(*json, "version")));
  if (version.empty()) return wrong("/version names no version");
  return version;
}

std::string error_message(std::string_view body) {
  const auto json = parse_json(body);
  if (!json) return as_clause(std::string(body.substr(0, 4096)));
  const Json& error = member(*json, "error");
  for (const Json* candidate :
       {&member(error, "message"), &error, &member(*json, "message"), &member(*json, "detail")}) {
    if (candidate->is_string()) return as_clause(candidate->get<std::string>());
  }
  const Json& shown = error.is_null() ? (member(*json, "detail").is_null() ? *json : member(*json, "detail")) : error;
  return as_clause(shown.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string refusal(int status, std::string_view body) {
  const std::string said = error_message(body);
  return std::to_string(status) + (said.empty() ? "" : ": " + said);
}

}  // namespace hre::server
