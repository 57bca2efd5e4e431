#include "core/fingerprint.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/hashing.h"

namespace hre {
namespace {

namespace fs = std::filesystem;

class FingerprintTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "hre-fingerprint-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    setenv("HRE_CACHE", (folder_ / "cache").c_str(), 1);
    write("some weights");
  }
  void TearDown() override {
    unsetenv("HRE_CACHE");
    fs::remove_all(folder_);
  }
  void write(const std::string& text) { std::ofstream(path(), std::ios::trunc) << text; }
  [[nodiscard]] std::string path() const { return (folder_ / "model.gguf").string(); }
  [[nodiscard]] std::string memory() const {
    for (const auto& entry : fs::directory_iterator(folder_ / "cache" / "fingerprints")) return entry.path().string();
    return "";
  }
  /// Puts a wrong hash where the right one is remembered, for the file as it is.
  void remember_wrongly() {
    struct stat s = {};
    ASSERT_EQ(stat(path().c_str(), &s), 0);
    ASSERT_FALSE(memory().empty());
    std::ifstream before(memory());
    std::string state;
    std::getline(before, state);
    std::ofstream(memory(), std::ios::trunc) << state << "\n0123456789abcdef0123456789abcdef\n";
  }
  /// Long enough ago to be remembered; the inode's own time can't be set, so the test waits for it.
  void settle() {
    const timespec pause = {3, 0};
    nanosleep(&pause, nullptr);
  }

  fs::path folder_;
};

TEST_F(FingerprintTest, IsRememberedUntilTheFileChanges) {
  EXPECT_EQ(*fingerprint_file(path()), *hash_file(path()));
  EXPECT_TRUE(memory().empty()) << "a file that changed just now may change again";
  settle();
  EXPECT_EQ(*fingerprint_file(path()), *hash_file(path()));
  remember_wrongly();
  EXPECT_EQ(*fingerprint_file(path()), "0123456789abcdef0123456789abcdef") << "the file was read";
  forget_fingerprints();
  EXPECT_EQ(*fingerprint_file(path()), *hash_file(path())) << "it was not forgotten";

  remember_wrongly();
  const auto time = fs::last_write_time(path());
  write("same weighty");  // as long as before
  fs::last_write_time(path(), time);
  EXPECT_EQ(*fingerprint_file(path()), *hash_file(path())) << "equal size and time hid a change";
}

TEST_F(FingerprintTest, WorksWithoutACache) {
  setenv("HRE_CACHE", "/proc/nowhere", 1);
  EXPECT_EQ(*fingerprint_file(path()), *hash_file(path()));
  EXPECT_FALSE(fingerprint_file((folder_ / "missing").string()));
}

}  // namespace
}  // namespace hre
