#include "data/sample.h"

#include "data/input.h"

namespace hre::data {

std::vector<InputFile> sample_inputs() {
  std::vector<InputFile> files;
  for (const SampleFile& file : sample_files()) {
    files.push_back({.path = "sample/" + std::string(file.topic) + ".jsonl",
                     .format = Format::kJsonLines,
                     .topic = std::string(file.topic),
                     .bytes = file.contents.size(),
                     .contents = file.contents});
  }
  return files;
}

}  // namespace hre::data
