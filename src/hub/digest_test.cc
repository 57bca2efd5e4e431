#include "hub/digest.h"

#include <gtest/gtest.h>

namespace hre::hub {
namespace {

std::string digest(const std::string& etag, const std::string& content) {
  BlobDigest hash(etag, static_cast<int64_t>(content.size()));
  hash.add(content.substr(0, content.size() / 2));
  hash.add(content.substr(content.size() / 2));
  return hash.value();
}

TEST(BlobDigest, KnownValues) {  // of sha256sum, and of git hash-object
  EXPECT_EQ("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", digest(std::string(64, '0'), "abc"));
  EXPECT_EQ("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", digest(std::string(40, '0'), ""));
  EXPECT_EQ("ce013625030ba8dba906f756967f9e9ca394464a", digest(std::string(40, '0'), "hello\n"));
  EXPECT_EQ("", digest("W1", "abc"));
}

TEST(BlobDigest, WhatIsAHash) {
  EXPECT_TRUE(BlobDigest::is_hash(std::string(64, 'a')));
  EXPECT_TRUE(BlobDigest::is_hash(std::string(40, '0')));
  for (const size_t n : {0, 39, 41, 63, 65}) EXPECT_FALSE(BlobDigest::is_hash(std::string(n, 'a'))) << n;
  EXPECT_FALSE(BlobDigest::is_hash(std::string(40, 'g')));
}

}  // namespace
}  // namespace hre::hub
