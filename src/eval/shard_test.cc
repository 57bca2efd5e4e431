#include "eval/shard.h"

#include <gmock/gmock.h>

#include <random>
#include <set>

#include "eval/schedule.h"

namespace hre {
namespace {

using testing::HasSubstr;

Dataset made_dataset(size_t n, unsigned seed) {
  std::mt19937 random(seed);
  Dataset dataset{"d", "d", "f", {}};
  for (size_t i = 0; i < n; ++i) {
    const std::string topic = i % 3 == 0 ? "a" : "b";
    Question question{topic + "/" + std::to_string(i), topic, std::string(1 + random() % 900, 'q'), {}};
    for (int a = 0; a < 4; ++a) question.answers.push_back({std::string(1 + random() % 400, 'a'), double(a)});
    dataset.questions.push_back(std::move(question));
  }
  return dataset;
}

/// A run of the questions that these options select, each with a mark of its own.
Run run_of(const Dataset& dataset, const EvalOptions& options) {
  Run run;
  run.model.name = "m";
  run.model.fingerprint = "w";
  run.model.settings = {{"engine", "e 1"}};
  run.dataset_fingerprint = dataset.fingerprint;
  run.options = options;
  const auto selected = select_questions(dataset, options);
  for (const size_t i : *selected) {
    QuestionResult question;
    question.id = dataset.questions[i].id;
    question.topic = dataset.questions[i].topic;
    question.answers.emplace_back().votes = static_cast<double>(i);
    run.questions.push_back(std::move(question));
  }
  run.planned = static_cast<int64_t>(run.questions.size());
  run.times.positions = 10;
  if (options.shard) run.shard = *describe_shard(dataset, options, run.questions);
  return run;
}

std::vector<Run> all_shards(const Dataset& dataset, EvalOptions options, int n) {
  std::vector<Run> runs;
  for (int i = 1; i <= n; ++i) {
    options.shard = ShardChoice{i, n};
    runs.push_back(run_of(dataset, options));
  }
  return runs;
}

std::vector<std::pair<std::string, double>> marks(const Run& run) {
  std::vector<std::pair<std::string, double>> found;
  for (const QuestionResult& question : run.questions) found.emplace_back(question.id, question.answers[0].votes);
  return found;
}

TEST(Shards, MergedTheyAreTheWhole) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (const int n : {1, 2, 3, 7, 64}) {
    const Dataset dataset = made_dataset(50 + random() % 50, random());
    EvalOptions options;
    if (n == 3) options.limit = 11;
    const hre::Run whole = run_of(dataset, options);
    std::vector<hre::Run> shards = all_shards(dataset, options, n);
    std::shuffle(shards.begin(), shards.end(), random);
    const auto merged = merge_shards(shards);
    ASSERT_TRUE(merged) << merged.error().text();
    EXPECT_EQ(marks(*merged), marks(whole)) << n;
    EXPECT_EQ(merged->planned, whole.planned);
    EXPECT_FALSE(merged->shard || merged->partial());
    EXPECT_EQ(merged->times.positions, 10 * n);
  }
}

TEST(Shards, HaveEqualShares) {
  const Dataset dataset = made_dataset(400, 7);
  std::vector<double> loads;
  for (const hre::Run& run : all_shards(dataset, {}, 8)) {
    double load = 0;
    for (const auto& [id, i] : marks(run)) {
      const Question& question = dataset.questions[static_cast<size_t>(i)];
      load += static_cast<double>(question.text.size());
      for (const Answer& answer : question.answers) load += static_cast<double>(answer.text.size());
    }
    loads.push_back(load);
  }
  const auto [least, most] = std::minmax_element(loads.begin(), loads.end());
  EXPECT_LT(*most / *least, 1.01);
}

TEST(Shards, RefuseWhatIsNotOneEvaluation) {
  const Dataset dataset = made_dataset(30, 1);
  const auto message = [](std::vector<hre::Run> runs) {
    const auto merged = merge_shards(std::move(runs));
    return merged ? std::string("merged") : merged.error().text();
  };
  const std::vector<hre::Run> good = all_shards(dataset, {}, 3);
  ASSERT_EQ(message(good), "merged");
  EXPECT_THAT(message({}), HasSubstr("no shards"));
  EXPECT_THAT(message({good[0], good[2]}), HasSubstr("of 3 shards, 2 is missing"));
  EXPECT_THAT(message({good[1]}), HasSubstr("1, 3 are missing"));
  EXPECT_THAT(message({good[0], good[1], good[1], good[2]}), HasSubstr("shard 2/3 is given twice"));
  EXPECT_THAT(message({good[0], run_of(dataset, {})}), HasSubstr("is no shard"));
  EXPECT_THAT(message({good[0], all_shards(dataset, {}, 2)[1]}), HasSubstr("different evaluations"));
  const auto changed = [&](auto change) {
    std::vector<hre::Run> runs = good;
    change(runs[1]);
    return message(runs);
  };
  EXPECT_THAT(changed([](hre::Run& r) { r.model.fingerprint = "x"; }), HasSubstr("the models differ"));
  EXPECT_THAT(changed([](hre::Run& r) { r.model.settings[0].second = "e 2"; }),
              HasSubstr("engine is 'e 1' in one shard and 'e 2'"));
  EXPECT_THAT(changed([](hre::Run& r) { r.dataset_fingerprint = "x"; }), HasSubstr("the datasets differ"));
  EXPECT_THAT(changed([](hre::Run& r) { r.options.prompt = "x"; }), HasSubstr("the prompts differ"));
  EXPECT_THAT(changed([](hre::Run& r) { r.options.limit = 3; }), HasSubstr("their topics or limits differ"));
  EXPECT_THAT(changed([](hre::Run& r) { r.options.shuffle_seed = 3; }), HasSubstr("seeds differ"));
  EXPECT_THAT(changed([](hre::Run& r) { r.options.where.emplace_back(); }), HasSubstr("‹where› differs"));
  EXPECT_THAT(changed([](hre::Run& r) { ++r.planned; }), HasSubstr("shard 2/3 is partial"));
  EXPECT_THAT(changed([](hre::Run& r) { r.shard->places[0] = 1000; }), HasSubstr("out of range"));
  EXPECT_THAT(changed([&](hre::Run& r) {
                r.shard->places = good[0].shard->places, r.questions = good[0].questions,
                r.planned = static_cast<int64_t>(r.questions.size());
              }),
              HasSubstr("that another shard also holds"));
}

}  // namespace
}  // namespace hre
