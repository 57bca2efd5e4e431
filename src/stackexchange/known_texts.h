#pragma once
/// Texts that a new dataset should not repeat: an older dataset, or a corpus.

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "hre/progress.h"
#include "hre/result.h"

namespace hre::stackexchange {

class KnownTexts {
 public:
  /// Reads questions and answers of a dataset (see open_dataset), a file of plain text (.txt), or a corpus of JSON
  /// lines with a text each ({"text": ...} in a .jsonl). Memory: 8 bytes per word. `name` is for the card.
  static Result<KnownTexts> load(const std::string& path, const std::string& name, ProgressListener& progress,
                                 const std::stop_token& stop);

  /// Whether the text shares a run of 13 words (words.h) with them. A shorter text shares none.
  [[nodiscard]] bool share_a_run(std::string_view text) const;
  /// "old (fingerprint 0123...)"
  [[nodiscard]] const std::string& description() const { return description_; }

 private:
  std::string description_;
  std::vector<uint64_t> runs_;  // hashes, sorted
};

}  // namespace hre::stackexchange
