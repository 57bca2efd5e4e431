#include "hub/choose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hre::hub {
namespace {

using testing::HasSubstr;

std::vector<RepoFile> files(const std::vector<std::string>& paths) {
  std::vector<RepoFile> all;
  for (const std::string& path : paths) all.push_back({path, 2'000'000'000, "e"});
  return all;
}

std::string problem(const Result<Selection>& result) { return result ? "none" : result.error().text(); }

TEST(ChooseModel, OneGguf) {
  const auto repository = files({"README.md", "m.gguf", "mmproj-m.gguf", "m.imatrix.gguf"});
  EXPECT_EQ((Selection{{"m.gguf"}, "m.gguf"}), choose_model_files(repository, "", "hf:o/r").value());
  EXPECT_EQ((Selection{{"m.gguf"}, "m.gguf"}), choose_model_files(repository, "m.gguf", "hf:o/r").value());
}

TEST(ChooseModel, TypesAreWords) {
  const auto repository = files({"m.IQ4_XS.gguf", "m.Q4_K.gguf", "m.Q4_K_M.gguf", "m.Q8_0.gguf", "q8_0-notes.txt"});
  EXPECT_EQ("m.Q4_K.gguf", choose_model_files(repository, "Q4_K", "w").value().main);
  EXPECT_EQ("m.Q8_0.gguf", choose_model_files(repository, "q8_0", "w").value().main);
  EXPECT_THAT(problem(choose_model_files(repository, "Q4", "w")), HasSubstr("no such file: Q4"));
  EXPECT_THAT(problem(choose_model_files(repository, "*Q4*", "w")), HasSubstr("3 files are possible"));
  EXPECT_THAT(problem(choose_model_files(repository, "", "w")), HasSubstr("m.Q8_0.gguf (2.0 GB)"));
}

TEST(ChooseModel, SplitFiles) {
  const auto repository = files({"q/m-00001-of-00002.gguf", "q/m-00002-of-00002.gguf"});
  EXPECT_EQ((Selection{{"q/m-00001-of-00002.gguf", "q/m-00002-of-00002.gguf"}, "q/m-00001-of-00002.gguf"}),
            choose_model_files(repository, "", "w").value());
  EXPECT_EQ(2U, choose_model_files(repository, "q/m-00002-of-00002.gguf", "w").value().files.size());
  EXPECT_THAT(problem(choose_model_files(files({"m-00001-of-00002.gguf"}), "", "w")), HasSubstr("1 of 2 parts"));
}

TEST(ChooseModel, Checkpoint) {
  const auto one =
      files({"config.json", "consolidated.safetensors", "model.safetensors", "tokenizer.json", "x/config.json"});
  EXPECT_EQ((Selection{{"model.safetensors", "config.json", "tokenizer.json"}, ""}),
            choose_model_files(one, "", "w").value());
  EXPECT_THAT(problem(choose_model_files(files({"config.json", "model-00001-of-00002.safetensors"}), "", "w")),
              HasSubstr("1 of 2 parts"));
  EXPECT_THAT(problem(choose_model_files(one, "model.safetensors", "w")), HasSubstr("is not a .gguf file"));
  EXPECT_THAT(problem(choose_model_files(one, "modle.safetensors", "w")),
              HasSubstr("similar names are model.safetensors"));
  EXPECT_THAT(problem(choose_model_files({}, "", "w")), HasSubstr("no .gguf file"));
}

TEST(ChooseDataset, AsALocalFolderIsRead) {
  const auto published =
      files({"README.md", "data/A-00000-of-00001.parquet", "data/B-00000-of-00001.parquet", "old/x.parquet"});
  EXPECT_EQ((Selection{{"data/A-00000-of-00001.parquet", "data/B-00000-of-00001.parquet", "README.md"}, ""}),
            choose_dataset_files(published, "", "w").value());
  EXPECT_EQ("old", choose_dataset_files(published, "old", "w").value().main);
  EXPECT_EQ("data/A-00000-of-00001.parquet", choose_dataset_files(published, "*A-0*", "w").value().main);
  EXPECT_THAT(problem(choose_dataset_files(published, "data/*", "w")), HasSubstr("2 files match"));
  EXPECT_THAT(problem(choose_dataset_files(published, "data/C", "w")), HasSubstr("similar names are"));
  EXPECT_THAT(problem(choose_dataset_files(files({"en/x.parquet"}), "", "w")), HasSubstr("en/x.parquet"));
}

}  // namespace
}  // namespace hre::hub
