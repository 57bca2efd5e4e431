#include "eval/keeper.h"

#include <fmt/format.h>

#include <map>

#include "core/text.h"
#include "store/keys.h"

namespace hre {
namespace {

/// "the weights differ; bos is 'b' and was 'a'; ..." of two settings.
std::string differences(const store::Components& ours, const store::Components& stored) {
  const std::map<std::string, std::string> here(ours.begin(), ours.end()), there(stored.begin(), stored.end());
  std::vector<std::string> parts;
  for (const auto& [name, value] : here) {
    const auto at = there.find(name);
    if (name == "weights" && at != there.end()) {
      if (at->second != value) parts.push_back("the weights differ");  // nobody knows them by their content hash
    } else if (at == there.end()) {
      parts.push_back(fmt::format("{} is '{}' and was not recorded", name, value));
    } else if (at->second != value) {
      parts.push_back(fmt::format("{} is '{}' and was '{}'", name, value, at->second));
    }
  }
  for (const auto& [name, value] : there) {
    if (!here.contains(name)) parts.push_back(fmt::format("{} was '{}' and is not recorded now", name, value));
  }
  return join(parts, "; ");
}

}  // namespace

Result<Keeper> Keeper::open(const Keeping& keeping, Run& run, ProgressListener& progress) {
  Keeper keeper(keeping, run, progress);
  if (keeping.store.empty()) return keeper;
  if (run.model.fingerprint.empty() && run.model.source.empty()) {
    return fail(ErrorCode::kInput, "a store can't tell this model from others: it has no fingerprint", run.model.name,
                "give it one, a text that changes whenever its values do, or leave out ‹store›");
  }
  auto session = store::Session::begin(keeping.store, run, keeping.name,
                                       keeping.reuse ? store::Stored::kStay : store::Stored::kAreReplaced);
  if (!session && session.error().where == "‹name›") return forward(session);
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

std::vector<std::optional<store::StoredScore>> Keeper::find(const std::vector<size_t>& places,
                                                            const std::vector<ScoringRequest>& requests,
                                                            const std::vector<std::optional<QuestionPlan>>& plans) {
  std::vector<std::optional<store::StoredScore>> nothing(places.size());
  if (!session_) return nothing;
  keys_.resize(requests.size());
  std::vector<std::string> keys;
  for (const size_t place : places) {
    keys_[place] = store::text_key(requests[place], plans[place] ? &*plans[place] : nullptr);
    keys.push_back(keys_[place]);
  }
  if (!keeping_.reuse) return nothing;
  auto found = session_->find(keys);
  if (!found) {
    give_up(found.error());
    return nothing;
  }
  for (size_t i = 0; i < found->size(); ++i) {
    auto& score = (*found)[i];
    if (!score) {
      missing_.push_back(keys[i]);
    } else if (score->damaged) {
      ++n_damaged_;
      score.reset();
    } else if (run_->options.keep_tokens && !score->has_tokens) {
      ++n_without_tokens_;
      score.reset();
    } else {
      ++n_found_;
    }
  }
  return std::move(*found);
}

void Keeper::explain() {
  if (!session_) return;
  std::vector<std::string>& lines = run_->explanation;
  if (!keeping_.reuse) {
    lines.push_back("nothing is reused, as requested");
    return;
  }
  lines.push_back(fmt::format("{} of {} reused", n_found_, counted(run_->planned, "question")));
  if (n_found_ > 0 && !keeping_.explain) progress_->note(fmt::format("{}: {}", run_->model.name, lines.back()));
  if (n_damaged_ > 0) lines.push_back(counted(n_damaged_, "question") + " to score: their stored answers are damaged");
  if (n_without_tokens_ > 0) {
    lines.push_back(counted(n_without_tokens_, "question") + " to score: their tokens' values are not stored");
  }
  if (missing_.empty() || !keeping_.explain) return;
  const auto misses = session_->misses(missing_);
  const auto other_prompt = session_->run_with_other_prompt();
  if (!misses || !other_prompt) return;
  for (const store::Miss& miss : *misses) {
    std::string line = counted(miss.questions, "question") + " to score: ";
    if (!miss.stored.empty()) {
      line +=
          "the stored answers have other settings: " + differences(store::setting_components(run_->model), miss.stored);
    } else {
      line += "this model has no stored answers to their texts";
      if (!other_prompt->empty()) line += fmt::format(" (run {} had another prompt)", *other_prompt);
    }
    lines.push_back(std::move(line));
  }
}

Claims Keeper::claim(const std::vector<size_t>& places) {
  if (!session_ || !keeping_.reuse || !session_->can_write()) return {places, {}, {}};
  std::vector<std::string> keys;
  for (const size_t place : places) keys.push_back(keys_[place]);
  auto claimed = session_->claim(keys);
  if (!claimed) {
    note_trouble();
    return {places, {}, {}};
  }
  Claims claims;
  for (const size_t i : claimed->mine) claims.mine.push_back(places[i]);
  for (auto& [i, score] : claimed->finished) claims.finished.push_back({places[i], std::move(score)});
  for (const size_t i : claimed->theirs) claims.theirs.push_back(places[i]);
  if (!claims.theirs.empty() && !waited_) {
    waited_ = true;
    progress_->note(fmt::format("process {} is scoring some of these questions; waiting for it", claimed->other));
  }
  return claims;
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

void Keeper::forget(size_t place) {
  if (session_ && place < keys_.size() && !keys_[place].empty()) wrong_.push_back(keys_[place]);
}

void Keeper::keep_stored(size_t place, const store::StoredScore& score, const QuestionResult& result) {
  if (session_ && !(session_->holds(static_cast<int64_t>(place), score) && score.has_bytes)) keep(place, result);
}

void Keeper::finish(const std::vector<size_t>& surplus) {
  if (!session_) return;
  const std::vector<int64_t> positions(surplus.begin(), surplus.end());
  if (auto ok = session_->finish(*run_, positions, wrong_); !ok) run_->not_kept = ok.error();
  if (const int64_t n = session_->n_replaced(); n > 0) {
    progress_->note(
        fmt::format("the stored answers to {} differed from the new answers and are replaced", counted(n, "question")));
  }
}

}  // namespace hre
