#pragma once
/// Reads a GGUF file's header without trusting it: every length, count, type and offset is checked against the file's
/// size, so that libllama never reads a file with false ones.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "hre/result.h"

namespace hre {

/// A list in the metadata: its length, and its values if they are whole numbers and at most a few thousand.
struct GgufArray {
  uint64_t size = 0;
  std::vector<int64_t> numbers;
};
using GgufValue = std::variant<int64_t, double, bool, std::string, GgufArray>;

struct GgufTensor {
  std::string name;
  std::vector<int64_t> shape;  ///< the first dimension is contiguous
  uint32_t type = 0;           ///< ggml_type
  uint64_t bytes = 0;
};

struct GgufHeader {
  std::map<std::string, GgufValue> values;
  std::vector<GgufTensor> tensors;
  uint64_t tensor_bytes = 0;

  [[nodiscard]] std::string text(const std::string& key) const;                   ///< empty if there is none
  [[nodiscard]] int64_t number(const std::string& key, int64_t otherwise) const;  ///< of a whole number
  /// The value of "ARCHITECTURE.key" for a layer, if it may differ between layers.
  [[nodiscard]] int64_t of_layer(const std::string& key, int64_t layer, int64_t otherwise) const;
  [[nodiscard]] const GgufTensor* tensor(const std::string& name) const;
};

/// Reads and checks the header of a complete file (`size_of_file` bytes, of which these are the beginning or all).
/// Errors say what is wrong and at which byte. Memory use is proportional to the size of the header.
Result<GgufHeader> parse_gguf(std::span<const std::byte> file);

/// The same for a file on disk.
Result<GgufHeader> read_gguf_header(const std::string& path);

/// The files of a model: the given file, or all files of a split model (-00001-of-00003.gguf), of which any may be
/// given. Fails if a part is missing.
Result<std::vector<std::string>> gguf_parts(const std::string& path);

}  // namespace hre
