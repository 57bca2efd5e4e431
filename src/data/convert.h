#pragma once
/// Converts a dataset from one format to another.

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
  kJsonlFolder,  ///< a folder with one file per topic
  kJsonlFile,
};

struct ConvertOptions {
  OutputFormat format = OutputFormat::kParquet;
  std::vector<std::string> topics;  ///< globs; empty: all
  bool replace = false;             ///< replace an existing dataset at `out`
};

struct Converted {
  std::vector<std::string> topics;
  int64_t questions = 0;
  std::string fingerprint;  ///< of the written dataset, as read back
};

/// Reads `source` twice, writes `out`, and reads the result back before it gets its name. The dataset is never held in
/// memory, and the written file never differs from its source. A source that mixes more topics than files may be open
/// is read several times.
Result<Converted> convert_dataset(const std::string& source, const std::string& out, const ConvertOptions& options,
                                  ProgressListener& progress, const std::stop_token& stop);

}  // namespace hre::data
