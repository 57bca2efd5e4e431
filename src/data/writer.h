#pragma once
/// Datasets out, question by question. Writers fill a folder or file that the caller made; Output
/// (output.h) gives it its name when all of it is there.

#include <memory>
#include <string>

#include "hre/dataset.h"
#include "hre/result.h"

namespace hre::data {

/// Takes a dataset's questions; topics may come mixed. Without finish(), what was written is unusable.
class DatasetWriter {
 public:
  virtual ~DatasetWriter() = default;
  virtual Status add(const Question& question) = 0;
  virtual Status finish() = 0;
};

/// Whether questions' ids are all "topic/000123" by position, which no file needs to say.
enum class Ids { kPositional, kOwn };

/// Parquet in the published layout and schema: `folder`/<Split>-00000-of-00001.parquet, votes as decimal
/// strings, an `id` column for Ids::kOwn only. Memory: some MiB a topic. With Ids::kPositional a
/// question with another id is an error, as it would lose it.
Result<std::unique_ptr<DatasetWriter>> create_published(const std::string& folder, Ids ids = Ids::kPositional);

/// JSON lines, a file a topic: `folder`/<topic>.jsonl.
Result<std::unique_ptr<DatasetWriter>> create_jsonl_folder(const std::string& folder);

/// JSON lines, all topics in one file, in the order in which they come.
Result<std::unique_ptr<DatasetWriter>> create_jsonl_file(const std::string& path);

/// Input errors for what no writer takes: a topic that is no topic's name.
Status check_topic(const Question& question);

}  // namespace hre::data
