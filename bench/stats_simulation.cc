// Do intervals, tests and confidence sequences hold what they claim? The full counts of what the unit tests check:
//
//   bench_stats_simulation [--quick] [PART...]        coverage and errors, as the table of docs/statistics.md: all, or
//                                                     some of losses, means, differences, summaries, covariates,
//                                                     effects, models, clusters, ceilings, gamma-ceilings, verdicts,
//                                                     tests, stopping, cards
//   bench_stats_simulation --calibration [--quick] [SHAPE...]   neutral values and truths, likewise, for votes that are
//                                                     normal, skewed, tied or, for ceilings, counted; "comparisons" are
//                                                     statistics of pairs and of models
//   bench_stats_simulation --gates [--quick]          verdicts of gates, likewise
//
// Ends with 1 where a bound is missed by more than three standard errors of the simulation.

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <map>
#include <tuple>

#include "analysis/test_calibration.h"
#include "analysis/test_gates.h"
#include "stackexchange/test_measures.h"
#include "stats/test_simulation.h"

namespace {

using namespace hre;
using namespace testing_simulation;

bool all_held = true;
double slack = 0;  // of a bound, for the error of the simulations that follow

void allow_for(int simulations) { slack = 3 * std::sqrt(0.05 * 0.95 / simulations); }

void note(const std::string& what, const std::string& where, double share, const std::string& more, double least,
          double most) {
  const bool held = least - slack <= share && share <= most + slack;
  all_held = all_held && held;
  fmt::print("| {} | {} | {:.1f} %{} | {:.1f} to {:.1f} %{} |\n", what, where, 100 * share, more, 100 * least,
             100 * most, held ? "" : " MISSED");
  std::fflush(stdout);
}

// An interval that is only sometimes there says so. `most` is 1 for intervals that hold at least as often as they say.
void covered(const std::string& what, const std::string& where, const Coverage& coverage, double most = 0.97) {
  if (coverage.given < 0.01) {  // too few to say how often they hold
    fmt::print("| {} | {} | {} | |\n", what, where, coverage.given == 0 ? "none shown" : "shown in less than 1 %");
    return;
  }
  const std::string more = coverage.given < 1 ? fmt::format(" of {:.0f} % shown", 100 * coverage.given) : "";
  note(what, where, coverage.held, more, 0.93, most);
}

// A line for several numbers of questions.
void covered(const std::string& what, const std::string& where, const std::vector<Coverage>& all, double most) {
  if (std::ranges::none_of(all, [](const Coverage& coverage) { return coverage.given >= 0.01; }))
    return covered(what, where, all.front(), most);
  std::string shares;
  bool held = true;
  for (const Coverage& coverage : all) {
    const bool any = coverage.given >= 0.01;
    held = held && (!any || (0.93 - slack <= coverage.held && coverage.held <= most + slack));
    shares += (shares.empty() ? "" : ", ") + (any ? fmt::format("{:.1f}", 100 * coverage.held) : "–");
    if (any && coverage.given < 0.995) shares += fmt::format(" of {:.0f} % shown", 100 * coverage.given);
  }
  all_held = all_held && held;
  fmt::print("| {} | {} | {} % | 93.0 to {:.1f} %{} |\n", what, where, shares, 100 * most, held ? "" : " MISSED");
  std::fflush(stdout);
}

// Every interval of a summary, by the number of questions: of topics as `sizes_of` lays them out.
template <class SizesOf>
void summaries_covered(const std::string& where, const CovariateWorld& world, const std::vector<size_t>& counts,
                       const Effort& effort, SizesOf sizes_of) {
  std::map<std::string, std::vector<Coverage>> rows;
  std::vector<std::string> order;
  std::string numbers;
  for (const size_t n : counts) {
    numbers += (numbers.empty() ? "" : ", ") + std::to_string(n);
    for (const auto& [name, coverage] : testing_calibration::summary_coverage(world, sizes_of(n), effort)) {
      if (!rows.contains(name)) order.push_back(name);
      rows[name].push_back(coverage);
    }
  }
  // Exact intervals hold at least as often as they say; NDCG and the like of two answers have two values, too, and so
  // have few questions' shares of pairs that the later answer wins.
  for (const std::string& name : order)
    covered(name, numbers + " questions " + where, rows[name],
            name.starts_with("Top-1") || name.starts_with("Pairs that") || world.answers == 2 ? 1 : 0.97);
}

const std::vector<size_t> kCounts = {5, 10, 20, 30, 100, 500};

struct Layout {
  std::string name;
  std::vector<size_t> sizes;
};

std::vector<Layout> layouts_of(size_t n) {
  std::vector<Layout> layouts = {{fmt::format("{} in one topic", n), {n}}};
  if (n >= 10) layouts.push_back({fmt::format("{} in 2 topics", n), equal_topics(n, 2)});
  if (n >= 30) layouts.push_back({fmt::format("{} in topics of 5", n), equal_topics(n, n / 5)});
  if (n >= 20) layouts.push_back({fmt::format("{}, a topic of 2 beside the rest", n), {2, n - 2}});
  if (n >= 30) layouts.push_back({fmt::format("{}, a topic of 5 beside the rest", n), {5, n - 5}});
  if (n >= 100) {
    layouts.push_back({fmt::format("{}, a quarter in one topic", n), {n / 4, n - n / 4}});
    std::vector<size_t> small_last = equal_topics(n, 13);
    small_last.push_back(3);
    layouts.push_back({fmt::format("13 topics of {} and one of 3", small_last.front()), small_last});
  }
  layouts.push_back({fmt::format("{} topics of one question", n), single_questions(n)});
  if (n >= 10) layouts.push_back({fmt::format("{}, half in topics of one question", n), mostly_singles(n)});
  return layouts;
}

// Differences of which few are large. Samples with more losses than usual have an interval more often.
void losses(const Effort& effort) {
  const auto line = [&](const std::string& what, Coverage (*coverage)(size_t, double, const Effort&), double others) {
    std::vector<Coverage> all;
    for (const size_t n : {10, 20, 30, 50, 100, 200, 500}) all.push_back(coverage(n, others, effort));
    covered(what, "10, 20, 30, 50, 100, 200, 500", all, 1);
  };
  for (const double others : {0.02, 0.05, 0.1, 0.2, 0.3, 0.5}) {
    line(fmt::format("interval of a paired difference, one question in twenty lost outright, others ± {:g}", others),
         loss_coverage, others);
  }
  for (const double others : {0.05, 0.1, 0.2, 0.3}) {
    line(fmt::format("interval of a paired difference of values without bounds, one question in twenty worse by a "
                     "deviation of the values, others ± {:g} of it",
                     others),
         unbounded_loss_coverage, others);
  }
}

// Differences of two runs by every metric.
void differences(const Effort& all_effort) {
  Effort effort = all_effort;
  effort.draws = 300;
  effort.truth_questions = all_effort.truth_questions / 2;
  std::map<std::string, std::vector<Coverage>> rows;
  for (const size_t n : kCounts) {
    for (const auto& [name, coverage] :
         testing_calibration::metric_difference_coverage({4, 0.5, 0.4, 0.15, 1}, n, effort)) {
      rows[name].push_back(coverage);
    }
  }
  for (const Metric& metric : all_metrics()) {
    if (!metric.of_model) continue;
    covered("interval of a paired difference of " + std::string(metric.title),
            "5, 10, 20, 30, 100, 500 questions of 4 answers", rows[metric.title], 0.97);
  }
}

// Means of Pearson's r in one run and in two, with the parts through length.
void means(const Effort& effort) {
  for (const size_t n : kCounts) {
    const std::string size = std::to_string(n);
    for (const Layout& layout : layouts_of(n)) {
      // Where topics differ, the spread of topics of one question, and of a simple sample, has their differences in it.
      const double most = layout.sizes.size() > 1 ? 1 : 0.97;
      covered("Student's interval of the micro average", layout.name,
              student_coverage(layout.sizes, Weights::kQuestions, effort), most);
      covered("... of the macro average", layout.name, student_coverage(layout.sizes, Weights::kTopics, effort), most);
      covered("bootstrap interval of the micro average", layout.name,
              bootstrap_coverage(layout.sizes, Weights::kQuestions, effort), most);
      covered("... of the macro average", layout.name, bootstrap_coverage(layout.sizes, Weights::kTopics, effort),
              most);
    }
    covered("interval of a paired difference", size, paired_coverage(n, effort));
    if (n >= 10) {
      for (const auto& [newer, name] : {std::pair{equal_topics(n, 2), "2 topics"},
                                        {std::vector<size_t>{2, n - 2}, "a topic of 2 beside the rest"},
                                        {std::vector<size_t>{n / 4, n - n / 4}, "a quarter in one topic"}}) {
        covered("interval of newer questions against 200 older ones", fmt::format("{} newer, {}", n, name),
                older_coverage(newer, equal_topics(200, 2), effort));
      }
    }
    if (n >= 30) {
      const std::vector<size_t> uneven = {n / 2, n / 4, n - n / 2 - n / 4};
      for (const auto& [sizes, name] : {std::pair{equal_topics(n, 5), fmt::format("{} in 5 topics", n)},
                                        {uneven, fmt::format("{} in topics of 2 : 1 : 1", n)},
                                        {mostly_singles(n), fmt::format("{}, half in topics of one question", n)}}) {
        covered("interval of a paired difference", name, paired_topics_coverage(sizes, Weights::kQuestions, effort), 1);
        covered("... with topics of equal weight", name, paired_topics_coverage(sizes, Weights::kTopics, effort), 1);
      }
    }
    covered("Student's interval of Pearson, 3 answers", size, metric_coverage(pearson, 3, n, effort));
    covered("Student's interval of Pearson around 0.35", size, metric_coverage(pearson, 4, n, effort, 0.7));
    covered("Student's interval of Pearson around 0.5", size, metric_coverage(pearson, 4, n, effort, 1.2));
    covered("Student's interval of NDCG, 10 answers", size, metric_coverage(ndcg, 10, n, effort));
    covered("exact interval of Top-1 at chance", size, exact_coverage(n, 0.25, effort), 1);
    const CovariateWorld both{4, 0.5, 0.4, 0.15, 1}, votes{4, 0.5, 0, 0.15, 1}, none{4, 0, 0, 0.15, 1};
    covered("part through length", size, parts_coverage(n, both, false, effort));
    covered("part beyond length", size, parts_coverage(n, both, true, effort));
    covered("through length as a share of the value", size, share_coverage(n, both, effort));
    covered("part through length, scores without", size, parts_coverage(n, votes, false, effort));
    covered("part through length, neither with", size, parts_coverage(n, none, false, effort));
  }
}

// All that a run's summary shows.
void summaries(const Effort& effort) {
  const auto one_topic = [](size_t n) { return std::vector<size_t>{n}; };
  Effort plain = effort;
  plain.draws = 0;
  plain.truth_questions = effort.truth_questions / 2;
  Effort drawn = plain;
  drawn.draws = 300;
  summaries_covered("of 4 answers", {4, 0.5, 0.4, 0.15, 1}, kCounts, drawn, one_topic);
  summaries_covered("of 2 answers", {2, 0.5, 0.4, 0.15, 1}, kCounts, plain, one_topic);
  summaries_covered("of 4 answers with tied votes", {4, 0.5, 0.4, 0.15, 2}, kCounts, plain, one_topic);
  summaries_covered("in topics of 2 : 1 : 1", {4, 0.5, 0.4, 0.15, 1}, {20, 100, 500}, plain, [](size_t n) {
    return std::vector<size_t>{n / 2, n / 4, n - n / 2 - n / 4};
  });
  summaries_covered("half in topics of one question", {4, 0.5, 0.4, 0.15, 1}, {20, 100, 500}, plain, mostly_singles);
}

void covariate_parts(const Effort& effort) {
  for (const auto& [covariate, name] : {std::pair{1, "position"}, {2, "log delay"}}) {
    std::vector<Coverage> through, beyond, shares;
    for (const size_t n : kCounts) {
      const CovariateWorld world{4, 0.5, 0.4, 0.15, 1, covariate};
      through.push_back(parts_coverage(n, world, false, effort));
      beyond.push_back(parts_coverage(n, world, true, effort));
      shares.push_back(share_coverage(n, world, effort));
    }
    const std::string where = "5, 10, 20, 30, 100, 500 questions of 4 answers";
    covered(std::string("part through ") + name, where, through, 0.97);
    covered(std::string("part beyond ") + name, where, beyond, 0.97);
    covered(std::string("through ") + name + " as a share of the value", where, shares, 0.97);
  }
  for (const auto& [covariate, name] : {std::pair{0, "log length"}, {1, "position"}, {2, "log delay"}}) {
    for (const auto& [which, of] :
         {std::pair{&CovariateCorrelations::votes, "votes"}, {&CovariateCorrelations::scores, "scores"}}) {
      std::vector<Coverage> all;
      for (const size_t n : kCounts) {
        all.push_back(correlation_coverage(n, {4, 0.5, 0.4, 0.15, 1, covariate}, which, effort));
      }
      covered(fmt::format("r of {} with {}", of, name), "5, 10, 20, 30, 100, 500 questions of 4 answers", all, 0.97);
    }
  }
  std::vector<Coverage> years;
  for (const size_t n : kCounts) years.push_back(min_k_coverage(n, effort));
  covered("Min-K% of a year", "5, 10, 20, 30, 100, 500 questions of 4 answers", years, 0.97);
}

void effects(const Effort& effort) {
  for (const auto& [spread, name] :
       {std::pair{Spread::kEven, "spread evenly"},
        {Spread::kTails, "with heavy tails"},
        {Spread::kSeldom, "of questions of which one in ten is won or lost outright"},
        {Spread::kVerySeldom, "of questions of which one in twenty is won or lost outright"},
        {Spread::kSeldomLosses, "of questions of which one in twenty is lost outright"},
        {Spread::kSkewed, "that are exponential"}}) {
    for (const double truth : {0.1, 0.4}) {
      std::vector<Coverage> all;
      for (const size_t n : {100, 200, 500, 2000}) {
        all.push_back(effect_coverage({n}, Weights::kQuestions, truth, spread, effort));
      }
      covered(fmt::format("interval of an effect of {:g}, so of the questions needed; differences {}", truth, name),
              "100, 200, 500, 2000", all, 0.97);
    }
  }
  for (const auto& [layout, name] : {std::pair{0, "topics of 2 : 1 : 1"}, {1, "half in topics of one question"}}) {
    std::vector<Coverage> all;
    for (const size_t n : {100, 200, 500}) {
      const std::vector<size_t> sizes = layout == 0 ? std::vector<size_t>{n / 2, n / 4, n / 4} : mostly_singles(n);
      all.push_back(effect_coverage(sizes, Weights::kTopics, 0.1, Spread::kTails, effort));
    }
    covered("interval of an effect of 0.1, topics of equal weight", std::string("100, 200, 500, ") + name, all, 0.97);
  }
}

void models(const Effort& effort) {
  // The values of few models come in steps, so that intervals of ranks hold more often than they say.
  for (const auto& [kind, name] : {std::pair{CorrelationKind::kPearson, "Pearson"},
                                   {CorrelationKind::kSpearman, "Spearman"},
                                   {CorrelationKind::kKendall, "Kendall"}}) {
    for (const double rho : {0.0, 0.5, 0.9, 0.95}) {
      std::vector<Coverage> all;
      for (const size_t n : {4, 5, 10, 15, 30}) all.push_back(agreement_coverage(kind, n, rho, effort));
      covered(fmt::format("agreement over models by {}, {:g}", name, rho), "4, 5, 10, 15, 30 models", all,
              kind == CorrelationKind::kPearson ? 0.97 : 1);
    }
  }
  for (const size_t n : {4, 10, 30}) {
    covered("line through models, in the middle", fmt::format("{} models", n), line_coverage(n, 0, effort));
    covered("line through models, at its end", fmt::format("{} models", n), line_coverage(n, 1, effort));
  }
}

void clusters_of_questions(const Effort& effort) {
  for (const size_t clusters : {4, 6, 10, 30}) {
    const std::string name = fmt::format("{} clusters of 20", clusters);
    covered("cluster-robust interval", name, cluster_coverage(20 * clusters, clusters, false, false, effort));
    covered("bootstrap over clusters", name, cluster_coverage(20 * clusters, clusters, false, true, effort));
    const std::string uneven = fmt::format("{} clusters in 1 : 2 : 3 : 4", clusters);
    covered("cluster-robust interval", uneven, cluster_coverage(20 * clusters, clusters, true, false, effort));
    covered("bootstrap over clusters", uneven, cluster_coverage(20 * clusters, clusters, true, true, effort));
    covered("cluster-robust interval of the macro average, by topic", uneven,
            cluster_coverage(20 * clusters, clusters, true, false, effort, Weights::kTopics));
    covered("bootstrap over topics of the macro average", uneven,
            cluster_coverage(20 * clusters, clusters, true, true, effort, Weights::kTopics));
  }
  for (const auto& [questions, authors, skewed] : {std::tuple{size_t{100}, size_t{60}, false},
                                                   {100, 400, false},
                                                   {100, 400, true},
                                                   {500, 300, false},
                                                   {500, 1000, true}}) {
    covered("cluster-robust interval, four authors per question",
            fmt::format("{} of {} authors{}", questions, authors, skewed ? ", few write most" : ""),
            author_coverage(questions, authors, skewed, effort), 1);
  }
}

void ceilings_of(bool gamma, const Effort& all_effort) {
  Effort effort = all_effort;
  effort.simulations = all_effort.simulations / 10;
  allow_for(effort.simulations);
  const auto share_of_ceiling = [](const Estimate& value, const VoteCeiling& ceiling) {
    RunCeiling run;
    run.ceiling = ceiling;
    run.value = value;
    return run.share_interval();
  };
  std::vector<Coverage> ceilings, shares;
  for (const size_t n : {100, 300, 500, 1000}) {
    const CeilingCoverage coverage = ceiling_coverage({gamma}, n, effort, share_of_ceiling);
    ceilings.push_back(coverage.ceiling);
    shares.push_back(coverage.share);
  }
  const std::string where = "100, 300, 500, 1000", world = gamma ? "gamma" : "log-normal";
  covered("ceiling, where expectations are " + world, where, ceilings, 1);
  covered("value as a share of the ceiling, " + world, where, shares, 1);
}

void ceilings(const Effort& effort) { ceilings_of(false, effort); }
void gamma_ceilings(const Effort& effort) { ceilings_of(true, effort); }

// Equal means: the sign-flip test alone calls a skewed pair different more often.
void verdicts(const Effort& effort) {
  Effort test = effort;
  test.draws = 999;
  for (const auto& [losses, how] :
       {std::pair{std::optional(Losses::kSeldom), "with one large loss in twenty questions"},
        {std::optional(Losses::kButForSeldomGains), "with one large gain in twenty questions"},
        {std::optional<Losses>(), "whose differences are exponential"}}) {
    for (const size_t n : {10, 30, 100, 200, 500}) {
      note(std::string("one of two models of equal means, ") + how + ", is called better", std::to_string(n),
           skewed_errors(n, losses, test), "", 0, 0.055);
    }
  }
  Effort many = test;
  many.simulations = effort.simulations / 5;
  allow_for(many.simulations);
  note("any of 5 equal models is told apart, so a rank is missed", "100", many_run_errors(100, 5, many), "", 0, 0.055);
}

void tests(const Effort& effort) {
  Effort test = effort;
  test.draws = 999;
  for (const size_t n : {8, 30, 100, 200, 500}) {
    const std::string size = std::to_string(n);
    note("paired test calls equal models different at 5 %", size, false_positives(n, test), "", 0, 0.055);
    for (const auto& [losses, how] : {std::pair{Losses::kEverywhere, "everywhere"},
                                      {Losses::kSeldom, "in one question of twenty"},
                                      {Losses::kButForSeldomGains, "everywhere but in one question of twenty"}}) {
      const std::string model = std::string(" a model that loses its margin ") + how;
      note("gate fails" + model, size, gate_errors(n, 0.05, losses, GateVerdict::kFail, test), "", 0, 0.055);
      note("gate passes" + model, size, gate_errors(n, 0.05, losses, GateVerdict::kPass, test), "", 0, 0.055);
    }
  }
  for (const size_t n : {5, 10, 30}) {
    const std::string models = fmt::format("{} models", n);
    note("agreement over unrelated models at 5 %", models, agreement_errors(CorrelationKind::kPearson, n, test), "", 0,
         0.055);
    note("... by Kendall", models, agreement_errors(CorrelationKind::kKendall, n, test), "", 0, 0.055);
    note("stages that are alike told apart at 5 %", models, stage_errors(n, test), "", 0, 0.055);
  }
}

void stopping(const Effort& effort) {
  const Effort sequences{effort.simulations / 2, 0, effort.truth_questions};
  allow_for(sequences.simulations);
  note("confidence sequence ever wrong", "1400 of 14 topics", sequence_errors(1400, 14, sequences), "", 0, 0.05);
  note("confidence sequence ever wrong", "1000 of one topic", sequence_errors(1000, 1, sequences), "", 0, 0.05);
  note("two equal models are ever decided to differ", "1000", paired_sequence_errors(1000, sequences), "", 0, 0.05);
}

// What the card of a built dataset shows: bench_stats_simulation cards.
void cards(const Effort& effort) {
  using namespace stackexchange;
  using testing_measures::CardWorld;
  const std::vector<size_t> counts = {20, 50, 100, 200, 500};
  for (const auto& [world, name] :
       {std::pair{CardWorld{.fewest = 2, .most = 2, .age = 0.4, .length = 0.3}, "of 2 answers"},
        {CardWorld{.fewest = 4, .most = 4, .age = 0.4, .length = 0.3}, "of 4 answers"},
        {CardWorld{.fewest = 2, .most = 10, .age = 0.4, .length = 0.3}, "of 2 to 10 answers"},
        {CardWorld{.fewest = 4, .most = 10, .chosen = 4, .choose = Choice::kSpread, .age = 0.4, .length = 0.3},
         "of 4 answers by `spread`"},
        {CardWorld{.fewest = 2, .most = 10, .chosen = 2, .choose = Choice::kSpread, .age = 0.4, .length = 0.3},
         "of 2 answers by `spread`"},
        {CardWorld{.fewest = 4, .most = 4, .age = 0.15, .length = 0.1}, "of 4 answers, weak effects"},
        {CardWorld{.fewest = 4, .most = 4}, "of 4 answers, no effects"}}) {
    std::map<std::string, std::vector<Coverage>> rows;
    std::vector<std::string> order;
    const auto truths = testing_measures::true_column(world, effort);
    for (const size_t n : counts) {
      for (const auto& [row, coverage] : testing_measures::card_coverage(world, truths, n, effort)) {
        if (!rows.contains(row)) order.push_back(row);
        rows[row].push_back(coverage);
      }
    }
    for (const std::string& row : order) {  // exact intervals hold at least as often as they say
      const bool exact =
          row.starts_with("the accepted") || ((world.most == 2 || world.chosen == 2) && !row.starts_with("share"));
      covered("card: " + row, std::string("20, 50, 100, 200, 500 questions ") + name, rows[row], exact ? 1 : 0.97);
    }
  }
}

struct Part {
  const char* name;
  void (*lines)(const Effort& effort);
};
constexpr Part kParts[] = {{"losses", losses},
                           {"means", means},
                           {"differences", differences},
                           {"summaries", summaries},
                           {"covariates", covariate_parts},
                           {"effects", effects},
                           {"models", models},
                           {"clusters", clusters_of_questions},
                           {"ceilings", ceilings},
                           {"gamma-ceilings", gamma_ceilings},
                           {"verdicts", verdicts},
                           {"tests", tests},
                           {"stopping", stopping},
                           {"cards", cards}};

std::string cells(const std::vector<std::optional<double>>& values) {
  std::string text;
  for (const auto& value : values)
    text += (text.empty() ? "" : ", ") + (value ? fmt::format("{:.3f}", std::abs(*value) < 5e-4 ? 0 : *value) : "–");
  return text;
}

// Of these shapes of votes, all where none is named; "counted" is the ceiling's.
void calibration(size_t questions, const std::vector<std::string>& shapes) {
  fmt::print(
      "| quantity | votes | neutral | came out, with 2, 3, 4, 10, 2 to 10 answers | truth | recovered, likewise |\n"
      "|---|---|---|---|---|---|\n");
  for (int kind = 0; kind < 4; ++kind) {
    const char* shape = kind < 3 ? testing_calibration::kVotes[kind] : "counted";
    if (!shapes.empty() && std::ranges::find(shapes, shape) == shapes.end()) continue;
    for (const auto& line : kind < 3 ? testing_calibration::calibrate(kind, questions)
                                     : testing_calibration::calibrate_ceiling(questions / 20)) {
      fmt::print("| {} | {} | {} | {} | {} | {} |\n", line.quantity, line.votes,
                 line.null.empty() ? "" : fmt::format("{:g}", line.neutral), cells(line.null),
                 line.truth ? fmt::format("{:.3f}", *line.truth) : "", cells(line.recovered));
      std::fflush(stdout);
      for (const auto& value : line.null) {
        all_held = all_held && (!value || std::abs(*value - line.neutral) <= 4 * line.error + line.room);
      }
      for (const auto& value : line.recovered) {
        all_held =
            all_held && (!value || std::abs(*value - *line.truth) <= 4 * line.error + 0.05 * std::abs(*line.truth));
      }
    }
  }
}

void neutral_values(int simulations) {
  fmt::print("| quantity | of | neutral | came out | truth | recovered |\n|---|---|---|---|---|---|\n");
  for (const Neutral& line : neutral_lines(simulations)) {
    const auto cells_of = [](const std::vector<double>& values) {
      return cells(std::vector<std::optional<double>>(values.begin(), values.end()));
    };
    bool held = true;
    for (const double value : line.null) held = held && std::abs(value - line.neutral) <= 4 * line.error;
    for (const double value : line.recovered) {
      held = held && value <= 1.05 * line.truth + 4 * line.error &&
             value >= (0.95 - line.low) * line.truth - 4 * line.error;
    }
    all_held = all_held && held;
    fmt::print("| {} | {} | {:g} | {} | {:.3f} | {}{} |\n", line.quantity, line.counts, line.neutral,
               cells_of(line.null), line.truth, cells_of(line.recovered), held ? "" : " MISSED");
  }
}

// Verdicts of gates, whose margin is 0.1 where single questions' differences have a deviation of 0.5. At the margin
// both verdicts are wrong; at half of it FAIL is, and at 1.5 times PASS.
void gates(const Effort& all_effort) {
  Effort effort = all_effort;
  effort.draws = 999;
  const auto cell = [](const GateShares& shares, bool pass_is_wrong, bool fail_is_wrong) {
    const bool held =
        (!pass_is_wrong || shares.pass <= 0.05 + slack) && (!fail_is_wrong || shares.fail <= 0.05 + slack);
    all_held = all_held && held;
    return fmt::format("{:.1f} %, {:.1f} %{}", 100 * shares.pass, 100 * shares.fail, held ? "" : " MISSED");
  };
  fmt::print(
      "| differences | checks | questions | at the margin: PASS, FAIL | at half the margin | at 1.5 times the margin "
      "|\n"
      "|---|---|---|---|---|---|\n");
  for (const auto& [kind, name] : {std::pair{0, "normal"}, {1, "a few large gains"}, {-1, "a few large losses"}}) {
    const int skew = kind;  // clang 14 captures no structured binding
    for (const size_t checks : {1, 3}) {
      for (const size_t n : {50, 200, 1000}) {
        const auto shares = [&](double margins) {
          return gate_shares({n, checks, -margins * kGateMargin, skew}, effort);
        };
        fmt::print("| {} | {} | {} | {} | {} | {} |\n", name, checks, n, cell(shares(1), true, true),
                   cell(shares(0.5), false, true), cell(shares(1.5), true, false));
        std::fflush(stdout);
      }
    }
  }
  effort.simulations = all_effort.simulations / 2;
  allow_for(effort.simulations);
  for (const size_t n : {200, 1000}) {
    fmt::print("| of two models, looked at after every question | 1 | {} | {} | | |\n", n,
               cell(early_gate_shares(n, effort), true, true));
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto has = [&](const char* option) {
    return std::any_of(argv + 1, argv + argc, [&](const char* given) { return std::strcmp(given, option) == 0; });
  };
  const bool quick = has("--quick");
  if (has("--calibration")) {
    std::vector<std::string> shapes;
    std::copy_if(argv + 1, argv + argc, std::back_inserter(shapes), [](const char* given) { return *given != '-'; });
    if (std::erase(shapes, "comparisons") > 0) {
      neutral_values(quick ? 2000 : 20000);
      if (shapes.empty()) return all_held ? 0 : 1;
    }
    calibration(quick ? 5000 : 100000, shapes);
    return all_held ? 0 : 1;
  }
  const Effort effort = quick ? Effort{500, 500, 100000} : Effort{2000, 500, 500000};
  if (has("--gates")) {
    allow_for(effort.simulations);
    gates(effort);
    return all_held ? 0 : 1;
  }
  const bool some = std::ranges::any_of(kParts, [&](const Part& part) { return has(part.name); });
  fmt::print("| claim | questions | shown by simulation | held to |\n|---|---|---|---|\n");
  for (const Part& part : kParts) {
    allow_for(effort.simulations);
    if (!some || has(part.name)) part.lines(effort);
  }
  return all_held ? 0 : 1;
}
