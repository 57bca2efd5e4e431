#include "hub/api.h"

#include <gtest/gtest.h>

#include "hub/cache.h"

namespace hre::hub {
namespace {

const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";
const std::string kSha256(64, 'e');

TEST(HubApi, Commit) {
  EXPECT_EQ(kCommit, parse_commit("{\"id\": \"org/repo\", \"sha\": \"" + kCommit + "\"}").value());
  for (const char* wrong : {"", "{}", "[]", "null", "{\"sha\": 3}", "{\"sha\": \"main\"}", "<html>"})
    EXPECT_FALSE(parse_commit(wrong)) << wrong;
}

TEST(HubApi, TreePage) {
  std::vector<RepoFile> files;
  ASSERT_TRUE(parse_tree_page(R"([{"type": "directory", "oid": "x", "size": 0, "path": "sub"},
    {"type": "file", "oid": ")" + kCommit +
                                  R"(", "size": 12, "path": "config.json"},
    {"type": "file", "oid": ")" + kCommit +
                                  R"(", "size": 9000000000, "path": "sub/w.gguf", "xetHash": "y",
     "lfs": {"oid": ")" + kSha256 +
                                  R"(", "size": 9000000000, "pointerSize": 135}}])",
                              files));
  EXPECT_EQ((std::vector<RepoFile>{{"config.json", 12, kCommit}, {"sub/w.gguf", 9000000000, kSha256}}), files);
}

TEST(HubApi, TreePageRefuses) {
  const auto page = [](const std::string& path, const std::string& oid, const std::string& size) {
    return R"([{"type": "file", "path": ")" + path + R"(", "oid": ")" + oid + R"(", "size": )" + size + "}]";
  };
  std::vector<RepoFile> files;
  const std::string hash(40, 'b');
  EXPECT_TRUE(parse_tree_page(page("a", hash, "1"), files));
  for (const std::string& wrong :
       {page("../a", hash, "1"), page("/a", hash, "1"), page("a", "../b", "1"), page("a", "", "1"), page("a", "b", "1"),
        page("a", hash + "-gzip", "1"), page("a", hash, "-1"), page("a", hash, "1e3"),
        page("a", hash, "99999999999999999999"), page("", hash, "1"), std::string("{}"), std::string("[1"),
        std::string("")}) {
    EXPECT_FALSE(parse_tree_page(wrong, files)) << wrong;
  }
}

TEST(HubApi, NextPage) {
  EXPECT_EQ("https://a/b?cursor=c", next_page("<https://a/b?cursor=c>; rel=\"next\""));
  EXPECT_EQ("/n", next_page("</p>; rel=\"prev\", </n>; rel=\"next\""));
  for (const char* none : {"", "<", "<a", "<a>", "<a>; rel=\"prev\"", "rel=\"next\""})
    EXPECT_EQ(std::nullopt, next_page(none)) << none;
}

TEST(HubCache, ListingAsText) {
  const Listing listing{.commit = kCommit, .files = {{"a/b \"c\"", 3, "e"}, {"d", 9000000000, kSha256}}};
  EXPECT_EQ(listing, parse_listing(listing_text(listing)));
  for (const char* wrong : {"", "{}", "[]", "{\"format\": \"hre-listing/2\"}",
                            "{\"format\": \"hre-listing/1\", \"commit\": \"x\", \"files\": []}"}) {
    EXPECT_EQ(std::nullopt, parse_listing(wrong)) << wrong;
  }
  std::string evil = listing_text({.commit = kCommit, .files = {{"../evil", 3, "e"}}});
  EXPECT_EQ(std::nullopt, parse_listing(evil));
}

TEST(HubCache, PythonsTree) {
  const std::string text = R"({"format_version": 1, "files": {"a": {"size": 3, "blob_id": "e"},
    "b": {"size": 134, "blob_id": "f", "lfs_sha256": ")" +
                           kSha256 + R"(", "lfs_size": 5000}}})";
  EXPECT_EQ((Listing{.commit = kCommit, .files = {{"a", 3, "e"}, {"b", 5000, kSha256}}}),
            parse_python_tree(text, kCommit));
  EXPECT_EQ(std::nullopt, parse_python_tree(R"({"format_version": 2, "files": {}})", kCommit));
  EXPECT_EQ(std::nullopt,
            parse_python_tree(R"({"format_version": 1, "files": {"../a": {"size": 3, "blob_id": "e"}}})", kCommit));
}

}  // namespace
}  // namespace hre::hub
