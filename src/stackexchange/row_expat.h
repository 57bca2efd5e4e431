#pragma once
/// Asks expat, which is exact and slow, about a piece of XML.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hre::stackexchange {

struct ParsedXml {
  std::string problem;                  ///< empty if there is none
  int64_t problem_at = 0;               ///< its byte offset
  std::string element;                  ///< the first element's name
  int64_t element_at = 0;               ///< its byte offset; 0 if there is none
  std::vector<std::string> attributes;  ///< of the first element: name, value, name, value, ...
  bool closed = false;                  ///< whether all opened elements were closed
  std::string encoding;                 ///< as declared, or empty
};

/// Parses a whole document, or the beginning of one. A DOCTYPE with declarations, or references to some, is a problem:
/// entities are refused before any entity is expanded.
ParsedXml parse_xml(std::string_view text, bool whole);

}  // namespace hre::stackexchange
