#pragma once
/// Scorer: the interface between an evaluation and a model. Its implementations are models in process, inference
/// servers, and baselines without weights. A scorer is given whole questions, because sharing a question's prompt
/// between its answers, packing and concurrency are its own business.
///
/// An example, which the tests run:
///
///   auto model = hre::open_model("baseline:zstd", hre::ModelOptions());
///   if (!model) return 1;
///   auto plan = (*model)->plan({"Question: Tea?\nAnswer:", {" Yes, yes", " By no means"}});
///   if (!plan) return 1;
///   const std::vector<hre::QuestionPlan> plans = {*plan};
///   const auto sink = [](size_t, const hre::QuestionScore& score) {
///     std::printf("%zu answers\n", score.answers.size());  // prints: 2 answers
///     return true;
///   };
///   if (!hre::score_all(**model, plans, sink, {})) return 1;

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hre/result.h"

namespace hre {

using Token = int32_t;

/// One question as text: what the model sees, and the continuations whose log-likelihood is asked for.
struct ScoringRequest {
  std::string context;                     ///< "Question: ...\nAnswer:"
  std::vector<std::string> continuations;  ///< " " + answer
};

/// How one answer's sequence continues after the question's shared prefix. The sequence fed to the model is prefix +
/// tail; target k (of n) is predicted at position size - n + k of that sequence.
struct AnswerPlan {
  std::vector<Token> tail;     ///< tokens fed after the shared prefix; may be empty
  std::vector<Token> targets;  ///< the continuation's tokens, scored one by one; the last one is not fed
  int n_truncated = 0;         ///< tokens removed from the left of the context
  int n_cut_chars = 0;         ///< code points removed from the end of the answer (--long-answers truncate)
};

/// A question ready to be scored. It depends only on the question and the model.
struct QuestionPlan {
  std::vector<Token> prefix;        ///< the longest common token prefix of the answers' encoded sequences
  std::vector<AnswerPlan> answers;  ///< one per continuation
  ScoringRequest text;              ///< kept by scorers that work on text; empty otherwise
  std::string skipped;              ///< why this question can't be scored; empty if it can
  int n_context = 0;                ///< tokens of the context, before any truncation
  bool shares_prefix = true;        ///< whether the prefix is computed once, and not once for each answer

  /// Tokens to compute: the prefix, and every tail.
  [[nodiscard]] int64_t positions() const;
  /// Tokens that one pass per answer would compute.
  [[nodiscard]] int64_t positions_unshared() const;
};

/// The texts of an answer's tokens, one after another. A character whose bytes are spread over several tokens belongs
/// to the token that completes it, so that every part is valid UTF-8; parts may be empty.
struct TokenTexts {
  std::string text;            ///< the joined texts: the continuation, if the vocabulary keeps text unchanged
  std::vector<uint32_t> ends;  ///< byte offsets into `text`, one per token, ascending

  [[nodiscard]] std::string_view part(size_t token) const {
    const size_t begin = token == 0 ? 0 : ends[token - 1];
    return std::string_view(text).substr(begin, ends[token] - begin);
  }
  bool operator==(const TokenTexts&) const = default;
};

/// Makes TokenTexts from the bytes of each token. Bytes that are not UTF-8 become U+FFFD.
TokenTexts token_texts(const std::vector<std::string>& pieces);

/// A model's log-probabilities for one answer: natural logarithms. Sums are left to named functions over them.
struct AnswerScore {
  std::vector<float> token_log_probs;  ///< one per target token
  TokenTexts token_texts = {};         ///< of the same tokens; empty if the scorer can't tell, or has no tokens
  int n_tokens = 0;                    ///< tokens scored, if the plan does not know
};

struct QuestionScore {
  std::vector<AnswerScore> answers;
  std::string problem = {};  ///< why there are no answers, such as a server's message; empty if there are answers
};

/// Everything about a model that a reader of results needs to know.
struct ModelDescription {
  std::string name;  ///< for people: the file's name without extension
  /// Where the model comes from, as the user gave it: a file, a server, a baseline's name.
  std::string source;
  /// Content hash of the weights, or any text that changes whenever they do. If it is empty, `source` alone identifies
  /// the model, and its stored answers are reused for whatever has the same source. A store refuses a model that has
  /// neither.
  std::string fingerprint;
  std::string architecture;  ///< "llama", "gptneox", "baseline"
  uint64_t parameters = 0;
  std::string file_type;       ///< "F32", "Q8_0"
  int64_t context_length = 0;  ///< the model's own maximum in tokens; 0: none
  /// False if the log-likelihood itself is the score, not divided by the answer's length.
  bool normalise_by_characters = true;
  /// Whether equal text under an equal description always becomes equal tokens. False if a server's tokenizer is used.
  bool tokens_follow_from_text = true;
  /// Everything else that can change a value: engine and its build, device, compute and cache types, BOS, maximum
  /// length and the treatment of longer answers. Stored answers are reused only if all of these are equal.
  std::vector<std::pair<std::string, std::string>> settings;
};

/// A source's answer to a scorer that asks for work.
struct NextPlan {
  enum class Kind {
    kQuestion,
    kLater,  ///< nothing now; other processes may leave some of their questions undone
    kEnd,
  };
  Kind kind = Kind::kEnd;
  size_t index = 0;  ///< of the question in plans()
};

/// Where a scorer gets its work: it asks for one question whenever it has room for another. Used only from the thread
/// that called score().
class PlanSource {
 public:
  virtual ~PlanSource() = default;
  /// All plans that may come, none of them skipped, so that the scorer can reserve room. Constant while score() runs.
  [[nodiscard]] virtual std::span<const QuestionPlan> plans() const = 0;
  /// The next question, which from now on belongs to this scorer.
  virtual NextPlan next() = 0;
};

/// Called once per question, in any order, from the thread that called score(). Returning false asks the scorer to stop
/// early.
using ScoreSink = std::function<bool(size_t index, QuestionScore score)>;

/// A model that gives log-probabilities. The model is immutable. Several threads may call plan() at once; only one at a
/// time may call score().
class Scorer {
 public:
  virtual ~Scorer() = default;
  [[nodiscard]] virtual const ModelDescription& describe() const = 0;
  /// Turns text into token spans by the published rule. Fails if a text can't be expressed or an answer is too long.
  virtual Result<QuestionPlan> plan(ScoringRequest request) const = 0;
  /// The texts of an answer's target tokens; empty if the scorer can't tell, or delivers them only with the scores.
  [[nodiscard]] virtual TokenTexts texts_of(const AnswerPlan& /*answer*/) const { return {}; }
  /// Scores the source's questions and calls the sink as each is done. The score of a plan does not depend on other
  /// plans. Ends early, without an error, if the sink or the stop token says so. Objects that are costly to set up (a
  /// context, processes, connections, and what was learned about servers) are kept for the next call.
  virtual Status score(PlanSource& source, const ScoreSink& sink, std::stop_token stop) = 0;
  /// How far apart two scorings of the same answer of `n_tokens` may be, in nats, if a value may depend on what else is
  /// computed: a server's batches and caches. Nothing: equal answers have equal values.
  [[nodiscard]] virtual std::optional<double> repeat_tolerance(int64_t /*n_tokens*/) const { return std::nullopt; }
  /// Whether work should be ordered by length. If several processes share the work, a long question must not be the
  /// last.
  [[nodiscard]] virtual bool wants_longest_first() const { return false; }
};

/// Scores these plans, in their order.
Status score_all(Scorer& scorer, std::span<const QuestionPlan> plans, const ScoreSink& sink, std::stop_token stop);

/// Waits for the source's next question; nothing at the source's end and on a stop.
std::optional<size_t> wait_for_next(PlanSource& source, const std::stop_token& stop);

enum class BosPolicy { kNever, kAuto, kAlways };
enum class LongAnswers { kError, kTruncate, kSkip };

/// Options for models behind inference servers.
struct ServerOptions {
  std::string api_key_file;                      ///< its first line is the key; empty: HRE_API_KEY, if set
  std::string ca_file;                           ///< certificates to trust; empty: the system's
  double wait_seconds = 60;                      ///< how long to wait when all servers are away
  double timeout_seconds = 600;                  ///< for one request, connection excluded
  int most_in_flight = 256;                      ///< requests to one server
  std::function<void(const std::string&)> note;  ///< receives messages for the user, one line each
  std::stop_token stop;                          ///< ends opening; score() has a stop token of its own
};

struct ModelOptions {
  int threads = 0;      ///< 0: all cores that this process may use
  int gpu_layers = -1;  ///< -1: all layers, if there is a device
  BosPolicy bos = BosPolicy::kNever;
  int max_length = 0;  ///< tokens; 0: the model's own context length
  LongAnswers long_answers = LongAnswers::kError;
  ServerOptions server = {};
};

/// Opens MODEL: a .gguf path, server:URL, baseline:length or baseline:zstd.
Result<std::unique_ptr<Scorer>> open_model(const std::string& source, const ModelOptions& options);

/// The engine in process, its version and its build: one line per component.
std::string engine_description();

}  // namespace hre
