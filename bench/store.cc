// The store of runs: bytes per answer, the start of an evaluation of which all is stored, and what storing costs.
//   bench_store [QUESTIONS] [FOLDER]     default 250000 questions of four answers, in a folder of its own
// Every part checks what it reads before it prints a time.
#include "hre/store.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "hre/evaluate.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void require(bool holds, const char* what) {
  if (holds) return;
  fmt::print(stderr, "wrong: {}\n", what);
  std::exit(1);
}

/// Scores at once, or in so much time a question.
class MadeUpModel final : public hre::Scorer {
 public:
  explicit MadeUpModel(std::chrono::microseconds pause = {}) : pause_(pause) {
    description_.name = description_.source = "made-up";
    description_.fingerprint = "0123456789abcdef0123456789abcdef";
    description_.settings = {{"engine", "none"}, {"max_length", "2048"}};
  }
  const hre::ModelDescription& describe() const override { return description_; }
  hre::Result<hre::QuestionPlan> plan(hre::ScoringRequest request) const override {
    hre::QuestionPlan plan;
    for (const std::string& continuation : request.continuations) {
      plan.answers.push_back({{}, std::vector<hre::Token>(continuation.size() / 4 + 1), 0, 0});
    }
    return plan;
  }
  hre::Status score(hre::PlanSource& source, const hre::ScoreSink& sink, std::stop_token stop) override {
    while (const auto i = hre::wait_for_next(source, stop)) {
      const auto until = Clock::now() + pause_;
      while (Clock::now() < until) {
      }
      ++scored;
      hre::QuestionScore score;
      for (const auto& answer : source.plans()[*i].answers) {
        score.answers.push_back({std::vector<float>(answer.targets.size(), -1.25F)});
      }
      if (!sink(*i, std::move(score))) break;
    }
    return {};
  }
  int64_t scored = 0;

 private:
  hre::ModelDescription description_;
  std::chrono::microseconds pause_;
};

/// Questions as long as the published ones: 900 characters, and four answers of 500.
hre::Dataset made_dataset(int64_t n, int64_t first) {
  hre::Dataset dataset{"made-up", "made-up", std::to_string(first), {}};
  const std::string filler = "What is the right way to free a list of nodes that other threads still read? ";
  std::string text, answer;
  while (text.size() < 900) text += filler;
  while (answer.size() < 500) answer += filler;
  for (int64_t i = first; i < first + n; ++i) {
    const std::string number = std::to_string(i);
    hre::Question question{"topic/" + number, "topic", number + text, {}};
    for (int a = 0; a < 4; ++a) question.answers.push_back({answer + number, static_cast<double>((i + a * 3) % 7)});
    dataset.questions.push_back(std::move(question));
  }
  return dataset;
}

hre::Run evaluated(const hre::Dataset& dataset, MadeUpModel& model, const std::string& store) {
  hre::SilentProgress progress;
  hre::EvalOptions options;
  options.shuffle = false;
  auto run = hre::evaluate(dataset, model, options, progress, {}, {.store = store});
  require(run && !run->not_kept && !run->partial(), "an evaluation failed");
  return std::move(*run);
}

void fill(const std::string& store, int64_t n_questions) {
  constexpr int64_t kRunQuestions = 7000;
  const auto start = Clock::now();
  for (int64_t first = 0; first < n_questions; first += kRunQuestions) {
    MadeUpModel model;
    evaluated(made_dataset(std::min(kRunQuestions, n_questions - first), first), model, store);
  }
  const double seconds = seconds_since(start);
  const auto bytes = static_cast<double>(std::filesystem::file_size(store));
  const auto answers = static_cast<double>(4 * n_questions);
  fmt::print(
      "{:.0f} answers stored in {:.1f} s ({:.0f} per second, planning included): {:.1f} MiB, {:.1f} bytes per answer\n",
      answers, seconds, answers / seconds, bytes / (1 << 20), bytes / answers);
}

void start_of_a_stored_run(const std::string& store) {
  const hre::Dataset dataset = made_dataset(7000, 0);
  for (int round = 0; round < 5; ++round) {
    MadeUpModel model;
    const auto start = Clock::now();
    const hre::Run run = evaluated(dataset, model, store);
    const double seconds = seconds_since(start);
    require(model.scored == 0 && run.times.reused == 7000, "something was scored again");
    fmt::print("7000 stored questions evaluated in {:.3f} s\n", seconds);
  }
}

/// At 100 questions per second, with and without a store in turn.
void cost_of_storing(const std::string& folder) {
  double with = 0, without = 0;
  for (int round = 0; round < 6; ++round) {
    const hre::Dataset dataset = made_dataset(200, 1000000 + round * 200);
    for (const bool kept : {false, true}) {
      MadeUpModel model(std::chrono::milliseconds(10));
      const hre::Run run = evaluated(dataset, model, kept ? folder + "/cost.db" : "");
      (kept ? with : without) += run.times.score_seconds;
      require(model.scored == 200, "not all was scored");
    }
  }
  fmt::print("scoring at 100 questions/s: {:.3f} s without, {:.3f} s with a store: {:+.2f} %\n", without, with,
             100 * (with / without - 1));
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t n_questions = argc > 1 ? std::atoll(argv[1]) : 250000;
  const std::string folder = argc > 2 ? argv[2] : "/tmp/hre-bench-store-" + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  fill(folder + "/runs.db", n_questions);
  start_of_a_stored_run(folder + "/runs.db");
  cost_of_storing(folder);
  if (argc <= 2) std::filesystem::remove_all(folder);
}
