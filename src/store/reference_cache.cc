#include "store/reference_cache.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <nlohmann/json.hpp>

#include "store/pickle.h"
#include "store/sqlite.h"

namespace hre::store {
namespace {

constexpr char kTable[] = "CREATE TABLE \"unnamed\" (key TEXT PRIMARY KEY, value BLOB)";

/// A list of strings as Python's json.dumps writes it: only ASCII, a space after commas.
std::string python_json(const std::vector<std::string>& texts) {
  std::string json = "[";
  for (const std::string& text : texts) {
    if (json.size() > 1) json += ", ";
    json += nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  }
  return json + "]";
}

std::string sha256(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string digits;
  for (unsigned int i = 0; i < size; ++i) digits += fmt::format("{:02x}", digest[i]);
  return digits;
}

}  // namespace

std::string reference_key(const std::string& context, const std::string& continuation) {
  return sha256(python_json({"loglikelihood", context, continuation}));
}

struct ReferenceCache::State {
  std::unique_ptr<Database> database;
};

ReferenceCache::ReferenceCache(std::unique_ptr<State> state) : state_(std::move(state)) {}
ReferenceCache::~ReferenceCache() = default;
ReferenceCache::ReferenceCache(ReferenceCache&&) noexcept = default;

Result<ReferenceCache> ReferenceCache::open(const std::string& path) {
  auto database = Database::open(path, Open::kReadOnly);
  if (!database) return forward(database);
  const int64_t tables = (*database)->number("SELECT count(*) FROM sqlite_schema WHERE name = 'unnamed'");
  if (auto ok = (*database)->status(); !ok) return forward(ok);
  if (tables == 0) {
    return input_error("is not a cache of the reference implementation", path, "its caches are in its folder lm_cache");
  }
  return ReferenceCache(std::make_unique<State>(State{std::move(*database)}));
}

Result<std::vector<std::optional<double>>> ReferenceCache::find(const ScoringRequest& request) {
  Statement at(*state_->database, "SELECT value FROM \"unnamed\" WHERE key = ?");
  std::vector<std::optional<double>> values;
  for (const std::string& continuation : request.continuations) {
    const std::string key = reference_key(request.context, continuation);
    if (!at.with(key).step()) {
      values.push_back(std::nullopt);
      continue;
    }
    values.push_back(read_pickled_score(at.blob(0)));
    if (!values.back()) {
      return input_error("the entry " + key + " is not a pickled pair of a log-likelihood and a truth value",
                         state_->database->path());
    }
  }
  if (auto ok = state_->database->status(); !ok) return forward(ok);
  return values;
}

Status write_reference_cache(const std::string& path, const std::vector<ReferenceEntry>& entries) {
  auto database = Database::open(path, Open::kCreate);
  if (!database) return forward(database);
  Transaction transaction(**database);
  (*database)->run(kTable);
  Statement add(**database, "INSERT OR REPLACE INTO \"unnamed\" (key, value) VALUES (?, ?)");
  for (const ReferenceEntry& entry : entries) {
    for (size_t i = 0; i < entry.values.size(); ++i) {
      const std::string value = pickled_score(entry.values[i]);
      add.with(reference_key(entry.request.context, entry.request.continuations[i]), std::string_view(value)).run();
    }
  }
  return transaction.commit();
}

}  // namespace hre::store
