#pragma once
/// Writes datasets, question by question. Writers fill a file or folder that the caller has created; Output (output.h)
/// gives it its name when it is complete.

#include <memory>
#include <string>

#include "hre/dataset.h"
#include "hre/result.h"

namespace hre::data {

/// Receives a dataset's questions; topics may be mixed. Without finish(), the output is unusable.
class DatasetWriter {
 public:
  virtual ~DatasetWriter() = default;
  virtual Status add(const Question& question) = 0;
  /// Completes the topic's file, which otherwise stays open: nothing may be added to the topic afterwards.
  virtual Status end_topic(const std::string& topic) = 0;
  virtual Status finish() = 0;
};

/// Whether all ids have the form "topic/000123" by position, which need not be stored.
enum class Ids { kPositional, kOwn };

/// Parquet in the published layout and schema: `folder`/<Split>-00000-of-00001.parquet, votes as decimal strings, an
/// `id` column only for Ids::kOwn. Memory: some MiB per topic. With Ids::kPositional a question with any other id is an
/// error, because the id would be lost.
Result<std::unique_ptr<DatasetWriter>> create_published(const std::string& folder, Ids ids = Ids::kPositional);

/// JSON lines, one file per topic: `folder`/<topic>.jsonl.
Result<std::unique_ptr<DatasetWriter>> create_jsonl_folder(const std::string& folder);

/// JSON lines, all topics in one file, in the order of the questions.
Result<std::unique_ptr<DatasetWriter>> create_jsonl_file(const std::string& path);

/// Input errors for names that no writer accepts as a topic.
Status check_topic(const Question& question);

}  // namespace hre::data
