// Writes the Posts.xml of a site that does not exist, as large as asked for.
//   bench_stackexchange_simulate ROWS [BODY_BYTES] > Posts.xml
// Two of five posts are questions; answers go to one of the last thousand questions, so that numbers of answers
// spread as they do on real sites. The same arguments give the same bytes.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "stackexchange/post.h"

namespace {

std::string body(std::mt19937_64& random, size_t bytes) {
  static const std::vector<std::string> kWords = {"why",       "does",   "the",     "loop",
                                                  "stop",      "value",  "when",    "list",
                                                  "&amp;amp;", "it",     "returns", "&lt;code&gt;x = 1&lt;/code&gt;",
                                                  "a",         "server", "with",    "error"};
  std::string text = "&lt;p&gt;";
  const size_t length = bytes / 2 + random() % (bytes + 1);
  while (text.size() < length)
    text += kWords[random() % kWords.size()] + (random() % 20 == 0 ? "&lt;/p&gt;&#xA;&#xA;&lt;p&gt;" : " ");
  return text + "&lt;/p&gt;&#xA;";
}

}  // namespace

int main(int argc, char** argv) {
  const long rows = argc > 1 ? std::atol(argv[1]) : 1'000'000;
  const size_t bytes = argc > 2 ? static_cast<size_t>(std::atol(argv[2])) : 200;
  std::mt19937_64 random(42);
  std::vector<long> questions = {1};
  std::string out = "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<posts>\n";
  const char* const tags[] = {"&lt;python&gt;&lt;list&gt;", "&lt;java&gt;", "|c++|templates|",
                              "&lt;html&gt;&lt;css&gt;"};
  for (long id = 1; id <= rows; ++id) {
    const std::string date = hre::stackexchange::format_date(1'217'540'572'667 + id * 25'000);
    const bool question = id == 1 || random() % 5 < 2;
    const long score = static_cast<long>(random() % 40) - 3;
    if (question) {
      questions.push_back(id);
      out += fmt::format(
          "  <row Id=\"{}\" PostTypeId=\"1\" CreationDate=\"{}\" Score=\"{}\" ViewCount=\"{}\" Body=\"{}\" "
          "OwnerUserId=\"{}\" LastActivityDate=\"{}\" Title=\"Question {} of all\" Tags=\"{}\" AnswerCount=\"2\" />\n",
          id, date, score, random() % 5000, body(random, bytes), random() % 100000 + 1, date, id, tags[random() % 4]);
    } else {
      const size_t back = std::min<size_t>(questions.size(), 1000);
      const long parent = questions[questions.size() - 1 - random() % back];
      out += fmt::format(
          "  <row Id=\"{}\" PostTypeId=\"2\" ParentId=\"{}\" CreationDate=\"{}\" Score=\"{}\" Body=\"{}\" "
          "OwnerUserId=\"{}\" "
          "LastActivityDate=\"{}\" CommentCount=\"0\" />\n",
          id, parent, date, score, body(random, bytes), random() % 100000 + 1, date);
    }
    if (out.size() > (size_t{1} << 20) || id == rows) {
      if (id == rows) out += "</posts>";
      if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size()) return 1;
      out.clear();
    }
  }
  return 0;
}
