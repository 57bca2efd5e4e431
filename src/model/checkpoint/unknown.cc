#include "model/checkpoint/unknown.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "core/files.h"

namespace hre {
namespace {

/// Stops the parser from inside its callback.
struct Refused {
  std::string why;
};

}  // namespace

Result<nlohmann::json> parse_strictly(std::string_view text, int max_depth) {
  using Event = nlohmann::json::parse_event_t;
  std::vector<std::set<std::string>> names;  // of the objects that are open, outermost first
  const auto check = [&](int depth, Event event, nlohmann::json& parsed) {
    if (depth > max_depth) throw Refused{fmt::format("is nested deeper than {} levels", max_depth)};
    if (event == Event::object_start) names.emplace_back();
    if (event == Event::object_end) names.pop_back();
    if (event == Event::key && !names.back().insert(parsed.get<std::string>()).second)
      throw Refused{"has the name " + parsed.get<std::string>() + " twice"};
    return true;
  };
  try {
    return nlohmann::json::parse(text, check);
  } catch (const Refused& refused) {
    return input_error(refused.why);
  } catch (const nlohmann::json::exception&) {
    return input_error("is not JSON");
  }
}

nlohmann::json object_of(const std::string& folder, const std::string& name) {
  auto text = read_file(folder + "/" + name, int64_t{1} << 30);
  if (!text) throw Unknown{name + " can't be read"};
  auto json = parse_strictly(*text, 64);
  if (!json) throw Unknown{name + " " + json.error().message};
  if (!json->is_object()) throw Unknown{name + " holds no object"};
  return std::move(*json);
}

}  // namespace hre
