#include "service/checkpoints.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace hre::service {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

std::string little_endian(uint64_t number, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text += static_cast<char>(number >> (8 * i) & 0xff);
  return text;
}

/// A safetensors file of `n` numbers.
std::string safetensors(size_t n) {
  const std::string header = R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[)" + std::to_string(n) +
                             R"(],"data_offsets":[0,)" + std::to_string(4 * n) + "]}}";
  return little_endian(header.size(), 8) + header + std::string(4 * n, 'x');
}

/// A GGUF file with one tensor of 32 numbers.
std::string gguf(const std::string& type = "model") {
  const auto text = [](const std::string& value) { return little_endian(value.size(), 8) + value; };
  std::string file = "GGUF" + little_endian(3, 4) + little_endian(1, 8) + little_endian(1, 8);
  file += text("general.type") + little_endian(8, 4) + text(type);
  file += text("w") + little_endian(1, 4) + little_endian(32, 8) + little_endian(0, 4) + little_endian(0, 8);
  file.resize((file.size() + 31) / 32 * 32, '\0');
  return file + std::string(128, 'x');
}

class CheckpointsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("hre-checkpoints-" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& content) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  [[nodiscard]] std::vector<FoundCheckpoint> find() const {
    auto found = find_checkpoints(folder_.string());
    EXPECT_TRUE(found) << found.error().text();
    return *found;
  }
  /// "checkpoint-5: what is missing", by path below the folder.
  [[nodiscard]] std::vector<std::string> told() const {
    std::vector<std::string> lines;
    for (const FoundCheckpoint& one : find()) {
      const std::string path = fs::path(one.path).lexically_relative(folder_).string();
      lines.push_back(one.incomplete.empty() ? path : path + ": " + one.incomplete);
    }
    return lines;
  }

  fs::path folder_;
};

TEST_F(CheckpointsTest, AFolderIsWholeWhenItsWeightsHaveTheSizeThatTheirHeaderTells) {
  const std::string weights = safetensors(100);
  write("checkpoint-5/config.json", "{}");
  EXPECT_THAT(told(), ElementsAre("checkpoint-5: its weights are missing"));
  // Every length of the file that is shorter, and one that is longer.
  for (size_t n = 0; n < weights.size(); n += 7) {
    write("checkpoint-5/model.safetensors", weights.substr(0, n));
    EXPECT_THAT(told(), ElementsAre(HasSubstr("checkpoint-5: model.safetensors "))) << n;
  }
  write("checkpoint-5/model.safetensors", weights + "x");
  EXPECT_THAT(told(), ElementsAre(HasSubstr(std::to_string(weights.size()) + " bytes")));
  write("checkpoint-5/model.safetensors", weights);
  EXPECT_THAT(told(), ElementsAre("checkpoint-5"));
  write("checkpoint-5/config.json", "{\"a\": ");
  EXPECT_THAT(told(), ElementsAre("checkpoint-5: config.json is not whole"));
}

TEST_F(CheckpointsTest, AHeaderThatIsNoHeaderIsNotWhole) {
  write("step5/config.json", "{}");
  for (const std::string& content :
       {std::string(400, '\0'), little_endian(uint64_t{1} << 62, 8) + "{}", little_endian(2, 8) + "[]",
        little_endian(9, 8) + R"({"w": 5} )", little_endian(26, 8) + R"({"w":{"data_offsets":[-1]}})"}) {
    write("step5/model.safetensors", content);
    EXPECT_THAT(told(), ElementsAre(HasSubstr("step5: model.safetensors ")));
  }
}

TEST_F(CheckpointsTest, ShardsAreWholeWhenAllOfTheIndexAre) {
  write("checkpoint-5/config.json", "{}");
  write("checkpoint-5/model-00001-of-00002.safetensors", safetensors(10));
  EXPECT_THAT(told(), ElementsAre("checkpoint-5: the index of its shards is missing"));
  write("checkpoint-5/model.safetensors.index.json",
        R"({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}})");
  EXPECT_THAT(told(), ElementsAre(HasSubstr("model-00002-of-00002.safetensors is not there")));
  write("checkpoint-5/model-00002-of-00002.safetensors", safetensors(20).substr(0, 100));
  EXPECT_THAT(told(), ElementsAre(HasSubstr("model-00002-of-00002.safetensors has 100 of ")));
  write("checkpoint-5/model-00002-of-00002.safetensors", safetensors(20));
  EXPECT_THAT(told(), ElementsAre("checkpoint-5"));
  write("checkpoint-5/model.safetensors.index.json", R"({"weight_map": {}})");
  EXPECT_THAT(told(), ElementsAre("checkpoint-5: model.safetensors.index.json is not whole"));
  write("checkpoint-5/model.safetensors.index.json", R"({"weight_map": {"a": "../x.safetensors"}})");
  EXPECT_THAT(told(), ElementsAre("checkpoint-5: model.safetensors.index.json is not whole"));
}

TEST_F(CheckpointsTest, TorchFilesAreWholeWhenTheirArchiveHasItsEnd) {
  write("checkpoint-5/config.json", "{}");
  write("checkpoint-5/pytorch_model.bin", "PK\3\4" + std::string(1000, 'x'));
  EXPECT_THAT(told(), ElementsAre("checkpoint-5: pytorch_model.bin has no end yet"));
  write("checkpoint-5/pytorch_model.bin", "PK\3\4" + std::string(1000, 'x') + "PK\5\6" + std::string(18, '\0'));
  EXPECT_THAT(told(), ElementsAre("checkpoint-5"));
}

TEST_F(CheckpointsTest, AGgufFileIsWholeWhenItHoldsItsTensors) {
  const std::string whole = gguf();
  for (size_t n = 0; n < whole.size(); n += 5) {
    write("step-20.gguf", whole.substr(0, n));
    EXPECT_THAT(told(), ElementsAre(HasSubstr("step-20.gguf: "))) << n;
  }
  write("step-20.gguf", whole);
  EXPECT_THAT(told(), ElementsAre("step-20.gguf"));
}

TEST_F(CheckpointsTest, ASplitModelIsWholeWithAllItsParts) {
  write("step-20-00002-of-00003.gguf", gguf());
  EXPECT_THAT(told(), ElementsAre("step-20-00002-of-00003.gguf: part 1 of 3 is missing"));
  write("step-20-00001-of-00003.gguf", gguf());
  EXPECT_THAT(told(), ElementsAre("step-20-00001-of-00003.gguf: part 3 of 3 is missing"));
  write("step-20-00003-of-00003.gguf", gguf().substr(0, 100));
  EXPECT_THAT(told(), ElementsAre(HasSubstr("step-20-00003-of-00003.gguf: ")));
  write("step-20-00003-of-00003.gguf", gguf());
  EXPECT_THAT(told(), ElementsAre("step-20-00001-of-00003.gguf"));
  EXPECT_THAT(find()[0].step, Optional(20));
}

TEST_F(CheckpointsTest, TemporaryNamesAdaptersAndProjectorsAreNoCheckpoints) {
  for (const char* name :
       {"tmp-checkpoint-5", ".checkpoint-5", "checkpoint-5.tmp", "checkpoint-5.incomplete", "checkpoint-5.tmp-x8"}) {
    write(std::string(name) + "/config.json", "{}");
    write(std::string(name) + "/model.safetensors", safetensors(5));
  }
  for (const char* name : {".step-1.gguf", "step-1.gguf.part", "step-1.gguf.tmp", "step-1.gguf~", "mmproj-step-1.gguf",
                           "tmp-step-1.gguf", "step-1.imatrix.gguf"}) {
    write(name, gguf());
  }
  write("lora-step-1.gguf", gguf("adapter"));
  write("other/notes.txt", "no model");
  EXPECT_THAT(told(), ElementsAre());
  write("checkpoint-5/config.json", "{}");
  write("checkpoint-5/model.safetensors", safetensors(5));
  write("checkpoint-5/tmp.safetensors.part", "x");
  EXPECT_THAT(told(), ElementsAre("checkpoint-5: tmp.safetensors.part is being written"));
}

TEST_F(CheckpointsTest, TemporaryNames) {
  for (const char* name : {"a.tmp", "a.TMP", "a.tmp.3", "a.part-Ab", "tmp-checkpoint-3", ".x", "a.lock", "x~"})
    EXPECT_TRUE(is_temporary_name(name)) << name;
  for (const char* name : {"a.gguf", "temp-0.7.gguf", "model.part-1.gguf", "template", "tmpl.json", "partial"})
    EXPECT_FALSE(is_temporary_name(name)) << name;
}

TEST_F(CheckpointsTest, AreOrderedByTrainingAndStep) {
  for (const char* name : {"b/checkpoint-1000", "b/checkpoint-200", "a/step_30", "."}) {
    write(std::string(name) + "/config.json", "{}");
    write(std::string(name) + "/model.safetensors", safetensors(5));
  }
  write("a/step_4/model.gguf", gguf());
  write("a/step_4/deep/er/model.gguf", gguf());  // too deep
  EXPECT_THAT(told(), ElementsAre(".", "a/step_4/model.gguf", "a/step_30", "b/checkpoint-200", "b/checkpoint-1000"));
  const auto found = find();
  EXPECT_EQ(found[0].training, folder_.string());
  EXPECT_FALSE(found[0].step);
  EXPECT_EQ(found[1].training, (folder_ / "a").string());
  EXPECT_THAT(found[1].step, Optional(4));
  EXPECT_THAT(found[2].step, Optional(30));
  EXPECT_EQ(found[4].training, (folder_ / "b").string());
}

TEST_F(CheckpointsTest, StateChangesWithAnyFileAndIdentityWithThoseOfTheModel) {
  write("checkpoint-5/config.json", "{}");
  write("checkpoint-5/model.safetensors", safetensors(5));
  const FoundCheckpoint before = find()[0];
  EXPECT_EQ(find()[0].state, before.state);
  write("checkpoint-5/trainer_state.json", "{}");
  EXPECT_NE(find()[0].state, before.state);
  EXPECT_EQ(find()[0].identity, before.identity);
  fs::last_write_time(folder_ / "checkpoint-5/model.safetensors",
                      fs::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_NE(find()[0].identity, before.identity);
  EXPECT_GT(find()[0].changed_ns, before.changed_ns);
}

TEST_F(CheckpointsTest, WhatIsKnownIsNotReadAgain) {
  write("step-1.gguf", gguf());
  const FoundCheckpoint whole = find()[0];
  const auto time = fs::last_write_time(folder_ / "step-1.gguf");
  write("step-1.gguf", std::string(gguf().size(), 'x'));  // broken, with the same size and time
  fs::last_write_time(folder_ / "step-1.gguf", time);
  EXPECT_NE(find()[0].incomplete, "");
  const auto found = find_checkpoints(folder_.string(), {{whole.path, whole.identity}});
  EXPECT_EQ(found->at(0).incomplete, "");
}

TEST_F(CheckpointsTest, AFolderThatIsNotThereIsAnError) {
  const auto found = find_checkpoints((folder_ / "none").string());
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().text(), HasSubstr("none: cannot be read"));
}

TEST(SettlingTest, WaitsUntilNothingHasChangedForAWhile) {
  using std::chrono::milliseconds;
  constexpr int64_t kSecond = 1'000'000'000;
  Settling settling(milliseconds(5000));
  FoundCheckpoint one;
  one.path = "a";
  one.state = "1";
  one.changed_ns = 100 * kSecond;
  const auto at = [](int64_t second) {
    return Settling::Now{std::chrono::steady_clock::time_point(std::chrono::seconds(second)), second * kSecond};
  };
  EXPECT_FALSE(settling.settled(one, at(104)));
  EXPECT_FALSE(settling.settled(one, at(108))) << "the clock of the files may be another: four seconds were watched";
  EXPECT_TRUE(settling.settled(one, at(109)));
  one.state = "2";
  EXPECT_FALSE(settling.settled(one, at(110)));
  EXPECT_FALSE(settling.settled(one, at(114)));
  EXPECT_TRUE(settling.settled(one, at(115)));
  FoundCheckpoint old = one;
  old.path = "b";
  EXPECT_FALSE(settling.settled(old, at(164)));
  old.path = "c";
  EXPECT_TRUE(settling.settled(old, at(165))) << "a minute more than it must be quiet";
}

}  // namespace
}  // namespace hre::service
