#pragma once
/// For tests: reads the tables of tests/data/stats, which tools/make_stats_table.py writes.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace hre::testing_tables {

/// A number, or nothing for "-".
inline std::optional<double> parse_number(const std::string& text) {
  if (text == "-") return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') throw std::runtime_error("not a number in a table: '" + text + "'");
  return value;
}

/// One line of a table: its fields by the names in the header line.
struct Row {
  std::map<std::string, std::string> fields;
  std::string place;  ///< "correlation.tsv:12", for messages

  [[nodiscard]] const std::string& text(const std::string& column) const { return fields.at(column); }
  [[nodiscard]] std::optional<double> number(const std::string& column) const { return parse_number(text(column)); }
  [[nodiscard]] uint64_t whole(const std::string& column) const { return std::stoull(text(column)); }
  /// Numbers of any kind that a stream reads, separated by spaces.
  template <class T>
  [[nodiscard]] std::vector<T> list(const std::string& column) const {
    std::istringstream words(text(column));
    return {std::istream_iterator<T>(words), {}};
  }
  [[nodiscard]] std::vector<std::optional<double>> optional_numbers(const std::string& column) const {
    std::vector<std::optional<double>> values;
    for (const std::string& word : list<std::string>(column)) values.push_back(parse_number(word));
    return values;
  }
  [[nodiscard]] std::vector<double> numbers(const std::string& column) const {
    std::vector<double> values;
    for (const auto& value : optional_numbers(column)) values.push_back(value.value());
    return values;
  }
};

inline std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : line) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// Values of several topics, "1.0 2.0;3.0", as the statistics take them.
struct Topics {
  std::vector<double> values;
  std::vector<size_t> sizes;
};

inline Topics topics_of(const Row& row, const std::string& column) {
  Topics topics;
  for (const std::string& part : split(row.text(column), ';')) {
    std::istringstream words(part);
    const size_t before = topics.values.size();
    for (std::string word; words >> word;) topics.values.push_back(parse_number(word).value());
    topics.sizes.push_back(topics.values.size() - before);
  }
  return topics;
}

inline std::vector<Row> read_table(const std::string& name) {
  const std::string file = name + ".tsv";
  std::ifstream in(std::string(HRE_SOURCE_DIR) + "/tests/data/stats/" + file);
  std::string line;
  if (!std::getline(in, line)) throw std::runtime_error("no table " + file);
  const std::vector<std::string> columns = split(line, '\t');
  std::vector<Row> rows;
  while (std::getline(in, line)) {
    Row row;
    row.place = file + ":" + std::to_string(rows.size() + 2);
    const std::vector<std::string> values = split(line, '\t');
    for (size_t i = 0; i < columns.size(); ++i) row.fields[columns[i]] = values.at(i);
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Equal to a relative (near zero: absolute) tolerance; undefined only where that is expected.
inline ::testing::AssertionResult near(std::optional<double> actual, std::optional<double> expected, double tolerance) {
  const auto show = [](std::optional<double> value) {
    std::ostringstream out;
    out.precision(17);
    if (value) out << *value;
    return value ? out.str() : "undefined";
  };
  const bool same = actual.has_value() == expected.has_value() &&
                    (!actual || std::abs(*actual - *expected) <= tolerance * std::max(1.0, std::abs(*expected)));
  if (same) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "is " << show(actual) << ", expected " << show(expected);
}

}  // namespace hre::testing_tables
