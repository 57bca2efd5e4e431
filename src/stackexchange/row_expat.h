#pragma once
/// What expat, which is exact and slow, says of a piece of XML.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hre::stackexchange {

struct ParsedXml {
  std::string problem;                  ///< empty if there is none
  int64_t problem_at = 0;               ///< its byte
  std::string element;                  ///< the first element's name
  std::vector<std::string> attributes;  ///< of the first element: name, value, name, value, ...
  bool closed = false;                  ///< all elements that were opened were closed
  std::string encoding;                 ///< as declared, or empty
};

/// Parses a whole document, or the beginning of one. A DOCTYPE is a problem: whatever declares entities is refused
/// before any of them is expanded.
ParsedXml parse_xml(std::string_view text, bool whole);

}  // namespace hre::stackexchange
