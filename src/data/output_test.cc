#include "data/output.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "data/test_folder.h"

namespace hre::data {
namespace {

namespace fs = std::filesystem;

class OutputTest : public testing::Test {
 protected:
  // The message about a place that is refused; nothing is left beside it.
  std::string refusal(const std::string& name, OutputKind kind, bool replace = false) {
    const long before = folder_.entries();
    const Result<Output> output = Output::create(folder_ / name, kind, replace);
    EXPECT_EQ(folder_.entries(), before);
    return output ? "not refused" : output.error().message;
  }
  static void fill(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

  TestFolder folder_;
};

TEST_F(OutputTest, AFileAppearsAtCommit) {
  Result<Output> output = Output::create(folder_ / "a.jsonl", OutputKind::kFile, false);
  ASSERT_TRUE(output) << output.error().text();
  EXPECT_TRUE(output->work_path().ends_with(".jsonl"));
  fill(output->work_path(), "x");
  EXPECT_FALSE(fs::exists(folder_ / "a.jsonl"));
  ASSERT_TRUE(output->commit());
  EXPECT_EQ(folder_.read("a.jsonl"), "x");
  EXPECT_EQ(folder_.entries(), 1);
}

TEST_F(OutputTest, WithoutCommitNothingIsLeft) {
  folder_.write("a.jsonl", "old");
  {
    Result<Output> file = Output::create(folder_ / "a.jsonl", OutputKind::kFile, true);
    Result<Output> made = Output::create(folder_ / "d", OutputKind::kFolder, false);
    ASSERT_TRUE(file && made);
    fill(file->work_path(), "new");
    fill(made->work_path() + "/x.parquet", "new");
  }
  EXPECT_EQ(folder_.read("a.jsonl"), "old");
  EXPECT_EQ(folder_.entries(), 1);
}

TEST_F(OutputTest, WhatIsThereStaysUnlessReplaced) {
  folder_.write("a.jsonl", "old");
  folder_.write("d/data/old.parquet", "old");
  folder_.write("d/README.md", "old");
  EXPECT_EQ(refusal("a.jsonl", OutputKind::kFile), "already exists");
  EXPECT_EQ(refusal("d", OutputKind::kFolder), "already exists");
  EXPECT_EQ(refusal("d", OutputKind::kFile, true), "already exists and is a folder");
  EXPECT_EQ(refusal("a.jsonl", OutputKind::kFolder, true), "already exists and is not a folder");
  EXPECT_EQ(refusal("none/a.jsonl", OutputKind::kFile), "cannot be created: No such file or directory");

  Result<Output> file = Output::create(folder_ / "a.jsonl", OutputKind::kFile, true);
  Result<Output> made = Output::create(folder_ / "d/", OutputKind::kFolder, true);
  ASSERT_TRUE(file && made);
  fill(file->work_path(), "new");
  fill(made->work_path() + "/new.parquet", "new");
  ASSERT_TRUE(file->commit() && made->commit());
  EXPECT_EQ(folder_.read("a.jsonl"), "new");
  EXPECT_EQ(folder_.read("d/new.parquet"), "new");
  EXPECT_FALSE(fs::exists(folder_ / "d/data"));
  EXPECT_EQ(folder_.entries(), 2);
}

TEST_F(OutputTest, AFolderWithOtherThingsIsNeverReplaced) {
  folder_.write("d/a.jsonl", "x");
  folder_.write("d/thesis.tex", "x");
  EXPECT_EQ(refusal("d", OutputKind::kFolder, true), "holds more than a dataset (thesis.tex), so it is not replaced");
  fs::remove(folder_ / "d/thesis.tex");
  folder_.write("d/other/b.jsonl", "x");
  EXPECT_EQ(refusal("d", OutputKind::kFolder, true), "holds more than a dataset (other), so it is not replaced");
  fs::remove_all(folder_ / "d/other");
  folder_.write("d/data/notes", "x");
  EXPECT_EQ(refusal("d", OutputKind::kFolder, true), "holds more than a dataset (data/notes), so it is not replaced");
  fs::remove_all(folder_ / "d/data");
  const fs::path here = fs::current_path();
  fs::current_path(folder_ / "d");
  EXPECT_EQ(refusal("d", OutputKind::kFolder, true), "is the current folder, so it is not replaced");
  fs::current_path(here);
}

TEST_F(OutputTest, AnEmptyFolderIsTaken) {
  fs::create_directory(folder_ / "d");
  Result<Output> made = Output::create(folder_ / "d", OutputKind::kFolder, false);
  ASSERT_TRUE(made);
  fill(made->work_path() + "/x", "new");
  ASSERT_TRUE(made->commit());
  EXPECT_EQ(folder_.read("d/x"), "new");
  EXPECT_EQ(folder_.entries(), 1);
}

TEST_F(OutputTest, WhatCameMeanwhileStays) {
  Result<Output> output = Output::create(folder_ / "a.jsonl", OutputKind::kFile, false);
  ASSERT_TRUE(output);
  folder_.write("a.jsonl", "somebody else's");
  EXPECT_FALSE(output->commit());
  EXPECT_EQ(folder_.read("a.jsonl"), "somebody else's");
}

TEST_F(OutputTest, ALinksTargetIsReplacedAndTheLinkStays) {
  folder_.write("a.jsonl", "old");
  fs::create_symlink(folder_ / "a.jsonl", folder_ / "link.jsonl");
  Result<Output> output = Output::create(folder_ / "link.jsonl", OutputKind::kFile, true);
  ASSERT_TRUE(output);
  fill(output->work_path(), "new");
  ASSERT_TRUE(output->commit());
  EXPECT_TRUE(fs::is_symlink(folder_ / "link.jsonl"));
  EXPECT_EQ(folder_.read("a.jsonl"), "new");
}

}  // namespace
}  // namespace hre::data
