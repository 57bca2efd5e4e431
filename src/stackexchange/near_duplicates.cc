#include "stackexchange/near_duplicates.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "stackexchange/words.h"

namespace hre::stackexchange {
namespace {

constexpr size_t kWords = 5;
constexpr size_t kBands = 32;

// A pair of similarity s shares one of b bands of r rows with probability 1 - (1 - s^r)^b. With fewer rows, more pairs
// are compared in vain. These numbers of rows miss at most 1 in 1,000 pairs at the threshold from 0.2 on, and 1 in
// 10,000,000 from 0.75 on.
size_t rows_for(double threshold) { return size_t{1} + (threshold >= 0.6) + (threshold >= 0.75); }

// One hash function of a family: splitmix64's mixing of the value and the function's number.
uint64_t mixed(uint64_t value, uint64_t number) {
  value += (number + 1) * 0x9E3779B97F4A7C15;
  value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
  value = (value ^ value >> 27) * 0x94D049BB133111EB;
  return value ^ value >> 31;
}

// The bands of the signature, each hashed to one value.
std::array<uint64_t, kBands> bands_of(const std::vector<uint64_t>& set, size_t rows) {
  std::array<uint64_t, kBands> bands{};
  for (size_t band = 0; band < kBands; ++band) {
    bands[band] = mixed(band, 0);
    for (size_t row = 0; row < rows; ++row) {
      uint64_t least = std::numeric_limits<uint64_t>::max();
      for (const uint64_t value : set) least = std::min(least, mixed(value, band * rows + row));
      bands[band] = mixed(bands[band] ^ least, row);
    }
  }
  return bands;
}

}  // namespace

std::vector<uint64_t> shingles(std::string_view text) {
  const std::vector<std::string> words = words_of(text);
  std::vector<uint64_t> set = hashes_of_runs(words, std::min(kWords, words.size()));
  std::sort(set.begin(), set.end());
  set.erase(std::unique(set.begin(), set.end()), set.end());
  return set;
}

double jaccard(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  std::vector<uint64_t> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  const size_t either = a.size() + b.size() - both.size();
  return either == 0 ? 1 : static_cast<double>(both.size()) / static_cast<double>(either);
}

std::optional<size_t> NearDuplicates::find_or_add(std::string_view text) {
  std::vector<uint64_t> set = shingles(text);
  const auto bands = bands_of(set, rows_for(threshold_));
  std::set<uint32_t> candidates;
  for (const uint64_t band : bands) {
    const auto [begin, end] = bands_.equal_range(band);
    for (auto at = begin; at != end; ++at) candidates.insert(at->second);
  }
  for (const uint32_t candidate : candidates) {
    if (jaccard(set, kept_[candidate]) >= threshold_) return candidate;
  }
  for (const uint64_t band : bands) bands_.emplace(band, static_cast<uint32_t>(kept_.size()));
  kept_.push_back(std::move(set));
  return std::nullopt;
}

}  // namespace hre::stackexchange
