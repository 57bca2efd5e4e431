#include "stackexchange/row_expat.h"

#include <expat.h>

#include <algorithm>
#include <memory>

namespace hre::stackexchange {
namespace {

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using Parser = std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser>;

struct Seen {
  XML_Parser parser = nullptr;
  ParsedXml parsed;
  int depth = 0, elements = 0;
  bool declarations = false;
};

void on_start(void* data, const char* name, const char** attributes) {
  auto& seen = *static_cast<Seen*>(data);
  if (seen.elements++ == 0) {
    seen.parsed.element = name;
    for (; *attributes != nullptr; ++attributes) seen.parsed.attributes.emplace_back(*attributes);
  }
  ++seen.depth;
}

void on_end(void* data, const char*) { --static_cast<Seen*>(data)->depth; }

// Expat fetches nothing. Declarations within the file could make entities that grow without bound.
void on_doctype(void* data, const char*, const char*, const char*, int has_declarations) {
  if (has_declarations == 0) return;
  auto& seen = *static_cast<Seen*>(data);
  seen.declarations = true;
  XML_StopParser(seen.parser, XML_FALSE);
}

void on_declaration(void* data, const char*, const char* encoding, int) {
  if (encoding != nullptr) static_cast<Seen*>(data)->parsed.encoding = encoding;
}

}  // namespace

ParsedXml parse_xml(std::string_view text, bool whole) {
  const Parser parser(XML_ParserCreate(nullptr));
  Seen seen;
  seen.parser = parser.get();
  XML_SetUserData(parser.get(), &seen);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetStartDoctypeDeclHandler(parser.get(), on_doctype);
  XML_SetXmlDeclHandler(parser.get(), on_declaration);
  const auto status = XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), whole ? 1 : 0);
  ParsedXml& parsed = seen.parsed;
  parsed.closed = seen.depth == 0;
  parsed.problem_at = std::max<int64_t>(0, XML_GetCurrentByteIndex(parser.get()));
  if (seen.declarations) {
    parsed.problem = "the file's DOCTYPE has declarations of its own, which no dump needs: entities are refused";
  } else if (status != XML_STATUS_OK) {
    parsed.problem = XML_ErrorString(XML_GetErrorCode(parser.get()));
  }
  return std::move(parsed);
}

}  // namespace hre::stackexchange
