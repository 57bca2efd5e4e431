#include "store/merge.h"

#include <utility>

#include "store/names.h"
#include "store/rows.h"

namespace hre::store {
namespace {

/// The keys of a run's questions, in the order of evaluation; empty for answers that may not be reused.
std::vector<std::string> text_keys(Database& database, int64_t run) {
  Statement keys(database,
                 "SELECT s.text_key FROM run_question r LEFT JOIN score s ON s.id = r.score WHERE r.run = ? "
                 "ORDER BY r.position");
  std::vector<std::string> all;
  keys.with(run);
  while (keys.step()) all.emplace_back(keys.blob(0));
  return all;
}

std::vector<int64_t> all_runs(Database& database) {
  Statement rows(database, "SELECT id FROM run ORDER BY id");
  std::vector<int64_t> all;
  while (rows.step()) all.push_back(rows.integer(0));
  return all;
}

int64_t count_questions(Database& database, int64_t run) {
  Statement count(database, "SELECT count(*) FROM run_question WHERE run = ?");
  return count.with(run).step() ? count.integer(0) : 0;
}

Status copy_run(Database& to, Database& from, int64_t row, Merged& merged) {
  auto stored = read_run(from, row);
  if (!stored) return forward(stored);
  const bool keep_tokens = std::exchange(stored->run.options.keep_tokens, true);  // copy all stored tokens
  auto questions = read_questions(from, *stored);
  stored->run.options.keep_tokens = keep_tokens;
  if (!questions) return forward(questions);
  const std::vector<std::string> keys = text_keys(from, row);
  const std::vector<int64_t> places = run_positions(from, row);
  if (auto ok = from.status(); !ok) return ok;

  Statement known(to, "SELECT id, origin FROM run WHERE key = ?");
  bool is_known = known.with(stored->key).step();
  // Only evaluations number their questions by their places in the selection, so imports can't complete one another.
  if (is_known && (known.text(1) != kScored || stored->label.origin != kScored)) {
    stored->run.questions = *questions;
    stored->key = key_beside(to, stored->key, stored->run);
    is_known = known.with(stored->key).step();
    if (is_known) {
      ++merged.known_runs;
      return to.status();
    }
  }
  const int64_t setting = put_setting(to, stored->run.model);
  Result<int64_t> copy = is_known ? known.integer(0) : 0;
  if (!is_known) {
    stored->label.name = free_name(to, stored->key, stored->label.name);
    copy = put_run(to, stored->key, stored->run, setting, stored->label);
    if (!copy) return forward(copy);
  }
  const int64_t before = count_questions(to, *copy);
  QuestionWriter writer(to, *copy, setting, Stored::kStay);
  Statement there(to, "SELECT 1 FROM run_question WHERE run = ? AND position = ?");
  for (size_t i = 0; i < questions->size(); ++i) {
    if (!there.with(*copy, places[i]).step()) writer.put(places[i], keys[i], (*questions)[i]);
  }
  if (is_known) {
    forget_value(to, *copy);
  } else {
    stored->run.questions = std::move(*questions);
    put_end(to, *copy, stored->run);
  }
  merged.questions += count_questions(to, *copy) - before;
  ++(is_known ? merged.known_runs : merged.runs);
  return to.status();
}

}  // namespace

Result<Merged> merge_stores(Database& to, Database& from) {
  Merged merged;
  Transaction transaction(to);
  for (const int64_t row : all_runs(from)) {
    if (auto ok = copy_run(to, from, row, merged); !ok) return forward(ok);
  }
  if (auto ok = from.status(); !ok) return forward(ok);
  if (auto ok = transaction.commit(); !ok) return forward(ok);
  return merged;
}

}  // namespace hre::store
