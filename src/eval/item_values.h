#pragma once
/// What readers of other harnesses' logs (item_log.h) make of them, and what they share.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"

namespace hre {

/// One value as a log has it.
struct ItemValue {
  std::string group, id;
  std::optional<double> value;  ///< nothing where undefined
};

/// All of a log.
struct ItemValues {
  std::string metric;  ///< whose values they are
  std::string task;    ///< empty: as the file's name says
  std::string model;   ///< empty: as the path says
  std::string created;
  std::vector<ItemValue> values;
};

/// A text as JSON, without exceptions. Python writes NaN and infinities, which JSON lacks: they are read as "".
/// Whatever `keep` refuses is not kept in memory; the result is discarded where the text is no JSON.
nlohmann::ordered_json parse_python_json(std::string text,
                                         const nlohmann::ordered_json::parser_callback_t& keep = nullptr);

/// A number of up to 1e100, a string that holds one, true or false; nothing for anything else.
std::optional<double> number_of(const nlohmann::ordered_json& json);
/// Whether a value is absent: null, "", and so also NaN.
bool is_undefined(const nlohmann::ordered_json& json);
/// A string as it is, anything else as JSON.
std::string text_of(const nlohmann::ordered_json& json);

/// "ID-HASH": the id of an item with contents, of which the beginning counts, since logs cut long texts.
std::string id_with_contents(const std::string& id, std::string_view contents);

/// The error of a metric that a log lacks: it names those that are there.
tl::unexpected<Error> no_such_value(const std::string& metric, const std::vector<std::string>& there,
                                    const std::string& where);

}  // namespace hre
