#include "hub/part_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "core/file_lock.h"

namespace hre::hub {
namespace {

namespace fs = std::filesystem;

class PartFileTest : public testing::Test {
 protected:
  PartFileTest() = default;
  ~PartFileTest() override { fs::remove_all(folder_); }
  PartFileTest(const PartFileTest&) = delete;
  PartFileTest& operator=(const PartFileTest&) = delete;

  static std::string etag_of(const std::string& content) {
    BlobDigest digest(std::string(64, '0'), static_cast<int64_t>(content.size()));
    digest.add(content);
    return digest.value();
  }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static std::string make_folder() {
    std::string name = (fs::temp_directory_path() / "hre_hub_XXXXXX").string();
    return mkdtemp(name.data());
  }

  const std::string folder_ = make_folder();
  RepoCache cache_{folder_, RepoKind::kModel, "org/repo"};
};

/// Pieces in any order, with breaks in between, make the same file.
TEST_F(PartFileTest, EqualsTheContentWhateverTheBreaks) {
  constexpr uint32_t kSeed = 5;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 20; ++round) {
    std::string content(random() % 5000, '\0');
    for (char& c : content) c = static_cast<char>(random());
    const std::string etag = etag_of(content);
    const auto size = static_cast<int64_t>(content.size());
    for (bool whole = false; !whole;) {
      auto part = PartFile::open(cache_, etag, size).value();
      std::vector<Range> pieces = part->missing(1 + random() % 700);
      std::shuffle(pieces.begin(), pieces.end(), random);
      if (pieces.size() > 3) pieces.resize(3);
      for (const Range& piece : pieces) {
        const auto bytes =
            std::string_view(content).substr(static_cast<size_t>(piece.begin), static_cast<size_t>(piece.size()));
        ASSERT_TRUE(part->write(piece.begin, bytes));
        ASSERT_TRUE(part->completed(piece));
      }
      whole = part->missing(1000).empty();
      if (whole) {
        ASSERT_EQ(Outcome::kGood, part->finish().value());
      }
    }
    EXPECT_EQ(content, read(cache_.blob(etag)));
    EXPECT_FALSE(fs::exists(cache_.part(etag)));
    EXPECT_FALSE(fs::exists(cache_.part(etag) + ".ranges"));
  }
}

TEST_F(PartFileTest, WrongContentIsPutAside) {
  const std::string right = "right content", wrong = "wrong content", etag = etag_of(right);
  const Range all{0, static_cast<int64_t>(right.size())};
  auto part = PartFile::open(cache_, etag, all.end).value();
  ASSERT_TRUE(part->write(0, wrong));
  ASSERT_TRUE(part->completed(all));
  EXPECT_EQ(Outcome::kWrongHash, part->finish().value());
  EXPECT_EQ(wrong, read(cache_.wrong(etag)));
  EXPECT_FALSE(fs::exists(cache_.blob(etag)));
  EXPECT_EQ(std::vector<Range>{all}, part->missing(1000)) << "it begins again";
  ASSERT_TRUE(part->write(0, right));
  ASSERT_TRUE(part->completed(all));
  EXPECT_EQ(Outcome::kGood, part->finish().value());
  EXPECT_EQ(right, read(cache_.blob(etag)));
}

TEST_F(PartFileTest, AnotherSizeBeginsAgain) {
  const std::string etag(64, 'a');
  { ASSERT_TRUE(PartFile::open(cache_, etag, 100).value()->completed({0, 50})); }
  EXPECT_EQ(50, PartFile::open(cache_, etag, 100).value()->present());
  EXPECT_EQ(0, PartFile::open(cache_, etag, 200).value()->present());
}

TEST_F(PartFileTest, LockIsForOne) {
  const std::string path = cache_.lock("abc");
  ASSERT_TRUE(make_folder_of(path));
  auto first = FileLock::try_take(path);
  ASSERT_TRUE(first && *first);
  auto second = FileLock::try_take(path);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->has_value());
  first->reset();
  auto third = FileLock::try_take(path);
  EXPECT_TRUE(third && *third);
}

}  // namespace
}  // namespace hre::hub
