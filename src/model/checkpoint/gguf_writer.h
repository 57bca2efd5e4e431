#pragma once
/// Writes GGUF files: metadata, and tensors that are read from other files piece by piece, so that memory stays flat.

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hre/result.h"

namespace hre {

/// Types of weights, by their numbers in GGUF (ggml_type).
enum class WeightType : uint32_t { kF32 = 0, kF16 = 1, kBF16 = 30 };

size_t size_of(WeightType type);

/// Where the rows of a written tensor lie in the tensor that is read.
enum class RowOrder {
  kSame,
  kPairs,    ///< of each group, rows of its first and of its second half in turns: Llama's rotary pairs
  kGrouped,  ///< (group, part of three, row) becomes (part, group, row): GPT-NeoX's queries, keys and values
};

struct TensorSource {
  std::string name;            ///< in GGUF
  std::vector<int64_t> shape;  ///< the last dimension is contiguous; one or two dimensions
  WeightType type = WeightType::kF32;
  // Its values: these, or those of a file.
  std::vector<float> values;
  size_t file = 0;
  uint64_t offset = 0;
  WeightType stored = WeightType::kF32;
  RowOrder order = RowOrder::kSame;
  int64_t groups = 1;     ///< of rows, for the orders other than kSame; divides the number of rows
  bool plus_one = false;  ///< adds 1, in the precision in which llama.cpp's converter adds it

  [[nodiscard]] uint64_t bytes() const;
};

/// The metadata of a GGUF file, encoded. A key that is added again keeps its place and gets the new value.
class GgufMetadata {
 public:
  void add_u32(const std::string& key, uint32_t value);
  void add_i32(const std::string& key, int32_t value);
  void add_f32(const std::string& key, double value);
  void add_bool(const std::string& key, bool value);
  void add_text(const std::string& key, std::string_view value);  ///< an empty text adds nothing
  void add_texts(const std::string& key, const std::vector<std::string>& values);
  void add_i32s(const std::string& key, const std::vector<int32_t>& values);
  void add_f32s(const std::string& key, const std::vector<float>& values);

  void add_all(const GgufMetadata& others);

  [[nodiscard]] bool has(const std::string& key) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& entries() const { return entries_; }

 private:
  void set(const std::string& key, std::string encoded);
  std::vector<std::pair<std::string, std::string>> entries_;  // key; type and value as GGUF has them
};

/// Writes a file of version 3. `files` are those that the sources count; `written` is told how many bytes of tensors
/// are done. Memory: the metadata and a few MB. The file is not flushed to the disk.
Status write_gguf(const std::string& path, const GgufMetadata& metadata, const std::vector<TensorSource>& tensors,
                  const std::vector<std::string>& files, const std::function<void(uint64_t)>& written,
                  const std::stop_token& stop);

/// Conversions of weights as llama.cpp's converter does them: to the nearest, ties to even.
uint16_t half_of(float value);
float float_of_half(uint16_t half);
uint16_t bfloat_of(float value);

}  // namespace hre
