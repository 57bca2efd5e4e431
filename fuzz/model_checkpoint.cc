/// Checkpoint folders: config.json, tokenizer.json, tokenizer_config.json, the index and header of safetensors, and
/// their data, separated by the character RS. What is converted must be a GGUF file that hre reads.

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "model/checkpoint/native_conversion.h"
#include "model/llama/gguf_header.h"

namespace {

namespace fs = std::filesystem;

/// A folder of this process, in memory where the system has such a place.
const fs::path& folder() {
  struct Removed {
    fs::path path;
    ~Removed() { fs::remove_all(path); }
  };
  static const Removed kFolder = [] {
    const fs::path place = fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
    const fs::path made = place / ("hre-fuzz-checkpoint-" + std::to_string(getpid()));
    fs::create_directories(made);
    return Removed{made};
  }();
  return kFolder.path;
}

void write(const std::string& name, std::string_view bytes) {
  std::ofstream(folder() / name, std::ios::binary) << bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view left(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> parts;
  while (parts.size() < 5) {
    const size_t end = left.find('\x1e');
    parts.push_back(left.substr(0, end));
    left = end == std::string_view::npos ? std::string_view() : left.substr(end + 1);
  }
  write("config.json", parts[0]);
  write("tokenizer.json", parts[1]);
  write("tokenizer_config.json", parts[2]);
  fs::remove(folder() / "model.safetensors.index.json");
  if (!parts[3].empty()) write("model.safetensors.index.json", parts[3]);
  std::string weights;
  for (int shift = 0; shift < 64; shift += 8) weights += static_cast<char>(parts[4].size() >> shift & 255);
  weights += parts[4];
  write("model.safetensors", weights.append(left));
  hre::SilentProgress silent;
  const std::string out = (folder() / "out.gguf").string();
  const auto unknown = hre::convert_natively(folder().string(), "", out, silent, {});
  if (unknown && !unknown->has_value() && !hre::read_gguf_header(out)) __builtin_trap();
  return 0;
}
