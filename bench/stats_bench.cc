// How fast are paired bootstrap draws? 10,000 draws of 7,000 questions in 14 topics, 20 runs at once.
//
//   bench_stats_bench [--threads N] [--repeats N] [--out FOLDER]
//
// Checks its answers first: the same draws one question at a time, and the same with one thread and two.
// --out writes values.f64 [runs x questions] and deviations.f64 [draws x runs] for bench/stats_bench.py.

#include <fmt/core.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "stats/bootstrap.h"
#include "stats/random.h"

namespace {

using namespace hre;

constexpr size_t kRuns = 20;
constexpr size_t kTopics = 14;
constexpr size_t kQuestionsOfATopic = 500;
constexpr size_t kQuestions = kTopics * kQuestionsOfATopic;

std::vector<std::vector<double>> make_runs() {
  std::vector<std::vector<double>> runs(kRuns, std::vector<double>(kQuestions));
  for (size_t run = 0; run < kRuns; ++run) {
    RandomStream random(1, RandomPurpose::kSimulation, run);
    for (double& value : runs[run]) value = std::tanh(3 * random.uniform() - 1.4);
  }
  return runs;
}

// One draw of one run by the formula in the header, a question at a time.
double plain_draw(const std::vector<double>& values, const std::vector<size_t>& sizes, uint64_t seed, size_t draw) {
  const std::vector<double> pull = influence(values, sizes, Weights::kQuestions);
  double sum = 0;
  for (size_t topic = 0; topic < kTopics; ++topic) {
    RandomStream random(seed, RandomPurpose::kBootstrap, draw, topic);
    uint64_t word = 0;
    for (size_t i = 0; i < kQuestionsOfATopic; ++i) {
      word = i % 2 == 0 ? random.next() : word >> 32;
      sum += pull[topic * kQuestionsOfATopic + ((word & 0xFFFFFFFF) * kQuestionsOfATopic >> 32)];
    }
  }
  return sum;
}

bool answers_are_right(const std::vector<std::vector<double>>& values, const std::vector<std::span<const double>>& runs,
                       const std::vector<size_t>& sizes) {
  const BootstrapDraws one = bootstrap_means(runs, sizes, {.draws = 200, .threads = 1});
  const BootstrapDraws two = bootstrap_means(runs, sizes, {.draws = 200, .threads = 2});
  if (one.deviations != two.deviations) return false;
  for (const size_t draw : {0, 1, 199}) {
    for (size_t run = 0; run < kRuns; ++run) {
      if (std::abs(one.at(draw, run) - plain_draw(values[run], sizes, 42, draw)) > 1e-12) return false;
    }
  }
  return true;
}

void write(const std::string& path, std::span<const double> values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> flags = {{"--threads", "2"}, {"--repeats", "3"}, {"--out", ""}};
  for (int i = 1; i + 1 < argc; i += 2) flags[argv[i]] = argv[i + 1];

  const auto values = make_runs();
  const std::vector<std::span<const double>> runs(values.begin(), values.end());
  const std::vector<size_t> sizes(kTopics, kQuestionsOfATopic);
  if (!answers_are_right(values, runs, sizes)) {
    fmt::print("the draws are not those of the formula\n");
    return 1;
  }
  const BootstrapOptions options{.draws = 10000, .threads = std::atoi(flags["--threads"].c_str())};
  double best = INFINITY;
  BootstrapDraws draws;
  for (int repeat = 0; repeat < std::atoi(flags["--repeats"].c_str()); ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    draws = bootstrap_means(runs, sizes, options);
    best = std::min(best, seconds_since(start));
  }
  fmt::print("hre seconds {:.3f} draws {} questions {} runs {} threads {}\n", best, draws.draws(), kQuestions, kRuns,
             options.threads);
  if (flags["--out"].empty()) return 0;
  std::vector<double> all;
  for (const auto& run : values) all.insert(all.end(), run.begin(), run.end());
  write(flags["--out"] + "/values.f64", all);
  write(flags["--out"] + "/deviations.f64", draws.deviations);
}
