#pragma once
/// A look at HTML before it is parsed. The standard's tree building takes time and memory that grow with
/// the square of what is open at once; no post needs that, so such input is refused beforehand.

#include <string>
#include <string_view>

namespace hre::stackexchange {

/// What makes this HTML costly to parse; empty if nothing does. Linear in the input's length.
std::string html_problem(std::string_view html);

}  // namespace hre::stackexchange
