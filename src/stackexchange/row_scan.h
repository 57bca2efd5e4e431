#pragma once
/// The fast reader of one row: splits rows in the dumps' plain form and checks every byte as XML demands. Text that it
/// rejects may still be XML: row_expat.h decides.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hre::stackexchange {

enum class Scan {
  kDone,
  kMore,  ///< the text ends within the row
  kBad,   ///< not a row in the plain form
};

/// An attribute with its value as in the text, entities included; or decoded, if expat read it.
struct ScannedAttribute {
  std::string_view name, value;
  bool decoded = false;
};

/// Splits the row at the beginning of the text: appends its attributes and sets its length in bytes. Both are complete
/// only if the result is kDone.
Scan scan_row(std::string_view text, std::vector<ScannedAttribute>& attributes, size_t& length);

/// Appends the decoded value of an attribute; `raw` must have passed the scanner.
void decode_attribute(std::string_view raw, std::string& to);

/// Whether two names, which are not empty, are equal: most differ in their first letter, if not in length.
inline bool is_same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && a.front() == b.front() && a == b;
}

/// Whether XML treats the character as white space.
inline bool is_xml_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

/// A row without the characters that XML 1.0 forbids but dumps contain: control characters, as bytes and as references
/// (&#x0E;).
std::string without_control_characters(std::string_view row);

}  // namespace hre::stackexchange
