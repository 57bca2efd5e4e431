#pragma once
/// Datasets: topics of questions, each with several answers that people wrote and voted on.
/// A dataset is read question by question through a DatasetReader, whatever its format
/// (parquet, a saved Arrow dataset, JSON lines, the built-in sample).
///
/// An example, which the tests run:
///
///   auto reader = hre::open_dataset("sample");
///   if (!reader) return 1;
///   hre::DatasetFingerprint fingerprint;
///   int n = 0;
///   for (auto question = (*reader)->next(); question && *question; question = (*reader)->next(), ++n) {
///     fingerprint.add(**question);
///   }
///   std::printf("%d questions, %zu digits\n", n, fingerprint.value().size());  // prints: 112 questions, 32 digits

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hre/question.h"
#include "hre/result.h"

namespace hre {

/// Reads a dataset's questions in the order of its files: topic after topic, unless a file mixes
/// topics. Memory: one batch of rows. Not thread-safe; not to be used after an error.
class DatasetReader {
 public:
  virtual ~DatasetReader() = default;
  /// The next question; nothing at the end. Errors name file, row and column.
  virtual Result<std::optional<Question>> next() = 0;
  /// The share of the input that was read, in [0, 1]; for progress.
  [[nodiscard]] virtual double progress() const = 0;
};

/// Opens DATA: a folder or file of parquet, a saved Arrow dataset, a folder or file of .jsonl,
/// or "sample". Input errors say what is there and what would be accepted.
Result<std::unique_ptr<DatasetReader>> open_dataset(const std::string& source);

/// Reads all of DATA; questions end up topic after topic, whatever the files' order.
Result<Dataset> load_dataset(const std::string& source);

/// What people call DATA: its folder's or file's name.
std::string dataset_name(const std::string& source);

/// A split's name as a topic: "HumanRankEvalSoftEng" gives "soft_eng", "HumanRankEvalCSDB" "cs_db".
/// What names of topics cannot have (spaces, slashes, signs but + # .) becomes an underscore.
std::string topic_of_split(const std::string& split);

/// A topic as the published split's name: "soft_eng" gives "HumanRankEvalSoftEng". A topic that would
/// not be read back from such a name is its own split's name. topic_of_split is its inverse.
std::string split_of_topic(const std::string& topic);

/// A question's id by its position in its topic: ("python", 123) gives "python/000123".
std::string positional_id(const std::string& topic, int64_t position);

/// Content hash of a dataset, added up question by question. It depends on topics, texts, votes
/// and ids, and on the order within a topic; not on file format or the order of topics.
class DatasetFingerprint {
 public:
  DatasetFingerprint();
  ~DatasetFingerprint();
  DatasetFingerprint(DatasetFingerprint&&) noexcept;
  DatasetFingerprint& operator=(DatasetFingerprint&&) noexcept;
  void add(const Question& question);
  /// 32 hexadecimal digits.
  [[nodiscard]] std::string value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hre
