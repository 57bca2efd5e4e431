#include "eval/item_values.h"

#include <cmath>

#include "core/hashing.h"
#include "core/text.h"

namespace hre {
namespace {

using Json = nlohmann::ordered_json;

/// Writes "" and spaces over each NaN, Infinity and -Infinity outside of strings.
void blank_constants(std::string& text) {
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && (c == 'N' || c == 'I' || c == '-')) {
      for (const std::string_view constant : {"NaN", "Infinity", "-Infinity"}) {
        if (std::string_view(text).substr(i, constant.size()) != constant) continue;
        text.replace(i, constant.size(), "\"\"" + std::string(constant.size() - 2, ' '));
        i += constant.size() - 1;
        break;
      }
    }
  }
}

}  // namespace

Json parse_python_json(std::string text, const Json::parser_callback_t& keep) {
  blank_constants(text);
  return Json::parse(text, keep, /*allow_exceptions=*/false);
}

std::optional<double> number_of(const Json& json) {
  constexpr double kLargest = 1e100;  // the sum of squares of very many is finite
  if (json.is_boolean()) return json.get<bool>() ? 1.0 : 0.0;
  const auto number = json.is_number()   ? std::optional(json.get<double>())
                      : json.is_string() ? parse_finite_number(json.get_ref<const std::string&>())
                                         : std::nullopt;
  return number && std::abs(*number) <= kLargest ? number : std::nullopt;
}

bool is_undefined(const Json& json) {
  return json.is_null() || (json.is_string() && json.get_ref<const std::string&>().empty());
}

std::string text_of(const Json& json) {
  return json.is_string() ? json.get<std::string>() : json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string id_with_contents(const std::string& id, std::string_view contents) {
  constexpr int64_t kBeginning = 1000;  // code points; Inspect's summaries have 5,120
  ContentHash hash;
  hash.add_bytes(first_code_points(contents, kBeginning));
  return id + "-" + hash.value().substr(0, 12);
}

tl::unexpected<Error> no_such_value(const std::string& metric, const std::vector<std::string>& there,
                                    const std::string& where) {
  return input_error("there is no value '" + metric + "'", where, "there are " + join(there));
}

}  // namespace hre
