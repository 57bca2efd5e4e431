#include "model/crew/crew.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "model/crew/forked_crew.h"
#include "model/crew/handout.h"
#include "model/crew/messages.h"

namespace hre {
namespace {

/// Gives each answer its first target as its value. A target of `deadly` kills the process.
class Fake final : public Scorer {
 public:
  explicit Fake(double seconds = 0, Token deadly = -1) : seconds_(seconds), deadly_(deadly) {}
  const ModelDescription& describe() const override { return description_; }
  Result<QuestionPlan> plan(ScoringRequest) const override { return QuestionPlan(); }
  Status score(PlanSource& source, const ScoreSink& sink, std::stop_token stop) override {
    while (const auto i = wait_for_next(source, stop)) {
      std::this_thread::sleep_for(std::chrono::duration<double>(seconds_));
      QuestionScore score;
      for (const AnswerPlan& answer : source.plans()[*i].answers) {
        if (answer.targets[0] == deadly_) raise(SIGKILL);
        score.answers.push_back({{static_cast<float>(answer.targets[0]), 0.5F}});
      }
      if (!sink(*i, std::move(score))) break;
    }
    return {};
  }

 private:
  double seconds_;
  Token deadly_;
  ModelDescription description_;
};

std::vector<QuestionPlan> made_plans(int n) {
  std::vector<QuestionPlan> plans(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) {
    plans[static_cast<size_t>(i)].prefix.assign(static_cast<size_t>(1 + i * 7 % 13), 5);
    plans[static_cast<size_t>(i)].answers = {{{1, 2}, {i, 2}, 0, 0}, {{}, {i + 1000}, 3, 1}};
  }
  return plans;
}

struct Scored {
  Status status;
  std::map<size_t, float> values;
  std::vector<std::string> notes;
};

Scored score(std::unique_ptr<Scorer> fake, const std::vector<QuestionPlan>& plans, int n_workers,
             size_t most = 1000000) {
  Scored result;
  const auto scorer = score_by_crew(
      std::move(fake), [n_workers](Scorer& inner) { return fork_crew(inner, n_workers); },
      [&](const std::string& note) { result.notes.push_back(note); });
  result.status = score_all(*scorer, plans,
                            [&](size_t index, QuestionScore found) {
                              EXPECT_TRUE(result.values.emplace(index, found.answers[0].token_log_probs[0]).second)
                                  << index;
                              return result.values.size() < most;
                            },
                            {});
  return result;
}

TEST(Crew, ScoresEveryPlanOnce) {
  const auto plans = made_plans(100);
  for (const int n : {1, 2, 5, 200}) {
    const Scored scored = score(std::make_unique<Fake>(), plans, n);
    ASSERT_TRUE(scored.status) << scored.status.error().text();
    ASSERT_EQ(scored.values.size(), 100u);
    for (const auto& [index, value] : scored.values) EXPECT_EQ(value, static_cast<float>(index));
  }
  EXPECT_TRUE(score(std::make_unique<Fake>(), {}, 2).status);
}

TEST(Crew, EndsEarlyWhereTheSinkSaysSo) {
  const Scored scored = score(std::make_unique<Fake>(), made_plans(100), 3, 10);
  EXPECT_TRUE(scored.status);
  EXPECT_EQ(scored.values.size(), 10u);
}

TEST(Crew, AQuestionThatKillsWorkersEndsTheWorkAndKeepsTheRest) {
  const Scored scored = score(std::make_unique<Fake>(0, 40), made_plans(60), 8);
  ASSERT_FALSE(scored.status);
  EXPECT_THAT(scored.status.error().message, testing::HasSubstr("signal 9"));
  EXPECT_EQ(scored.notes.size(), static_cast<size_t>(Handout::kMostLosses - 1));
}

/// Kills one child of this process, of those that /proc lists.
void kill_a_child() {
  std::ifstream children("/proc/self/task/" + std::to_string(getpid()) + "/children");
  if (pid_t child = 0; children >> child) kill(child, SIGKILL);
}

TEST(Crew, TheWorkOfAKilledWorkerIsDoneByOthers) {
  Scored result;
  const auto plans = made_plans(60);
  const auto scorer = score_by_crew(
      std::make_unique<Fake>(0.002), [](Scorer& inner) { return fork_crew(inner, 3); },
      [&](const std::string& note) { result.notes.push_back(note); });
  result.status = score_all(*scorer, plans,
                            [&](size_t index, QuestionScore found) {
                              if (result.values.size() == 10 || result.values.size() == 30) kill_a_child();
                              return result.values.emplace(index, found.answers[0].token_log_probs[0]).second;
                            },
                            {});
  ASSERT_TRUE(result.status) << result.status.error().text();
  EXPECT_EQ(result.values.size(), 60u);
  EXPECT_EQ(result.notes.size(), 2u);
}

TEST(Crew, LivesAsLongAsItsScorer) {
  const auto plans = made_plans(20);
  int n_made = 0;
  const auto scorer = score_by_crew(std::make_unique<Fake>(),
                                    [&](Scorer& inner) {
                                      ++n_made;
                                      return fork_crew(inner, 3);
                                    },
                                    {});
  for (int call = 0; call < 5; ++call) {
    size_t n = 0;
    ASSERT_TRUE(score_all(*scorer, plans, [&](size_t, const QuestionScore&) { return ++n > 0; }, {}));
    EXPECT_EQ(n, 20u);
  }
  EXPECT_EQ(n_made, 1);
}

TEST(Handout, AsTheyComeAndLostOnesAgain) {
  size_t next = 0;
  Handout handout([&]() -> NextPlan {
    if (next == 3) return {};
    return {NextPlan::Kind::kQuestion, next++};
  });
  EXPECT_EQ(handout.next().index, 0u);
  EXPECT_EQ(handout.next().index, 1u);
  EXPECT_TRUE(handout.lost(0));
  EXPECT_EQ(handout.next().index, 0u);
  EXPECT_TRUE(handout.lost(0));
  EXPECT_EQ(handout.next().index, 0u);
  EXPECT_EQ(handout.next().index, 2u);
  EXPECT_EQ(handout.next().kind, NextPlan::Kind::kEnd);
  EXPECT_FALSE(handout.finished()) << "three are at work";
  EXPECT_FALSE(handout.lost(0)) << "it has cost three workers";
  EXPECT_EQ(handout.next().index, 0u);
  for (int i = 0; i < 3; ++i) handout.done();
  EXPECT_TRUE(handout.finished());
}

TEST(Messages, ComeBackAsTheyWere) {
  QuestionPlan plan = made_plans(3)[2];
  plan.text = {"context", {" a", "", std::string("\0\xFF", 2)}};
  plan.n_context = 9;
  plan.shares_prefix = false;
  const auto back = unpack_plan(pack_plan(plan));
  ASSERT_TRUE(back);
  EXPECT_EQ(pack_plan(*back), pack_plan(plan));
  EXPECT_EQ(back->answers[1].n_truncated, 3);
  EXPECT_EQ(back->text.continuations, plan.text.continuations);
  EXPECT_FALSE(back->shares_prefix);
  QuestionScore score;
  score.answers = {{{-1.5F, -0.25F}, {" ab", {1, 3}}, 2}, {}};
  score.problem = "too long";
  EXPECT_EQ(pack_score(*unpack_score(pack_score(score))), pack_score(score));
  const auto error = unpack_score(pack_score(input_error("what", "where", "next")));
  EXPECT_EQ(error.error().text(), "where: what; next");
}

TEST(Messages, DamagedOnesAreErrors) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string plan = pack_plan(made_plans(9)[8]);
  for (size_t cut = 0; cut < plan.size(); ++cut) EXPECT_FALSE(unpack_plan(plan.substr(0, cut)));
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = plan;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    (void)unpack_plan(bytes);
    (void)unpack_score(bytes);
  }
}

}  // namespace
}  // namespace hre
