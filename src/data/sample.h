#pragma once
/// The built-in dataset: the files of sample/, compiled in.

#include <string_view>
#include <vector>

namespace hre::data {

struct SampleFile {
  std::string_view topic;
  std::string_view contents;  ///< JSON lines
};

/// Sorted by topic; generated at build time (sample.cmake).
std::vector<SampleFile> sample_files();

}  // namespace hre::data
