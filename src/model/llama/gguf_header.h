#pragma once
/// What a GGUF file says of itself before its weights, read without trusting it: every length, count, type and offset
/// is checked against the file's size, so that libllama sees no file that lies about them.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "hre/result.h"

namespace hre {

/// A list of the metadata: its length, and its values where they are whole numbers and at most a few thousand.
struct GgufArray {
  uint64_t size = 0;
  std::vector<int64_t> numbers;
};
using GgufValue = std::variant<int64_t, double, bool, std::string, GgufArray>;

struct GgufTensor {
  std::string name;
  std::vector<int64_t> shape;  ///< the first is contiguous
  uint32_t type = 0;           ///< ggml_type
  uint64_t bytes = 0;
};

struct GgufHeader {
  std::map<std::string, GgufValue> values;
  std::vector<GgufTensor> tensors;
  uint64_t tensor_bytes = 0;

  [[nodiscard]] std::string text(const std::string& key) const;                   ///< empty where there is none
  [[nodiscard]] int64_t number(const std::string& key, int64_t otherwise) const;  ///< of a whole number
  /// The value of "ARCHITECTURE.key" for a layer, where it may differ between them.
  [[nodiscard]] int64_t of_layer(const std::string& key, int64_t layer, int64_t otherwise) const;
  [[nodiscard]] const GgufTensor* tensor(const std::string& name) const;
};

/// Reads and checks the header of a whole file (`size_of_file` bytes, of which these are the beginning or all).
/// Errors say what is wrong and at which byte. Memory: in proportion to the header, which is part of the file.
Result<GgufHeader> parse_gguf(std::span<const std::byte> file);

/// The same of a file on disk.
Result<GgufHeader> read_gguf_header(const std::string& path);

/// The files of a model: the one given, or all of a split one (-00001-of-00003.gguf), of which any part may be given.
/// Fails where a part is missing.
Result<std::vector<std::string>> gguf_parts(const std::string& path);

}  // namespace hre
