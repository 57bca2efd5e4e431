#include "core/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

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

/// A system call that is refused where one of its arguments has a flag.
struct Refused {
  uint32_t call;
  uint32_t argument;
  uint32_t flag;
};
// As by a file system without nameless files, and as where /proc is not there to name them by.
constexpr Refused kNamelessFiles{SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY},
    kNamingThem{SYS_linkat, 4, AT_SYMLINK_FOLLOW};

/// For this thread, from now on: EOPNOTSUPP, as a file system would say.
bool refuse(const Refused& what) {
  const uint32_t argument = offsetof(seccomp_data, args) + 8 * what.argument;  // its lower half
  sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, what.call, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, what.flag, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{sizeof rules / sizeof rules[0], rules};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// Does the work in a thread of its own, as what is refused stays so; false where nothing can be refused here.
bool without(const Refused& what, const std::function<void()>& work) {
  bool refused = false;
  std::thread([&] {
    refused = refuse(what);
    if (refused) work();
  }).join();
  return refused;
}

TEST_F(AtomicFileTest, WhereNothingCanBeNamelessItLiesBesideItsPlaceUntilItIsComplete) {
  const auto n_files = [this] { return std::distance(fs::directory_iterator(folder), {}); };
  std::ofstream(folder / "f") << "old";
  const mode_t mask = umask(027);
  const bool refused = without(kNamelessFiles, [&] {
    EXPECT_LT(open(folder.c_str(), O_TMPFILE | O_WRONLY, 0600), 0);
    auto file = AtomicFile::create((folder / "f").string());
    ASSERT_TRUE(file) << file.error().text();
    EXPECT_EQ(n_files(), 2) << "the old one, and the new one under another name";
    EXPECT_EQ(read(folder / "f"), "old");
    ASSERT_TRUE(file->commit("new"));
    EXPECT_EQ(read(folder / "f"), "new");
    EXPECT_EQ(fs::status(folder / "f").permissions(), fs::perms(0640));
    EXPECT_EQ(n_files(), 1);
    { auto dropped = AtomicFile::create((folder / "g").string()); }
    EXPECT_EQ(n_files(), 1) << "nothing is left of one that was dropped";
    const auto missing = AtomicFile::create((folder / "missing" / "f").string());
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::kInput);
  });
  umask(mask);
  if (!refused) GTEST_SKIP() << "system calls can't be refused here (seccomp)";
}

TEST_F(AtomicFileTest, WhereWhatIsNamelessCanGetNoNameItIsWrittenAgain) {
  const bool refused = without(kNamingThem, [&] {
    for (const char* content : {"first", "second"}) {
      auto file = AtomicFile::create((folder / "f").string());
      ASSERT_TRUE(file) << file.error().text();
      ASSERT_TRUE(file->commit(content));
      EXPECT_EQ(read(folder / "f"), content);
      EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1);
    }
  });
  if (!refused) GTEST_SKIP() << "system calls can't be refused here (seccomp)";
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
