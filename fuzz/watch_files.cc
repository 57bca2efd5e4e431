// What a training writes, and a watch's own lines: no crash, and a checkpoint that is said to be whole has weights. The
// first byte chooses the file that the rest is.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "service/checkpoints.h"
#include "service/watch_log.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string content(reinterpret_cast<const char*>(data + 1), size - 1);
  if (const auto line = hre::service::parse_watch_line(content); line && (line->path.empty() || line->status.empty()))
    std::abort();
  namespace fs = std::filesystem;
  const fs::path root = "/tmp/hre-fuzz-watch-" + std::to_string(getpid()), folder = root / "checkpoint-1";
  constexpr const char* kNames[] = {"config.json", "model.safetensors", "model.safetensors.index.json",
                                    "pytorch_model.bin", "pytorch_model.bin.index.json"};
  const std::string name = kNames[data[0] % std::size(kNames)];
  fs::create_directories(folder);
  std::ofstream(folder / "config.json") << "{}";
  std::ofstream(folder / name, std::ios::binary) << content;
  const auto found = hre::service::find_checkpoints(root.string());
  fs::remove_all(root);
  if (!found || found->size() != 1) std::abort();
  const bool has_no_weights = name == "config.json";
  if (found->front().incomplete.empty() && has_no_weights) std::abort();
  return 0;
}
