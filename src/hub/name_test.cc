#include "hub/name.h"

#include <gtest/gtest.h>

namespace hre::hub {
namespace {

HubName parsed(const std::string& text) {
  auto name = parse_hub_name(text);
  EXPECT_TRUE(name) << text << ": " << (name ? "" : name.error().text());
  return name.value_or(HubName{});
}

TEST(HubName, Parts) {
  EXPECT_EQ((HubName{"org/repo", "main", ""}), parsed("hf:org/repo"));
  EXPECT_EQ((HubName{"gpt2", "main", ""}), parsed("hf:gpt2"));
  EXPECT_EQ((HubName{"org/repo", "main", "a/b*.gguf"}), parsed("hf:org/repo/a/b*.gguf"));
  EXPECT_EQ((HubName{"org/repo", "v1.0", ""}), parsed("hf:org/repo@v1.0"));
  EXPECT_EQ((HubName{"org/repo", "v1.0", "a/b.gguf"}), parsed("hf:org/repo@v1.0/a/b.gguf"));
  EXPECT_EQ((HubName{"org/repo", "refs/pr/3", "b.gguf"}), parsed("hf:org/repo@refs/pr/3/b.gguf"));
  EXPECT_EQ((HubName{"org/repo", "refs/convert/parquet", ""}), parsed("hf:org/repo@refs/convert/parquet"));
}

TEST(HubName, Refuses) {
  for (const char* text : {"",
                           "hf:",
                           "repo",
                           "hf:/repo",
                           "hf:org/",
                           "hf:org/repo/",
                           "hf:org//f",
                           "hf:..",
                           "hf:org/..",
                           "hf:org/a--b",
                           "hf:org/-a",
                           "hf:org/a b",
                           "hf:org/repo@",
                           "hf:org/repo@/f",
                           "hf:org/repo@..",
                           "hf:org/repo@main/../x",
                           "hf:org/repo/./x",
                           "hf:org/repo/a\nb",
                           "hf:org/repo/f@main",
                           "hf:org/\xc3\xa9"}) {
    auto name = parse_hub_name(text);
    ASSERT_FALSE(name) << text;
    EXPECT_EQ(ErrorCode::kInput, name.error().code);
  }
}

TEST(HubName, PinnedNameMeansTheSame) {
  const std::string commit(40, 'a');
  EXPECT_EQ((HubName{"org/repo", commit, "x/y.gguf"}), parsed(pinned_name("org/repo", commit, "x/y.gguf")));
  EXPECT_EQ((HubName{"org/repo", commit, ""}), parsed(pinned_name("org/repo", commit, "")));
}

TEST(HubName, InnerPaths) {
  for (const char* good : {"a", "a/b.c", ".gitattributes", "a/..b"}) EXPECT_TRUE(is_inner_path(good)) << good;
  for (const char* bad : {"", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\\b", "a\x01"})
    EXPECT_FALSE(is_inner_path(bad)) << bad;
}

}  // namespace
}  // namespace hre::hub
