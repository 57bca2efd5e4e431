#include "data/arrow_status.h"

#include <arrow/status.h>

#include <algorithm>

#include "core/text.h"

namespace hre::data {

std::string first_line(std::string text) {
  text.erase(std::min(text.size(), text.find('\n')));
  constexpr int64_t kLongest = 200;
  if (find_invalid_utf8(text)) text = "(no readable message)";
  if (count_code_points(text) > kLongest) text = std::string(first_code_points(text, kLongest)) + "...";
  while (text.ends_with('.')) text.pop_back();
  return text;
}

std::string message_of(const arrow::Status& status) {
  std::string message = first_line(status.message());
  if (status.detail()) message += " (" + first_line(status.detail()->ToString()) + ")";
  return message;
}

}  // namespace hre::data
