#include "core/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace hre {
namespace {

namespace fs = std::filesystem;

struct AtomicFileTest : testing::Test {
  // Tests run beside each other, in processes of their own: each has its own folder.
  fs::path folder = fs::path(testing::TempDir()) /
                    (std::string("atomic_file_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  void SetUp() override {
    fs::remove_all(folder);
    fs::create_directory(folder);
  }
  void TearDown() override { fs::remove_all(folder); }
  static std::string read(const fs::path& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
};

TEST_F(AtomicFileTest, AppearsWhenCommitted) {
  std::ofstream(folder / "f") << "old";
  {
    auto file = AtomicFile::create((folder / "f").string());
    ASSERT_TRUE(file);
    EXPECT_EQ(read(folder / "f"), "old");
    ASSERT_TRUE(file->commit("new"));
  }
  EXPECT_EQ(read(folder / "f"), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1);
}

TEST_F(AtomicFileTest, ANewOneHasTheNameAtOnceAndTheUsersPermissions) {
  const mode_t mask = umask(027);
  auto file = AtomicFile::create((folder / "f").string());
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->commit("text"));
  umask(mask);
  EXPECT_EQ(read(folder / "f"), "text");
  EXPECT_EQ(fs::status(folder / "f").permissions(), fs::perms(0640));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1);
}

TEST_F(AtomicFileTest, LeavesNothingWhenDropped) {
  { auto file = AtomicFile::create((folder / "f").string()); }
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(AtomicFileTest, HasNoNameBeforeItIsComplete) {
  const int nameless = open(folder.c_str(), O_TMPFILE | O_WRONLY, 0600);
  if (nameless < 0) GTEST_SKIP() << "this file system has no nameless files";
  close(nameless);
  std::ofstream(folder / "f") << "old";
  const auto file = AtomicFile::create((folder / "f").string());
  ASSERT_TRUE(file);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1) << "a process killed here leaves nothing";
}

TEST_F(AtomicFileTest, SaysWhatIsWrong) {
  EXPECT_EQ(AtomicFile::create((folder / "missing" / "f").string()).error().code, ErrorCode::kInput);
  EXPECT_EQ(AtomicFile::create(folder.string()).error().message, "is a folder, not a file");
  auto full = AtomicFile::create("/dev/full");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->commit("x").error().text(), "/dev/full: writing failed: No space left on device");
}

TEST_F(AtomicFileTest, ReadFileGivesAllOfItOrSaysWhy) {
  const std::string path = (folder / "file").string();
  const std::string content(200001, 'x');
  std::ofstream(path) << content;
  EXPECT_EQ(read_file(path).value(), content);
  EXPECT_EQ(read_file(path, 200001).value(), content);
  EXPECT_EQ(read_file(path, 200000).error().text(), path + ": is longer than 200000 bytes");
  EXPECT_EQ(read_file(folder.string()).error().text(), folder.string() + ": cannot be read: Is a directory");
  EXPECT_EQ(read_file(path + "x").error().code, ErrorCode::kInput);
}

}  // namespace
}  // namespace hre
