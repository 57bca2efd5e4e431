#pragma once
/// The pickled pairs of the reference implementation's cache: (log-likelihood, whether it is the greedy continuation).

#include <optional>
#include <string>
#include <string_view>

namespace hre::store {

/// The first value of a pickled pair of a float and a bool, as Python's pickle writes it in protocols 2 to 5; nothing
/// for any other bytes. Never executes anything.
std::optional<double> read_pickled_score(std::string_view bytes);

/// Writes such a pair in protocol 2, which every Python 3 reads; the second value is False.
std::string pickled_score(double log_likelihood);

}  // namespace hre::store
