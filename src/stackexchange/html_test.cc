#include "stackexchange/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>
#include <random>

#include "core/hashing.h"
#include "core/text.h"
#include "stackexchange/test_files.h"
#include "stackexchange/texts.h"

namespace hre::stackexchange {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> golden_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(HRE_SOURCE_DIR "/tests/data/stackexchange/html")) {
    if (entry.path().extension() == ".html") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string text_of(std::string_view html, CodeStyle code = CodeStyle::kPlain) {
  const Result<HtmlText> text = html_to_text(html, {code});
  return text ? text->text : "error: " + text.error().message;
}

TEST(Html, GoldenFiles) {
  const std::vector<fs::path> files = golden_files();
  ASSERT_GE(files.size(), 40U);
  for (const fs::path& file : files) {
    const std::string html = read_file(file);
    fs::path plain = file, fenced = file;
    plain.replace_extension(".txt");
    fenced.replace_extension(".fenced.txt");
    if (!fs::exists(fenced)) fenced = plain;
    EXPECT_EQ(text_of(html) + "\n", read_file(plain)) << file;
    EXPECT_EQ(text_of(html, CodeStyle::kFenced) + "\n", read_file(fenced)) << file;
  }
}

/// Kept texts of another version would be taken for this one's.
TEST(Html, ChangedTextsHaveAnotherName) {
  ContentHash hash;
  for (const fs::path& file : golden_files()) {
    for (const CodeStyle code : {CodeStyle::kPlain, CodeStyle::kFenced}) {
      const HtmlText text = html_to_text(read_file(file), {code}).value();
      hash.add_field(text.text);
      hash.add_field(text.prose);
      hash.add_field(std::to_string(text.code_points + 3 * text.code_code_points + 5 * text.link_code_points));
    }
  }
  EXPECT_EQ(std::string(kTextRules) + " " + hash.value(), "hre-texts/3 cd3bd6441780b7981b7155c568444d8d")
      << "raise kTextRules if texts come out differently; for more files alone, change the hash";
}

TEST(Html, CountsCodeLinksAndImages) {
  const auto text = html_to_text("<p>ab <a href='x'>cd <code>ef</code></a><img src=y></p><pre>g h</pre>", {}).value();
  EXPECT_EQ(text.code_points, 8);
  EXPECT_EQ(text.code_code_points, 4);
  EXPECT_EQ(text.link_code_points, 4);
  EXPECT_EQ(text.images, 1);
  EXPECT_THAT(text.prose, ::testing::HasSubstr("ab cd"));
  EXPECT_THAT(text.prose, ::testing::Not(::testing::HasSubstr("g")));
}

TEST(Html, InvalidBytesBecomeReplacementCharacters) {
  const std::string text = text_of("<p>a\xFF\xC3 b\xED\xA0\x80</p>");
  EXPECT_FALSE(find_invalid_utf8(text)) << text;
  EXPECT_THAT(text, ::testing::StartsWith("a\xEF\xBF\xBD"));
}

std::string repeated(std::string_view part, size_t n) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text += part;
  return text;
}

// Shapes that make the standard's tree building take quadratic time (then minutes), or recursion overflow the stack.
TEST(Html, NoInputIsSlow) {
  std::string many_attributes = "<b";
  for (int i = 0; i < 60'000; ++i) many_attributes += " a" + std::to_string(i);
  const std::string shapes[] = {
      repeated("<div>", 100'000),
      repeated("<b>", 170'000),
      repeated("<p><b class=x>", 30'000),
      repeated("<font size=1><p>", 30'000),
      repeated("<table><td>", 40'000),
      repeated("<b><table><td></b>", 25'000),
      repeated("<a>", 100'000) + repeated("</b>", 40'000),
      repeated("<blockquote>", 40'000),
      repeated("<ul><li>", 50'000),
      repeated("<svg><td>", 50'000),
      repeated("<b></x>", 60'000),
      repeated("<i></b>", 60'000),
      repeated("<!-- <b> -->", 40'000),
      repeated("<!--", 130'000),
      repeated("<!--", 100'000) + "--!>-->",
      repeated("<p>", 170'000),
      repeated("<li>", 120'000),
      repeated("&lt", 170'000),
      repeated("$$", 250'000),
      repeated("<sup>", 180) + repeated("x", 400'000),
      repeated("<pre>`", 80'000),
      repeated("<b title='</b>'>", 30'000),
      many_attributes + ">",
      repeated("<", 500'000),
      repeated("</", 250'000),
      repeated("<blockquote>", 150) + repeated("x<br>", 90'000),
      repeated("<ul><li>", 90) + repeated("x<br>", 90'000),
      repeated("<table><tr>", 80) + repeated("<td>x", 90'000),
  };
  for (const std::string& shape : shapes) {
    const std::clock_t start = std::clock();  // processor time, because other work may share the machine
    const Result<HtmlText> text = html_to_text(shape, {});
    EXPECT_LT(std::clock() - start, 20 * CLOCKS_PER_SEC) << shape.substr(0, 40);
    EXPECT_LT(text ? text->text.size() : 0, 60 * shape.size() + 1000) << shape.substr(0, 40);
  }
}

TEST(Html, DeepAndLongInputIsRefused) {
  EXPECT_EQ(text_of(repeated("<div>", 1000)), "error: more than 200 elements are open at once");
  EXPECT_EQ(text_of(std::string(kLongestHtml + 1, 'x')), "error: it is longer than 512 KiB");
  EXPECT_EQ(text_of(repeated("<p>a", 1000)).size(), 1000 + 2 * 999U);
  EXPECT_EQ(text_of(repeated("<p><b>x</b></p>", 1000)).size(), 1000 + 2 * 999U);
}

TEST(Html, RandomTagsGiveValidTextAndNeverCrash) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> parts = {
      "<p>",          "</p>",   "<b>",        "</b>",         "<ul>",          "<li>",    "</ul>",
      "<ol start=3>", "</ol>",  "<pre>",      "</pre>",       "<code>",        "</code>", "<table>",
      "<tr>",         "<td>",   "</table>",   "<blockquote>", "</blockquote>", "<br>",    "<hr>",
      "<sup>",        "</sup>", "<a href=x>", "</a>",         "text",          " ",       "\n",
      "$$",           "&amp;",  "&#xD800;",   "\xFF",         "<img>",         "<svg>",   "</svg>",
      "<!--",         "-->",    "<script>",   "</script>",    "<dl><dt>",      "<dd>",    "<h1>",
      "</h1>",        "日本"};
  for (int i = 0; i < 3000; ++i) {
    std::string html;
    for (int k = static_cast<int>(random() % 60); k > 0; --k) html += parts[random() % parts.size()];
    for (const CodeStyle code : {CodeStyle::kPlain, CodeStyle::kFenced}) {
      const Result<HtmlText> text = html_to_text(html, {code});
      ASSERT_TRUE(text) << html;
      ASSERT_FALSE(find_invalid_utf8(text->text)) << html;
      ASSERT_LE(text->code_code_points, text->code_points) << html;
      ASSERT_LE(text->link_code_points, text->code_points) << html;
    }
  }
}

}  // namespace
}  // namespace hre::stackexchange
