#pragma once
/// The pickled pairs of the reference implementation's cache: (log-likelihood, whether it is the greedy continuation).

#include <optional>
#include <string>
#include <string_view>

namespace hre::store {

/// The first of a pickled pair of a float and a bool, as Python's pickle of protocols 2 to 5 writes one; nothing for
/// anything else. Never executes anything.
std::optional<double> read_pickled_score(std::string_view bytes);

/// Such a pair of protocol 2, which every Python 3 reads; the second is False.
std::string pickled_score(double log_likelihood);

}  // namespace hre::store
