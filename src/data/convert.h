#pragma once
/// A dataset from one format to another.

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/dataset.h"
#include "hre/progress.h"
#include "hre/result.h"

namespace hre::data {

enum class OutputFormat {
  kParquet,      ///< a folder in the published layout
  kJsonlFolder,  ///< a folder with a file a topic
  kJsonlFile,
};

struct ConvertOptions {
  OutputFormat format = OutputFormat::kParquet;
  std::vector<std::string> topics;  ///< globs; none: all
  bool replace = false;             ///< what stands at `out`
};

struct Converted {
  std::vector<std::string> topics;
  int64_t questions = 0;
  std::string fingerprint;  ///< of what was written, as read back
};

/// Reads `source` twice, writes `out`, and reads that back before it gets its name: never a dataset in
/// memory, and never a file that differs from what it was made of.
Result<Converted> convert_dataset(const std::string& source, const std::string& out, const ConvertOptions& options,
                                  ProgressListener& progress, const std::stop_token& stop);

}  // namespace hre::data
