#include "core/process.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

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

TEST(HasProgram, LooksAlongThePath) {
  EXPECT_TRUE(has_program("sh"));
  EXPECT_FALSE(has_program("no-such-program-here"));
}

}  // namespace
}  // namespace hre
