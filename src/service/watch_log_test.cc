#include "service/watch_log.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "core/files.h"

namespace hre::service {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

WatchLine line(const std::string& path, const std::string& more = "") {
  return *parse_watch_line(R"({"format":"hre-watch/1","status":"evaluated","path":")" + path +
                           R"(","identity":"i","step":5)" + more + "}");
}

class WatchLogTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("hre-watch-log-" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    path_ = (folder_ / "w.jsonl").string();
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string content() const { return *read_file(path_); }

  fs::path folder_;
  std::string path_;
};

TEST_F(WatchLogTest, RemembersItsLines) {
  {
    auto log = WatchLog::open(path_);
    ASSERT_TRUE(log) << log.error().text();
    EXPECT_TRUE(log->append(line("/a", R"(,"value":0.25,"run":"feed")")));
    EXPECT_TRUE(log->append(line("/b")));
  }
  auto log = WatchLog::open(path_);
  ASSERT_EQ(log->lines().size(), 2U);
  EXPECT_EQ(log->lines()[0].path, "/a");
  EXPECT_EQ(log->lines()[0].run, "feed");
  EXPECT_EQ(log->lines()[0].value, 0.25);
  EXPECT_EQ(log->lines()[1].step, 5);
  EXPECT_FALSE(log->lines()[1].value);
}

TEST_F(WatchLogTest, EveryCutOffEndIsTakenAway) {
  const std::string first = line("/a").text + "\n", second = line("/b").text + "\n";
  for (size_t n = 0; n < second.size(); ++n) {
    std::ofstream(path_) << first << second.substr(0, n);
    auto log = WatchLog::open(path_);
    ASSERT_TRUE(log) << log.error().text();
    EXPECT_EQ(log->lines().size(), 1U);
    EXPECT_TRUE(log->append(line("/c")));
    EXPECT_EQ(content(), first + line("/c").text + "\n");
  }
}

TEST_F(WatchLogTest, RefusesOtherFiles) {
  std::ofstream(path_) << line("/a").text << "\n{\"format\":\"hre-run/1\"}\n";
  const auto log = WatchLog::open(path_);
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error().text(), HasSubstr("w.jsonl:2: is not a line of the format hre-watch/1"));
  EXPECT_THAT(content(), HasSubstr("hre-run/1")) << "and leaves them as they are";
  EXPECT_FALSE(WatchLog::open((folder_ / "none" / "w.jsonl").string()));
  EXPECT_FALSE(WatchLog::open(folder_.string()));
}

TEST_F(WatchLogTest, BelongsToOneAtATime) {
  auto one = WatchLog::open(path_);
  ASSERT_TRUE(one);
  EXPECT_TRUE(one->is_locked());
  const auto two = WatchLog::open(path_);
  ASSERT_FALSE(two);
  EXPECT_THAT(two.error().text(), HasSubstr("another hre watch writes these results"));
}

TEST_F(WatchLogTest, KnowsWhatWasDelivered) {
  {
    auto log = WatchLog::open(path_);
    EXPECT_EQ(log->delivered(), 0U);
    for (int i = 0; i < 12; ++i) EXPECT_TRUE(log->append(line("/a")));
    EXPECT_TRUE(log->set_delivered(11));
  }
  {
    auto log = WatchLog::open(path_);
    EXPECT_EQ(log->delivered(), 11U) << "the last one was on its way when the process ended";
    EXPECT_TRUE(log->set_delivered(9));
  }
  EXPECT_EQ(WatchLog::open(path_)->delivered(), 9U);
  fs::remove(path_ + ".lock");
  EXPECT_EQ(WatchLog::open(path_)->delivered(), 12U);
}

TEST_F(WatchLogTest, KnowsWhichEvaluationNeverEnded) {
  for (int i = 0; i < 3; ++i) {
    auto log = WatchLog::open(path_);
    EXPECT_EQ(log->begun().times, i);
    EXPECT_TRUE(log->set_begun("/a path/step-1"));
    EXPECT_TRUE(log->set_delivered(0));
  }
  {
    auto log = WatchLog::open(path_);
    EXPECT_EQ(log->begun().path, "/a path/step-1");
    EXPECT_TRUE(log->set_begun("/b"));
  }
  {
    auto log = WatchLog::open(path_);
    EXPECT_EQ(log->begun().path, "/b");
    EXPECT_EQ(log->begun().times, 1);
    EXPECT_TRUE(log->set_begun(""));
  }
  EXPECT_EQ(WatchLog::open(path_)->begun().path, "");
  EXPECT_EQ(*read_file(path_ + ".lock"), "0                   \n");
}

TEST_F(WatchLogTest, AFullDiskLeavesNoPartOfALine) {
  auto log = WatchLog::open(path_);
  ASSERT_TRUE(log->append(line("/a")));
  const std::string before = content();
  struct rlimit old = {};
  getrlimit(RLIMIT_FSIZE, &old);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit full = {before.size() + 10, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &full);
  const auto failed = log->append(line("/b"));
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().text(), HasSubstr("cannot be written"));
  EXPECT_EQ(content(), before);
  EXPECT_EQ(log->lines().size(), 1U);
  EXPECT_TRUE(log->append(line("/b"))) << "and it can be tried again";
  EXPECT_EQ(content(), before + line("/b").text + "\n");
}

TEST(WatchLineTest, MistakesAreErrors) {
  for (const char* text : {"", "5", "[]", "{}", R"({"format":"hre-watch/1"})",
                           R"({"format":"hre-watch/1","status":"evaluated","path":5,"identity":"i"})",
                           R"({"format":"hre-watch/2","status":"evaluated","path":"a","identity":"i"})"}) {
    EXPECT_FALSE(parse_watch_line(text)) << text;
  }
}

}  // namespace
}  // namespace hre::service
