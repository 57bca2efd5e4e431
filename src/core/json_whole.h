#pragma once
/// Whole numbers of JSON that others wrote.

#include <cstdint>
#include <utility>

namespace hre {

/// A whole number within the range of its type; throws a type_error of nlohmann's for anything else. The library's own
/// get() also converts floating-point numbers, which is undefined behaviour where one is out of range.
template <typename Number, typename Json>
Number whole_number(const Json& json) {
  const bool good = json.is_number_unsigned()  ? std::in_range<Number>(json.template get<uint64_t>())
                    : json.is_number_integer() ? std::in_range<Number>(json.template get<int64_t>())
                                               : false;
  if (!good) throw Json::type_error::create(302, "a whole number is expected", &json);
  return json.template get<Number>();
}

}  // namespace hre
