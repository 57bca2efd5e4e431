#include "model/server/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/text.h"

namespace hre::server {
namespace {

// Two texts that every vocabulary can express, equal except for one word.
constexpr char kEqual[] = "Once upon a time there was a little";
constexpr char kFirst[] = "Once upon a time there was a little girl who lived in a big house";
constexpr char kSecond[] = "Once upon a time there was a little dog who lived in a big house";
// Characters of one to four bytes: they show how text offsets are counted.
constexpr char kManyBytes[] = "A caf\u00E9 in \u6771\u4EAC sells \U0001F370 to a na\u00EFve girl";
constexpr char kNameVocabulary[] = "give a file with the model's vocabulary: ,tokenizer=FILE.gguf";
constexpr char kCan[] = "vLLM, SGLang, TGI, llama-server and llama-cpp-python's server can";

/// If two equal requests differ by more than this, in nats per token, the values are useless.
constexpr double kMostNoise = 0.5;
/// The largest allowed difference between a token's value when it is generated and when it is sent.
constexpr double kSameValue = 0.1;

/// The first of them, for a message.
std::string some_of(std::vector<std::string> names) {
  constexpr size_t kShown = 10;
  const size_t left = names.size() > kShown ? names.size() - kShown : 0;
  names.resize(names.size() - left);
  return join(names) + (left > 0 ? fmt::format(" and {} more", left) : "");
}

class Prober {
 public:
  Prober(const std::string& url, const Address& address, const Encode& vocabulary, const Ask& ask)
      : url_(url), address_(address), vocabulary_(vocabulary), ask_(ask) {}

  Result<Profile> run() {
    for (const auto step : {&Prober::identify, &Prober::name_model, &Prober::find_tokenizer, &Prober::check_values}) {
      if (auto ok = (this->*step)(); !ok) return forward(ok);
    }
    return profile_;
  }

 private:
  /// llama-server lists no prompt's log-probabilities yet. Where a version does, and they are right, they are used;
  /// else every token is forced.
  Status check_values() {
    if (profile_.api != Api::kLlama) return check_values_one_way();
    if (auto ok = check_values_one_way(); ok || ok.error().code == ErrorCode::kInterrupted) return ok;
    texts_.clear();
    profile_.is_forced = true;
    if (auto ok = check_values_one_way(); !ok) return ok;
    return see_whether_caches_go_back();
  }

  Status check_values_one_way() {
    for (const auto step :
         {&Prober::compare_texts, &Prober::repeat, &Prober::compare_with_generated, &Prober::cut_lists}) {
      if (auto ok = (this->*step)(); !ok) return ok;
    }
    return {};
  }

  tl::unexpected<Error> refuse(const std::string& why) const {
    return fail(ErrorCode::kFailed, fmt::format("this server can't score a given text: {}", why), url_, kCan);
  }

  /// The body of a 2xx; nothing for any other status; an error if further requests make no sense.
  Result<std::optional<std::string>> try_to_get(const std::string& path) {
    Request request;
    request.path = path;
    request.max_reply = 1 << 20;
    auto reply = ask_(request);
    if (!reply) return forward(reply);
    if (reply->status == 401 || reply->status == 403) {
      return fail(ErrorCode::kFailed, "the server answers " + refusal(reply->status, reply->body), url_,
                  "put the key into HRE_API_KEY or ‹api_key_file›");
    }
    if (reply->status < 200 || reply->status > 299) return std::optional<std::string>();
    return std::optional(std::move(reply->body));
  }

  bool may_be(Api api) const { return !address_.api || *address_.api == api; }

  Status identify() {
    if (may_be(Api::kSglang)) {
      auto page = try_to_get_either("/model_info", "/get_model_info");
      if (!page) return forward(page);
      if (*page && is(Api::kSglang, parse_sglang_info(**page))) return more_of_sglang();
    }
    if (may_be(Api::kTgi)) {
      const auto page = try_to_get("/info");
      if (page && *page && is(Api::kTgi, parse_tgi_info(**page))) return {};
    }
    auto page = try_to_get("/v1/models");
    if (!page) return forward(page);
    if (*page && is(Api::kOpenAi, parse_models(**page))) return tell_kind();
    if (address_.api) {
      profile_.api = *address_.api;
      return profile_.api == Api::kLlama ? more_of_llama() : Status();
    }
    return refuse("it answers none of /v1/models, /model_info and /info");
  }

  bool is(Api api, const Result<ServerInfo>& info) {
    if (!info) return false;
    profile_.api = api;
    info_ = *info;
    profile_.max_length = info_.max_length;
    profile_.version = info_.version;
    return true;
  }

  /// Gets a page that had another name in older versions.
  Result<std::optional<std::string>> try_to_get_either(const std::string& path, const std::string& old_path) {
    auto page = try_to_get(path);
    return page && !*page ? try_to_get(old_path) : page;
  }

  /// SGLang accepts only prompts slightly shorter than the context length that it states.
  Status more_of_sglang() {
    constexpr int64_t kKeptBack = 6;
    auto page = try_to_get_either("/server_info", "/get_server_info");
    const auto server = page && *page ? parse_sglang_server(**page) : Result<ServerInfo>(fail(ErrorCode::kFailed, ""));
    if (server) profile_.version = server->version;
    if (server && server->max_length > 0) {
      profile_.max_length = server->max_length;
      return {};
    }
    page = try_to_get("/v1/models");
    const auto models = page && *page ? parse_models(**page) : Result<ServerInfo>(fail(ErrorCode::kFailed, ""));
    if (models && models->max_length > kKeptBack) profile_.max_length = models->max_length - kKeptBack;
    return {};
  }

  Status tell_kind() {
    if (address_.api.value_or(Api::kLlama) == Api::kLlama && (address_.api || info_.owner == "llamacpp")) {
      profile_.api = Api::kLlama;
      return more_of_llama();
    }
    const auto page = try_to_get("/version");
    const auto version = page && *page ? parse_version(**page) : Result<std::string>(fail(ErrorCode::kFailed, ""));
    if (version) profile_.version = *version;
    if (address_.api) {
      profile_.api = *address_.api;
    } else if (info_.owner == "vllm" || (version && info_.owner != "llamacpp")) {
      profile_.api = Api::kVllm;
    }
    return {};
  }

  Status more_of_llama() {
    auto page = try_to_get("/props");
    if (!page) return forward(page);
    const auto props =
        *page ? parse_llama_props(**page) : Result<ServerInfo>(fail(ErrorCode::kFailed, "it has no /props"));
    if (!props) return refuse(props.error().message);
    profile_.version = props->version;
    profile_.max_length = props->max_length;
    profile_.slots = props->slots;
    profile_.weights = info_.weights;
    return {};
  }

  Status name_model() {
    profile_.model = address_.model;
    const bool listed = std::find(info_.models.begin(), info_.models.end(), address_.model) != info_.models.end();
    if (!profile_.model.empty()) {
      if (listed || info_.models.empty() || profile_.api == Api::kSglang || profile_.api == Api::kTgi) return {};
      const auto nearest = nearest_name(address_.model, info_.models);
      return input_error("the server has no model '" + address_.model + "'", url_,
                         nearest ? "did you mean " + *nearest + "?" : "it has " + some_of(info_.models));
    }
    if (info_.models.size() > 1) {
      return input_error("the server has several models: " + some_of(info_.models), url_,
                         "choose one with ,model=NAME");
    }
    if (!info_.models.empty()) profile_.model = info_.models.front();
    return {};
  }

  Status find_tokenizer() {
    if (vocabulary_) {
      profile_.tokenizer = Tokenizer::kFile;
      return {};
    }
    struct Place {
      const char* path;
      TokenizeShape shape;
    };
    const std::vector<Place> places =
        profile_.api == Api::kTgi ? std::vector<Place>{{"/tokenize", TokenizeShape::kInputs}}
        : profile_.api == Api::kOpenAi
            ? std::vector<Place>{{"/extras/tokenize", TokenizeShape::kInput}, {"/tokenize", TokenizeShape::kPrompt}}
        : profile_.api == Api::kLlama ? std::vector<Place>{{"/tokenize", TokenizeShape::kContent}}
                                      : std::vector<Place>{{"/tokenize", TokenizeShape::kPrompt}};
    std::string why = "it returns none for a text";
    for (const Place& place : places) {
      profile_.tokenize_path = place.path;
      profile_.tokenize_shape = place.shape;
      auto tokens = ask_tokens(profile_, kFirst, ask_);
      if (!tokens && tokens.error().code == ErrorCode::kInterrupted) return forward(tokens);
      if (!tokens) why = tokens.error().message;
      if (!tokens || tokens->empty()) continue;
      profile_.tokenizer = Tokenizer::kServer;
      if (const auto specials = ask_tokens(profile_, "", ask_)) profile_.specials = *specials;
      return {};
    }
    if (!profile_.takes_ids()) return {};  // text offsets may still work
    return fail(ErrorCode::kFailed, "the server can't be asked for tokens: " + why, url_, kNameVocabulary);
  }

  Result<std::vector<Token>> encode(std::string_view text) const {
    return profile_.tokenizer == Tokenizer::kFile ? vocabulary_(text) : ask_tokens(profile_, text, ask_);
  }

  Result<Prompt> prompt_of(const std::string& text) const {
    Prompt prompt;
    prompt.text = text;
    if (profile_.tokenizer == Tokenizer::kOffsets) return prompt;
    auto ids = encode(text);
    if (!ids) return forward(ids);
    prompt.ids = std::move(*ids);
    return prompt;
  }

  Result<std::vector<ScoredPrompt>> score(const std::vector<Prompt>& prompts) {
    std::vector<ScoredPrompt> all;
    if (profile_.is_forced) {
      for (const Prompt& prompt : prompts) {
        auto scored = force(prompt.ids);
        if (!scored) return forward(scored);
        all.push_back(std::move(*scored));
      }
      return all;
    }
    const size_t at_once = profile_.takes_ids() ? prompts.size() : 1;
    for (size_t i = 0; i < prompts.size(); i += at_once) {
      const std::span<const Prompt> some(prompts.data() + i, at_once);
      Request request = scoring_request(profile_, some);
      request.once = profile_.api == Api::kLlama;  // which answers 500 to what it doesn't know
      auto reply = ask_(request);
      if (!reply) return forward(reply);
      if (reply->status < 200 || reply->status > 299) {
        return fail(ErrorCode::kFailed, "it answers " + refusal(reply->status, reply->body));
      }
      auto scored = parse_scored(profile_, reply->body, at_once);
      if (!scored) return scored;
      all.insert(all.end(), scored->begin(), scored->end());
    }
    return all;
  }

  Result<GeneratedToken> force_one(const ForcedToken& token) {
    const auto begin = std::chrono::steady_clock::now();
    auto reply = ask_(forced_request(profile_, token));
    if (!reply) return forward(reply);
    if (reply->status < 200 || reply->status > 299) {
      return fail(ErrorCode::kFailed, "it answers " + refusal(reply->status, reply->body));
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    request_seconds_.push_back(took.count());
    auto generated = parse_llama(reply->body);
    if (!generated) return forward(generated);
    if (!generated->token) {
      return fail(ErrorCode::kFailed, "it lists no log-probability of the token that it generated");
    }
    if (generated->token->id != token.forced) {
      return fail(ErrorCode::kFailed,
                  fmt::format("it generated token {} where {} was forced", generated->token->id, token.forced));
    }
    return generated;
  }

  /// A text's values, one forced token after the other. The likeliest token after it, whose value is listed when
  /// another one is forced, stands for the one that the server would generate.
  Result<ScoredPrompt> force(const std::vector<Token>& ids) {
    constexpr int kListed = 50;  // so many that one of them is made of whole characters
    if (profile_.plain_token < 0) profile_.plain_token = ids.back();
    ScoredPrompt scored;
    scored.log_probs.emplace_back();
    const std::span<const Token> all(ids);
    for (size_t i = 1; i <= all.size(); ++i) {
      const bool at_end = i == all.size();
      auto generated =
          force_one({all.first(i), at_end ? profile_.plain_token : all[i], 0, at_end ? kListed : 1, i == 1});
      if (!generated) return forward(generated);
      if (!at_end) scored.log_probs.emplace_back(generated->token->log_prob);
      const auto likeliest = std::ranges::find_if(generated->likeliest, &ListedToken::is_text);
      if (at_end && likeliest != generated->likeliest.end()) {
        scored.generated_log_prob = likeliest->log_prob;
        scored.generated_id = likeliest->id;
      }
    }
    scored.ids = ids;
    const auto middle = request_seconds_.begin() + static_cast<ptrdiff_t>(request_seconds_.size() / 2);
    std::ranges::nth_element(request_seconds_, middle);
    profile_.seconds_per_request = *middle;
    return scored;
  }

  /// The values of the tokens from `begin` on, one forced after the other. What is before them is computed anew, or
  /// else taken from the slot's cache as far as that has it; it is an error if the server computes more.
  Result<std::vector<float>> force_from(std::span<const Token> ids, size_t begin, bool is_fresh) {
    std::vector<float> values;
    for (size_t i = begin; i < ids.size(); ++i) {
      const ForcedToken token{ids.first(i), ids[i], 0, 1, is_fresh && i == begin};
      auto generated = force_one(token);
      if (!generated) return forward(generated);
      if (!token.is_fresh && generated->n_computed != n_to_compute(in_slot_, token.prompt)) {
        return fail(ErrorCode::kFailed, "the cache does not go back");
      }
      in_slot_.assign(token.prompt.begin(), token.prompt.end());
      values.push_back(generated->token->log_prob);
    }
    return values;
  }

  /// Whether a question's answers may share its prompt in a slot's cache. It must go back to where two texts part,
  /// compute no token before, and give the values that it gives without. The cache of a recurrent model goes back to
  /// some places alone, if at all, and was seen to give wrong values; llama-server doesn't say what its model is.
  Status see_whether_caches_go_back() {
    constexpr size_t kRepeats = 16;       // a prompt of some hundred tokens, where there is room
    constexpr double kSameCached = 0.01;  // nats per token; who is refused for other noise loses time alone
    const auto texts_of = [&](size_t n) {
      std::vector<Token> a, b;
      for (size_t i = 0; i < n; ++i) a.insert(a.end(), texts_[0].ids.begin(), texts_[0].ids.end());
      b = a;
      a.insert(a.end(), texts_[0].ids.begin(), texts_[0].ids.end());
      for (size_t i = 0; i <= n / 8; ++i) b.insert(b.end(), texts_[1].ids.begin(), texts_[1].ids.end());
      return std::pair(std::move(a), std::move(b));
    };
    auto texts = texts_of(kRepeats);
    if (profile_.max_length > 0 && static_cast<int64_t>(texts.second.size()) >= profile_.max_length)
      texts = texts_of(0);
    const auto& [a, b] = texts;
    const auto parted = static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
    struct Step {
      std::span<const Token> ids;
      size_t begin;
      bool is_fresh;
    };
    const Step steps[] = {{a, parted, true},        {b, parted, false},       {a, parted, false},
                          {a, a.size() - 1, false}, {b, b.size() - 2, false}, {b, parted, true}};
    std::vector<std::vector<float>> values;
    for (const Step& step : steps) {
      auto forced = force_from(step.ids, step.begin, step.is_fresh);
      if (!forced) return forced.error().code == ErrorCode::kInterrupted ? forward(forced) : Status();
      values.push_back(std::move(*forced));
    }
    const auto end_as = [](std::span<const float> some, std::span<const float> all) {
      return std::ranges::equal(some, all.last(some.size()),
                                [](float x, float y) { return std::abs(x - y) <= kSameCached; });
    };
    profile_.caches_go_back = end_as(values[2], values[0]) && end_as(values[3], values[0]) &&
                              end_as(values[1], values[5]) && end_as(values[4], values[5]);
    return {};
  }

  /// The number of tokens of a text, as the server lists them.
  size_t n_tokens(const Prompt& prompt, const ScoredPrompt& scored) const {
    return profile_.tokenizer == Tokenizer::kOffsets ? n_before(scored, prompt.text.size()) : prompt.ids.size();
  }
  /// For texts of single-byte characters.
  size_t n_before(const ScoredPrompt& scored, size_t byte) const {
    const auto offset = static_cast<int64_t>(byte) + profile_.offsets.after_space;
    const bool first_absent = !scored.offsets.empty() && scored.offsets.front() > 0;
    const auto before =
        std::count_if(scored.offsets.begin(), scored.offsets.end(), [&](int64_t at) { return at >= 0 && at < offset; });
    return static_cast<size_t>(before) + first_absent;
  }

  Status compare_texts() {
    for (const char* text : {kFirst, kSecond}) {
      auto prompt = prompt_of(text);
      if (!prompt) return forward(prompt);
      texts_.push_back(std::move(*prompt));
    }
    profile_.max_tokens = profile_.api == Api::kVllm ? 0 : 1;
    auto scored = score(texts_);
    if (!scored && profile_.api == Api::kVllm) {  // some versions can't generate zero tokens
      profile_.max_tokens = 1;
      scored = score(texts_);
    }
    if (!scored) return refuse(scored.error().message);
    scored_ = std::move(*scored);
    const bool by_offset = profile_.tokenizer == Tokenizer::kOffsets;
    if (by_offset) {
      if (auto ok = find_offsets(); !ok) return ok;
    }
    const size_t n_first = n_tokens(texts_[0], scored_[0]);
    const auto [a, b] =
        std::mismatch(texts_[0].ids.begin(), texts_[0].ids.end(), texts_[1].ids.begin(), texts_[1].ids.end());
    const size_t n_equal =
        by_offset ? n_before(scored_[0], sizeof kEqual - 1) : static_cast<size_t>(a - texts_[0].ids.begin());
    auto alignment = find_alignment(scored_[0], scored_[1], n_first, n_tokens(texts_[1], scored_[1]), n_equal);
    if (!alignment) return refuse(alignment.error().message);
    profile_.alignment = *alignment;
    const bool counts_more = !profile_.takes_ids() && scored_[0].n_counted > static_cast<int64_t>(n_first);
    profile_.server_adds_bos = alignment->shift == 1 || !profile_.specials.empty() || counts_more;
    return take_probe_values();
  }

  Status find_offsets() {
    Prompt prompt;
    prompt.text = kManyBytes;
    const auto scored = score({prompt});
    if (!scored) return refuse(scored.error().message);
    const auto rule = find_offset_rule((*scored)[0], kManyBytes);
    if (rule) profile_.offsets = *rule;
    if (rule && take_from_offset(scored_[0], *rule, sizeof kEqual - 1, kFirst)) return {};
    return fail(ErrorCode::kFailed,
                "this server can't score a given text: it has no tokenizer that hre can ask, and its text offsets "
                "can't be used",
                url_, kNameVocabulary);
  }

  Status take_probe_values() {
    const bool by_offset = profile_.tokenizer == Tokenizer::kOffsets;
    const size_t n = n_tokens(texts_[0], scored_[0]);
    auto values = by_offset ? take_from_offset(scored_[0], profile_.offsets, sizeof kEqual - 1, kFirst)
                            : take_targets(scored_[0], profile_.alignment, n, std::span(texts_[0].ids).last(n - 1));
    if (!values) return refuse(values.error().message);
    profile_.probe_values = std::move(*values);
    return {};
  }

  Status repeat() {
    const auto again = score(texts_);
    if (!again) return refuse(again.error().message);
    profile_.noise = std::max(largest_difference(scored_[0], (*again)[0]), largest_difference(scored_[1], (*again)[1]));
    if (profile_.noise <= kMostNoise) return {};
    return refuse(fmt::format("the same request gave different values (by {:.2g} nats)", profile_.noise));
  }

  /// Some servers return each token's probability after itself (llama-cpp-python does, for models without a
  /// beginning-of-sequence token). A generated token reveals this: its value when generated must equal its value when
  /// sent.
  Status compare_with_generated() {
    std::string last = "the token that it generates could not be sent back";
    for (const char* text : {kEqual, "Once upon a time there was a", "Once upon a time", "There was a"}) {
      auto compared = compare_generated_after(text);
      if (!compared) return refuse(compared.error().message);
      if (!*compared) continue;
      if (**compared <= kSameValue) return {};
      return refuse(
          fmt::format("a token's value when sent differs by {:.3g} nats from its value when generated, so the "
                      "server's values are not those of the text's tokens",
                      **compared));
    }
    return refuse(last);
  }

  /// The difference; nothing if this text can't show it.
  Result<std::optional<double>> compare_generated_after(const std::string& text) {
    Profile generating = profile_;
    generating.max_tokens = 1;
    std::swap(generating, profile_);
    auto found = generate_and_send(text);
    std::swap(generating, profile_);
    return found;
  }

  Result<std::optional<double>> generate_and_send(const std::string& text) {
    auto prompt = prompt_of(text);
    if (!prompt) return forward(prompt);
    auto before = score({*prompt});
    if (!before) return forward(before);
    const size_t n = n_tokens(*prompt, (*before)[0]);
    ScoredPrompt& first = (*before)[0];
    take_generated(first, n);
    if (!first.generated_log_prob) return std::optional<double>();
    Prompt longer;
    if (profile_.takes_ids()) {
      longer.ids = prompt->ids;
      longer.ids.push_back(first.generated_id);
      if (first.generated_id < 0) return std::optional<double>();
    } else {
      if (first.generated_text.empty()) return std::optional<double>();
      auto sent = prompt_of(text + first.generated_text);
      if (!sent) return forward(sent);
      longer = std::move(*sent);
    }
    auto after = score({longer});
    if (!after) return forward(after);
    if (n_tokens(longer, (*after)[0]) != n + 1) return std::optional<double>();
    const size_t at = static_cast<size_t>(static_cast<ptrdiff_t>(n) + profile_.alignment.shift);
    if (at >= (*after)[0].log_probs.size() || !(*after)[0].log_probs[at]) return std::optional<double>();
    return std::optional<double>(std::abs(*first.generated_log_prob - *(*after)[0].log_probs[at]));
  }

  /// Completions list the generated token after the prompt's tokens.
  void take_generated(ScoredPrompt& scored, size_t n) const {
    const auto at = static_cast<size_t>(static_cast<ptrdiff_t>(n) + profile_.alignment.shift);
    if (scored.generated_log_prob || at >= scored.log_probs.size()) return;
    scored.generated_log_prob = scored.log_probs[at];
    if (at < scored.ids.size()) scored.generated_id = scored.ids[at];
    if (at < scored.texts.size()) scored.generated_text = scored.texts[at];
  }

  /// SGLang's lists that begin later must contain the same values.
  Status cut_lists() {
    if (profile_.api != Api::kSglang) return {};
    std::vector<Prompt> cut = texts_;
    constexpr size_t kTargets = 3;
    for (Prompt& prompt : cut) {
      if (prompt.ids.size() <= kTargets) return refuse("its tokenizer returns too few tokens");
      prompt.start = prompt.ids.size() - kTargets - 1;
    }
    const auto scored = score(cut);
    if (!scored) return refuse(scored.error().message);
    for (size_t i = 0; i < cut.size(); ++i) {
      const auto targets = std::span(cut[i].ids).last(kTargets);
      const auto whole = take_targets(scored_[i], profile_.alignment, cut[i].ids.size(), targets);
      const auto part = take_last((*scored)[i], targets);
      if (!part) return refuse("with logprob_start_len, " + part.error().message);
      for (size_t t = 0; whole && t < kTargets; ++t) {
        if (std::abs((*whole)[t] - (*part)[t]) > kMostNoise) return refuse("its values change with logprob_start_len");
      }
    }
    return {};
  }

  const std::string& url_;
  const Address& address_;
  const Encode& vocabulary_;
  const Ask& ask_;
  Profile profile_;
  ServerInfo info_;
  std::vector<Prompt> texts_;
  std::vector<ScoredPrompt> scored_;
  std::vector<double> request_seconds_;  // of forced tokens
  std::vector<Token> in_slot_;           // the prompt that was last sent to the first slot
};

Result<std::vector<Token>> ask_tokens_with(const Profile& profile, std::string_view text, bool special,
                                           const Ask& ask) {
  auto reply = ask(tokenize_request(profile, text, special));
  if (!reply) return forward(reply);
  if (reply->status < 200 || reply->status > 299) {
    return fail(ErrorCode::kFailed, profile.tokenize_path + " answers " + refusal(reply->status, reply->body));
  }
  return parse_tokens(reply->body);
}

}  // namespace

Result<Profile> probe_server(const std::string& url, const Address& address, const Encode& vocabulary, const Ask& ask) {
  return Prober(url, address, vocabulary, ask).run();
}

Result<std::vector<Token>> ask_tokens(const Profile& profile, std::string_view text, const Ask& ask) {
  auto tokens = ask_tokens_with(profile, text, false, ask);
  if (!tokens) return tokens;
  const std::vector<Token>& specials = profile.specials;
  if (tokens->size() < specials.size() || !std::equal(specials.begin(), specials.end(), tokens->begin())) {
    return fail(ErrorCode::kFailed, "the server's tokenizer put other tokens in front of a text than earlier");
  }
  tokens->erase(tokens->begin(), tokens->begin() + static_cast<ptrdiff_t>(specials.size()));
  return tokens;
}

Result<std::optional<Token>> ask_bos(const Profile& profile, const Ask& ask) {
  auto plain = ask_tokens_with(profile, kFirst, false, ask);
  if (!plain) return forward(plain);
  auto special = ask_tokens_with(profile, kFirst, true, ask);
  if (!special) return forward(special);
  if (plain->empty()) return fail(ErrorCode::kFailed, profile.tokenize_path + " returns no tokens for a text");
  const bool in_front = special->size() > plain->size() && special->front() != plain->front();
  return in_front ? std::optional(special->front()) : std::optional<Token>();
}

}  // namespace hre::server
