#include "eval/keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "core/text.h"
#include "store/keys.h"

namespace hre {
namespace {

constexpr double kTurnSeconds = 30;
constexpr size_t kSmallestTurn = 8, kLargestTurn = 1024;
constexpr std::chrono::milliseconds kWait{250};

std::string questions(int64_t n) { return fmt::format("{} question{}", n, n == 1 ? "" : "s"); }

/// "engine is 'b', stored is 'a'; bos is ..." of two settings.
std::string differences(const store::Components& ours, const store::Components& stored) {
  const std::map<std::string, std::string> here(ours.begin(), ours.end()), there(stored.begin(), stored.end());
  std::vector<std::string> parts;
  for (const auto& [name, value] : here) {
    const auto at = there.find(name);
    if (at == there.end()) {
      parts.push_back(fmt::format("{} is '{}', and was not stated", name, value));
    } else if (at->second != value) {
      parts.push_back(fmt::format("{} is '{}' and was '{}'", name, value, at->second));
    }
  }
  for (const auto& [name, value] : there) {
    if (!here.contains(name)) parts.push_back(fmt::format("{} was '{}', and is not stated now", name, value));
  }
  return join(parts, "; ");
}

}  // namespace

Result<Keeper> Keeper::open(const Keeping& keeping, Run& run, ProgressListener& progress) {
  Keeper keeper(keeping, run, progress);
  if (keeping.store.empty()) return keeper;
  auto session = store::Session::begin(keeping.store, run, keeping.name,
                                       keeping.reuse ? store::Stored::kStay : store::Stored::kAreReplaced);
  if (!session && session.error().where == "--name") return forward(session);
  if (!session) {
    keeper.give_up(session.error());
    return keeper;
  }
  keeper.session_ = std::move(*session);
  run.name = keeper.session_->run_name();
  run.id = keeper.session_->run_id();
  return keeper;
}

void Keeper::give_up(const Error& error) {
  session_.reset();
  run_->not_kept = error;
}

void Keeper::know(const std::vector<ScoringRequest>& requests, const std::vector<std::optional<QuestionPlan>>& plans) {
  if (!session_) return;
  keys_.clear();
  for (size_t i = 0; i < requests.size(); ++i) {
    keys_.push_back(store::text_key(requests[i], plans[i] ? &*plans[i] : nullptr));
  }
}

std::vector<std::optional<store::StoredScore>> Keeper::find() {
  const std::vector<std::optional<store::StoredScore>> nothing(run_->planned);
  if (!session_) return nothing;
  if (!keeping_.reuse) {
    run_->explanation.push_back("nothing is reused, as asked for");
    return nothing;
  }
  auto found = session_->find(keys_);
  if (!found) {
    give_up(found.error());
    return nothing;
  }
  std::vector<std::string> missing;
  int64_t damaged = 0, without_tokens = 0;
  for (size_t i = 0; i < found->size(); ++i) {
    auto& score = (*found)[i];
    if (!score) {
      missing.push_back(keys_[i]);
    } else if (score->damaged) {
      ++damaged;
      score.reset();
    } else if (run_->options.keep_tokens && !score->has_tokens) {
      ++without_tokens;
      score.reset();
    }
  }
  explain(missing, damaged, without_tokens);
  return std::move(*found);
}

void Keeper::explain(const std::vector<std::string>& missing, int64_t damaged, int64_t without_tokens) {
  std::vector<std::string>& lines = run_->explanation;
  const auto n_missing = static_cast<int64_t>(missing.size());
  const int64_t n_reused = run_->planned - n_missing - damaged - without_tokens;
  lines.push_back(fmt::format("{} of {} reused", n_reused, questions(run_->planned)));
  if (n_reused > 0 && !keeping_.explain) progress_->note(fmt::format("{}: {}", run_->model.name, lines.back()));
  if (damaged > 0) lines.push_back(questions(damaged) + " to score: their stored answers are damaged");
  if (without_tokens > 0) lines.push_back(questions(without_tokens) + " to score: their tokens' values are not stored");
  if (missing.empty() || !keeping_.explain) return;
  const auto misses = session_->misses(missing);
  const auto other_prompt = session_->run_with_other_prompt();
  if (!misses || !other_prompt) return;
  for (const store::Miss& miss : *misses) {
    std::string line = questions(miss.questions) + " to score: ";
    if (!miss.stored.empty()) {
      line += "stored under another setting: " + differences(store::setting_components(run_->model), miss.stored);
    } else {
      line += "this model has no stored answers to their texts";
      if (!other_prompt->empty()) line += fmt::format(" (run {} had another prompt)", *other_prompt);
    }
    lines.push_back(std::move(line));
  }
}

KeeperTurn Keeper::take_turn(const std::vector<size_t>& remaining) {
  if (!session_ || !keeping_.reuse || !session_->can_write()) return {remaining, {}, {}};
  std::vector<std::string> keys;
  for (const size_t place : remaining) keys.push_back(keys_[place]);
  auto turn = session_->take_turn(keys, turn_size_);
  if (!turn) {
    note_trouble();
    return {remaining, {}, {}};
  }
  KeeperTurn result;
  std::vector<bool> later(remaining.size(), true);
  for (const size_t i : turn->mine) {
    result.mine.push_back(remaining[i]);
    later[i] = false;
  }
  for (auto& [i, score] : turn->finished) {
    result.finished.push_back({remaining[i], std::move(score)});
    later[i] = false;
  }
  for (size_t i = 0; i < remaining.size(); ++i) {
    if (later[i]) result.later.push_back(remaining[i]);
  }
  if (result.mine.empty() && !result.later.empty()) {
    if (!waited_) {
      progress_->note(fmt::format("waiting for {} that process {} is scoring",
                                  questions(static_cast<int64_t>(turn->theirs.size())), turn->other));
    }
    waited_ = true;
    std::this_thread::sleep_for(kWait);
  }
  return result;
}

void Keeper::turn_took(size_t n_questions, double seconds) {
  const double wanted = kTurnSeconds * static_cast<double>(n_questions) / std::max(seconds, 1e-3);
  turn_size_ = std::clamp(static_cast<size_t>(wanted), kSmallestTurn, kLargestTurn);
}

void Keeper::note_trouble() {
  const auto trouble = session_->trouble();
  if (!trouble || noted_trouble_) return;
  progress_->note("nothing is kept for now: " + trouble->text());
  noted_trouble_ = true;
}

void Keeper::keep(size_t place, const QuestionResult& result) {
  if (!session_) return;
  session_->put(static_cast<int64_t>(place), keys_[place], result);
  note_trouble();
}

void Keeper::keep_stored(size_t place, const store::StoredScore& score, const QuestionResult& result) {
  if (session_ && !session_->holds(static_cast<int64_t>(place), score)) keep(place, result);
}

void Keeper::finish() {
  if (!session_) return;
  if (auto ok = session_->finish(*run_); !ok) run_->not_kept = ok.error();
  if (const int64_t n = session_->n_replaced(); n > 0) {
    progress_->note(fmt::format("the stored answers of {} differed from these, and are replaced", questions(n)));
  }
}

}  // namespace hre
