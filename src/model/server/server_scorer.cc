#include "model/server/server_scorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "core/hashing.h"
#include "core/text.h"
#include "model/llama/vocabulary.h"
#include "model/option_names.h"
#include "model/server/address.h"
#include "model/server/api_key.h"
#include "model/server/http_transport.h"
#include "model/server/probe.h"
#include "model/token_plan.h"

namespace hre {
namespace {

using server::Api;
using server::Profile;
using server::Prompt;
using server::Taken;
using server::Tokenizer;

constexpr char kNameVocabulary[] = "give a file with the model's vocabulary: ,tokenizer=FILE.gguf";
constexpr int kUnknownLength = 1 << 30;

/// The servers of one model, and the data for every request to them.
struct Connection {
  net::HttpClient client;
  std::vector<std::string> urls;
  std::vector<int> slots;  ///< by URL; empty: the requests that a server bears are found by throughput
  ServerOptions options;
  std::string api_key;
};

/// Performs one exchange and repeats it if that may help.
Result<server::Reply> ask_with_patience(Connection& connection, const std::string& url, const server::Request& request,
                                        const std::stop_token& stop) {
  server::DispatchOptions options;
  for (int attempt = 0;; ++attempt) {
    server::Reply reply =
        server::exchange(connection.client, url, request, connection.options, connection.api_key, stop);
    const bool again = reply.status == 0 ? reply.transient : !request.once && net::is_transient_status(reply.status);
    const auto wait = again ? net::retry_wait(options.retry, attempt, reply.retry_after, net::jitter()) : std::nullopt;
    if (wait && net::sleep_unless_stopped(*wait, stop)) continue;
    if (stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted", url);
    if (reply.status == 0) return tl::unexpected<Error>(std::move(reply.error));
    return reply;
  }
}

/// Answers of a question that are sent together.
struct RequestAnswers {
  size_t plan = 0;
  size_t first = 0, last = 0;  // answers
};

/// The most answers, and the most tokens, that are sent together: any server should be able to take as many.
constexpr size_t kRequestAnswers = 64;
constexpr int64_t kRequestTokens = 65536;

void cut_into_requests(const QuestionPlan& plan, size_t index, bool together, std::deque<RequestAnswers>& parts) {
  int64_t tokens = 0;
  for (size_t a = 0; a < plan.answers.size(); ++a) {
    const auto n = static_cast<int64_t>(plan.prefix.size() + plan.answers[a].tail.size());
    const bool fits = together && a > 0 && a - parts.back().first < kRequestAnswers && tokens + n <= kRequestTokens;
    if (!fits) {
      parts.push_back({index, a, a});
      tokens = 0;
    }
    parts.back().last = a + 1;
    tokens += n;
  }
}

std::string rough_time(double seconds) {
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  if (seconds < 6000) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

/// Scores with llama-server: a request is a question, in as many parts as its answers have tokens, all in one slot of a
/// server, so that what they share stays in that slot's cache.
class TokenByToken {
 public:
  /// slots: by server. parts_of_characters: tokens that the server does not list when it generates them; more are
  /// found.
  TokenByToken(Profile& profile, const std::vector<int>& slots, PlanSource& source, const ScoreSink& sink,
               std::set<Token>& parts_of_characters)
      : profile_(profile),
        source_(source),
        sink_(sink),
        plans_(source.plans()),
        parts_of_characters_(parts_of_characters) {
    for (const int n : slots) users_.emplace_back(static_cast<size_t>(n), 0);
  }

  /// Its functions need this object.
  server::Requests requests() {
    server::Requests requests;
    requests.next = [this] { return next(); };
    requests.make = [this](size_t request, size_t server) { return make(chains_.at(request), server); };
    requests.take = [this](size_t request, const std::string& body) { return take(request, body); };
    requests.take_refusal = [this](size_t request, const Error& error) { return end(request, {{}, error.message}); };
    return requests;
  }

 private:
  /// A question at work.
  struct Chain {
    size_t plan = 0;
    QuestionScore score;  // of the answers begun
    size_t server = SIZE_MAX, slot = 0;
    int n_asked = 0;            // times that the next token was asked for
    bool lists_all = false;     // the request in flight asks for the values of all tokens
    std::vector<Token> asked;   // the prompt in flight
    std::vector<Token> cached;  // the one before it in the slot; empty if this one is to be computed whole
  };

  NextPlan next() {
    const NextPlan next = source_.next();
    if (next.kind != NextPlan::Kind::kQuestion) return next;
    Chain& chain = chains_[n_requests_];
    chain.plan = next.index;
    chain.score.answers.emplace_back();
    return {NextPlan::Kind::kQuestion, n_requests_++};
  }

  void leave_slot(Chain& chain) {
    if (chain.server != SIZE_MAX) --users_[chain.server][chain.slot];
    chain.server = SIZE_MAX;
  }

  bool end(size_t request, QuestionScore score) {
    Chain& chain = chains_.at(request);
    const size_t plan = chain.plan;
    leave_slot(chain);
    chains_.erase(request);
    return sink_(plan, std::move(score));
  }

  server::Request make(Chain& chain, size_t server) {
    const bool is_new_slot = chain.server != server;
    if (is_new_slot) {
      leave_slot(chain);
      const auto least = std::ranges::min_element(users_[server]);
      chain.server = server;
      chain.slot = static_cast<size_t>(least - users_[server].begin());
      ++*least;
    }
    const QuestionPlan& plan = plans_[chain.plan];
    const AnswerPlan& answer = plan.answers[chain.score.answers.size() - 1];
    const size_t n_known = chain.score.answers.back().token_log_probs.size();
    std::vector<Token> prompt = plan.prefix;
    prompt.insert(prompt.end(), answer.tail.begin(), answer.tail.end());
    prompt.resize(prompt.size() + 1 - (answer.targets.size() - n_known));
    // A token that ends in the middle of a character is not listed when it is generated; some versions answer 500.
    // Its value is found among those of all tokens, while another one is generated.
    chain.lists_all = chain.n_asked++ > 0 || parts_of_characters_.contains(answer.targets[n_known]);
    server::ForcedToken token{prompt, answer.targets[n_known], static_cast<int>(chain.slot)};
    if (chain.lists_all) {
      token.forced = profile_.plain_token;
      token.n_listed = server::kAllTokens;
    }
    // Where caches can't go back, only a prompt that goes on where the one before it in the slot ended is taken from
    // it.
    token.is_fresh = is_new_slot || (!profile_.caches_go_back && (n_known == 0 || chain.n_asked > 1));
    if (token.is_fresh) chain.cached.clear();
    auto forced = server::forced_request(profile_, token);
    chain.asked = std::move(prompt);
    return forced;
  }

  Result<Taken> take(size_t request, const std::string& body) {
    Chain& chain = chains_.at(request);
    const QuestionPlan& plan = plans_[chain.plan];
    AnswerScore& score = chain.score.answers.back();
    const std::vector<Token>& targets = plan.answers[chain.score.answers.size() - 1].targets;
    auto generated = server::parse_llama(body);
    if (!generated) return forward(generated);
    if (profile_.caches_go_back && !chain.cached.empty() &&
        generated->n_computed > server::n_to_compute(chain.cached, chain.asked)) {
      // A window slid past the prompt's end, or others use the slot: the value may be wrong.
      profile_.caches_go_back = false;
      --chain.n_asked;
      leave_slot(chain);  // so that the prompt is computed anew
      return Taken::kMore;
    }
    chain.cached = std::move(chain.asked);
    const Token wanted = targets[score.token_log_probs.size()];
    std::optional<server::ListedToken> token = generated->token;
    if (chain.lists_all) {
      const auto listed = std::ranges::find(generated->likeliest, wanted, &server::ListedToken::id);
      if (listed == generated->likeliest.end()) {
        return fail(ErrorCode::kFailed, fmt::format("the server lists no value of token {}", wanted));
      }
      token = *listed;
      if (!token->is_text) parts_of_characters_.insert(wanted);
    }
    if (!token) return Taken::kMore;
    if (token->id != wanted) {
      const std::string problem = fmt::format(
          "the server generated token {} where {} was forced; it may be one that the model must not generate",
          token->id, wanted);
      return end(request, {{}, problem}) ? Taken::kDone : Taken::kEnd;
    }
    chain.n_asked = 0;
    score.token_log_probs.push_back(token->log_prob);
    if (score.token_log_probs.size() < targets.size()) return Taken::kMore;
    score.n_tokens = static_cast<int>(targets.size());
    if (chain.score.answers.size() < plan.answers.size()) {
      chain.score.answers.emplace_back();
      return Taken::kMore;
    }
    return end(request, std::move(chain.score)) ? Taken::kDone : Taken::kEnd;
  }

  Profile& profile_;  // whose caches may be seen not to go back
  PlanSource& source_;
  const ScoreSink& sink_;
  const std::span<const QuestionPlan> plans_;
  std::set<Token>& parts_of_characters_;
  std::map<size_t, Chain> chains_;       // by request
  std::vector<std::vector<int>> users_;  // by server and slot
  size_t n_requests_ = 0;
};

class ServerScorer final : public Scorer {
 public:
  ServerScorer(std::unique_ptr<Connection> connection, Profile profile, Encode encode,
               std::function<std::string(Token)> piece, PlanRules rules, ModelDescription description)
      : connection_(std::move(connection)),
        profile_(std::move(profile)),
        encode_(std::move(encode)),
        piece_(std::move(piece)),
        rules_(rules),
        description_(std::move(description)) {
    server::DispatchOptions options;
    options.servers = connection_->urls;
    options.slots = connection_->slots;
    options.wait = connection_->options.wait_seconds;
    options.most_in_flight = connection_->options.most_in_flight;
    options.seed = std::random_device()();
    options.note = connection_->options.note;
    transport_ =
        server::make_http_transport(connection_->client, connection_->urls, connection_->options, connection_->api_key);
    dispatcher_ = std::make_unique<server::Dispatcher>(*transport_, std::move(options));
  }

  const ModelDescription& describe() const override { return description_; }

  /// Logits in bfloat16 have steps of up to 0.125 nats, so that two computations of a token in other batches differ by
  /// some 0.05 (standard deviation); five of those for the sum over n tokens, which grows by its root, and a little for
  /// what an answer's tokens have in common, such as a cached prompt. Values of other tokens or from foreign memory
  /// differ more.
  std::optional<double> repeat_tolerance(int64_t n_tokens) const override {
    constexpr double kPerRoot = 0.26, kPerToken = 0.005;  // nats
    const auto n = static_cast<double>(n_tokens);
    return kPerRoot * std::sqrt(n) + kPerToken * n;
  }

  Result<QuestionPlan> plan(ScoringRequest request) const override {
    QuestionPlan plan;
    if (profile_.tokenizer == Tokenizer::kOffsets) {
      plan.answers.resize(request.continuations.size());
    } else {
      auto planned = plan_question(request, encode_, rules_);
      if (!planned) return planned;
      plan = std::move(*planned);
      plan.shares_prefix = profile_.is_forced && profile_.caches_go_back;
      if (profile_.takes_ids()) return plan;
      const bool cut = std::any_of(plan.answers.begin(), plan.answers.end(),
                                   [](const AnswerPlan& answer) { return answer.n_truncated > 0; });
      if (cut) {
        plan.skipped =
            fmt::format("it is longer than {} tokens, and this server takes text, which can't be cut between tokens",
                        rules_.max_length);
      }
    }
    plan.text = std::move(request);
    return plan;
  }

  /// Uses the vocabulary that the user named; with offsets, the texts come with the scores.
  TokenTexts texts_of(const AnswerPlan& answer) const override {
    std::vector<std::string> pieces;
    if (piece_) std::ranges::transform(answer.targets, std::back_inserter(pieces), piece_);
    return token_texts(pieces);
  }

  Status score(PlanSource& source, const ScoreSink& sink, std::stop_token stop) override {
    const std::span<const QuestionPlan> plans = source.plans();
    if (profile_.is_forced) {
      say_how_long(plans);
      TokenByToken tokens(profile_, connection_->slots, source, sink, parts_of_characters_);
      return dispatcher_->run(tokens.requests(), stop);
    }
    std::deque<RequestAnswers> waiting;     // the rest of a question whose first answers are sent
    std::map<size_t, RequestAnswers> sent;  // by request
    std::map<size_t, Open> open;            // questions, by plan
    std::set<size_t> refused;               // plans of which a request was refused
    size_t n_requests = 0;
    server::Requests requests;
    requests.next = [&]() -> NextPlan {
      if (waiting.empty()) {
        const NextPlan next = source.next();
        if (next.kind != NextPlan::Kind::kQuestion) return next;
        cut_into_requests(plans[next.index], next.index, profile_.takes_ids(), waiting);
      }
      sent.emplace(n_requests, waiting.front());
      waiting.pop_front();
      return {NextPlan::Kind::kQuestion, n_requests++};
    };
    requests.make = [&](size_t request, size_t) {
      const RequestAnswers& part = sent.at(request);
      return server::scoring_request(profile_, prompts_of(plans[part.plan], part));
    };
    requests.take = [&](size_t request, const std::string& body) -> Result<Taken> {
      const RequestAnswers part = sent.at(request);
      const QuestionPlan& plan = plans[part.plan];
      auto values = refused.contains(part.plan) ? std::vector<AnswerScore>() : values_of(plan, part, body);
      if (!values) return forward(values);
      sent.erase(request);
      if (refused.contains(part.plan)) return Taken::kDone;
      Open& question = open[part.plan];
      question.score.answers.resize(plan.answers.size());
      std::move(values->begin(), values->end(), question.score.answers.begin() + static_cast<ptrdiff_t>(part.first));
      question.done += part.last - part.first;
      if (question.done < plan.answers.size()) return Taken::kDone;
      QuestionScore score = std::move(question.score);
      open.erase(part.plan);
      return sink(part.plan, std::move(score)) ? Taken::kDone : Taken::kEnd;
    };
    requests.take_refusal = [&](size_t request, const Error& error) {
      const size_t plan = sent.at(request).plan;
      sent.erase(request);
      open.erase(plan);
      return !refused.insert(plan).second || sink(plan, {{}, error.message});
    };
    return dispatcher_->run(requests, stop);
  }

 private:
  struct Open {
    QuestionScore score;
    size_t done = 0;  // answers
  };

  /// Once: an evaluation may score its questions in several goes.
  void say_how_long(std::span<const QuestionPlan> plans) {
    if (has_said_how_long_ || plans.empty() || !connection_->options.note) return;
    has_said_how_long_ = true;
    int64_t tokens = 0;
    for (const QuestionPlan& plan : plans) {
      for (const AnswerPlan& answer : plan.answers) tokens += static_cast<int64_t>(answer.targets.size());
    }
    const int slots = std::accumulate(connection_->slots.begin(), connection_->slots.end(), 0);
    const double seconds = static_cast<double>(tokens) * profile_.seconds_per_request;
    connection_->options.note(fmt::format(
        "llama-server scores one token per request: {}, {} if all {} slots compute at once, else up to {}, and "
        "each prompt once {}; its model's file in process is faster",
        counted(tokens, "request"), rough_time(seconds / slots), slots, rough_time(seconds),
        profile_.caches_go_back ? "a question" : "an answer, because its cache can't go back"));
  }

  std::vector<Prompt> prompts_of(const QuestionPlan& plan, const RequestAnswers& part) const {
    std::vector<Prompt> prompts;
    for (size_t a = part.first; a < part.last; ++a) {
      Prompt prompt;
      if (profile_.takes_ids()) {
        prompt.ids = plan.prefix;
        const AnswerPlan& answer = plan.answers[a];
        prompt.ids.insert(prompt.ids.end(), answer.tail.begin(), answer.tail.end());
        prompt.ids.push_back(answer.targets.back());
        prompt.start = prompt.ids.size() - answer.targets.size() - 1;
      } else {
        prompt.text = text_of(plan, a);
      }
      prompts.push_back(std::move(prompt));
    }
    return prompts;
  }

  static std::string text_of(const QuestionPlan& plan, size_t a) {
    const std::string& continuation = plan.text.continuations[a];
    const int64_t n_kept = count_code_points(continuation) - plan.answers[a].n_cut_chars;
    return plan.text.context + std::string(first_code_points(continuation, n_kept));
  }

  Result<std::vector<AnswerScore>> values_of(const QuestionPlan& plan, const RequestAnswers& part,
                                             const std::string& body) const {
    auto scored = server::parse_scored(profile_, body, part.last - part.first);
    if (!scored) return forward(scored);
    std::vector<AnswerScore> scores;
    for (size_t i = 0; i < scored->size(); ++i) {
      auto values = values_of_answer(plan, part.first + i, (*scored)[i]);
      if (!values) return forward(values);
      AnswerScore& score = scores.emplace_back();
      score.n_tokens = static_cast<int>(values->size());
      score.token_log_probs = std::move(*values);
      if (profile_.tokenizer == Tokenizer::kOffsets) {
        score.token_texts = server::texts_from_offset((*scored)[i], profile_.offsets, plan.text.context.size(),
                                                      text_of(plan, part.first + i));
      }
    }
    return scores;
  }

  Result<std::vector<float>> values_of_answer(const QuestionPlan& plan, size_t a,
                                              const server::ScoredPrompt& scored) const {
    const AnswerPlan& answer = plan.answers[a];
    if (profile_.tokenizer == Tokenizer::kOffsets) {
      return server::take_from_offset(scored, profile_.offsets, plan.text.context.size(), text_of(plan, a));
    }
    if (profile_.api == Api::kSglang) return server::take_last(scored, answer.targets);
    const size_t n_sent = plan.prefix.size() + answer.tail.size() + 1;
    return server::take_targets(scored, profile_.alignment, n_sent, answer.targets);
  }

  std::unique_ptr<Connection> connection_;
  Profile profile_;
  Encode encode_;
  std::function<std::string(Token)> piece_;  // null: unknown
  PlanRules rules_;
  ModelDescription description_;
  std::unique_ptr<server::Transport> transport_;
  std::unique_ptr<server::Dispatcher> dispatcher_;
  bool has_said_how_long_ = false;
  std::set<Token> parts_of_characters_;  // llama-server: tokens that it does not list when it generates them
};

/// Why two servers can't share one model's questions; empty if they can.
std::string difference(const Profile& a, const Profile& b) {
  if (a.api != b.api) return "this is another kind of server";
  if (a.model != b.model) return "it serves " + b.model + ", not " + a.model;
  if (a.alignment.shift != b.alignment.shift || a.offsets != b.offsets || a.max_tokens != b.max_tokens ||
      a.specials != b.specials || a.is_forced != b.is_forced || a.tokenizer != b.tokenizer ||
      a.probe_values.size() != b.probe_values.size()) {
    return "it tokenises or answers differently";
  }
  constexpr double kSameWeights = 0.25;  // nats per token; other engines and types differ less, other weights more
  for (size_t i = 0; i < a.probe_values.size(); ++i) {
    if (std::abs(a.probe_values[i] - b.probe_values[i]) > kSameWeights) return "its values come from other weights";
  }
  return "";
}

/// Probes every server; failing servers are left out, unless all fail.
Result<Profile> probe_all(Connection& connection, const server::Address& address, const Encode& vocabulary,
                          const std::stop_token& stop) {
  std::optional<Profile> first;
  std::optional<Error> failure;
  std::vector<std::string> usable;
  std::vector<int> slots;
  for (const std::string& url : address.urls) {
    const auto ask = [&](const server::Request& request) { return ask_with_patience(connection, url, request, stop); };
    auto profile = server::probe_server(url, address, vocabulary, ask);
    if (!profile) {
      if (profile.error().code == ErrorCode::kInterrupted) return profile;
      if (address.urls.size() > 1 && connection.options.note) {
        connection.options.note(profile.error().text() + "; the server is left out");
      }
      if (!failure) failure = profile.error();
      continue;
    }
    if (const std::string problem = first ? difference(*first, *profile) : ""; !problem.empty()) {
      return input_error(problem, url, "all servers of one MODEL must serve the same model in the same way");
    }
    const int profile_slots = profile->is_forced ? profile->slots : 0;
    if (!first) {
      first = std::move(*profile);
    } else {  // what all of them can
      first->caches_go_back = first->caches_go_back && profile->caches_go_back;
      const int64_t length = profile->max_length;
      if (length > 0) first->max_length = first->max_length > 0 ? std::min(first->max_length, length) : length;
    }
    usable.push_back(url);
    if (profile_slots > 0) slots.push_back(profile_slots);
  }
  if (!first) return tl::unexpected<Error>(std::move(*failure));
  connection.urls = std::move(usable);
  connection.slots = std::move(slots);
  return std::move(*first);
}

/// Asks one server after another for a text's tokens, until one answers or the allowed wait is over.
Result<std::vector<Token>> ask_all_for_tokens(Connection& connection, const Profile& profile, std::string_view text) {
  const net::RetryPolicy policy;
  const std::stop_token& stop = connection.options.stop;
  const std::chrono::duration<double> patience(connection.options.wait_seconds);
  const auto begin = std::chrono::steady_clock::now();
  for (int attempt = 0;; ++attempt) {
    Result<std::vector<Token>> tokens;
    bool again = false, unreachable = true;
    for (const std::string& url : connection.urls) {
      tokens = server::ask_tokens(profile, text, [&](const server::Request& request) -> Result<server::Reply> {
        server::Reply reply =
            server::exchange(connection.client, url, request, connection.options, connection.api_key, stop);
        again = reply.status == 0 ? reply.transient : net::is_transient_status(reply.status);
        unreachable = unreachable && reply.status == 0;
        if (reply.status == 0) return tl::unexpected<Error>(std::move(reply.error));
        return reply;
      });
      if (tokens) return tokens;
      tokens.error().where = url;
    }
    const bool patient =
        unreachable ? std::chrono::steady_clock::now() - begin < patience : attempt + 1 < policy.attempts;
    if (!again || !patient) return tokens;
    const auto wait = net::retry_wait({.attempts = attempt + 2}, std::min(attempt, 3), std::nullopt, net::jitter());
    if (!net::sleep_unless_stopped(*wait, stop)) return fail(ErrorCode::kInterrupted, "interrupted");
  }
}

/// The tokenizer to use once the servers are known: the named file, or the servers.
Encode make_encoder(Connection& connection, const Profile& profile, const Encode& vocabulary) {
  if (profile.tokenizer == Tokenizer::kFile) return vocabulary;
  return [&connection, profile](std::string_view text) { return ask_all_for_tokens(connection, profile, text); };
}

/// The token that the policy puts before sequences; only if prompts are sent as ids.
Result<std::optional<Token>> choose_bos(Connection& connection, const Profile& profile,
                                        const LlamaVocabulary& vocabulary, BosPolicy policy) {
  const std::string& url = connection.urls.front();
  if (!profile.takes_ids()) {
    if (policy == BosPolicy::kAlways && !profile.server_adds_bos) {
      return input_error("this server takes text, and puts no beginning-of-sequence token in front", url,
                         "use ‹bos› never");
    }
    if (policy == BosPolicy::kNever && profile.server_adds_bos && connection.options.note) {
      connection.options.note(url + " puts a beginning-of-sequence token before every text, against ‹bos› never");
    }
    return std::optional<Token>();
  }
  if (policy == BosPolicy::kNever) return std::optional<Token>();
  std::optional<Token> bos = policy == BosPolicy::kAlways || vocabulary.adds_bos ? vocabulary.bos : std::nullopt;
  if (profile.tokenizer == Tokenizer::kServer) {
    auto asked = server::ask_bos(profile, [&](const server::Request& request) {
      return ask_with_patience(connection, url, request, connection.options.stop);
    });
    if (!asked) return forward(asked);
    bos = *asked;
  }
  if (!bos && policy == BosPolicy::kAlways) {
    return input_error("no beginning-of-sequence token is known for the model", url,
                       "use ‹bos› never, or give its vocabulary with ,tokenizer=FILE.gguf");
  }
  return bos;
}

Result<PlanRules> rules_for(const Profile& profile, const ModelOptions& options, std::optional<Token> bos,
                            const std::string& url) {
  PlanRules rules;
  rules.bos = bos;
  rules.long_answers = options.long_answers;
  // hre sends one more token than a model in process is fed, unless it forces that token, and the server needs room for
  // one generated token, even if none is requested (vLLM).
  const int64_t kept_back = (profile.is_forced ? 1 : 2) + profile.server_adds_bos;
  const int64_t most = profile.max_length > 0 ? profile.max_length - kept_back : kUnknownLength;
  if (profile.tokenizer == Tokenizer::kOffsets && options.max_length > 0) {
    return input_error(
        "this server's tokens can't be counted before they are scored, so ‹max_length› can't be enforced", url,
        kNameVocabulary);
  }
  if (most < 1) return input_error("the server's maximum length leaves no room for a text", url);
  if (options.max_length > most) {
    return input_error(
        fmt::format("‹max_length› {} is more than the {} tokens that the server takes", options.max_length, most), url);
  }
  rules.max_length = static_cast<int>(options.max_length > 0 ? options.max_length : most);
  return rules;
}

/// Replaces the hash of the weights: a hash of the model's name and its values for a known text. It changes if other
/// weights are served under the same name. The sum is rounded by the same step for every server: a finer one for those
/// whose equal requests agree would be another for a server that once agrees and once doesn't.
std::string fingerprint_of(const Profile& profile) {
  double sum = 0;
  for (const float value : profile.probe_values) sum += value;
  constexpr double step = 1;
  ContentHash hash;
  hash.add_field("served");
  hash.add_field(profile.model);
  if (!profile.weights.empty()) hash.add_field(profile.weights);
  hash.add_field(std::to_string(profile.probe_values.size()));
  hash.add_field(std::to_string(std::llround(sum / step)));
  return hash.value();
}

std::string bos_setting(const Profile& profile, const PlanRules& rules) {
  if (rules.bos) return fmt::format("token {}", *rules.bos);
  return !profile.takes_ids() && profile.server_adds_bos ? "added by the server" : "none";
}

std::string tokenizer_setting(const Profile& profile, const LlamaVocabulary& vocabulary) {
  if (profile.tokenizer == Tokenizer::kFile) return "a file's " + vocabulary.fingerprint;
  return profile.tokenizer == Tokenizer::kServer ? "the server's" : "text offsets";
}

ModelDescription describe(const std::string& source, const Profile& profile, const PlanRules& rules,
                          const LlamaVocabulary& vocabulary) {
  ModelDescription description;
  const std::string& name = profile.model.empty() ? source : profile.model;
  description.name = name.substr(name.find_last_of('/') == std::string::npos ? 0 : name.find_last_of('/') + 1);
  description.source = source;
  description.fingerprint = fingerprint_of(profile);
  description.architecture = "served";
  description.context_length = profile.max_length;
  const std::string kind = server::api_name(profile.api);
  description.settings = {
      {"engine", "server " + kind + (profile.version.empty() ? "" : " " + profile.version)},
      {"served_model", profile.model},
      {"tokenizer", tokenizer_setting(profile, vocabulary)},
      {"bos", bos_setting(profile, rules)},
      {"max_length", rules.max_length == kUnknownLength ? "the server's" : std::to_string(rules.max_length)},
      {"long_answers", name_of(kLongAnswers, rules.long_answers)},
  };
  // A server's tokenizer may change under the same name; the tokens of a vocabulary's file follow from the file's hash.
  description.tokens_follow_from_text = profile.tokenizer != Tokenizer::kServer;
  return description;
}

}  // namespace

Result<std::unique_ptr<Scorer>> open_server(const std::string& source, const ModelOptions& options) {
  auto address = server::parse_address(source);
  if (!address) return forward(address);
  auto connection = std::make_unique<Connection>();
  connection->options = options.server;
  auto key = server::load_api_key(options.server.api_key_file);
  if (!key) return forward(key);
  connection->api_key = std::move(*key);
  LlamaVocabulary vocabulary;
  if (!address->tokenizer.empty()) {
    auto loaded = open_llama_vocabulary(address->tokenizer);
    if (!loaded) return forward(loaded);
    vocabulary = std::move(*loaded);
  }
  auto profile = probe_all(*connection, *address, vocabulary.encode, options.server.stop);
  if (!profile) return forward(profile);
  auto bos = choose_bos(*connection, *profile, vocabulary, options.bos);
  if (!bos) return forward(bos);
  auto rules = rules_for(*profile, options, *bos, connection->urls.front());
  if (!rules) return forward(rules);
  Encode encode = make_encoder(*connection, *profile, vocabulary.encode);
  ModelDescription description = describe(source, *profile, *rules, vocabulary);
  return std::make_unique<ServerScorer>(std::move(connection), std::move(*profile), std::move(encode),
                                        std::move(vocabulary.piece), *rules, std::move(description));
}

}  // namespace hre
