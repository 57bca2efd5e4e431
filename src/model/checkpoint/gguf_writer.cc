#include "model/checkpoint/gguf_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

namespace hre {
namespace {

constexpr uint64_t kAlignment = 32;
constexpr uint64_t kBatch = 4 << 20;  // bytes that are read at once; a row that is longer is read alone

enum ValueType : uint32_t { kU32 = 4, kI32 = 5, kF32 = 6, kBool = 7, kText = 8, kArray = 9 };

// GGUF is little-endian, as is every machine that hre runs on.
template <class T>
void put(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_text(std::string& bytes, std::string_view text) {
  put(bytes, static_cast<uint64_t>(text.size()));
  bytes.append(text);
}

std::string array_start(ValueType type, size_t size) {
  std::string bytes;
  put(bytes, static_cast<uint32_t>(kArray));
  put(bytes, static_cast<uint32_t>(type));
  put(bytes, static_cast<uint64_t>(size));
  return bytes;
}

uint64_t padded(uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

/// A file descriptor, closed by the destructor.
struct Descriptor {
  int number;
  explicit Descriptor(int opened) : number(opened) {}
  ~Descriptor() {
    if (number >= 0) close(number);
  }
  Descriptor(Descriptor&& other) noexcept : number(std::exchange(other.number, -1)) {}
  Descriptor(const Descriptor&) = delete;
};

Status write_all(const Descriptor& file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = write(file.number, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(ErrorCode::kFailed, fmt::format("cannot be written: {}", std::strerror(errno)), path);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Status read_all(const Descriptor& file, char* to, uint64_t size, uint64_t offset, const std::string& path) {
  while (size > 0) {
    const ssize_t n = pread(file.number, to, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(ErrorCode::kFailed, fmt::format("cannot be read: {}", std::strerror(errno)), path);
    if (n == 0) return input_error("was cut short while it was read", path);
    to += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<uint64_t>(n);
  }
  return {};
}

int64_t rows_of(const TensorSource& tensor) { return tensor.shape.front(); }

int64_t row_size(const TensorSource& tensor) {
  int64_t size = 1;
  for (size_t i = 1; i < tensor.shape.size(); ++i) size *= tensor.shape[i];
  return size;
}

/// The row that is read for a row that is written.
int64_t source_row(const TensorSource& tensor, int64_t row) {
  const int64_t rows = rows_of(tensor), in_group = rows / tensor.groups;
  switch (tensor.order) {
    case RowOrder::kPairs: {
      const int64_t group = row / in_group, at = row % in_group;
      return group * in_group + at % 2 * (in_group / 2) + at / 2;
    }
    case RowOrder::kGrouped: {
      const int64_t in_part = in_group / 3, part = row / (tensor.groups * in_part),
                    at = row % (tensor.groups * in_part);
      return at / in_part * in_group + part * in_part + at % in_part;
    }
    case RowOrder::kSame:
      break;
  }
  return row;
}

template <class T>
T load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
void store(char* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

/// Makes NaN in bfloat16 quiet, in place, as conversion from float32 would: four values at a time, since every weight
/// goes through here. Added to a magnitude, 0x7f carries into the sign's place where it is above infinity's.
void quieten(std::string& bytes) {
  const auto quiet = [](uint64_t bits) {
    const uint64_t above = (bits & 0x7fff7fff7fff7fff) + 0x007f007f007f007f;
    return bits | ((above & 0x8000800080008000) >> 9);
  };
  char* const data = bytes.data();
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) store(data + i, quiet(load<uint64_t>(data + i)));
  for (; i + 2 <= bytes.size(); i += 2) store(data + i, static_cast<uint16_t>(quiet(load<uint16_t>(data + i))));
}

/// Converts n values, one type's after the other's.
void convert(const TensorSource& tensor, const char* from, size_t n, char* to) {
  const auto value = [&](size_t i) {
    float wide = 0;
    if (tensor.stored == WeightType::kF32) wide = load<float>(from + 4 * i);
    if (tensor.stored == WeightType::kBF16)
      wide = std::bit_cast<float>(static_cast<uint32_t>(load<uint16_t>(from + 2 * i)) << 16);
    if (tensor.stored == WeightType::kF16) wide = float_of_half(load<uint16_t>(from + 2 * i));
    if (!tensor.plus_one) return wide;
    // Half-precision weights are added in half precision; bfloat16 is widened before.
    return tensor.stored == WeightType::kF16 ? float_of_half(half_of(wide + 1)) : wide + 1;
  };
  switch (tensor.type) {
    case WeightType::kF32:
      for (size_t i = 0; i < n; ++i) store(to + 4 * i, value(i));
      return;
    case WeightType::kF16:
      for (size_t i = 0; i < n; ++i) store(to + 2 * i, half_of(value(i)));
      return;
    case WeightType::kBF16:
      for (size_t i = 0; i < n; ++i) store(to + 2 * i, bfloat_of(value(i)));
      return;
  }
}

Status write_tensor(const Descriptor& out, const std::string& path, const TensorSource& tensor, const Descriptor* in,
                    const std::string& source, const std::function<void(uint64_t)>& advance,
                    const std::stop_token& stop) {
  if (!tensor.values.empty()) {
    return write_all(out, {reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * sizeof(float)},
                     path);
  }
  const bool as_is = tensor.type == tensor.stored && !tensor.plus_one;
  const int64_t rows = rows_of(tensor), width = row_size(tensor);
  const uint64_t stored_row = static_cast<uint64_t>(width) * size_of(tensor.stored);
  const int64_t at_once = std::max<int64_t>(1, static_cast<int64_t>(kBatch / std::max<uint64_t>(1, stored_row)));
  std::string read, converted;
  for (int64_t row = 0; row < rows; row += at_once) {
    if (stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");
    const int64_t n = std::min(at_once, rows - row);
    read.resize(static_cast<uint64_t>(n) * stored_row);
    for (int64_t i = 0, run = 0; i < n; i += run) {
      const int64_t first = source_row(tensor, row + i);
      for (run = 1; i + run < n && source_row(tensor, row + i + run) == first + run; ++run) {
      }
      if (auto ok = read_all(*in, read.data() + static_cast<uint64_t>(i) * stored_row,
                             static_cast<uint64_t>(run) * stored_row,
                             tensor.offset + static_cast<uint64_t>(first) * stored_row, source);
          !ok) {
        return ok;
      }
    }
    if (as_is && tensor.type == WeightType::kBF16) quieten(read);
    if (!as_is) {
      const auto values = static_cast<size_t>(n * width);
      converted.resize(values * size_of(tensor.type));
      convert(tensor, read.data(), values, converted.data());
    }
    const std::string& bytes = as_is ? read : converted;
    if (auto ok = write_all(out, bytes, path); !ok) return ok;
    advance(bytes.size());
  }
  return {};
}

}  // namespace

size_t size_of(WeightType type) { return type == WeightType::kF32 ? 4 : 2; }

uint64_t TensorSource::bytes() const {
  uint64_t n = size_of(type);
  for (const int64_t size : shape) n *= static_cast<uint64_t>(size);
  return n;
}

uint16_t half_of(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00 | (magnitude >> 13 & 0x1ff));  // NaN, quiet
  if (magnitude >= 0x477ff000) return sign | 0x7c00;  // rounds to infinity
  if (magnitude < 0x38800000) {                       // a subnormal half: a whole number of 2^-24
    // Adding 0.5 (= 2^23 * 2^-24) leaves that number, rounded to even, in the last bits.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(0.5F)));
  }
  const uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return static_cast<uint16_t>(sign | ((rounded >> 13) - (112 << 10)));
}

float float_of_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16, magnitude = half & 0x7fff;
  if (magnitude >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  if (magnitude >= 0x400) return std::bit_cast<float>(sign | ((magnitude << 13) + (112U << 23)));
  const float small = static_cast<float>(magnitude) * 0x1p-24F;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(small));
}

uint16_t bfloat_of(float value) {
  auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 64);  // NaN, quiet
  bits += 0x7fff + (bits >> 16 & 1);
  return static_cast<uint16_t>(bits >> 16);
}

void GgufMetadata::set(const std::string& key, std::string encoded) {
  const auto same =
      std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.first == key; });
  if (same == entries_.end()) {
    entries_.emplace_back(key, std::move(encoded));
  } else {
    same->second = std::move(encoded);
  }
}

void GgufMetadata::add_all(const GgufMetadata& others) {
  for (const auto& [key, encoded] : others.entries_) set(key, encoded);
}

bool GgufMetadata::has(const std::string& key) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.first == key; });
}

namespace {

template <class T>
std::string scalar(ValueType type, T value) {
  std::string bytes;
  put(bytes, static_cast<uint32_t>(type));
  put(bytes, value);
  return bytes;
}

}  // namespace

void GgufMetadata::add_u32(const std::string& key, uint32_t value) { set(key, scalar(kU32, value)); }
void GgufMetadata::add_i32(const std::string& key, int32_t value) { set(key, scalar(kI32, value)); }
void GgufMetadata::add_f32(const std::string& key, double value) { set(key, scalar(kF32, static_cast<float>(value))); }
void GgufMetadata::add_bool(const std::string& key, bool value) {
  set(key, scalar(kBool, static_cast<uint8_t>(value ? 1 : 0)));
}

void GgufMetadata::add_text(const std::string& key, std::string_view value) {
  if (value.empty()) return;
  std::string bytes;
  put(bytes, static_cast<uint32_t>(kText));
  put_text(bytes, value);
  set(key, std::move(bytes));
}

void GgufMetadata::add_texts(const std::string& key, const std::vector<std::string>& values) {
  if (values.empty()) return;
  std::string bytes = array_start(kText, values.size());
  for (const std::string& value : values) put_text(bytes, value);
  set(key, std::move(bytes));
}

void GgufMetadata::add_i32s(const std::string& key, const std::vector<int32_t>& values) {
  std::string bytes = array_start(kI32, values.size());
  for (const int32_t value : values) put(bytes, value);
  set(key, std::move(bytes));
}

void GgufMetadata::add_f32s(const std::string& key, const std::vector<float>& values) {
  std::string bytes = array_start(kF32, values.size());
  for (const float value : values) put(bytes, value);
  set(key, std::move(bytes));
}

Status write_gguf(const std::string& path, const GgufMetadata& metadata, const std::vector<TensorSource>& tensors,
                  const std::vector<std::string>& files, const std::function<void(uint64_t)>& written,
                  const std::stop_token& stop) {
  std::vector<Descriptor> sources;
  for (const std::string& file : files) {
    sources.emplace_back(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (sources.back().number < 0) return input_error("cannot be read", file);
  }
  const Descriptor out(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (out.number < 0) return fail(ErrorCode::kFailed, fmt::format("cannot be written: {}", std::strerror(errno)), path);
  std::string header = "GGUF";
  put(header, uint32_t{3});
  put(header, static_cast<uint64_t>(tensors.size()));
  put(header, static_cast<uint64_t>(metadata.entries().size()));
  for (const auto& [key, encoded] : metadata.entries()) {
    put_text(header, key);
    header += encoded;
  }
  uint64_t offset = 0;
  for (const TensorSource& tensor : tensors) {
    put_text(header, tensor.name);
    put(header, static_cast<uint32_t>(tensor.shape.size()));
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size)
      put(header, static_cast<uint64_t>(*size));
    put(header, static_cast<uint32_t>(tensor.type));
    put(header, offset);
    offset += padded(tensor.bytes());
  }
  header.resize(padded(header.size()), '\0');
  if (auto ok = write_all(out, header, path); !ok) return ok;
  uint64_t done = 0;
  const auto advance = [&](uint64_t bytes) {
    done += bytes;
    written(done);
  };
  for (const TensorSource& tensor : tensors) {
    const bool is_read = tensor.values.empty();
    if (auto ok = write_tensor(out, path, tensor, is_read ? &sources[tensor.file] : nullptr,
                               is_read ? files[tensor.file] : std::string(), advance, stop);
        !ok) {
      return ok;
    }
    const std::string zeros(padded(tensor.bytes()) - tensor.bytes(), '\0');
    if (auto ok = write_all(out, zeros, path); !ok) return ok;
  }
  return {};
}

}  // namespace hre
