#include "core/hashing.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace hre {

struct ContentHash::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() { XXH3_128bits_reset(xxh); }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

ContentHash::ContentHash() : state_(std::make_unique<State>()) {}
ContentHash::~ContentHash() = default;
ContentHash::ContentHash(ContentHash&&) noexcept = default;
ContentHash& ContentHash::operator=(ContentHash&&) noexcept = default;

void ContentHash::add_bytes(std::string_view bytes) { XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size()); }

void ContentHash::add_field(std::string_view field) {
  unsigned char length[8];  // little-endian on every machine
  for (int i = 0; i < 8; ++i) length[i] = static_cast<unsigned char>(static_cast<uint64_t>(field.size()) >> (8 * i));
  XXH3_128bits_update(state_->xxh, length, sizeof length);
  add_bytes(field);
}

std::string ContentHash::value() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_->xxh);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

Result<std::string> hash_file(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) return input_error(std::strerror(errno), path);
  std::vector<char> buffer(1 << 20);
  ContentHash hash;
  while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), file.get())) hash.add_bytes({buffer.data(), n});
  if (std::ferror(file.get()))
    return fail(ErrorCode::kFailed, "reading failed: " + std::string(std::strerror(errno)), path);
  return hash.value();
}

}  // namespace hre
