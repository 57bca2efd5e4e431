#pragma once
/// How hre's own conversion of checkpoints says that it does not know one exactly. Inside this folder only:
/// convert_natively (native_conversion.h) catches it, and llama.cpp's converter then converts the checkpoint.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "hre/result.h"

namespace hre {

/// Thrown where a checkpoint has what hre's own conversion does not know exactly. An exception, because a reason may
/// arise at any key of any file, and nothing but the one catch treats it.
struct Unknown {
  std::string why;  ///< "config.json has the key moe_layers"
};

/// The JSON of a file that others wrote. Refuses names that an object has twice and nesting deeper than max_depth, of
/// which readers make different things or none. The error has no place.
Result<nlohmann::json> parse_strictly(std::string_view text, int max_depth);

/// The JSON object of a file of the folder; throws Unknown if it is missing or isn't strictly JSON.
nlohmann::json object_of(const std::string& folder, const std::string& name);

/// Whether a JSON object has the key with a value other than null.
inline bool has(const nlohmann::json& object, const std::string& key) {
  const auto found = object.find(key);
  return found != object.end() && !found->is_null();
}

}  // namespace hre
