#include "model/llama/llama_scorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <thread>

#include "core/hashing.h"
#include "model/llama/engine.h"
#include "model/log_softmax.h"
#include "model/token_plan.h"

namespace hre {
namespace {

/// A pass holds at most this many tokens of the context, unless one answer alone needs more. It is
/// part of a question's plan: fixed, so that a value doesn't depend on the other questions.
constexpr int64_t kPassPositions = 4096;
constexpr size_t kPassAnswers = 64;
/// Tokens computed at once, by the room that their logits take.
constexpr int64_t kLogitsBytes = 64 << 20;
constexpr int64_t kSmallestChunk = 64, kLargestChunk = 512;

/// Where one log-probability is asked for: the logits after this token give that target of that answer.
struct Target {
  size_t answer;
  size_t index;
};

/// One token to compute, with the answers whose sequences it belongs to.
struct Cell {
  Token token = 0;
  llama_pos position = 0;
  bool shared = false;          // it belongs to all answers of the pass
  llama_seq_id sequence = 0;    // otherwise: to this one
  std::vector<Target> targets;  // what its logits are needed for; none: no logits
};

/// Answers computed together over the question's prefix.
struct Pass {
  size_t first = 0, last = 0;
};

std::vector<Pass> cut_into_passes(const QuestionPlan& plan, Passes mode) {
  std::vector<Pass> passes;
  int64_t room = 0;
  const auto prefix = static_cast<int64_t>(plan.prefix.size());
  for (size_t i = 0; i < plan.answers.size(); ++i) {
    const auto tail = static_cast<int64_t>(plan.answers[i].tail.size());
    const bool fits =
        mode == Passes::kShared && !passes.empty() && tail <= room && i - passes.back().first < kPassAnswers;
    if (!fits) {
      passes.push_back({i, i});
      room = kPassPositions - prefix;
    }
    room -= tail;
    passes.back().last = i + 1;
  }
  return passes;
}

int64_t positions_of(const QuestionPlan& plan, const Pass& pass) {
  auto total = static_cast<int64_t>(plan.prefix.size());
  for (size_t i = pass.first; i < pass.last; ++i) total += static_cast<int64_t>(plan.answers[i].tail.size());
  return total;
}

/// Position, in an answer's sequence, of the token whose logits predict its target t.
size_t position_before(const QuestionPlan& plan, const AnswerPlan& answer, size_t t) {
  return plan.prefix.size() + answer.tail.size() - answer.targets.size() + t;
}

/// The prefix's cells; the first targets of the given answers are asked of them.
std::vector<Cell> prefix_cells(const QuestionPlan& plan, const Pass& answers) {
  std::vector<Cell> cells;
  for (const Token token : plan.prefix) cells.push_back({token, static_cast<llama_pos>(cells.size()), true, 0, {}});
  for (size_t a = answers.first; a < answers.last; ++a) {
    for (size_t t = 0; t < plan.answers[a].targets.size(); ++t) {
      const size_t position = position_before(plan, plan.answers[a], t);
      if (position >= cells.size()) break;
      cells[position].targets.push_back({a, t});
    }
  }
  return cells;
}

/// The cells of each answer's own tail, after the prefix.
void append_tail_cells(const QuestionPlan& plan, const Pass& pass, std::vector<Cell>& cells) {
  for (size_t a = pass.first; a < pass.last; ++a) {
    const AnswerPlan& answer = plan.answers[a];
    const size_t tail_at = cells.size(), n_prefix = plan.prefix.size();
    for (size_t k = 0; k < answer.tail.size(); ++k) {
      cells.push_back(
          {answer.tail[k], static_cast<llama_pos>(n_prefix + k), false, static_cast<llama_seq_id>(a - pass.first), {}});
    }
    for (size_t t = 0; t < answer.targets.size(); ++t) {
      const size_t position = position_before(plan, answer, t);
      if (position >= n_prefix) cells[tail_at + position - n_prefix].targets.push_back({a, t});
    }
  }
}

/// llama_batch over vectors: tokens, positions, sequences, and which logits are wanted.
class Batch {
 public:
  explicit Batch(size_t n_sequences) : all_(n_sequences) { std::iota(all_.begin(), all_.end(), 0); }

  llama_batch of(std::span<Cell> cells) {
    tokens_.clear(), positions_.clear(), counts_.clear(), sequences_.clear(), wanted_.clear();
    for (Cell& cell : cells) {
      tokens_.push_back(cell.token);
      positions_.push_back(cell.position);
      counts_.push_back(cell.shared ? static_cast<int32_t>(all_.size()) : 1);
      sequences_.push_back(cell.shared ? all_.data() : &cell.sequence);
      wanted_.push_back(cell.targets.empty() ? 0 : 1);
    }
    return {static_cast<int32_t>(cells.size()),
            tokens_.data(),
            nullptr,
            positions_.data(),
            counts_.data(),
            sequences_.data(),
            wanted_.data()};
  }

 private:
  std::vector<llama_seq_id> all_;
  std::vector<llama_token> tokens_;
  std::vector<llama_pos> positions_;
  std::vector<int32_t> counts_;
  std::vector<llama_seq_id*> sequences_;
  std::vector<int8_t> wanted_;
};

class LlamaScorer final : public Scorer {
 public:
  LlamaScorer(LlamaModel model, ModelDescription description, PlanRules rules, int threads, Passes passes)
      : model_(std::move(model)),
        vocab_(llama_model_get_vocab(model_.get())),
        description_(std::move(description)),
        rules_(rules),
        threads_(threads),
        passes_(passes),
        chunk_(std::clamp<int64_t>(kLogitsBytes / (4 * static_cast<int64_t>(llama_vocab_n_tokens(vocab_))) / 32 * 32,
                                   kSmallestChunk, kLargestChunk)) {}

  const ModelDescription& describe() const override { return description_; }

  Result<QuestionPlan> plan(ScoringRequest request) const override {
    return plan_question(
        request, [this](std::string_view text) { return llama_encode(vocab_, text); }, rules_);
  }

  Status score(std::span<const QuestionPlan> plans, const ScoreSink& sink, std::stop_token stop) override {
    if (auto ok = make_room(plans); !ok) return ok;
    stop_ = std::move(stop);
    for (size_t i = 0; i < plans.size() && !stop_.stop_requested(); ++i) {
      auto score = score_question(plans[i]);
      if (stop_.stop_requested() && !score) break;  // the computation was cut short
      if (!score) return forward(score);
      if (!sink(i, std::move(*score))) break;
    }
    return {};
  }

 private:
  /// A context for the largest pass of all plans.
  Status make_room(std::span<const QuestionPlan> plans) {
    int64_t positions = chunk_;  // libllama's batches are never larger than the context that it was made with
    size_t answers = 1;
    for (const QuestionPlan& plan : plans) {
      for (const Pass& pass : cut_into_passes(plan, passes_)) {
        positions = std::max(positions, positions_of(plan, pass));
        answers = std::max(answers, pass.last - pass.first);
      }
    }
    if (context_ && positions <= llama_n_ctx(context_.get()) && answers <= llama_n_seq_max(context_.get())) return {};
    context_.reset();
    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<uint32_t>(positions);
    params.n_batch = params.n_ubatch = static_cast<uint32_t>(chunk_);
    params.n_seq_max = static_cast<uint32_t>(answers);
    params.n_threads = params.n_threads_batch = threads_;
    // Exactness first: flash attention on a CPU and half-precision caches move sums by hundredths of a nat.
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.type_k = params.type_v = GGML_TYPE_F32;
    params.kv_unified = true;
    params.swa_full = true;
    params.no_perf = true;
    params.abort_callback = [](void* self) { return static_cast<LlamaScorer*>(self)->stop_.stop_requested(); };
    params.abort_callback_data = this;
    auto context = make_llama_context(model_.get(), params);
    if (!context) return forward(context);
    context_ = std::move(*context);
    return {};
  }

  Result<QuestionScore> score_question(const QuestionPlan& plan) {
    QuestionScore score;
    for (const AnswerPlan& answer : plan.answers) {
      score.answers.push_back({std::vector<float>(answer.targets.size()), texts_of(answer)});
    }
    const std::vector<Pass> passes = cut_into_passes(plan, passes_);
    size_t n_sequences = 1;
    for (const Pass& pass : passes) n_sequences = std::max(n_sequences, pass.last - pass.first);
    for (const Pass& pass : passes) {
      const bool keep_prefix = &pass != &passes.front() && passes_ == Passes::kShared;
      forget(keep_prefix ? static_cast<llama_pos>(plan.prefix.size()) : 0, n_sequences);
      std::vector<Cell> cells;
      // The logits of the prefix's last tokens serve every answer, those of later passes too.
      if (!keep_prefix) cells = prefix_cells(plan, passes_ == Passes::kShared ? Pass{0, plan.answers.size()} : pass);
      append_tail_cells(plan, pass, cells);
      if (auto ok = compute(plan, cells, n_sequences, score); !ok) return forward(ok);
    }
    return score;
  }

  TokenTexts texts_of(const AnswerPlan& answer) const {
    std::vector<std::string> pieces;
    for (const Token token : answer.targets) pieces.push_back(llama_piece(vocab_, token));
    return token_texts(pieces);
  }

  /// Empties the cache of everything at this position and after it.
  void forget(llama_pos from, size_t n_sequences) {
    llama_memory_t memory = llama_get_memory(context_.get());
    if (from == 0) return llama_memory_clear(memory, false);
    for (size_t s = 0; s < n_sequences; ++s) llama_memory_seq_rm(memory, static_cast<llama_seq_id>(s), from, -1);
  }

  /// Computes the cells chunk by chunk and takes the log-probabilities from their logits.
  Status compute(const QuestionPlan& plan, std::span<Cell> cells, size_t n_sequences, QuestionScore& score) {
    const size_t n_chunks = (cells.size() + static_cast<size_t>(chunk_) - 1) / static_cast<size_t>(chunk_);
    Batch batch(n_sequences);
    for (size_t i = 0; i < n_chunks; ++i) {
      const size_t from = cells.size() * i / n_chunks, to = cells.size() * (i + 1) / n_chunks;
      const std::span<Cell> chunk = cells.subspan(from, to - from);
      const int32_t status = llama_decode(context_.get(), batch.of(chunk));
      if (status == 2) return fail(ErrorCode::kInterrupted, "interrupted");
      if (status != 0) {
        return fail(ErrorCode::kFailed,
                    fmt::format("libllama could not compute {} tokens (status {})", chunk.size(), status),
                    description_.source);
      }
      take_log_probs(plan, chunk, score);
    }
    return {};
  }

  void take_log_probs(const QuestionPlan& plan, std::span<const Cell> chunk, QuestionScore& score) const {
    const auto n_vocab = static_cast<size_t>(llama_vocab_n_tokens(vocab_));
    for (size_t i = 0; i < chunk.size(); ++i) {
      if (chunk[i].targets.empty()) continue;
      const std::span<const float> logits(llama_get_logits_ith(context_.get(), static_cast<int32_t>(i)), n_vocab);
      const double normaliser = log_sum_exp(logits);
      for (const Target& target : chunk[i].targets) {
        const Token token = plan.answers[target.answer].targets[target.index];
        score.answers[target.answer].token_log_probs[target.index] =
            static_cast<float>(static_cast<double>(logits[static_cast<size_t>(token)]) - normaliser);
      }
    }
  }

  LlamaModel model_;
  const llama_vocab* vocab_;
  ModelDescription description_;
  PlanRules rules_;
  int threads_;
  Passes passes_;
  int64_t chunk_;  // tokens computed at once
  LlamaContext context_;
  std::stop_token stop_;
};

Result<PlanRules> rules_for(const llama_model* model, const ModelOptions& options, const std::string& path) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  PlanRules rules;
  rules.max_length = options.max_length > 0 ? options.max_length : llama_model_n_ctx_train(model);
  rules.long_answers = options.long_answers;
  const Token bos = llama_vocab_bos(vocab);
  const bool wanted =
      options.bos == BosPolicy::kAlways || (options.bos == BosPolicy::kAuto && llama_vocab_get_add_bos(vocab));
  if (wanted && bos < 0) return input_error("the model has no beginning-of-sequence token", path, "use --bos never");
  if (wanted) rules.bos = bos;
  if (rules.max_length <= 0) return input_error("the model states no context length", path, "give --max-length");
  return rules;
}

std::string file_type_name(const llama_model* model) {
  std::string name = llama_ftype_name(llama_model_ftype(model));
  if (name.starts_with("all ")) name.erase(0, 4);
  return name.substr(0, name.find(" - "));
}

const char* name_of(LongAnswers policy) {
  return policy == LongAnswers::kError ? "error" : policy == LongAnswers::kTruncate ? "truncate" : "skip";
}

Result<ModelDescription> describe_llama(const llama_model* model, const std::string& path, const PlanRules& rules,
                                        Passes passes) {
  auto fingerprint = hash_file(path);
  if (!fingerprint) return forward(fingerprint);
  ModelDescription description;
  description.name = std::filesystem::path(path).stem().string();
  description.source = path;
  description.fingerprint = *fingerprint;
  description.architecture = llama_metadata(model, "general.architecture");
  description.parameters = llama_model_n_params(model);
  description.file_type = file_type_name(model);
  description.context_length = llama_model_n_ctx_train(model);
  description.settings = {
      {"engine", llama_engine_version()},
      {"engine_build", llama_engine_build()},
      {"bos", rules.bos ? fmt::format("token {}", *rules.bos) : "none"},
      {"max_length", std::to_string(rules.max_length)},
      {"long_answers", name_of(rules.long_answers)},
      {"cache_type", "f32"},
      {"flash_attention", "off"},
      {"passes", passes == Passes::kShared ? "shared prefix" : "one an answer"},
  };
  return description;
}

}  // namespace

Result<std::unique_ptr<Scorer>> open_llama(const std::string& path, const ModelOptions& options, Passes passes) {
  auto model = load_llama_model(path, options);
  if (!model) return forward(model);
  auto rules = rules_for(model->get(), options, path);
  if (!rules) return forward(rules);
  if (llama_model_is_recurrent(model->get()) || llama_model_is_hybrid(model->get())) passes = Passes::kPerAnswer;
  auto description = describe_llama(model->get(), path, *rules, passes);
  if (!description) return forward(description);
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return std::make_unique<LlamaScorer>(std::move(*model), std::move(*description), *rules,
                                       options.threads > 0 ? options.threads : cores, passes);
}

}  // namespace hre
