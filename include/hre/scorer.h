#pragma once
/// Scorer: the seam between an evaluation and a model. A model in process, an inference server
/// and a baseline without weights stand behind it. It gets whole questions, because sharing a
/// question's prompt between its answers, packing and concurrency are the scorer's business.

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

/// How one answer's sequence goes on after the question's shared prefix.
/// The sequence fed to the model is prefix + tail; the target at k (of n) is predicted at its position size - n + k.
struct AnswerPlan {
  std::vector<Token> tail;     ///< tokens fed after the shared prefix; may be empty
  std::vector<Token> targets;  ///< the continuation's tokens, scored one by one; the last one is not fed
  int n_truncated = 0;         ///< tokens of the context that were cut off on the left
  int n_cut_chars = 0;         ///< code points cut off the answer's end (--long-answers truncate)
};

/// A question ready to be scored. It depends on the question and the model alone.
struct QuestionPlan {
  std::vector<Token> prefix;        ///< the longest common prefix of the answers' sequences as encoded
  std::vector<AnswerPlan> answers;  ///< one a continuation
  ScoringRequest text;              ///< kept by scorers that work on text; empty otherwise
  std::string skipped;              ///< why this question can't be scored; empty if it can
  int n_context = 0;                ///< tokens of the context, before any truncation

  /// Tokens to compute: the prefix once, and every tail.
  [[nodiscard]] int64_t positions() const;
  /// Tokens that one pass an answer would compute.
  [[nodiscard]] int64_t positions_unshared() const;
};

/// The texts of an answer's tokens, one after another. A character whose bytes are spread over several tokens belongs
/// to the one that completes it, so that every part is valid UTF-8; parts may be empty.
struct TokenTexts {
  std::string text;            ///< all of them joined: the continuation, where the vocabulary keeps text as it is
  std::vector<uint32_t> ends;  ///< in bytes of `text`, one a token, ascending

  [[nodiscard]] std::string_view part(size_t token) const {
    const size_t begin = token == 0 ? 0 : ends[token - 1];
    return std::string_view(text).substr(begin, ends[token] - begin);
  }
  bool operator==(const TokenTexts&) const = default;
};

/// From the bytes of each token. Bytes that are not UTF-8 become U+FFFD.
TokenTexts token_texts(const std::vector<std::string>& pieces);

/// What a model said of one answer. Natural logarithms; sums are for named functions over them.
struct AnswerScore {
  std::vector<float> token_log_probs;  ///< one a target token
  TokenTexts token_texts = {};         ///< of the same tokens; empty where the scorer can't tell, or has no tokens
  int n_tokens = 0;                    ///< tokens scored, where the plan does not know
};

struct QuestionScore {
  std::vector<AnswerScore> answers;
  std::string problem = {};  ///< why there are no answers: what a server said of this question; empty where there are
};

/// Everything about a model that a result must be read with.
struct ModelDescription {
  std::string name;          ///< for people: the file's name without extension
  std::string source;        ///< as the user gave it
  std::string fingerprint;   ///< content hash of the weights; empty where there are none
  std::string architecture;  ///< "llama", "gptneox", "baseline"
  uint64_t parameters = 0;
  std::string file_type;       ///< "F32", "Q8_0"
  int64_t context_length = 0;  ///< the model's own maximum in tokens; 0: none
  /// False where the log-likelihood is the score as it is, not divided by the answer's length.
  bool normalise_by_characters = true;
  /// Whether equal text under an equal description always becomes equal tokens: not where a server makes them.
  bool tokens_follow_from_text = true;
  /// Everything else that can move a value: engine and its build, device, compute and cache types, BOS, maximum
  /// length and what becomes of longer answers. Stored answers are reused only where all of it is equal.
  std::vector<std::pair<std::string, std::string>> settings;
};

/// What a source has for a scorer.
struct NextPlan {
  enum class Kind {
    kQuestion,
    kLater,  ///< nothing now; others may leave some of their questions undone
    kEnd,
  };
  Kind kind = Kind::kEnd;
  size_t index = 0;  ///< of the question, in plans()
};

/// Where a scorer gets its work, question by question, when it has room for another. Used from the thread that called
/// score().
class PlanSource {
 public:
  virtual ~PlanSource() = default;
  /// All plans that may come, none of them skipped: what to make room for. Constant while score() runs.
  [[nodiscard]] virtual std::span<const QuestionPlan> plans() const = 0;
  /// The next question, which is this scorer's from now on.
  virtual NextPlan next() = 0;
};

/// Called once a question, in any order, from the thread that called score().
/// Returning false asks the scorer to stop early.
using ScoreSink = std::function<bool(size_t index, QuestionScore score)>;

/// A model that gives log-probabilities. The model is immutable; plan() may be called from several
/// threads at once, score() from one at a time.
class Scorer {
 public:
  virtual ~Scorer() = default;
  [[nodiscard]] virtual const ModelDescription& describe() const = 0;
  /// Text to token spans, by the published rule. Fails where a text can't be expressed or an answer is too long.
  virtual Result<QuestionPlan> plan(ScoringRequest request) const = 0;
  /// The texts of an answer's target tokens; empty where the scorer can't tell, or tells them with the scores alone.
  [[nodiscard]] virtual TokenTexts texts_of(const AnswerPlan& /*answer*/) const { return {}; }
  /// Scores what the source gives, calling the sink as each question is done. The score of a plan does not depend on
  /// the others. Ends early, without an error, when the sink or the token says so. What is costly to set up (a context,
  /// processes, connections and what was learnt of servers) is kept for the next call.
  virtual Status score(PlanSource& source, const ScoreSink& sink, std::stop_token stop) = 0;
  /// Whether the order of work should be by length: where several processes share it, a long question must not be the
  /// last.
  [[nodiscard]] virtual bool wants_longest_first() const { return false; }
};

/// Scores these plans, in their order.
Status score_all(Scorer& scorer, std::span<const QuestionPlan> plans, const ScoreSink& sink, std::stop_token stop);

/// The next question of a source, which is waited for; nothing at its end and on a stop.
std::optional<size_t> wait_for_next(PlanSource& source, const std::stop_token& stop);

enum class BosPolicy { kNever, kAuto, kAlways };
enum class LongAnswers { kError, kTruncate, kSkip };

/// For models behind inference servers.
struct ServerOptions {
  std::string api_key_file;                      ///< its first line is the key; empty: HRE_API_KEY, if it is set
  std::string ca_file;                           ///< certificates to trust; empty: the system's
  double wait_seconds = 60;                      ///< for servers that are all away
  double timeout_seconds = 600;                  ///< for one request, connection excluded
  int most_in_flight = 256;                      ///< requests to one server
  std::function<void(const std::string&)> note;  ///< told what the user should know; one line
  std::stop_token stop;                          ///< ends opening, as score() has its own
};

struct ModelOptions {
  int threads = 0;      ///< 0: all cores that this process may use
  int gpu_layers = -1;  ///< -1: as many as there are, where there is a device
  BosPolicy bos = BosPolicy::kNever;
  int max_length = 0;  ///< tokens; 0: the model's own context length
  LongAnswers long_answers = LongAnswers::kError;
  ServerOptions server = {};
};

/// Opens MODEL: a .gguf path, server:URL, baseline:length or baseline:zstd.
Result<std::unique_ptr<Scorer>> open_model(const std::string& source, const ModelOptions& options);

/// The engine in process, its version and how it was built: one line a component.
std::string engine_description();

}  // namespace hre
