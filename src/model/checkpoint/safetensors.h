#pragma once
/// Reads the headers of safetensors files without trusting them: lengths, types, shapes and offsets are checked against
/// each other and against the file's size.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"

namespace hre {

struct Safetensor {
  std::string name;
  std::string type;            ///< "F32", "BF16"...
  std::vector<int64_t> shape;  ///< the last dimension is contiguous
  uint64_t offset = 0;         ///< of its first byte in the file
  uint64_t bytes = 0;
  size_t file = 0;  ///< in Safetensors::files
};

struct Safetensors {
  std::vector<std::string> files;               ///< their paths, in order
  std::vector<Safetensor> tensors;              ///< by file, then by name
  std::map<std::string, std::string> metadata;  ///< of one file; empty for a folder
};

/// The tensors of a file whose header (the JSON after the length) and size in bytes these are, by name. Tensors must
/// fill the rest of the file without gaps or overlaps, as the format demands.
Result<Safetensors> parse_safetensors(std::string_view header, uint64_t file_size);

/// The tensors of a checkpoint folder: of the files that model.safetensors.index.json names, or of all
/// model*.safetensors. Errors say which file is broken. No files: no tensors.
Result<Safetensors> read_safetensors(const std::string& folder);

}  // namespace hre
