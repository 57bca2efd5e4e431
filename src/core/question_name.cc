#include "core/question_name.h"

#include <fmt/format.h>

namespace hre {

std::string question_name(std::string_view topic, std::string_view id) {
  const bool has_topic = id.size() > topic.size() && id.starts_with(topic) && id[topic.size()] == '/';
  return has_topic || topic.empty() ? std::string(id) : fmt::format("{} (topic {})", id, topic);
}

}  // namespace hre
