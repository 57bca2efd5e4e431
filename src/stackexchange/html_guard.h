#pragma once
/// Examines HTML before it is parsed. The standard's tree construction takes time and memory that grow with the square
/// of the number of open elements; no post needs many, so such input is refused beforehand.

#include <string>
#include <string_view>

namespace hre::stackexchange {

/// Why this HTML is costly to parse; empty if it is not. Linear in the input's length.
std::string html_problem(std::string_view html);

}  // namespace hre::stackexchange
