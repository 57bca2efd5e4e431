#pragma once
/// The reference implementation's cache of answers, an SQLite file of Python's sqlitedict: keys are hashes of the text
/// alone, values are pickled. It knows neither the model nor the dataset.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hre/run.h"
#include "hre/scorer.h"

namespace hre::store {

/// SHA-256, in hexadecimal, of json.dumps(["loglikelihood", context, continuation]).
std::string reference_key(const std::string& context, const std::string& continuation);

class ReferenceCache {
 public:
  /// Input errors for what is no such file.
  static Result<ReferenceCache> open(const std::string& path);
  ~ReferenceCache();
  ReferenceCache(ReferenceCache&&) noexcept;

  /// The log-likelihood of each continuation in nats, where it is there.
  Result<std::vector<std::optional<double>>> find(const ScoringRequest& request);

 private:
  struct State;
  explicit ReferenceCache(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Writes a new file. `values` are a question's log-likelihoods, one a continuation.
struct ReferenceEntry {
  ScoringRequest request;
  std::vector<double> values;
};
Status write_reference_cache(const std::string& path, const std::vector<ReferenceEntry>& entries);

}  // namespace hre::store
