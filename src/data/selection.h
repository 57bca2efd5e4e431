#pragma once
/// The topics that a command's --topic globs select.

#include <string>
#include <vector>

#include "hre/result.h"

namespace hre {

/// The names that match any of the globs, in their original order; all names if there are no globs. A published split's
/// name ("HumanRankEvalSoftEng", "SoftEng") stands for its topic. A glob that matches nothing is an input error that
/// suggests the most similar name and lists all names.
Result<std::vector<std::string>> select_topics(const std::vector<std::string>& names,
                                               const std::vector<std::string>& globs);

}  // namespace hre
