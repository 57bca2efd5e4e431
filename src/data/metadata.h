#pragma once
/// What is known of a dataset's questions beside their texts and votes: the file metadata/questions.jsonl
/// that `hre data build` writes (docs/datasets.md). Dates, tags, sites and authors are read; the rest is passed over.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hre/question.h"
#include "hre/result.h"

namespace hre::data {

struct QuestionMetadata {
  std::optional<double> created;  ///< days since 1970-01-01, UTC
  std::vector<std::string> tags;
  std::vector<std::optional<double>> answers_created;  ///< in the order of the dataset's answers
  std::vector<std::optional<double>> answers_votes;    ///< of the same: tells whether it is this dataset's
  std::vector<std::optional<std::pair<int64_t, int64_t>>> answers_counts;  ///< likewise: votes for and against
  std::optional<std::string> site, asker;                                  ///< asker: who asked, by site and id or name
  std::vector<std::string> authors;  ///< of answers, likewise, each once; without unknown ones

  bool operator==(const QuestionMetadata&) const = default;
};

/// By topic and id.
using Metadata = std::map<std::pair<std::string, std::string>, QuestionMetadata>;

/// JSON lines. Input errors name the line and field; `where` names the text.
Result<Metadata> read_metadata(std::string_view text, const std::string& where);

/// The metadata file of DATA: in the dataset's folder, or beside its folder "data". Nothing where there is none.
std::optional<std::string> find_metadata(const std::string& source);

Result<Metadata> load_metadata(const std::string& path);

/// The dates of answers, from the metadata of the dataset at `source`. Where there is none, or it can't be read or is
/// of another dataset, answers have no dates: nobody has asked for them.
void add_dates(const std::string& source, std::vector<Question>& questions);

/// Input errors for a question whose answers have other votes: ids by position match any dataset's metadata.
Status check_metadata(const QuestionMetadata& metadata, const std::string& question, std::span<const double> votes);

}  // namespace hre::data
