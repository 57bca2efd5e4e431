#include "data/selection.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "hre/dataset.h"

namespace hre {
namespace {

bool matches(const std::string& glob, const std::string& name) {
  return matches_glob(glob, name) || topic_of_split(glob) == name;
}

Error no_match(const std::string& glob, const std::vector<std::string>& names) {
  const std::string message = fmt::format("no topic matches \"{}\"", glob);
  const std::string there_are = names.empty() ? "there are no topics" : "the topics are " + join(names);
  const std::optional<std::string> nearest = nearest_name(topic_of_split(glob), names);
  return {ErrorCode::kInput, message, "‹topic›",
          nearest ? fmt::format("did you mean {}? {}", *nearest, there_are) : there_are};
}

}  // namespace

Result<std::vector<std::string>> select_topics(const std::vector<std::string>& names,
                                               const std::vector<std::string>& globs) {
  if (globs.empty()) return names;
  for (const std::string& glob : globs) {
    const bool any = std::any_of(names.begin(), names.end(), [&](const auto& name) { return matches(glob, name); });
    if (!any) return tl::unexpected<Error>(no_match(glob, names));
  }
  std::vector<std::string> selected;
  for (const std::string& name : names) {
    const bool chosen = std::any_of(globs.begin(), globs.end(), [&](const auto& glob) { return matches(glob, name); });
    if (chosen) selected.push_back(name);
  }
  return selected;
}

}  // namespace hre
