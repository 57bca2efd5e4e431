#include "core/cores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>

#include "core/control_groups.h"

namespace hre {
namespace {

namespace fs = std::filesystem;

TEST(UsableCores, AreThoseOfTheAffinity) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  const int cores = usable_cores();
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(cores, 1);
  EXPECT_LE(usable_cores(), CPU_COUNT(&before));
}

/// A folder that stands for /sys/fs/cgroup.
class ControlGroups : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/hre-cores-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::vector<std::string> folders() const {
    std::vector<std::string> all;
    for (const ControlGroup& group : control_groups("cpu", at("cgroup"), at("fs"))) {
      all.push_back(group.folder.substr(at("fs").size()) + (group.unified ? " unified" : ""));
    }
    return all;
  }

  fs::path folder_;
};

TEST_F(ControlGroups, AreFoundInBothHierarchies) {
  write("cgroup", "12:memory:/a\n4:cpu,cpuacct:/docker/1a2b\n3:cpuset:/x\n1:name=systemd:/y\n0::/user.slice/one\n");
  EXPECT_THAT(folders(), testing::ElementsAre("/cpu/docker/1a2b", "/cpu/docker", "/cpu", "/user.slice/one unified",
                                              "/user.slice unified", " unified"));
  write("cgroup", "0::/\n");
  EXPECT_THAT(folders(), testing::ElementsAre(" unified"));
  write("cgroup", "nonsense\n4:cpu\n4:cpu:x\n");
  EXPECT_THAT(folders(), testing::ElementsAre("/cpux", "/cpu"));
}

TEST_F(ControlGroups, LimitTime) {
  write("fs/two/cpu.max", "250000 100000\n");
  write("fs/free/cpu.max", "max 100000\n");
  write("fs/cpu/old/cpu.cfs_quota_us", "150000\n");
  write("fs/cpu/old/cpu.cfs_period_us", "100000\n");
  write("fs/cpu/cpu.cfs_quota_us", "-1\n");
  write("fs/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(time_limit({at("fs/two"), true}), 2.5);
  EXPECT_EQ(time_limit({at("fs/free"), true}), 0);
  EXPECT_EQ(time_limit({at("fs/cpu/old"), false}), 1.5);
  EXPECT_EQ(time_limit({at("fs/cpu"), false}), 0);
  EXPECT_EQ(time_limit({at("nowhere"), true}), 0);
}

}  // namespace
}  // namespace hre
