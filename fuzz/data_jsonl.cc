// JSON lines: no crash, and what is read agrees with the lines' JSON read as a whole.
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/text.h"
#include "data/jsonl_reader.h"

namespace {

using nlohmann::json;

void require(bool holds) {
  if (!holds) std::abort();
}

double votes_of(const json& votes) {
  return votes.is_string() ? hre::parse_finite_number(votes.get<std::string>()).value() : votes.get<double>();
}

void require_equal(const hre::data::Row& row, const std::string& line) {
  const json expected = json::parse(line);
  require(row.text == expected.at("question") && row.answers.size() == expected.at("answers").size());
  for (size_t i = 0; i < row.answers.size(); ++i) {
    const json& answer = expected.at("answers").at(i);
    require(row.answers[i].text == answer.at("text") && row.answers[i].votes == votes_of(answer.at("votes")));
    require(std::isfinite(row.answers[i].votes) && !hre::find_invalid_utf8(row.answers[i].text));
  }
  for (const auto& [key, value] : {std::pair("topic", row.topic), std::pair("id", row.id)}) {
    const json given = expected.value(key, json());
    require(value.has_value() != given.is_null());
    require(!value || (given.is_string() ? *value == given : *value == given.dump()));
  }
}

bool is_blank(const std::string& line) { return line.find_first_not_of(" \t\r") == std::string::npos; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kLongestLine = 4096;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto reader = hre::data::read_jsonl(text, "fuzz.jsonl", kLongestLine);
  require(reader.has_value());
  std::istringstream lines(text);
  for (std::string line;;) {
    const auto row = (*reader)->next();
    if (!row) return 0;
    bool more = false;
    while ((more = static_cast<bool>(std::getline(lines, line))) && is_blank(line)) {
    }
    require(more == row->has_value());
    if (!more) return 0;
    require(line.size() <= kLongestLine);
    require_equal(**row, line);
  }
}
