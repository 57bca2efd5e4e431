// Writes the Posts.xml of a site that does not exist, as large as asked for, or its Votes.xml: two votes a post.
//   bench_stackexchange_simulate ROWS [BODY_BYTES] > Posts.xml
//   bench_stackexchange_simulate ROWS votes > Votes.xml
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

// Writes out what has come together; false where that fails.
bool write_out(std::string& out) {
  const bool good = std::fwrite(out.data(), 1, out.size(), stdout) == out.size();
  out.clear();
  return good;
}

int write_votes(long posts) {
  std::mt19937_64 random(43);
  std::string out = "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<votes>\n";
  for (long id = 1; id <= 2 * posts; ++id) {
    out += fmt::format("  <row Id=\"{}\" PostId=\"{}\" VoteTypeId=\"{}\" CreationDate=\"2020-01-01T00:00:00.000\" />\n",
                       id, random() % static_cast<unsigned long>(posts) + 1, random() % 4 + 1);
    if (out.size() > (size_t{1} << 20) && !write_out(out)) return 1;
  }
  out += "</votes>";
  return write_out(out) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const long rows = argc > 1 ? std::atol(argv[1]) : 1'000'000;
  if (argc > 2 && std::string(argv[2]) == "votes") return write_votes(rows);
  const size_t bytes = argc > 2 ? static_cast<size_t>(std::atol(argv[2])) : 200;
  std::mt19937_64 random(42);
  std::vector<long> questions = {1};
  std::string out = "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<posts>\n";
  const char* const tags[] = {"&lt;python&gt;&lt;list&gt;", "&lt;java&gt;", "|c++|templates|",
                              "&lt;html&gt;&lt;css&gt;"};
  for (long id = 1; id <= rows; ++id) {
    const std::string date = hre::format_date(1'217'540'572'667 + id * 25'000);
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
    if (out.size() > (size_t{1} << 20) && !write_out(out)) return 1;
  }
  out += "</posts>";
  return write_out(out) ? 0 : 1;
}
