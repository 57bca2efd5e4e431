#include "net/url.h"

#include <gtest/gtest.h>

namespace hre::net {
namespace {

TEST(Url, Origin) {
  EXPECT_EQ("https://example.org:443", origin_of("https://EXAMPLE.org/a?b#c"));
  EXPECT_EQ("https://example.org:443", origin_of("HTTPS://user:pw@example.org:443"));
  EXPECT_EQ("http://[::1]:8080", origin_of("http://[::1]:8080/"));
  EXPECT_NE(origin_of("http://example.org"), origin_of("https://example.org"));
  EXPECT_NE(origin_of("https://example.org"), origin_of("https://example.org:444"));
  for (const char* wrong : {"", "example", "ftp://example.org", "file:///etc/passwd", "http://", "https:///"}) {
    EXPECT_EQ(std::nullopt, origin_of(wrong)) << wrong;
  }
}

TEST(Url, Resolve) {
  EXPECT_EQ("https://a.org/x", resolve_url("https://a.org/b/c?d", "/x"));
  EXPECT_EQ("https://a.org/b/x?y=z", resolve_url("https://a.org/b/c?d", "x?y=z"));
  EXPECT_EQ("https://b.org/", resolve_url("https://a.org/b", "//b.org/"));
  EXPECT_EQ("http://b.org/x", resolve_url("https://a.org/b", "http://b.org/x"));
}

TEST(Url, ShownWithoutSecrets) {
  EXPECT_EQ("https://a.org/x", shown_url("https://me:pw@a.org/x?Signature=s#f"));
  EXPECT_EQ("no address", shown_url("no address?really"));
  EXPECT_EQ("https://a b/x", shown_url("https://me:p@w@a b/x?s"));
  EXPECT_EQ("a b", shown_url("me:pw@a b"));
}

TEST(Url, TakeOutHidesEveryOccurrence) {
  std::string text = "key k*y, k*yk*y";
  take_out(text, "k*y");
  EXPECT_EQ("key ***, ******", text);
  take_out(text, "*");  // ends, although what it puts there has the secret in it
  take_out(text, "");
  EXPECT_EQ("key *********, ******************", text);
}

TEST(Url, PercentEncode) {
  EXPECT_EQ("a-b._~9", percent_encode("a-b._~9"));
  EXPECT_EQ("a%2Fb%20%C3%A9%25%00", percent_encode(std::string("a/b é%\0", 8)));
  EXPECT_EQ("a/b%20", percent_encode("a/b ", "/"));
}

TEST(Url, Credentials) {
  EXPECT_TRUE(is_credential("Authorization"));
  EXPECT_TRUE(is_credential("COOKIE"));
  EXPECT_FALSE(is_credential("accept"));
}

}  // namespace
}  // namespace hre::net
