#include "stackexchange/row_expat.h"

#include <expat.h>

#include <algorithm>
#include <memory>

#include "stackexchange/row_scan.h"

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
  bool in_subset = false;     // of a DOCTYPE: between [ and ]
  bool declarations = false;  // something stands there
};

void on_start(void* data, const char* name, const char** attributes) {
  auto& seen = *static_cast<Seen*>(data);
  if (seen.elements++ == 0) {
    seen.parsed.element = name;
    seen.parsed.element_at = XML_GetCurrentByteIndex(seen.parser);
    for (; *attributes != nullptr; ++attributes) seen.parsed.attributes.emplace_back(*attributes);
  }
  ++seen.depth;
}

void on_end(void* data, const char*) { --static_cast<Seen*>(data)->depth; }

void on_doctype(void* data, const char*, const char*, const char*, int has_subset) {
  static_cast<Seen*>(data)->in_subset = has_subset != 0;
}

void on_doctype_end(void* data) { static_cast<Seen*>(data)->in_subset = false; }

// Expat fetches nothing. Declarations within the file could make entities that grow without bound, so all are refused:
// whatever comes here from a DOCTYPE's subset and is not white space, as its comments and processing instructions have
// handlers of their own.
void on_anything_else(void* data, const char* text, int length) {
  auto& seen = *static_cast<Seen*>(data);
  if (!seen.in_subset || std::all_of(text, text + length, is_xml_space)) return;
  seen.declarations = true;
  XML_StopParser(seen.parser, XML_FALSE);
}

void on_comment(void*, const char*) {}
void on_instruction(void*, const char*, const char*) {}

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
  XML_SetDoctypeDeclHandler(parser.get(), on_doctype, on_doctype_end);
  XML_SetCommentHandler(parser.get(), on_comment);
  XML_SetProcessingInstructionHandler(parser.get(), on_instruction);
  XML_SetDefaultHandler(parser.get(), on_anything_else);
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
