#include "core/process.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

namespace hre {
namespace {

using testing::HasSubstr;

TEST(RunProgram, TellsHowItEnded) {
  EXPECT_TRUE(run_program({"true"}, "/"));
  EXPECT_FALSE(run_program({"false"}, "/"));
  EXPECT_THAT(run_program({"no-such-program-here"}, "/").error().text(), HasSubstr("cannot be started"));
  EXPECT_THAT(run_program({"sh", "-c", "echo why >&2; exit 3"}, "/").error().text(), HasSubstr("failed: why"));
}

TEST(RunProgram, RunsInTheFolderWithoutAShell) {
  const auto folder = std::filesystem::temp_directory_path() / ("hre-process-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  EXPECT_TRUE(run_program({"touch", "a b; $(c)"}, folder.string()));
  EXPECT_TRUE(std::filesystem::exists(folder / "a b; $(c)"));
  std::filesystem::remove_all(folder);
}

TEST(RunProgram, IsNotHeldUpByALotOfErrors) {
  EXPECT_THAT(
      run_program({"sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1"}, "/").error().message.size(),
      testing::Lt(3000u));
}

TEST(RunProcess, GivesALastLineWithoutItsBreak) {
  std::vector<std::string> lines;
  const auto take = [&](const std::string& line) { lines.push_back(line); };
  ASSERT_TRUE(run_process({"printf", "one\\ntwo"}, take, {}));
  EXPECT_THAT(lines, testing::ElementsAre("one", "two"));
}

TEST(RunProcess, AProgramThatDoesNotListenIsKilled) {
  std::stop_source stop;
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    stop.request_stop();
  });
  const auto begin = std::chrono::steady_clock::now();
  const auto done = run_process(
      {"sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"}, [](const std::string&) {}, stop.get_token());
  stopper.join();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kInterrupted);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

TEST(RunProcess, AProgramThatClosedItsOutputsIsEndedToo) {
  for (const char* script :
       {"exec >&- 2>&-; exec sleep 60", "trap '' TERM; exec >&- 2>&-; while :; do sleep 0.1; done"}) {
    std::stop_source stop;
    std::thread stopper([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      stop.request_stop();
    });
    const auto begin = std::chrono::steady_clock::now();
    const auto done = run_process(
        {"sh", "-c", script}, [](const std::string&) {}, stop.get_token());
    stopper.join();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::kInterrupted);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
  }
  const auto done = run_process({"sh", "-c", "exec >&- 2>&-; sleep 0.3; exit 7"}, [](const std::string&) {}, {});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->status, 7);
}

TEST(HasProgram, LooksAlongThePath) {
  EXPECT_TRUE(has_program("sh"));
  EXPECT_FALSE(has_program("no-such-program-here"));
}

TEST(RunProcess, GivesItsInputAndVariables) {
  std::vector<std::string> lines;
  const auto take = [&](const std::string& line) { lines.push_back(line); };
  const std::string large(300'000, 'x');  // more than a pipe holds
  setenv("HRE_TEST_A", "old", 1);
  setenv("HRE_TEST_AB", "kept", 1);
  ASSERT_TRUE(run_process({"sh", "-c", "read one; echo \"$one\"; echo $(wc -c); echo $HRE_TEST_A $HRE_TEST_AB"}, take,
                          {}, {.input = "first line\n" + large, .environment = {"HRE_TEST_A=new"}}));
  EXPECT_THAT(lines, testing::ElementsAre("first line", "300000", "new kept"));
  lines.clear();
  ASSERT_TRUE(run_process({"sh", "-c", "exec sleep 0"}, take, {}, {.input = large})) << "it need not be read";
}

}  // namespace
}  // namespace hre
