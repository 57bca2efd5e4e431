#include "stackexchange/rows.h"

#include <expat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "stackexchange/test_files.h"

namespace hre::stackexchange {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using Attributes = std::vector<std::pair<std::string, std::string>>;

// What a table holds, or the error that reading it ends with.
struct Read {
  std::vector<Attributes> rows;
  std::vector<int64_t> numbers;
  std::vector<RowProblem> problems;
  int64_t skipped = 0, cleaned = 0;
  bool truncated = false;
  std::string error;
};

// Gives its bytes in pieces of one size.
class Pieces final : public ByteSource {
 public:
  Pieces(std::string_view bytes, size_t piece) : inner_(open_memory(bytes)), piece_(piece) {}
  Result<size_t> read(char* to, size_t n) override { return inner_->read(to, std::min(n, piece_)); }

 private:
  std::unique_ptr<ByteSource> inner_;
  size_t piece_;
};

Read read_all(std::string_view text, RowOptions options = {}, size_t piece = 1 << 20) {
  Pieces bytes(text, piece);
  XmlReader reader(bytes, "Posts.xml", "posts", options);
  Read read;
  TableRow row;
  while (true) {
    Result<bool> more = reader.next(row);
    if (!more) read.error = more.error().text();
    if (!more || !*more) break;
    read.rows.push_back(row.attributes());
    read.numbers.push_back(row.number);
    EXPECT_EQ(text.substr(static_cast<size_t>(row.offset), 4), "<row");
  }
  read.problems = reader.problems();
  read.skipped = reader.skipped();
  read.cleaned = reader.cleaned();
  read.truncated = reader.truncated();
  return read;
}

TEST(Rows, ReadsAttributesAndTheirEntities) {
  const Read read = read_all(
      table("  <row Id=\"1\" Body=\"&lt;p&gt;a &amp;amp; b&#xA;&quot;c&quot; &apos;d' &#233;\" />\n<row Id=\"2\"/>"));
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.rows, ElementsAre(ElementsAre(Pair("Id", "1"), Pair("Body", "<p>a &amp; b\n\"c\" 'd' é")),
                                     ElementsAre(Pair("Id", "2"))));
}

TEST(Rows, ReadsNumbersOnlyWhereTheyAreWhole) {
  const std::string text = table(row({{"A", "-12"}, {"B", "3x"}, {"C", ""}, {"D", "99999999999999999999"}}));
  const auto bytes = open_memory(text);
  XmlReader reader(*bytes, "Posts.xml", "posts");
  TableRow one;
  ASSERT_TRUE(reader.next(one).value());
  EXPECT_EQ(one.number_of("A"), -12);
  for (const char* name : {"B", "C", "D", "E"}) EXPECT_EQ(one.number_of(name), std::nullopt) << name;
}

TEST(Rows, EmptyTablesHaveNoRows) {
  for (const std::string& text :
       {table(""), std::string("<posts/>"), std::string("<posts></posts>"), std::string("<posts />\n")}) {
    const Read read = read_all(text);
    EXPECT_EQ(read.error, "") << text;
    EXPECT_TRUE(read.rows.empty());
  }
}

TEST(Rows, WhateverExpatReadsIsRead) {
  const Read read =
      read_all(table("<row Id='1' />\n<row Id = \"2\"></row>\n<row Id=\"3\" A=\"x > y\"\n B=\"1\t2\" />"
                     "<!-- a comment --><row Id=\"4\"/>"));
  EXPECT_THAT(read.rows, ElementsAre(ElementsAre(Pair("Id", "1")), ElementsAre(Pair("Id", "2")),
                                     ElementsAre(Pair("Id", "3"), Pair("A", "x > y"), Pair("B", "1 2")),
                                     ElementsAre(Pair("Id", "4"))));
}

TEST(Rows, BadRowsAreSkippedAndCounted) {
  const std::string bad[] = {
      "<row Id=\"9\" Body=\"a \xFF b\" />\n",          // no UTF-8
      "<row Id=\"9\" Body=\"a \xED\xA0\x80 b\" />\n",  // a surrogate
      "<row Id=\"9\" Body=\"a &bomb; b\" />\n",        // an unknown entity
      "<row Id=\"9\" Body=\"a & b\" />\n",             // a bare ampersand
      "<row Id=\"9\" Id=\"9\" />\n",                   // the same attribute twice
      "<row Id=\"9\" Body=\"no end />\n",              // a quote that is not closed
      "<row Id=\"9\"Body=\"a\" />\n",                  // nothing between attributes
      "<post Id=\"9\" />\n",                           // another element
  };
  for (const std::string& piece : bad) {
    const Read read = read_all(table(row({{"Id", "1"}}) + piece + row({{"Id", "3"}})));
    EXPECT_EQ(read.error, "") << piece;
    EXPECT_THAT(read.rows, ElementsAre(ElementsAre(Pair("Id", "1")), ElementsAre(Pair("Id", "3")))) << piece;
    EXPECT_EQ(read.skipped, 1) << piece;
    ASSERT_EQ(read.problems.size(), 1U) << piece;
    EXPECT_EQ(read.problems[0].number, 2);
    EXPECT_GT(read.problems[0].message.size(), 5U);
  }
}

/// Dumps have control characters, which no XML may: the rest of the row is good.
TEST(Rows, ControlCharactersAreLeftOut) {
  for (const std::string text : {"a \x01"
                                 "b",
                                 "a &#x1F;b", "a &#14;b",
                                 "a &#x0E;\x02"
                                 "b",
                                 "a &#xFFFF;b"}) {
    const std::string rows = "<row Id=\"1\" Body=\"" + text + "\" />\n" + row({{"Id", "2"}});
    const Read read = read_all(table(rows));
    EXPECT_THAT(read.rows,
                ElementsAre(ElementsAre(Pair("Id", "1"), Pair("Body", "a b")), ElementsAre(Pair("Id", "2"))));
    EXPECT_EQ(read.skipped, 0) << text;
    EXPECT_EQ(read.cleaned, 1) << text;
    RowOptions strict;
    strict.strict = true;
    EXPECT_NE(read_all(table(rows), strict).error, "") << text;
  }
}

TEST(Rows, StrictMakesABadRowAnError) {
  RowOptions strict;
  strict.strict = true;
  const std::string rows = row({{"Id", "1"}}) + "<row Id=\"2\" B=\"\x02\" />\n";
  const Read read = read_all(table(rows), strict);
  EXPECT_EQ(read.error, "Posts.xml: row 2, byte " + std::to_string(table(rows).find('\x02')) +
                            ": not well-formed (invalid token); without ‹strict› the row is skipped");
}

TEST(Rows, ATruncatedTableIsAnErrorUnlessAllowed) {
  const std::string whole = table(row({{"Id", "1"}}) + row({{"Id", "2"}, {"Body", "text"}}));
  RowOptions allow;
  allow.allow_truncated = true;
  const size_t first_row = whole.find("<row");
  for (size_t size = first_row; size < whole.size() - 8; ++size) {
    const std::string_view cut = std::string_view(whole).substr(0, size);
    EXPECT_THAT(read_all(cut).error, HasSubstr("cut short")) << size;
    const Read read = read_all(cut, allow);
    EXPECT_EQ(read.error, "") << size;
    EXPECT_TRUE(read.truncated) << size;
    EXPECT_LE(read.rows.size(), 2U);
  }
}

TEST(Rows, EntitiesMayNotBeDeclared) {
  const Read read = read_all(
      "<?xml version=\"1.0\"?>\n<!DOCTYPE posts [<!ENTITY a \"ha\"><!ENTITY b "
      "\"&a;&a;&a;&a;&a;&a;&a;&a;\">]>\n<posts>\n"
      "<row Id=\"&b;\" /></posts>");
  EXPECT_THAT(read.error, HasSubstr("DOCTYPE has declarations"));
  EXPECT_TRUE(read.rows.empty());
}

TEST(Rows, NothingMayBeDeclared) {
  for (const char* declared :
       {"<!ENTITY a \"b\">", "<!ENTITY % a \"b\">", "<!ENTITY a SYSTEM \"/etc/passwd\">", "%a;", "<!ELEMENT row EMPTY>",
        "<!ATTLIST row Id CDATA \"7\">", "<!NOTATION a SYSTEM \"b\">", "<!-- a --> %a; <!ENTITY b \"c\">"}) {
    const std::string doctype = std::string("<!DOCTYPE posts [ ") + declared + " ]>";
    const Read read = read_all(doctype + "\n<posts>\n<row Id=\"1\" />\n</posts>");
    EXPECT_THAT(read.error, HasSubstr("DOCTYPE has declarations")) << doctype;
    EXPECT_TRUE(read.rows.empty()) << doctype;
  }
}

TEST(Rows, ADoctypeWithoutDeclarationsIsSkipped) {
  for (const char* doctype : {"<!DOCTYPE posts>", "<!DOCTYPE posts SYSTEM \"http://127.0.0.1:9/posts.dtd\">",
                              "<!DOCTYPE posts PUBLIC \"-//x//y\" \"/etc/passwd\">", "<!DOCTYPE posts []>",
                              "<!DOCTYPE posts [ ] >", "<!DOCTYPE posts SYSTEM \"a.dtd\" [\r\n\t]>",
                              "<!DOCTYPE posts [<!-- <!ENTITY a \"b\"> -->\n<!-- %a; --><?hre <!ENTITY?> ]>",
                              "<!-- <posts> --><!DOCTYPE posts [<!-- <row Id=\"7\" /> </posts> -->]>"}) {
    const Read read = read_all(std::string("<?xml version=\"1.0\"?>\n") + doctype +
                               "\n<posts>\n<row Id=\"1\" />\n<row Id=\"&b;\" />\n</posts>");
    EXPECT_EQ(read.error, "") << doctype;
    EXPECT_THAT(read.rows, ElementsAre(ElementsAre(Pair("Id", "1")))) << doctype;
    EXPECT_EQ(read.skipped, 1) << "an entity that the file doesn't declare";
  }
}

TEST(Rows, OtherFilesAreRefusedByName) {
  EXPECT_EQ(read_all("").error, "Posts.xml: the file is empty");
  EXPECT_EQ(read_all(table(row({{"Id", "1"}}), "users")).error, "Posts.xml: the root element is <users>, not <posts>");
  EXPECT_THAT(read_all("PK\x03\x04 some archive").error, HasSubstr("Posts.xml: byte"));
  EXPECT_THAT(read_all("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><posts><row Id=\"1\"/></posts>").error,
              HasSubstr("iso-8859-1"));
  EXPECT_NE(read_all(std::string(1 << 20, ' ')).error, "");
  std::string wide = "\xFF\xFE";
  for (const char c : table(row({{"Id", "1"}})).substr(3)) wide += {c, '\0'};
  EXPECT_EQ(read_all(wide).error, "Posts.xml: the encoding is utf-16, not utf-8");
}

// A row of gigabytes, made as it is read: memory must not hold it.
class LongRow final : public ByteSource {
 public:
  explicit LongRow(int64_t bytes) : left_(bytes) {}
  Result<size_t> read(char* to, size_t n) override {
    if (!head_.empty()) return take(head_, to, n);
    if (left_ > 0) {
      const size_t got = std::min<size_t>(n, static_cast<size_t>(left_));
      std::fill(to, to + got, 'a');
      left_ -= static_cast<int64_t>(got);
      return got;
    }
    return take(tail_, to, n);
  }

 private:
  static size_t take(std::string_view& text, char* to, size_t n) {
    const size_t got = text.copy(to, n);
    text.remove_prefix(got);
    return got;
  }
  std::string_view head_ = "<posts>\n<row Id=\"1\" />\n<row Id=\"2\" Body=\"";
  int64_t left_;
  std::string_view tail_ = "\" />\n<row Id=\"3\" />\n</posts>";
};

TEST(Rows, ARowOfTwoGigabytesIsSkipped) {
  LongRow bytes(int64_t{2200} << 20);
  XmlReader reader(bytes, "Posts.xml", "posts");
  TableRow one;
  ASSERT_TRUE(reader.next(one).value());
  ASSERT_TRUE(reader.next(one).value());
  EXPECT_EQ(one.number_of("Id"), 3);
  EXPECT_EQ(one.number, 3);
  EXPECT_FALSE(reader.next(one).value());
  ASSERT_EQ(reader.problems().size(), 1U);
  EXPECT_EQ(reader.problems()[0].message, "the row is longer than 16 MiB");
}

// --- against expat --------------------------------------------------------------------------

struct Expat {
  std::vector<Attributes> rows;
  bool good = false;
};

void XMLCALL on_start(void* data, const char* name, const char** attributes) {
  if (std::string(name) != "row") return;
  Attributes all;
  for (; *attributes != nullptr; attributes += 2) all.emplace_back(attributes[0], attributes[1]);
  static_cast<Expat*>(data)->rows.push_back(std::move(all));
}

Expat read_by_expat(const std::string& text) {
  Expat expat;
  XML_Parser parser = XML_ParserCreate(nullptr);
  XML_SetUserData(parser, &expat);
  XML_SetStartElementHandler(parser, on_start);
  expat.good = XML_Parse(parser, text.data(), static_cast<int>(text.size()), 1) == XML_STATUS_OK;
  XML_ParserFree(parser);
  return expat;
}

// Rows of attributes, with now and then a byte that may or may not be allowed there.
std::string random_table(std::mt19937& random, bool spoil) {
  static const std::vector<std::string> kParts = {
      "&lt;", "&gt;", "&amp;", "&quot;", "&#xA;", "&#10;", "&apos;",           "é",        "日本", "😀", "word", " ",
      "\t",   "\n",   "\r\n",  "'",      ">",     "/>",    "0123456789abcdef", "&#x1F600;"};
  static const std::vector<std::string> kBad = {"<", "&", "\x01", "\xC3", "&#0;", "&x;", "\"", "\xEF\xBF\xBF"};
  std::string rows;
  for (int n = static_cast<int>(random() % 4) + 1; n > 0; --n) {
    rows += "<row";
    for (int a = 0; a < static_cast<int>(random() % 5); ++a) {
      rows += " A" + std::to_string(a) + "=\"";
      for (int k = static_cast<int>(random() % 20); k > 0; --k) rows += kParts[random() % kParts.size()];
      if (spoil && random() % 6 == 0) rows += kBad[random() % kBad.size()];
      rows += "\"";
    }
    rows += " />\n";
  }
  return table(rows);
}

TEST(Rows, AgreesWithExpatOnRandomTables) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  int good = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string text = random_table(random, i % 2 == 1);
    const Expat expat = read_by_expat(text);
    const Read read = read_all(text, {}, 1 + random() % 40);
    if (expat.good) {
      ++good;
      ASSERT_EQ(read.rows, expat.rows) << text;
      ASSERT_EQ(read.skipped + read.cleaned, 0) << text;
    } else {
      ASSERT_GT(read.skipped + read.cleaned + (read.error.empty() ? 0 : 1), 0) << text;
    }
  }
  EXPECT_GT(good, 1500);
}

TEST(ReadAhead, GivesTheSameBytesAndTheSameError) {
  class Failing final : public ByteSource {
   public:
    Result<size_t> read(char* to, size_t n) override {
      if (calls_++ == 3) return input_error("the disk is gone");
      std::fill(to, to + n, static_cast<char>('a' + calls_));
      return n;
    }

   private:
    int calls_ = 0;
  } failing;
  const auto ahead = read_ahead(failing);
  std::string got(700'000, '\0');
  size_t total = 0;
  while (true) {
    const Result<size_t> n = ahead->read(got.data(), got.size());
    if (!n) {
      EXPECT_EQ(n.error().message, "the disk is gone");
      break;
    }
    ASSERT_GT(*n, 0U);
    total += *n;
  }
  EXPECT_EQ(total, size_t{3} << 20);
}

TEST(ReadAhead, MayBeLeftAtAnyTime) {
  const std::string bytes(8 << 20, 'x');
  for (int i = 0; i < 300; ++i) {
    const auto inner = open_memory(bytes);
    const auto ahead = read_ahead(*inner);
    char c = 0;
    for (int k = 0; k < i % 3; ++k) EXPECT_EQ(ahead->read(&c, 1).value(), 1U);
  }
}

}  // namespace
}  // namespace hre::stackexchange
