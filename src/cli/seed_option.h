#pragma once
/// Options that take a seed.

namespace CLI {
class Option;
}

namespace hre::cli {

/// Refuses what is no whole number from 0 to 2^64 - 1. CLI11 would take -1 for 2^64 - 1, all that is above for the
/// same, and 010 for 8.
void check_seed(CLI::Option* option);

}  // namespace hre::cli
