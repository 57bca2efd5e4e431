#pragma once
/// What a question is called where people read it: ids are unique within a topic only.

#include <string>
#include <string_view>

namespace hre {

/// "python/000012", whose id has the topic; else "12 (topic python)".
std::string question_name(std::string_view topic, std::string_view id);

}  // namespace hre
