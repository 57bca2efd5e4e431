#include "model/llama/computation.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "model/llama/failures.h"
#include "model/llama/fast/engine_switches.h"
#include "model/llama/memory.h"
#include "model/llama/rpc_servers.h"
#include "model/log_softmax.h"

namespace hre {

/// Questions that are computed together, and the log-probabilities of their answers so far.
struct Work {
  std::span<const QuestionPlan> plans;
  std::vector<QuestionScore> scores;
  std::vector<int64_t> starts = {};  ///< the cells of the cache where a prefix or a tail begins

  [[nodiscard]] Token token_of(const Target& target) const {
    return plans[target.question].answers[target.answer].targets[target.index];
  }
  [[nodiscard]] float& log_prob_of(const Target& target) {
    return scores[target.question].answers[target.answer].token_log_probs[target.index];
  }
};

/// A llama_batch in vectors: tokens, positions, sequences, and whose logits are wanted.
class Batch {
 public:
  explicit Batch(size_t n_sequences) : all_(n_sequences) { std::iota(all_.begin(), all_.end(), 0); }

  llama_batch of(std::span<const Cell> cells) {
    tokens_.clear(), positions_.clear(), counts_.clear(), sequences_.clear(), wanted_.clear();
    for (const Cell& cell : cells) {
      tokens_.push_back(cell.token);
      positions_.push_back(cell.position);
      counts_.push_back(cell.sequences.count);
      sequences_.push_back(all_.data() + cell.sequences.first);
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

namespace {

/// Runs llama_decode or llama_encode. After a failure, other than an interruption, the context can't be used again.
Status compute_batch(int32_t (*compute)(llama_context*, llama_batch), llama_context* context,
                     const llama_batch& batch) {
  int32_t status = 0;
  try {
    const AssertionGuard guard;
    fast::give_to_other_threads();
    status = compute(context, batch);
    fast::take_from_other_threads();
  } catch (const LostRpcServer&) {
    return tl::unexpected<Error>(lost_rpc_server());
  } catch (const std::exception& problem) {
    return fail(ErrorCode::kFailed,
                fmt::format("libllama could not compute {} tokens: {}", batch.n_tokens, problem.what()));
  }
  if (status == 0) return {};
  if (status == 2) return fail(ErrorCode::kInterrupted, "interrupted");
  return fail(ErrorCode::kFailed,
              fmt::format("libllama could not compute {} tokens (status {})", batch.n_tokens, status));
}

ggml_type ggml_type_of(CacheType type) {
  switch (type) {
    case CacheType::kF16:
      return GGML_TYPE_F16;
    case CacheType::kQ8_0:
      return GGML_TYPE_Q8_0;
    case CacheType::kF32:
      break;
  }
  return GGML_TYPE_F32;
}

llama_flash_attn_type flash_type_of(FlashAttention flash) {
  switch (flash) {
    case FlashAttention::kAuto:
      return LLAMA_FLASH_ATTN_TYPE_AUTO;
    case FlashAttention::kOn:
      return LLAMA_FLASH_ATTN_TYPE_ENABLED;
    case FlashAttention::kOff:
      break;
  }
  return LLAMA_FLASH_ATTN_TYPE_DISABLED;
}

/// An encoder-decoder's plan without the encoder's part.
QuestionPlan decoder_part(QuestionPlan plan) {
  plan.prefix.erase(plan.prefix.begin(), plan.prefix.begin() + plan.n_context);
  return plan;
}

bool leaves_window(const QuestionPlan& plan, int64_t window) {
  return window > 0 && std::any_of(plan.answers.begin(), plan.answers.end(), [&](const AnswerPlan& answer) {
           return static_cast<int64_t>(plan.prefix.size() + answer.tail.size()) > window;
         });
}

}  // namespace

bool has_exact_gelu() { return fast::engine_patch() != 0; }

Computation::Computation(llama_model* model, std::vector<llama_adapter_lora*> adapters, std::vector<float> scales,
                         ComputationRules rules)
    : model_(model),
      adapters_(std::move(adapters)),
      scales_(std::move(scales)),
      rules_(std::move(rules)),
      n_vocab_(static_cast<size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model)))),
      reduces_(rules_.reduces_output),
      chunk_(rules_.chunk) {}

TokenTexts Computation::texts_of(const AnswerPlan& answer) const {
  std::vector<std::string> pieces;
  for (const Token token : answer.targets) pieces.push_back(llama_piece(llama_model_get_vocab(model_), token));
  return token_texts(pieces);
}

fast::Wishes Computation::wishes(std::span<const int64_t> starts, std::span<fast::WantedLogit> wanted,
                                 int64_t n_rows) const {
  return {starts, wanted, n_rows, rules_.stream.get(), rules_.widens_weights, rules_.gelu_is_erf};
}

Status Computation::make_room(std::span<const QuestionPlan> plans) {
  Size size = size_, long_size = long_size_;
  long_size.positions = std::max(long_size.positions, rules_.passes.long_above + 1);
  const auto grow = [](int64_t& to, size_t value) { to = std::max(to, static_cast<int64_t>(value)); };
  const auto grow_for = [&](const QuestionPlan& plan, size_t source) {
    for (const Pass& pass : cut_into_passes(plan, rules_.passes)) {
      Size& needed = pass.is_long ? long_size : size;
      grow(needed.positions, static_cast<size_t>(positions_of(plan, pass, rules_.passes.mode)));
      grow(needed.sequences, rules_.passes.mode == Passes::kCopied ? 2 : pass.last - pass.first);
      grow(needed.source, source);
    }
  };
  size_t grouped = 0, positions = 0, answers = 0;  // totals over the questions that may be computed together
  for (const QuestionPlan& plan : plans) {
    grow_for(rules_.has_encoder ? decoder_part(plan) : plan,
             rules_.has_encoder ? static_cast<size_t>(plan.n_context) : 0);
    OpenGroup alone = open_group();
    alone.add(plan);
    if (alone.closed()) continue;
    ++grouped;
    positions += static_cast<size_t>(plan.positions());
    answers += plan.answers.size();
  }
  if (grouped > 1) {
    const GroupRules groups = group_rules();
    grow(size.positions, std::min(positions, static_cast<size_t>(groups.most_positions)));
    grow(size.sequences, std::min(answers, groups.most_answers));
  }
  // The context never shrinks: making another costs a pass over the weights, and needs vary from call to call.
  const auto widen = [](Size& had, const Size& needed) {
    const Size before = had;
    had = {std::max(had.positions, needed.positions), std::max(had.sequences, needed.sequences),
           std::max(had.source, needed.source)};
    return had.positions > before.positions || had.sequences > before.sequences || had.source > before.source;
  };
  const bool short_grew = widen(size_, size), long_grew = widen(long_size_, long_size);
  if (context_is_long_ ? long_grew : short_grew) context_.reset();
  return context_ ? Status() : open_context(context_is_long_);
}

Status Computation::open_context(bool is_long) {
  if (context_ && context_is_long_ == is_long) return {};
  context_.reset();
  // libllama's batches are never larger than the context that they were made with. A context for short sequences must
  // stay short, because long rope depends on the context's size.
  const bool short_alone = rules_.passes.long_above > 0 && !is_long;
  if (auto ok = make_context(size_of(is_long), short_alone); !ok) return ok;
  context_is_long_ = is_long;
  if (reduces_) {
    auto reduces = reduces_logits();
    if (!reduces) return forward(reduces);
    if (*reduces) return {};
    reduces_ = false;
    chunk_ = logits_chunk(static_cast<int64_t>(n_vocab_));
    context_.reset();
    return make_context(size_of(is_long), short_alone);
  }
  return {};
}

Status Computation::make_context(const Size& size, bool short_alone) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<uint32_t>(short_alone ? size.positions : std::max({size.positions, size.source, chunk_}));
  // An encoder must read all of its text in one batch.
  params.n_batch = params.n_ubatch = static_cast<uint32_t>(std::max(chunk_, size.source));
  params.n_seq_max = static_cast<uint32_t>(size.sequences);
  params.n_threads = params.n_threads_batch = rules_.threads;
  params.flash_attn_type =
      rules_.fast.attention ? LLAMA_FLASH_ATTN_TYPE_ENABLED : flash_type_of(rules_.flash_attention);
  params.type_k = params.type_v = ggml_type_of(rules_.cache_type);
  params.kv_unified = true;
  params.swa_full = true;
  params.no_perf = true;
  params.abort_callback = [](void* self) { return static_cast<Computation*>(self)->stop_.stop_requested(); };
  params.abort_callback_data = this;
  if (rules_.on_device && reduces_) {
    params.cb_eval = device::LogitReduction::at_node;
    params.cb_eval_user_data = &on_device_;
  }
  const fast::EngineCall call(rules_.fast, wishes());
  auto context = make_llama_context(model_, params);
  if (!context) return forward(context);
  context_ = std::move(*context);
  if (!adapters_.empty() &&
      llama_set_adapters_lora(context_.get(), adapters_.data(), adapters_.size(), scales_.data()) != 0) {
    return fail(ErrorCode::kFailed, "libllama could not apply the adapters");
  }
  return {};
}

/// Whether this model's output layer is a product that can be reduced. Finds out by computing one token.
Result<bool> Computation::reduces_logits() {
  Batch batch(1);
  const Cell cell{0, 0, {0, 1}, {{0, 0, 0}}};
  fast::WantedLogit wanted;
  bool reduced = false;
  {
    const fast::EngineCall call(rules_.fast, wishes({}, {&wanted, 1}, 1));
    on_device_.expect({&wanted, 1}, 1);
    if (auto ok = compute_batch(llama_decode, context_.get(), batch.of({&cell, 1})); !ok) return forward(ok);
    reduced = rules_.on_device ? on_device_.done() : call.reduced();
  }
  forget(0, 1);
  return reduced;
}

GroupRules Computation::group_rules() const {
  GroupRules rules;
  if (rules_.groups_questions) rules.most_positions = chunk_;
  return rules;
}

/// The encoder's text goes first, and is not part of the decoder's sequences.
Result<std::vector<QuestionScore>> Computation::score(std::span<const QuestionPlan> group,
                                                      const std::stop_token& stop) {
  stop_ = stop;
  QuestionPlan decoded;
  Work work{group, {}};
  if (rules_.has_encoder) decoded = decoder_part(group[0]), work.plans = {&decoded, 1};
  for (const QuestionPlan& plan : work.plans) {
    work.scores.emplace_back();
    for (const AnswerPlan& answer : plan.answers) {
      work.scores.back().answers.push_back({std::vector<float>(answer.targets.size())});
    }
  }
  const size_t n_source = rules_.has_encoder ? static_cast<size_t>(group[0].n_context) : 0;
  auto ok = group.size() > 1 ? run_group(work) : run_passes(work, std::span(group[0].prefix).first(n_source));
  if (!ok && ok.error().code != ErrorCode::kInterrupted) context_.reset();  // its state is unknown
  if (!ok) return forward(ok);
  return std::move(work.scores);
}

/// Each question's answers have sequences of their own, numbered after those of the previous questions.
Status Computation::run_group(Work& work) {
  if (auto ok = open_context(false); !ok) return ok;
  forget(0, 0);
  std::vector<Cell> cells;
  auto sequence = int32_t{0};
  for (size_t q = 0; q < work.plans.size(); ++q) {
    const QuestionPlan& plan = work.plans[q];
    const auto n_answers = static_cast<int32_t>(plan.answers.size());
    work.starts.push_back(static_cast<int64_t>(cells.size()));
    std::vector<Cell> prefix =
        prefix_cells(plan, q, {0, plan.answers.size(), true, plan.answers.size()}, {sequence, n_answers});
    std::move(prefix.begin(), prefix.end(), std::back_inserter(cells));
    for (size_t a = 0; a < plan.answers.size(); ++a) {
      work.starts.push_back(static_cast<int64_t>(cells.size()));
      append_tail_cells(plan, q, a, sequence++, cells);
    }
  }
  return compute(work, cells, static_cast<size_t>(sequence));
}

Status Computation::run_passes(Work& work, std::span<const Token> source) {
  PassRules passes = rules_.passes;
  if (leaves_window(work.plans[0], rules_.window)) passes.mode = Passes::kPerAnswer;
  for (const Pass& pass : cut_into_passes(work.plans[0], passes)) {
    if (auto ok = open_context(pass.is_long); !ok) return ok;
    if (auto ok = run_pass(work, source, pass); !ok) return ok;
  }
  return {};
}

/// In a pass with shared cells, sequence k belongs to answer k. If states are copied, sequence 0 holds the prefix and
/// sequence 1 the answer.
Status Computation::run_pass(Work& work, std::span<const Token> source, const Pass& pass) {
  const QuestionPlan& plan = work.plans[0];
  const bool copies = rules_.passes.mode == Passes::kCopied;
  const bool is_one_answer = copies || leaves_window(plan, rules_.window);
  const size_t n_sequences = is_one_answer ? 1 : std::min<size_t>(plan.answers.size(), llama_n_seq_max(context_.get()));
  const auto n_prefix = static_cast<llama_pos>(plan.prefix.size());
  std::vector<Cell> cells = prefix_cells(plan, 0, pass, {0, static_cast<int32_t>(n_sequences)});
  work.starts = {0};
  if (copies) {
    llama_memory_t memory = llama_get_memory(context_.get());
    if (pass.starts) forget(0, 0);
    if (auto ok = compute(work, cells, n_sequences); !ok) return ok;
    llama_memory_seq_rm(memory, 1, -1, -1);
    llama_memory_seq_cp(memory, 0, 1, -1, -1);
    cells.clear();
    append_tail_cells(plan, 0, pass.first, 1, cells);
    return compute(work, cells, 2);
  }
  forget(pass.starts ? 0 : n_prefix, n_sequences);
  if (rules_.has_encoder && pass.starts) {
    if (auto ok = encode(source, n_sequences); !ok) return ok;
  }
  const auto n_kept = pass.starts ? int64_t{0} : static_cast<int64_t>(n_prefix);
  for (size_t a = pass.first; a < pass.last; ++a) {
    work.starts.push_back(n_kept + static_cast<int64_t>(cells.size()));
    append_tail_cells(plan, 0, a, static_cast<int32_t>(a - pass.first), cells);
  }
  return leaves_window(plan, rules_.window) ? compute_in_window(work, cells) : compute(work, cells, n_sequences);
}

/// The cells of one answer, in the order of their positions.
Status Computation::compute_in_window(Work& work, std::span<Cell> cells) {
  const size_t whole = std::min(cells.size(), static_cast<size_t>(rules_.window));
  if (auto ok = compute(work, cells.first(whole), 1); !ok) return ok;
  for (size_t i = whole; i < cells.size(); ++i) {
    const auto first = cells[i].position - static_cast<llama_pos>(rules_.window) + 1;
    llama_memory_seq_rm(llama_get_memory(context_.get()), 0, -1, first);
    if (auto ok = compute(work, cells.subspan(i, 1), 1); !ok) return ok;
  }
  return {};
}

/// Runs the encoder on the source once; its result is available to all sequences.
Status Computation::encode(std::span<const Token> source, size_t n_sequences) {
  const SequenceRange all{0, static_cast<int32_t>(n_sequences)};
  std::vector<Cell> cells;
  for (const Token token : source) cells.push_back({token, static_cast<llama_pos>(cells.size()), all, {}});
  if (cells.empty()) return input_error("the context has no tokens, so the encoder has nothing to read");
  const fast::EngineCall call(rules_.fast, wishes());
  Batch batch(n_sequences);
  return compute_batch(llama_encode, context_.get(), batch.of(cells));
}

/// Removes this position and all later ones from the cache.
void Computation::forget(llama_pos from, size_t n_sequences) {
  llama_memory_t memory = llama_get_memory(context_.get());
  if (from == 0) return llama_memory_clear(memory, false);
  for (size_t s = 0; s < n_sequences; ++s) llama_memory_seq_rm(memory, static_cast<llama_seq_id>(s), from, -1);
}

/// Computes the cells chunk by chunk and takes the log-probabilities from their logits.
Status Computation::compute(Work& work, std::span<Cell> cells, size_t n_sequences) {
  const size_t n_chunks = (cells.size() + static_cast<size_t>(chunk_) - 1) / static_cast<size_t>(chunk_);
  Batch batch(n_sequences);
  for (size_t i = 0; i < n_chunks; ++i) {
    const size_t from = cells.size() * i / n_chunks, to = cells.size() * (i + 1) / n_chunks;
    const std::span<Cell> chunk = cells.subspan(from, to - from);
    if (auto ok = reduces_ ? decode_reduced(work, batch, chunk) : decode(work, batch, chunk); !ok) return ok;
  }
  return {};
}

Status Computation::decode(Work& work, Batch& batch, std::span<Cell> chunk) {
  fast::EngineCall call(rules_.fast, wishes(work.starts));
  if (auto ok = compute_batch(llama_decode, context_.get(), batch.of(chunk)); !ok) return ok;
  call.computed();
  take_log_probs(work, chunk);
  return {};
}

/// The same with a reduced output layer: its rows belong to the cells with targets, in their order.
Status Computation::decode_reduced(Work& work, Batch& batch, std::span<Cell> chunk) {
  std::vector<fast::WantedLogit> wanted;
  std::vector<float*> log_probs;  // destination of each
  int64_t row = 0;
  for (const Cell& cell : chunk) {
    for (const Target& target : cell.targets) {
      wanted.push_back({row, work.token_of(target)});
      log_probs.push_back(&work.log_prob_of(target));
    }
    row += cell.targets.empty() ? 0 : 1;
  }
  fast::EngineCall call(rules_.fast, wishes(work.starts, wanted, row));
  on_device_.expect(wanted, row);
  if (auto ok = compute_batch(llama_decode, context_.get(), batch.of(chunk)); !ok) return ok;
  call.computed();
  if (wanted.empty()) return {};
  if (rules_.on_device ? !on_device_.done() : !call.reduced()) {
    const std::string& problem = on_device_.problem();
    return fail(ErrorCode::kFailed,
                "the engine did not compute the output layer as asked" + (problem.empty() ? "" : ": " + problem));
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    const double log_sum = rules_.on_device ? on_device_.log_sum_exp(wanted[i].row) : call.log_sum_exp(wanted[i].row);
    *log_probs[i] = static_cast<float>(static_cast<double>(wanted[i].logit) - log_sum);
  }
  return {};
}

void Computation::take_log_probs(Work& work, std::span<const Cell> chunk) {
  for (size_t i = 0; i < chunk.size(); ++i) {
    if (chunk[i].targets.empty()) continue;
    const std::span<float> logits(llama_get_logits_ith(context_.get(), static_cast<int32_t>(i)), n_vocab_);
    if (rules_.logit_scale != 1) {
      for (float& logit : logits) logit *= rules_.logit_scale;
    }
    const double normaliser = log_sum_exp(logits);
    for (const Target& target : chunk[i].targets) {
      const auto token = static_cast<size_t>(work.token_of(target));
      work.log_prob_of(target) = static_cast<float>(static_cast<double>(logits[token]) - normaliser);
    }
  }
}

}  // namespace hre
