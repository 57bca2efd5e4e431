#include "cli/seed_option.h"

#include <CLI/CLI.hpp>
#include <charconv>

namespace hre::cli {
namespace {

/// Takes leading zeros away as well.
std::string take_seed(std::string& text) {
  uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  const bool good = error == std::errc() && end == text.data() + text.size();
  if (!good) return "'" + text + "' is not a whole number from 0 to 2^64 - 1";
  text = std::to_string(seed);
  return "";
}

}  // namespace

void check_seed(CLI::Option* option) { option->transform(CLI::Validator(take_seed, "")); }

}  // namespace hre::cli
