#pragma once
/// The fast reader of one row: takes rows in the dumps' plain form apart and checks every byte as XML
/// demands. Whatever it does not take may still be XML: row_expat.h is the judge of that.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hre::stackexchange {

enum class Scan {
  kDone,
  kMore,  ///< the text ends within the row
  kBad,   ///< no row in the plain form
};

/// An attribute and its value as it stands in the text, entities and all; or decoded, where expat read it.
struct ScannedAttribute {
  std::string_view name, value;
  bool decoded = false;
};

/// Takes the row at the beginning of the text apart: appends its attributes, and tells its length in bytes.
/// Both are complete where it is done.
Scan scan_row(std::string_view text, std::vector<ScannedAttribute>& attributes, size_t& length);

/// Appends the value of an attribute as it stands in the file; `raw` must have passed the scanner.
void decode_attribute(std::string_view raw, std::string& to);

/// Whether XML takes it for white space.
inline bool is_xml_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

/// A row without what XML 1.0 allows nobody to write, though dumps have it: control characters, as bytes and as
/// references (&#x0E;).
std::string without_control_characters(std::string_view row);

}  // namespace hre::stackexchange
