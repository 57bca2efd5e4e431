#include "model/llama/gguf_header.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <ggml.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <regex>
#include <set>
#include <string_view>

#include "core/files.h"

namespace hre {
namespace {

constexpr uint64_t kLongestName = 64 << 10;
constexpr uint64_t kKeptNumbers = 8192;
constexpr uint64_t kSmallestTensorEntry = 8 + 1 + 4 + 8 + 4 + 8;  // name, one dimension, type, offset
constexpr uint64_t kSmallestValueEntry = 8 + 1 + 4 + 1;
constexpr int64_t kMostDimensions = 4;

/// GGUF's numbers for its value types.
enum ValueType : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64,
  kNumTypes
};

size_t size_of_type(uint32_t type) {
  static constexpr size_t kSizes[kNumTypes] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return type < kNumTypes ? kSizes[type] : 0;
}

class Reader {
 public:
  explicit Reader(std::span<const std::byte> file) : file_(file) {}

  Result<GgufHeader> read() {
    uint32_t magic = 0, version = 0;
    uint64_t n_tensors = 0, n_values = 0;
    if (!take(magic) || std::memcmp(&magic, "GGUF", 4) != 0) return broken("is not a GGUF file");
    if (!take(version)) return broken("ends in its header");
    if (version < 2 || version > 3) return wrong_version(version);
    if (!take(n_tensors) || !take(n_values)) return broken("ends in its header");
    if (n_tensors > left() / kSmallestTensorEntry) return broken(fmt::format("can't hold {} tensors", n_tensors));
    if (n_values > left() / kSmallestValueEntry) return broken(fmt::format("can't hold {} metadata values", n_values));
    for (uint64_t i = 0; i < n_values && problem_.empty(); ++i) read_entry();
    for (uint64_t i = 0; i < n_tensors && problem_.empty(); ++i) read_tensor();
    if (problem_.empty()) check_offsets();
    if (!problem_.empty()) return broken(problem_);
    return std::move(header_);
  }

 private:
  [[nodiscard]] uint64_t left() const { return file_.size() - at_; }

  static tl::unexpected<Error> wrong_version(uint32_t version) {
    const uint32_t swapped = __builtin_bswap32(version);
    if (swapped >= 1 && swapped <= 3) {
      return input_error("is a big-endian GGUF file, and this machine is little-endian", "",
                         "convert it again for this machine");
    }
    if (version == 1)
      return input_error("is a GGUF file of version 1, which is no longer read", "", "convert it again");
    return input_error(fmt::format("is a GGUF file of version {}, and this hre reads up to 3", version), "",
                       "update hre");
  }

  tl::unexpected<Error> broken(const std::string& message) const {
    return input_error(fmt::format("the file is broken near byte {}: it {}", at_, message));
  }

  void problem(std::string message) {
    if (problem_.empty()) problem_ = std::move(message);
  }

  template <class T>
  bool take(T& value) {
    if (left() < sizeof value) {
      problem("ends in its header");
      return false;
    }
    std::memcpy(&value, file_.data() + at_, sizeof value);
    at_ += sizeof value;
    return true;
  }

  std::string take_string(uint64_t longest) {
    uint64_t size = 0;
    if (!take(size)) return {};
    if (size > left() || size > longest) {
      problem(fmt::format("has a text of {} bytes", size));
      return {};
    }
    std::string text(reinterpret_cast<const char*>(file_.data() + at_), size);
    at_ += size;
    return text;
  }

  void skip_string() {
    uint64_t size = 0;
    if (!take(size)) return;
    if (size > left()) return problem(fmt::format("has a text of {} bytes", size));
    at_ += size;
  }

  template <class T>
  T taken() {
    T value{};
    take(value);
    return value;
  }

  int64_t take_integer(uint32_t type) {
    switch (type) {
      case kU8:
        return taken<uint8_t>();
      case kI8:
        return taken<int8_t>();
      case kU16:
        return taken<uint16_t>();
      case kI16:
        return taken<int16_t>();
      case kU32:
        return taken<uint32_t>();
      case kI32:
        return taken<int32_t>();
      default:
        return static_cast<int64_t>(taken<uint64_t>());
    }
  }

  GgufValue take_value(uint32_t type) {
    switch (type) {
      case kF32:
        return static_cast<double>(taken<float>());
      case kF64:
        return taken<double>();
      case kBool:
        return taken<uint8_t>() != 0;
      case kString:
        return take_string(left());
      case kArray:
        return take_array();
      default:
        return take_integer(type);
    }
  }

  GgufArray take_array() {
    GgufArray array;
    uint32_t type = 0;
    if (!take(type) || !take(array.size)) return array;
    if (type >= kNumTypes || type == kArray) {
      problem(fmt::format("has a list of type {}", type));
      return array;
    }
    const uint64_t smallest = type == kString ? 8 : size_of_type(type);
    if (array.size > left() / smallest) {
      problem(fmt::format("has a list of {} values", array.size));
      return array;
    }
    const bool whole_numbers = type != kString && type != kF32 && type != kF64 && type != kBool;
    if (whole_numbers && array.size <= kKeptNumbers) {
      for (uint64_t i = 0; i < array.size; ++i) array.numbers.push_back(take_integer(type));
    } else if (type == kString) {
      for (uint64_t i = 0; i < array.size && problem_.empty(); ++i) skip_string();
    } else {
      at_ += array.size * smallest;
    }
    return array;
  }

  void read_entry() {
    std::string key = take_string(kLongestName);
    uint32_t type = 0;
    if (!problem_.empty() || !take(type)) return;
    if (type >= kNumTypes) return problem(fmt::format("gives {} the type {}", key, type));
    GgufValue value = take_value(type);
    if (!problem_.empty()) return;
    if (!header_.values.emplace(key, std::move(value)).second) problem("has " + key + " twice");
  }

  void read_tensor() {
    GgufTensor tensor;
    tensor.name = take_string(kLongestName);
    const auto n_dimensions = taken<uint32_t>();
    if (!problem_.empty()) return;
    if (n_dimensions > kMostDimensions) {
      return problem(fmt::format("gives {} {} dimensions", tensor.name, n_dimensions));
    }
    for (uint32_t i = 0; i < n_dimensions; ++i) tensor.shape.push_back(taken<int64_t>());
    take(tensor.type);
    offsets_.push_back(taken<uint64_t>());
    if (!problem_.empty()) return;
    if (auto wrong = size_tensor(tensor); !wrong.empty())
      return problem(fmt::format("gives {} {}", tensor.name, wrong));
    if (!names_.insert(tensor.name).second) return problem("has the tensor " + tensor.name + " twice");
    header_.tensors.push_back(std::move(tensor));
  }

  /// Sets the tensor's size in bytes. Returns what is wrong with its type or shape, or nothing.
  static std::string size_tensor(GgufTensor& tensor) {
    if (tensor.type >= GGML_TYPE_COUNT) return fmt::format("the type {}", tensor.type);
    const auto type = static_cast<ggml_type>(tensor.type);
    const auto block = ggml_blck_size(type);
    if (block <= 0 || ggml_type_size(type) == 0)
      return fmt::format("the type {}, which is no longer in use", tensor.type);
    uint64_t elements = 1;
    for (const int64_t size : tensor.shape) {
      if (size <= 0) return fmt::format("a dimension of {}", size);
      if (__builtin_mul_overflow(elements, static_cast<uint64_t>(size), &elements) || elements > (uint64_t{1} << 62)) {
        return "more elements than a number can count";
      }
    }
    const int64_t row = tensor.shape.empty() ? 1 : tensor.shape.front();
    if (row % block != 0) return fmt::format("rows of {}, which its type can't have", row);
    const uint64_t blocks = elements / static_cast<uint64_t>(block);
    if (__builtin_mul_overflow(blocks, static_cast<uint64_t>(ggml_type_size(type)), &tensor.bytes)) {
      return "more bytes than a number can count";
    }
    return "";
  }

  void check_offsets() {
    const int64_t alignment = header_.number("general.alignment", 32);
    if (alignment <= 0 || (alignment & (alignment - 1)) != 0 || alignment > (1 << 24)) {
      return problem(fmt::format("asks for an alignment of {}", alignment));
    }
    const auto aligned = static_cast<uint64_t>(alignment);
    const uint64_t data_at = (at_ + aligned - 1) / aligned * aligned;
    for (size_t i = 0; i < header_.tensors.size(); ++i) {
      const GgufTensor& tensor = header_.tensors[i];
      uint64_t end = 0;
      if (__builtin_add_overflow(offsets_[i], tensor.bytes, &end) || __builtin_add_overflow(end, data_at, &end) ||
          end > file_.size()) {
        return problem(fmt::format("ends before the end of {}: it was cut short, or its header is wrong", tensor.name));
      }
      header_.tensor_bytes += tensor.bytes;
    }
  }

  std::span<const std::byte> file_;
  size_t at_ = 0;
  std::string problem_;
  GgufHeader header_;
  std::vector<uint64_t> offsets_;
  std::set<std::string> names_;
};

/// A file mapped into memory, paged in by the system on demand.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status = {};
    if (file >= 0 && fstat(file, &status) == 0 && status.st_size > 0) {
      size_ = static_cast<size_t>(status.st_size);
      data_ = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    }
    if (file >= 0) close(file);
  }
  ~MappedFile() {
    if (good()) munmap(data_, size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] bool good() const { return data_ != MAP_FAILED; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

 private:
  void* data_ = MAP_FAILED;
  size_t size_ = 0;
};

}  // namespace

std::string GgufHeader::text(const std::string& key) const {
  const auto found = values.find(key);
  const auto* value = found == values.end() ? nullptr : std::get_if<std::string>(&found->second);
  return value ? *value : "";
}

int64_t GgufHeader::number(const std::string& key, int64_t otherwise) const {
  const auto found = values.find(key);
  const auto* value = found == values.end() ? nullptr : std::get_if<int64_t>(&found->second);
  return value ? *value : otherwise;
}

int64_t GgufHeader::of_layer(const std::string& key, int64_t layer, int64_t otherwise) const {
  const std::string whole = text("general.architecture") + "." + key;
  const auto found = values.find(whole);
  const auto* array = found == values.end() ? nullptr : std::get_if<GgufArray>(&found->second);
  if (array == nullptr) return number(whole, otherwise);
  return layer >= 0 && static_cast<size_t>(layer) < array->numbers.size() ? array->numbers[static_cast<size_t>(layer)]
                                                                          : otherwise;
}

const GgufTensor* GgufHeader::tensor(const std::string& name) const {
  for (const GgufTensor& tensor : tensors) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

Result<GgufHeader> parse_gguf(std::span<const std::byte> file) { return Reader(file).read(); }

namespace {

/// What kind of file this is, if it is not GGUF.
tl::unexpected<Error> no_gguf(std::span<const std::byte> bytes, const std::string& path) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min<size_t>(bytes.size(), 64));
  const auto is = [text](std::initializer_list<std::string_view> starts) {
    return std::any_of(starts.begin(), starts.end(),
                       [text](std::string_view start) { return text.starts_with(start); });
  };
  if (is({"version https://git-lfs"})) {
    return input_error("is a Git LFS pointer, not the file itself", path, "git lfs pull fetches it");
  }
  if (is({"<!DOCTYPE", "<!doctype", "<html", "<HTML"})) {
    return input_error("is a web page, not a GGUF file", path, "download the file itself");
  }
  if (is({"lmgg", "fmgg", "tjgg", "algg"})) {  // GGML, GGMF, GGJT, GGLA, as little-endian numbers
    return input_error("is a GGML file, which came before GGUF", path, "convert the model again");
  }
  return input_error("is not a GGUF file", path);
}

}  // namespace

Result<GgufHeader> read_gguf_header(const std::string& path) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  if (status.type() == std::filesystem::file_type::none)
    return input_error("cannot be read: " + failed.message(), path);
  if (!std::filesystem::exists(status)) return input_error("no such file", path, "MODEL is a path to a .gguf file");
  if (std::filesystem::is_directory(status)) return input_error("is a folder, not a .gguf file", path);
  if (std::filesystem::file_size(path, failed) == 0 && !failed) return input_error("is empty", path);
  const MappedFile file(path);
  if (!file.good()) return input_error("cannot be read", path);
  if (file.bytes().size() < 4 || std::memcmp(file.bytes().data(), "GGUF", 4) != 0) {
    return no_gguf(file.bytes(), path);
  }
  auto header = parse_gguf(file.bytes());
  if (!header) header.error().where = path;
  return header;
}

Result<std::vector<std::string>> gguf_parts(const std::string& path) {
  static const std::regex kPart("-[0-9]{5}-of-([0-9]{5})\\.gguf");
  constexpr size_t kLength = std::string_view("-00001-of-00003.gguf").size();
  const size_t start = path.size() - std::min(path.size(), kLength);
  const std::string end = path.substr(start);  // std::regex overflows the stack for long texts
  std::smatch match;
  if (!std::regex_match(end, match, kPart)) return std::vector<std::string>{path};
  const int n = std::stoi(match[1]);
  if (n < 1) return input_error("the name says that the model has no parts", path);
  std::vector<std::string> parts;
  for (int i = 1; i <= n; ++i) {
    parts.push_back(fmt::format("{}-{:05}-of-{:05}.gguf", path.substr(0, start), i, n));
    if (!path_exists(parts.back())) {
      return input_error(fmt::format("part {} of {} of this model is missing", i, n), parts.back(),
                         "all parts must lie in one folder");
    }
  }
  return parts;
}

}  // namespace hre
