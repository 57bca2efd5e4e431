#include "hub/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace hre::hub {
namespace {

constexpr size_t kSha256Digits = 64, kSha1Digits = 40;

}  // namespace

struct BlobDigest::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() = default;
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

bool BlobDigest::is_hash(const std::string& etag) {
  const bool hex = etag.find_first_not_of("0123456789abcdef") == std::string::npos;
  return hex && (etag.size() == kSha256Digits || etag.size() == kSha1Digits);
}

BlobDigest::BlobDigest(const std::string& etag, int64_t size) {
  if (!is_hash(etag)) return;
  state_ = std::make_unique<State>();
  EVP_DigestInit_ex(state_->context, etag.size() == kSha256Digits ? EVP_sha256() : EVP_sha1(), nullptr);
  if (etag.size() == kSha1Digits) add(fmt::format("blob {}", size) + std::string(1, '\0'));
}

BlobDigest::~BlobDigest() = default;
BlobDigest::BlobDigest(BlobDigest&&) noexcept = default;
BlobDigest& BlobDigest::operator=(BlobDigest&&) noexcept = default;

void BlobDigest::add(std::string_view bytes) {
  if (state_) EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

std::string BlobDigest::value() {
  if (!state_) return {};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context, digest.data(), &size);
  return fmt::format("{:02x}", fmt::join(digest.begin(), digest.begin() + size, ""));
}

}  // namespace hre::hub
