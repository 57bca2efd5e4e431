#include "stackexchange/known_texts.h"

#include <algorithm>

#include "core/files.h"
#include "core/hashing.h"
#include "core/text.h"
#include "hre/dataset.h"
#include "stackexchange/words.h"

namespace hre::stackexchange {
namespace {

constexpr size_t kRun = 13;  // as in Brown et al. 2020, appendix C

void add(std::string_view text, std::vector<uint64_t>& runs) {
  const std::vector<uint64_t> some = hashes_of_runs(words_of(text), kRun);
  runs.insert(runs.end(), some.begin(), some.end());
}

Result<std::string> add_plain_text(const std::string& path, std::vector<uint64_t>& runs) {
  Result<std::string> text = read_file(path);
  if (!text) return text;
  if (const auto bad = find_invalid_utf8(*text)) {
    return input_error("invalid UTF-8 at byte " + std::to_string(*bad), path);
  }
  add(*text, runs);
  ContentHash hash;
  hash.add_bytes(*text);
  return hash.value();
}

Result<std::string> add_dataset(const std::string& path, std::vector<uint64_t>& runs, ProgressListener& progress,
                                const std::stop_token& stop) {
  Result<std::unique_ptr<DatasetReader>> reader = open_dataset(path);
  if (!reader) return forward(reader);
  DatasetFingerprint fingerprint;
  progress.begin("reading " + dataset_name(path), 0, "questions", 1);
  for (int64_t done = 1;; ++done) {
    if (stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");
    Result<std::optional<Question>> question = (*reader)->next();
    if (!question) return forward(question);
    if (!*question) break;
    fingerprint.add(**question);
    add((*question)->text, runs);
    for (const Answer& answer : (*question)->answers) add(answer.text, runs);
    progress.advance(done, (*reader)->progress());
  }
  progress.end();
  return fingerprint.value();
}

}  // namespace

Result<KnownTexts> KnownTexts::load(const std::string& path, const std::string& name, ProgressListener& progress,
                                    const std::stop_token& stop) {
  KnownTexts known;
  Result<std::string> fingerprint =
      path.ends_with(".txt") ? add_plain_text(path, known.runs_) : add_dataset(path, known.runs_, progress, stop);
  if (!fingerprint) return forward(fingerprint);
  std::sort(known.runs_.begin(), known.runs_.end());
  known.runs_.erase(std::unique(known.runs_.begin(), known.runs_.end()), known.runs_.end());
  known.description_ = name + " (fingerprint " + *fingerprint + ")";
  return known;
}

bool KnownTexts::share_a_run(std::string_view text) const {
  return std::ranges::any_of(hashes_of_runs(words_of(text), kRun),
                             [&](uint64_t run) { return std::binary_search(runs_.begin(), runs_.end(), run); });
}

}  // namespace hre::stackexchange
