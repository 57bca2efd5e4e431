#pragma once
/// Which topics a command's --topic globs mean.

#include <string>
#include <vector>

#include "hre/result.h"

namespace hre {

/// The names that match any of the globs, in their own order; without globs all of them. A published
/// split's name ("HumanRankEvalSoftEng", "SoftEng") stands for its topic. A glob that matches nothing
/// is an input error that offers the nearest name and says what there is.
Result<std::vector<std::string>> select_topics(const std::vector<std::string>& names,
                                               const std::vector<std::string>& globs);

}  // namespace hre
