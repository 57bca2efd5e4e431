/// What may stand for a new score, by a model whose every property can be changed alone.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "eval/until.h"
#include "hre/evaluate.h"
#include "hre/store.h"
#include "store/test_run.h"

namespace hre {
namespace {

using store::Scratch;

/// Scores follow from the text alone; questions scored are counted.
class FakeScorer final : public Scorer {
 public:
  FakeScorer() {
    description_.name = "fake";
    description_.source = "fake.gguf";
    description_.fingerprint = "11112222";
    description_.architecture = "fake";
    description_.settings = {
        {"engine", "fake 1"},  {"engine_build", "AVX2"},   {"adapters", "none"},  {"bos", "none"},
        {"max_length", "100"}, {"long_answers", "error"},  {"cache_type", "f32"}, {"compute_type", "f32"},
        {"kernels", "own 1"},  {"flash_attention", "off"}, {"device", "CPU"}};
  }

  const ModelDescription& describe() const override { return description_; }

  Result<QuestionPlan> plan(ScoringRequest request) const override {
    QuestionPlan plan;
    plan.prefix = {first_token_};
    for (const std::string& continuation : request.continuations) {
      AnswerPlan& answer = plan.answers.emplace_back();
      for (const char c : continuation) answer.targets.push_back(c);
      answer.tail.assign(answer.targets.begin(), answer.targets.end() - 1);
    }
    plan.text = std::move(request);
    return plan;
  }

  TokenTexts texts_of(const AnswerPlan& answer) const override {
    ++n_told;
    std::vector<std::string> pieces;
    for (const Token token : answer.targets) pieces.emplace_back(1, static_cast<char>(token));
    return tells_texts ? token_texts(pieces) : TokenTexts();
  }

  Status score(PlanSource& source, const ScoreSink& sink, std::stop_token stop) override {
    while (const auto i = wait_for_next(source, stop)) {
      if (n_scored == fail_after) return fail(ErrorCode::kFailed, "the model failed");
      ++n_scored;
      if (!refused.empty() && n_scored == 3) {
        if (!sink(*i, {{}, refused})) break;
        continue;
      }
      QuestionScore score;
      for (const AnswerPlan& answer : source.plans()[*i].answers) {
        auto& values = score.answers.emplace_back().token_log_probs;
        for (const Token token : answer.targets) values.push_back(-0.01F * static_cast<float>(token) - shift);
      }
      if (!sink(*i, std::move(score))) break;
    }
    return {};
  }

  ModelDescription description_;
  Token first_token_ = 1;
  float shift = 0;
  bool tells_texts = true;
  mutable int64_t n_told = 0;
  int64_t n_scored = 0;
  int64_t fail_after = -1;
  std::string refused;  // of the third question
};

Dataset made_dataset(int n) {
  Dataset dataset{"made", "made.jsonl", "abcd", {}};
  for (int i = 0; i < n; ++i) {
    const std::string number = std::to_string(i);
    dataset.questions.push_back({"t/" + number,
                                 "t",
                                 "Question " + number + "?",
                                 {{"Yes " + number, 3}, {"No.", 1}, {"Perhaps, if " + number, 2}}});
  }
  return dataset;
}

class KeepingTest : public testing::Test {
 protected:
  hre::Run evaluate_with(FakeScorer& scorer, const Dataset& dataset, EvalOptions options = {}) {
    scorer.n_scored = 0;
    SilentProgress progress;
    auto run = evaluate(dataset, scorer, options, progress, {}, keeping_);
    if (!run) ADD_FAILURE() << run.error().text();
    return run ? std::move(*run) : hre::Run();
  }

  Scratch scratch_;
  Keeping keeping_ = {.store = scratch_.path("runs.db"), .explain = true};
  Dataset dataset_ = made_dataset(12);
};

TEST_F(KeepingTest, EachPartOfTheKeyAloneBringsARescoring) {
  FakeScorer first;
  evaluate_with(first, dataset_);
  EXPECT_EQ(first.n_scored, 12);
  evaluate_with(first, dataset_);
  EXPECT_EQ(first.n_scored, 0);

  std::vector<std::pair<std::string, std::function<void(FakeScorer&)>>> changes = {
      {"weights", [](FakeScorer& scorer) { scorer.description_.fingerprint = "11112223"; }}};
  for (const auto& setting : first.description_.settings) {
    const std::string name = setting.first;
    changes.push_back({name, [name](FakeScorer& scorer) {
                         for (auto& [other, value] : scorer.description_.settings) {
                           if (other == name) value += "'";
                         }
                       }});
  }
  for (const auto& [name, change] : changes) {
    FakeScorer scorer;
    change(scorer);
    const hre::Run run = evaluate_with(scorer, dataset_);
    EXPECT_EQ(scorer.n_scored, 12) << name;
    ASSERT_EQ(run.explanation.size(), 2U) << name;
    const std::string said = name == "weights" ? "the weights differ" : name + " is '";
    EXPECT_NE(run.explanation[1].find(said), std::string::npos) << run.explanation[1];
    evaluate_with(scorer, dataset_);
    EXPECT_EQ(scorer.n_scored, 0) << name;
  }
}

TEST_F(KeepingTest, AModelThatNothingIdentifiesIsRefused) {
  FakeScorer scorer;
  scorer.description_.fingerprint = "";
  scorer.description_.source = "";
  SilentProgress progress;
  const auto run = evaluate(dataset_, scorer, {}, progress, {}, keeping_);
  ASSERT_FALSE(run);
  EXPECT_NE(run.error().text().find("fake: a store can't tell this model from others: it has no fingerprint"),
            std::string::npos)
      << run.error().text();
  EXPECT_EQ(scorer.n_scored, 0);
  EXPECT_TRUE(evaluate(dataset_, scorer, {}, progress, {}, {}));
}

TEST_F(KeepingTest, ASettingThatIsNewOrGone) {
  FakeScorer scorer;
  evaluate_with(scorer, dataset_);
  scorer.description_.settings.push_back({"quantiser", "a"});
  EXPECT_NE(evaluate_with(scorer, dataset_).explanation[1].find("quantiser is 'a' and was not recorded"),
            std::string::npos);
  EXPECT_EQ(scorer.n_scored, 12);
}

TEST_F(KeepingTest, TheTextIsPartOfTheKey) {
  FakeScorer scorer;
  evaluate_with(scorer, dataset_);
  Dataset other = dataset_;
  other.questions[3].text += " ";
  other.questions[7].answers[1].text = "Nope.";
  std::swap(other.questions[9].answers[0].text, other.questions[9].answers[1].text);
  evaluate_with(scorer, other);
  EXPECT_EQ(scorer.n_scored, 3);
  evaluate_with(scorer, dataset_, {.prompt = "Q: {question}\nA: {answer}"});
  EXPECT_EQ(scorer.n_scored, 12);
}

TEST_F(KeepingTest, TokensAreWhereTheyDontFollowFromTheText) {
  FakeScorer scorer;
  scorer.description_.tokens_follow_from_text = false;
  evaluate_with(scorer, dataset_);
  evaluate_with(scorer, dataset_);
  EXPECT_EQ(scorer.n_scored, 0);
  scorer.first_token_ = 2;
  evaluate_with(scorer, dataset_);
  EXPECT_EQ(scorer.n_scored, 12);
}

TEST_F(KeepingTest, NamesAndPlacesAreNot) {
  FakeScorer scorer;
  const hre::Run before = evaluate_with(scorer, dataset_);
  scorer.description_.name = "moved";
  scorer.description_.source = "/elsewhere/moved.gguf";
  Dataset renamed = dataset_;
  renamed.name = renamed.source = "renamed";
  const hre::Run after = evaluate_with(scorer, renamed);
  EXPECT_EQ(scorer.n_scored, 0);
  EXPECT_EQ(before.questions[5].answers[0].sum_log_prob, after.questions[5].answers[0].sum_log_prob);
}

TEST_F(KeepingTest, GoesOnAfterAModelThatFails) {
  FakeScorer scorer;
  scorer.fail_after = 5;
  const hre::Run partial = evaluate_with(scorer, dataset_);
  EXPECT_TRUE(partial.failure);
  EXPECT_EQ(partial.questions.size(), 5U);
  scorer.fail_after = -1;
  const hre::Run whole = evaluate_with(scorer, dataset_);
  EXPECT_EQ(scorer.n_scored, 7);
  keeping_.store.clear();
  const hre::Run alone = evaluate_with(scorer, dataset_);
  ASSERT_EQ(whole.questions.size(), alone.questions.size());
  for (size_t i = 0; i < alone.questions.size(); ++i) {
    EXPECT_EQ(whole.questions[i].id, alone.questions[i].id);
    EXPECT_TRUE(store::are_equal(whole.questions[i].answers, alone.questions[i].answers)) << i;
    EXPECT_EQ(whole.questions[i].metrics.pearson, alone.questions[i].metrics.pearson);
  }
}

TEST_F(KeepingTest, TextsOfTokensAreAskedForWhereTheyAreWanted) {
  const auto loaded = [&] {
    auto opened = RunStore::open(keeping_.store);
    auto run = opened->load("last");
    if (!run) ADD_FAILURE() << run.error().text();
    return run ? std::move(run->questions) : std::vector<QuestionResult>();
  };
  FakeScorer scorer;
  EvalOptions kept;
  kept.shuffle = false;
  kept.keep_tokens = true;
  evaluate_with(scorer, dataset_);
  EXPECT_EQ(scorer.n_told, 0);
  EXPECT_TRUE(loaded()[0].answers[0].token_texts.ends.empty());

  scorer.tells_texts = false;  // as stores of old have them
  evaluate_with(scorer, dataset_, kept);
  EXPECT_EQ(scorer.n_scored, 12);
  EXPECT_FALSE(loaded()[0].answers[0].token_log_probs.empty());
  EXPECT_TRUE(loaded()[0].answers[0].token_texts.ends.empty());

  scorer.tells_texts = true;
  const hre::Run told = evaluate_with(scorer, dataset_, kept);
  EXPECT_EQ(scorer.n_scored, 0);
  EXPECT_EQ(told.questions[11].answers[2].token_texts.text, " " + dataset_.questions[11].answers[2].text);

  scorer.n_told = 0;
  const hre::Run again = evaluate_with(scorer, dataset_, kept);
  EXPECT_EQ(scorer.n_told, 0);
  const auto stored = loaded();
  ASSERT_EQ(stored.size(), told.questions.size());
  for (size_t i = 0; i < stored.size(); ++i) {
    EXPECT_TRUE(store::are_equal(stored[i].answers, told.questions[i].answers)) << i;
    EXPECT_TRUE(store::are_equal(again.questions[i].answers, told.questions[i].answers)) << i;
  }
}

TEST_F(KeepingTest, AnAdditiveChangeIsFoundByARecheck) {
  FakeScorer scorer;
  evaluate_with(scorer, dataset_);
  scorer.shift = 1e-6F;
  keeping_.recheck = 0.1;
  SilentProgress progress;
  const auto run = evaluate(dataset_, scorer, {}, progress, {}, keeping_);
  ASSERT_FALSE(run);
  EXPECT_NE(run.error().message.find("stored answers are wrong"), std::string::npos);
}

TEST_F(KeepingTest, EarlyStoppedRunsAreKeptAndGoOn) {
  const Dataset large = made_dataset(400);
  const UntilOptions until{.width = 1.0};
  const auto run = [&](FakeScorer& scorer) {
    scorer.n_scored = 0;
    SilentProgress progress;
    Scorer* const scorers[] = {&scorer};
    auto runs = evaluate_until(large, scorers, {}, until, progress, {}, keeping_);
    if (!runs) ADD_FAILURE() << runs.error().text();
    return runs ? std::move(runs->front()) : hre::Run();
  };
  FakeScorer scorer;
  const hre::Run first = run(scorer);
  ASSERT_TRUE(first.early_stop);
  EXPECT_TRUE(first.early_stop->reached);
  EXPECT_FALSE(first.partial());
  EXPECT_LT(first.questions.size(), 400U);
  EXPECT_EQ(scorer.n_scored, static_cast<int64_t>(first.questions.size())) << "this scorer has one question at a time";
  const hre::Run again = run(scorer);
  EXPECT_EQ(scorer.n_scored, 0);
  ASSERT_EQ(again.questions.size(), first.questions.size());
  for (size_t i = 0; i < first.questions.size(); ++i) EXPECT_EQ(again.questions[i].id, first.questions[i].id);
  const auto stored = RunStore::open(keeping_.store)->load("last");
  ASSERT_TRUE(stored) << stored.error().text();
  EXPECT_EQ(stored->questions.size(), first.questions.size());
  EXPECT_EQ(stored->early_stop, first.early_stop);

  const hre::Run whole = evaluate_with(scorer, large);
  EXPECT_EQ(scorer.n_scored, 400 - static_cast<int64_t>(first.questions.size()));
  EXPECT_EQ(whole.questions.size(), 400U);
  EXPECT_EQ(RunStore::open(keeping_.store)->list()->size(), 2U);

  keeping_.store = scratch_.path("fresh.db");
  scorer.fail_after = 5;
  const hre::Run partial = run(scorer);
  EXPECT_TRUE(partial.failure);
  EXPECT_TRUE(partial.partial());
  scorer.fail_after = -1;
  const hre::Run resumed = run(scorer);
  EXPECT_EQ(scorer.n_scored, static_cast<int64_t>(first.questions.size()) - 5);
  EXPECT_EQ(resumed.questions.size(), first.questions.size());
}

TEST_F(KeepingTest, AQuestionThatAServerRefusesIsCountedAndTriedAgain) {
  FakeScorer scorer;
  scorer.refused = "the server answers 400: too long";
  const hre::Run run = evaluate_with(scorer, dataset_);
  EXPECT_FALSE(run.failure);
  EXPECT_EQ(std::ranges::count(run.questions, "the server answers 400: too long", &QuestionResult::problem), 1);
  scorer.refused.clear();
  const hre::Run again = evaluate_with(scorer, dataset_);
  EXPECT_EQ(scorer.n_scored, 1);
  EXPECT_EQ(std::ranges::count(again.questions, "", &QuestionResult::problem), 12);
}

TEST_F(KeepingTest, QuestionsThatCantBeScoredAreKeptAsSuch) {
  FakeScorer scorer;
  dataset_.questions[2].answers[0].text = "";
  const hre::Run run = evaluate_with(scorer, dataset_);
  auto opened = RunStore::open(keeping_.store);
  ASSERT_TRUE(opened);
  const auto loaded = opened->load("last");
  ASSERT_TRUE(loaded) << loaded.error().text();
  ASSERT_EQ(loaded->questions.size(), 12U);
  for (size_t i = 0; i < 12; ++i) EXPECT_EQ(loaded->questions[i].problem, run.questions[i].problem);
}

}  // namespace
}  // namespace hre
