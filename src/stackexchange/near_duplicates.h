#pragma once
/// Finds texts that are nearly the same: by the Jaccard similarity of their sets of 5-word runs. MinHash signatures in
/// bands (Broder 1997; Leskovec, Rajaraman, Ullman, ch. 3) find the pairs worth comparing, which are then compared
/// exactly.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hre::stackexchange {

/// Hashes of a text's runs of 5 words (words.h), sorted, without repetitions. A text with fewer words is a single run.
std::vector<uint64_t> shingles(std::string_view text);

/// |a and b| / |a or b|; both as shingles() gives them. 1 where both are empty.
double jaccard(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b);

/// The texts taken so far.
class NearDuplicates {
 public:
  /// 0 < threshold <= 1.
  explicit NearDuplicates(double threshold) : threshold_(threshold) {}
  /// The number (in order of addition) of a text that is at least this similar; otherwise adds this text and returns
  /// nothing.
  std::optional<size_t> find_or_add(std::string_view text);

 private:
  double threshold_;
  std::vector<std::vector<uint64_t>> kept_;
  std::unordered_multimap<uint64_t, uint32_t> bands_;
};

}  // namespace hre::stackexchange
