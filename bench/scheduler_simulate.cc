// The scheduler in simulated time: what a fleet costs, what breaks first, and what the rules for handing out work
// are worth. No model runs. bench_scheduler_simulate [SEED]
//
// Questions cost what real ones do: lengths are drawn log-normally, with prompts of 281 tokens in the mean and answers
// of 135, 818 positions a question. Prints the table of docs/scaling.md.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <queue>
#include <random>
#include <vector>

#include "eval/shard.h"
#include "model/crew/handout.h"

namespace {

constexpr double kMeanPositions = 818;

void require(bool holds, const char* what) {
  if (holds) return;
  fmt::print("FAILED: {}\n", what);
  std::exit(1);
}

std::vector<double> made_costs(size_t n, std::mt19937& random) {
  std::lognormal_distribution<double> spread(-0.32, 0.8);  // mean 1
  std::vector<double> costs(n);
  for (double& cost : costs) cost = kMeanPositions * spread(random);
  return costs;
}

struct Fleet {
  int workers = 1;
  double tokens_per_second = 1;  // of one worker
  double hand_out_seconds = 0;   // of the one that hands out, a question
  double mean_life_seconds = 0;  // of a worker; 0: it never dies
  double slow_share = 0;         // of the workers that run at half speed
};

struct Outcome {
  double seconds = 0;
  double efficiency = 0;  // work by what all workers could have done in that time
  int lost = 0;
};

// Hands out by the order that Handout gives; a worker that dies loses its question, and comes back never.
Outcome simulate(const std::vector<double>& costs, const Fleet& fleet, bool longest_first, std::mt19937& random) {
  std::vector<size_t> order(costs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (longest_first) std::ranges::stable_sort(order, std::greater<>(), [&](size_t piece) { return costs[piece]; });
  size_t next = 0;
  hre::Handout handout([&]() -> hre::NextPlan {
    if (next == order.size()) return {};
    return {hre::NextPlan::Kind::kQuestion, order[next++]};
  });
  struct Event {
    double at;
    int worker;
    size_t piece;
    bool dies;
    bool operator>(const Event& other) const { return at > other.at; }
  };
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
  std::exponential_distribution<double> life(fleet.mean_life_seconds > 0 ? 1 / fleet.mean_life_seconds : 1);
  std::vector<double> dies_at(static_cast<size_t>(fleet.workers), 1e300),
      speed(dies_at.size(), fleet.tokens_per_second);
  for (size_t i = 0; i < dies_at.size(); ++i) {
    if (fleet.mean_life_seconds > 0) dies_at[i] = life(random);
    if (static_cast<double>(i) < fleet.slow_share * fleet.workers) speed[i] /= 2;
  }
  double master_free = 0, now = 0;
  std::vector<int> idle(dies_at.size());
  std::iota(idle.begin(), idle.end(), 0);
  Outcome outcome;
  while (true) {
    while (!idle.empty()) {
      const hre::NextPlan given = handout.next();
      if (given.kind != hre::NextPlan::Kind::kQuestion) break;
      const size_t piece = given.index;
      const int worker = idle.back();
      idle.pop_back();
      master_free = std::max(master_free, now) + fleet.hand_out_seconds;
      const double end = master_free + costs[piece] / speed[static_cast<size_t>(worker)];
      const bool dies = end > dies_at[static_cast<size_t>(worker)];
      events.push({dies ? std::max(now, dies_at[static_cast<size_t>(worker)]) : end, worker, piece, dies});
    }
    if (handout.finished()) break;
    require(!events.empty(), "a worker is left");
    const Event event = events.top();
    events.pop();
    now = event.at;
    if (event.dies) {
      ++outcome.lost;
      handout.lost(event.piece);
      continue;
    }
    handout.done();
    idle.push_back(event.worker);
  }
  const double work = std::accumulate(costs.begin(), costs.end(), 0.0);
  const double power = std::accumulate(speed.begin(), speed.end(), 0.0);
  outcome.seconds = now;
  outcome.efficiency = work / (now * power);
  return outcome;
}

// Fixed shares by text, as --shard makes them.
double shard_efficiency(const std::vector<double>& costs, int n) {
  hre::Dataset dataset;
  for (const double cost : costs) {
    dataset.questions.push_back(
        {"t/" + std::to_string(dataset.questions.size()), "t", std::string(static_cast<size_t>(cost), 'x'), {}});
  }
  std::vector<size_t> selected(costs.size());
  std::iota(selected.begin(), selected.end(), size_t{0});
  double longest = 0, total = 0;
  size_t places = 0;
  for (int i = 1; i <= n; ++i) {
    double load = 0;
    for (const size_t place : hre::places_of_shard(dataset, selected, {i, n})) load += costs[place], ++places;
    longest = std::max(longest, load);
    total += load;
  }
  require(places == costs.size(), "every question is in one shard");
  return total / (longest * n);
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned seed = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 1;
  std::mt19937 random(seed);
  const std::vector<double> costs = made_costs(7000, random);
  const double mean = std::accumulate(costs.begin(), costs.end(), 0.0) / 7000;
  fmt::print("seed {}: 7,000 questions of {:.0f} positions in the mean, the longest {:.1f} times that\n\n", seed, mean,
             *std::max_element(costs.begin(), costs.end()) / mean);

  fmt::print("one model, workers of 10,000 tokens/s, 0.2 ms to hand out a question\n");
  fmt::print("{:>8} {:>10} {:>14} {:>14} {:>12}\n", "workers", "seconds", "longest first", "as they come", "--shard");
  for (const int n : {1, 2, 8, 64, 256, 1000}) {
    const Fleet fleet{n, 10000, 0.0002, 0, 0};
    const Outcome best = simulate(costs, fleet, true, random), plain = simulate(costs, fleet, false, random);
    require(best.efficiency <= 1.0001 && best.seconds <= plain.seconds * 1.05, "longest first does not lose");
    fmt::print("{:>8} {:>10.1f} {:>14.3f} {:>14.3f} {:>12.3f}\n", n, best.seconds, best.efficiency, plain.efficiency,
               shard_efficiency(costs, n));
  }

  fmt::print("\n64 workers, a quarter of them at half speed, and workers that die\n");
  for (const auto& [name, life, slow] : {std::tuple("all equal", 0.0, 0.0), std::tuple("a quarter slow", 0.0, 0.25),
                                         std::tuple("mean life 60 s", 60.0, 0.0)}) {
    const Outcome outcome = simulate(costs, {64, 10000, 0.0002, life, slow}, true, random);
    fmt::print("{:>16}: {:>7.1f} s, efficiency {:.3f}, {} workers lost, every question scored once\n", name,
               outcome.seconds, outcome.efficiency, outcome.lost);
  }

  fmt::print("\nwhat handing out costs: 1,000 workers of 10,000 tokens/s\n");
  for (const double seconds : {0.00002, 0.0002, 0.002, 0.02}) {
    const Outcome outcome = simulate(costs, {1000, 10000, seconds, 0, 0}, true, random);
    fmt::print("{:>8.2f} ms a question: {:>7.1f} s, efficiency {:.3f}\n", 1000 * seconds, outcome.seconds,
               outcome.efficiency);
  }
  return 0;
}
