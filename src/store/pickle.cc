#include "store/pickle.h"

#include <bit>
#include <cstdint>

namespace hre::store {
namespace {

// Opcodes of the pickle virtual machine, as CPython's pickletools documents them.
constexpr char kProto = '\x80', kFrame = '\x95', kBinaryFloat = 'G', kNewTrue = '\x88', kNewFalse = '\x89',
               kTuple2 = '\x86', kBinaryPut = 'q', kMemoize = '\x94', kStop = '.';

/// Takes bytes from the front, and remembers whether there were enough bytes.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}
  std::string_view take(size_t n) {
    if (n > rest_.size()) {
      good_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  bool skip(char opcode, size_t n_arguments) {
    if (rest_.empty() || rest_.front() != opcode) return false;
    take(1 + n_arguments);
    return good_;
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool at_end() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

double big_endian_double(std::string_view bytes) {
  uint64_t bits = 0;
  for (const char c : bytes) bits = bits << 8 | static_cast<unsigned char>(c);
  return std::bit_cast<double>(bits);
}

}  // namespace

std::optional<double> read_pickled_score(std::string_view text) {
  Bytes bytes(text);
  if (!bytes.skip(kProto, 1)) return std::nullopt;
  bytes.skip(kFrame, 8);
  if (!bytes.skip(kBinaryFloat, 0)) return std::nullopt;
  const double value = big_endian_double(bytes.take(8));
  if (!bytes.skip(kNewTrue, 0) && !bytes.skip(kNewFalse, 0)) return std::nullopt;
  if (!bytes.skip(kTuple2, 0)) return std::nullopt;
  if (!bytes.skip(kMemoize, 0)) bytes.skip(kBinaryPut, 1);
  if (!bytes.skip(kStop, 0) || !bytes.at_end()) return std::nullopt;
  return value;
}

std::string pickled_score(double log_likelihood) {
  std::string bytes = {kProto, 2, kBinaryFloat};
  const auto bits = std::bit_cast<uint64_t>(log_likelihood);
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(bits >> shift);
  return bytes + kNewFalse + kTuple2 + kStop;
}

}  // namespace hre::store
