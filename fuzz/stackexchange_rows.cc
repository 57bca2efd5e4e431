// Rows of a dump's table: no crash, and what is read agrees with expat wherever expat reads the whole.
#include <expat.h>

#include <cstdlib>

#include "core/text.h"
#include "stackexchange/post.h"
#include "stackexchange/rows.h"

namespace {

using Attributes = std::vector<std::pair<std::string, std::string>>;

struct Expat {
  XML_Parser parser;
  std::vector<Attributes> rows;
  int depth = 0;
  bool plain = true;                         // a root and rows right below it
  bool in_subset = false, declares = false;  // of a DOCTYPE
};

void on_start(void* data, const char* name, const char** attributes) {
  auto& expat = *static_cast<Expat*>(data);
  const std::string element = name;
  expat.plain = expat.plain && (expat.depth == 0 ? element == "posts" : expat.depth == 1 && element == "row");
  if (expat.depth++ == 0) return;
  Attributes all;
  for (; *attributes != nullptr; attributes += 2) all.emplace_back(attributes[0], attributes[1]);
  expat.rows.push_back(std::move(all));
}

void on_end(void* data, const char*) { --static_cast<Expat*>(data)->depth; }
void on_odd(void* data, const char*, int) { static_cast<Expat*>(data)->plain = false; }
// A DOCTYPE that says nothing changes no row, whatever stands between its brackets. One that names another file makes
// expat pass over entities that it does not know.
void on_doctype(void* data, const char*, const char* other_file, const char* public_name, int has_subset) {
  auto& expat = *static_cast<Expat*>(data);
  expat.in_subset = has_subset != 0;
  if (other_file != nullptr || public_name != nullptr) expat.plain = false;
}

void on_doctype_end(void* data) { static_cast<Expat*>(data)->in_subset = false; }

void on_declaration(void* data) {
  auto& expat = *static_cast<Expat*>(data);
  expat.declares = true;
  XML_StopParser(expat.parser, XML_FALSE);
}

void on_comment(void* data, const char*) {
  auto& expat = *static_cast<Expat*>(data);
  expat.plain = expat.plain && expat.in_subset;
}

// Declarations by the handler of each kind, where the reader refuses what is left.
void watch_declarations(Expat& expat) {
  XML_SetDoctypeDeclHandler(expat.parser, on_doctype, on_doctype_end);
  XML_SetEntityDeclHandler(expat.parser, [](void* data, const char*, int, const char*, int, const char*, const char*,
                                            const char*, const char*) { on_declaration(data); });
  XML_SetElementDeclHandler(expat.parser, [](void* data, const char*, XML_Content* model) {
    auto& seen = *static_cast<Expat*>(data);
    XML_FreeContentModel(seen.parser, model);
    on_declaration(data);
  });
  XML_SetAttlistDeclHandler(
      expat.parser, [](void* data, const char*, const char*, const char*, const char*, int) { on_declaration(data); });
  XML_SetNotationDeclHandler(
      expat.parser, [](void* data, const char*, const char*, const char*, const char*) { on_declaration(data); });
  XML_SetDefaultHandler(expat.parser, [](void* data, const char* text, int length) {
    if (length > 0 && *text == '%' && static_cast<Expat*>(data)->in_subset) on_declaration(data);
  });
}

// The rows as expat reads them, where the text is a table and nothing else. `declares`: its DOCTYPE has declarations.
bool read_by_expat(const std::string& text, std::vector<Attributes>& rows, bool& declares) {
  Expat expat{.parser = XML_ParserCreate(nullptr), .rows = {}};
  XML_SetUserData(expat.parser, &expat);
  XML_SetElementHandler(expat.parser, on_start, on_end);
  XML_SetCharacterDataHandler(expat.parser, [](void* data, const char* c, int n) {
    for (int i = 0; i < n; ++i) {
      if (c[i] != ' ' && c[i] != '\n' && c[i] != '\t' && c[i] != '\r') on_odd(data, c, n);
    }
  });
  XML_SetCommentHandler(expat.parser, on_comment);
  XML_SetProcessingInstructionHandler(expat.parser, [](void* data, const char* c, const char*) { on_odd(data, c, 0); });
  XML_SetCdataSectionHandler(
      expat.parser, [](void* data) { on_odd(data, "", 0); }, [](void*) {});
  XML_SetXmlDeclHandler(expat.parser, [](void* data, const char*, const char* encoding, int) {
    if (encoding != nullptr && std::string(encoding) != "utf-8") on_odd(data, "", 0);
  });
  watch_declarations(expat);
  const bool good = XML_Parse(expat.parser, text.data(), static_cast<int>(text.size()), 1) == XML_STATUS_OK;
  XML_ParserFree(expat.parser);
  rows = std::move(expat.rows);
  declares = expat.declares;
  return good && expat.plain;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hre::stackexchange;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const bool utf16 = text.size() > 1 && (text.find('\0') != std::string::npos || data[0] >= 0xFE);
  const auto bytes = open_memory(text);
  XmlReader reader(*bytes, "Posts.xml", "posts");
  std::vector<Attributes> rows;
  TableRow row;
  hre::Result<bool> more = true;
  for (more = reader.next(row); more && *more; more = reader.next(row)) {
    PostRecord post;
    static_cast<void>(read_post(row, post));
    rows.push_back(row.attributes());
    for (const auto& [name, value] : rows.back()) {
      if (hre::find_invalid_utf8(value)) std::abort();
    }
  }
  std::vector<Attributes> expected;
  bool declares = false;
  const bool plain = read_by_expat(text, expected, declares);
  if (!utf16 && plain && (!more || rows != expected || reader.skipped() != 0)) std::abort();
  if (!utf16 && declares && (more || !rows.empty())) std::abort();
  return 0;
}
