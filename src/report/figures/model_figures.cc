#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/figures/run_figures.h"
#include "report/figures/scatter.h"

namespace hre {
namespace {

constexpr const char* kAcross = "unset key\nunset grid\nset grid xtics linewidth 0.4 linecolor rgb '#dddddd'\n";

/// Runs by micro mean, the best last: axes go upwards.
std::vector<size_t> by_value(const ReportData& data) {
  std::vector<size_t> order;
  for (size_t i = 0; i < data.runs.size(); ++i) {
    if (data.value(data.summaries[i].micro).mean) order.push_back(i);
  }
  std::ranges::stable_sort(order, [&](size_t a, size_t b) {
    return *data.value(data.summaries[a].micro).mean < *data.value(data.summaries[b].micro).mean;
  });
  return order;
}

/// Points with intervals, one per line of the table: name, value, low, high stand in columns 1 to 4. `axis` is of x.
std::string points_across(const std::vector<std::string>& names, const std::string& label, const std::string& axis) {
  return kAcross + fmt::format(
                       "set ytics {} scale 0\nset yrange [-0.6:{}]\nset xlabel {}\n{}plot data using "
                       "2:0:(valid(3) ? $3 : $2):(valid(4) ? $4 : $2) with xerrorbars linecolor rgb '{}' pointtype 7 "
                       "linewidth 1.1\n",
                       tics(names), static_cast<double>(names.size()) - 0.4, gnuplot_string(label), axis, colour(0));
}

/// With 0, marked, and so few steps over `reach` that their names don't touch.
std::string axis_with_zero(const Interval& reach) {
  return fmt::format(
      "set arrow from 0, graph 0 to 0, graph 1 nohead linewidth 0.8 linecolor rgb '#777777' back\nset xrange "
      "[*<0:0<*]\nset xtics {:g}\n",
      round_step(reach.high - reach.low, 6));
}

void widen(Interval& reach, const std::optional<double>& low, const std::optional<double>& high) {
  reach.low = std::min(reach.low, low.value_or(0));
  reach.high = std::max(reach.high, high.value_or(0));
}

double height_of(size_t lines) { return 0.55 + 0.17 * static_cast<double>(std::max<size_t>(2, lines)); }

Figure overall_mean(const ReportData& data) {
  Figure figure{"overall_mean",
                "The mean of " + data.value_name +
                    " over all questions, by model, with 95 % intervals for other questions of these topics.",
                kColumn,
                0,
                {{"model", "mean", "low", "high", "stderr", "questions"}, {}},
                ""};
  std::vector<std::string> names;
  Interval reach{0, 0};
  for (const size_t i : by_value(data)) {
    const Estimate& e = data.value(data.summaries[i].micro);
    widen(reach, e.ci_low ? e.ci_low : e.mean, e.ci_high ? e.ci_high : e.mean);
    figure.table.rows.push_back(
        {data.labels[i], cell(e.mean), cell(e.ci_low), cell(e.ci_high), cell(e.stderr_), std::to_string(e.n)});
    names.push_back(shortened(data.labels[i], 26));
  }
  figure.height = height_of(names.size());
  figure.script = points_across(
      names, (data.of_logs ? "mean of " + data.value_name : data.benchmark + " (mean of " + data.value_name + ")"),
      axis_with_zero(reach));
  return figure;
}

/// Lower is better: the best stands last, as in the others.
std::optional<Figure> bits_per_byte(const ReportData& data) {
  Figure figure{
      "bits_per_byte",
      "Bits per byte of all answers, given their questions, by model, with 95 % intervals for other questions "
      "of these topics. Lower is better.",
      kColumn,
      0,
      {{"model", "mean", "low", "high", "stderr", "questions"}, {}},
      ""};
  std::vector<size_t> order;
  const auto bits = [&](size_t i) -> const Estimate& { return data.summaries[i].micro.bits_per_byte; };
  for (size_t i = 0; i < data.runs.size(); ++i) {
    if (bits(i).mean) order.push_back(i);
  }
  if (order.empty()) return std::nullopt;
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return *bits(a).mean > *bits(b).mean; });
  std::vector<std::string> names;
  for (const size_t i : order) {
    const Estimate& e = bits(i);
    figure.table.rows.push_back(
        {data.labels[i], cell(e.mean), cell(e.ci_low), cell(e.ci_high), cell(e.stderr_), std::to_string(e.n)});
    names.push_back(shortened(data.labels[i], 26));
  }
  figure.height = height_of(names.size());
  figure.script = points_across(names, "bits per byte (lower is better)", "set offsets graph 0.05, graph 0.05, 0, 0\n");
  return figure;
}

/// A compared run's label.
const std::string& label_of(const ReportData& data, size_t compared) { return data.labels[data.compared[compared]]; }

/// At most so many pairs: all of few runs, else the best against each other one.
std::vector<ComparedPair> pairs_to_show(const Comparison& comparison) {
  constexpr size_t kMost = 15;
  if (comparison.pairs.size() <= kMost) return comparison.pairs;
  const size_t best = comparison.by_rank().front();
  std::vector<ComparedPair> pairs;
  for (const ComparedPair& pair : comparison.pairs) {
    if (pair.a == best || pair.b == best) pairs.push_back(pair);
  }
  return pairs;
}

Figure forest(const ReportData& data) {
  Figure figure{"forest",
                "Paired differences of " + data.value_name +
                    " between models, over the questions that all have, with 95 % intervals by a topic-stratified "
                    "bootstrap, for other questions of these topics.",
                kPage,
                0,
                {{"pair", "difference", "low", "high", "p", "p_holm", "questions"}, {}},
                ""};
  std::vector<std::string> names;
  std::vector<ComparedPair> pairs = pairs_to_show(*data.comparison);
  std::ranges::reverse(pairs);
  Interval reach{0, 0};
  for (const ComparedPair& pair : pairs) {
    const PairedComparison& c = pair.comparison;
    const auto interval = interval_of(c);
    const auto low = interval ? std::optional(interval->low) : std::nullopt;
    const auto high = interval ? std::optional(interval->high) : std::nullopt;
    widen(reach, low ? low : c.difference.mean, high ? high : c.difference.mean);
    const std::string &a = label_of(data, pair.a), &b = label_of(data, pair.b);
    const std::string name = fmt::format("{} − {}", shortened(a, 24), shortened(b, 24));
    figure.table.rows.push_back({fmt::format("{} − {}", a, b), cell(c.difference.mean), cell(low), cell(high),
                                 cell(c.p), cell(c.p_holm), std::to_string(c.questions())});
    names.push_back(name);
  }
  figure.height = height_of(names.size());
  figure.script = points_across(names, "difference of means of " + data.value_name, axis_with_zero(reach));
  return figure;
}

Figure rank_intervals(const ReportData& data) {
  Figure figure{
      "rank_intervals",
      "Ranks of the models (1 is the best), with the ranks that the paired tests leave possible for all models "
      "together at 5 %.",
      kColumn,
      0,
      {{"model", "rank", "low", "high"}, {}},
      ""};
  const auto& runs = data.comparison->runs;
  std::vector<size_t> order = data.comparison->by_rank();
  std::ranges::reverse(order);  // axes go upwards
  std::vector<std::string> names;
  for (const size_t i : order) {
    const RankInterval& rank = runs[i].rank;
    figure.table.rows.push_back(
        {label_of(data, i), cell(rank.rank), cell(rank.interval.low), cell(rank.interval.high)});
    names.push_back(shortened(label_of(data, i), 26));
  }
  figure.height = height_of(names.size());
  figure.script = points_across(
      names, "rank among these models",
      fmt::format("set xrange [0.5:{}.5]\nset xtics {}\n", runs.size(), std::max<size_t>(1, runs.size() / 10)));
  return figure;
}

std::optional<Figure> detection_rate(const ReportData& data) {
  Figure figure{
      "detection_rate",
      "Power by number of questions: the probability that a paired t test at 5 % finds the better model, if the "
      "observed difference is the true one. Bars show the same for the ends of that difference’s 95 % interval. "
      "The clearest pairs are shown, whose differences are likely overstated.",
      kPage,
      2.6,
      {{"pair", "questions", "rate", "low", "high"}, {}},
      ""};
  std::vector<ComparedPair> pairs = pairs_to_show(*data.comparison);
  std::erase_if(pairs, [](const ComparedPair& pair) { return pair.detection.empty(); });
  std::ranges::stable_sort(pairs, [](const ComparedPair& x, const ComparedPair& y) {
    return std::abs(*x.comparison.difference.mean) > std::abs(*y.comparison.difference.mean);
  });
  if (pairs.size() > 6) pairs.resize(6);
  if (pairs.empty()) return std::nullopt;
  std::string plots;
  int64_t fewest = 0;
  for (size_t k = 0; k < pairs.size(); ++k) {
    const bool up = *pairs[k].comparison.difference.mean >= 0;
    const std::string &better = label_of(data, up ? pairs[k].a : pairs[k].b),
                      &worse = label_of(data, up ? pairs[k].b : pairs[k].a);
    const std::string name = fmt::format("{} over {}", better, worse);
    for (const DetectionPoint& point : pairs[k].detection) {
      fewest = fewest == 0 ? point.n : std::min(fewest, point.n);
      figure.table.rows.push_back(
          {name, std::to_string(point.n), cell(point.rate), cell(point.rate95.low), cell(point.rate95.high)});
    }
    plots += fmt::format(
        "{}data using 2:(strcol(1) eq {} ? $3 : NaN):(valid(4) ? $4 : $3):(valid(5) ? $5 : $3) with yerrorlines "
        "linecolor rgb '{}' pointtype {} "
        "title {}",
        k == 0 ? "plot " : ", \\\n     ", gnuplot_string(name), colour(k), 5 + 2 * (k % 5),
        gnuplot_string(shortened(better, 22) + " over " + shortened(worse, 22)));
  }
  figure.script =
      fmt::format("set logscale x\nset xrange [{}:*]\n", 0.9 * static_cast<double>(fewest)) +
      "set xtics (2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000)\nset yrange "
      "[0:1.02]\nset xlabel 'questions'\nset ylabel 'power'\nset key "
      "outside right top\n"
      "set arrow from graph 0, first 0.8 to graph 1, first 0.8 nohead dashtype 2 linewidth 0.7 linecolor rgb '#777777' "
      "back\n" +
      plots + "\n";
  return figure;
}

std::optional<Figure> value_speed(const ReportData& data) {
  Figure figure{
      "value_speed",
      "Value against speed on the machine of the evaluation, with 95 % intervals of the value for other questions of "
      "these topics.",
      kColumn,
      2.5,
      {},
      ""};
  std::vector<ScatterPoint> points;
  for (size_t i = 0; i < data.runs.size(); ++i) {
    const auto speed = data.runs[i].times.tokens_per_second();
    const Estimate& e = data.value(data.summaries[i].micro);
    if (!speed || !e.mean) continue;
    points.push_back({data.labels[i], *speed, *e.mean, e.ci_low, e.ci_high});
  }
  if (points.empty()) return std::nullopt;
  draw_scatter(figure, points,
               {.x_label = "tokens per second",
                .y_label = data.benchmark,
                .x_column = "tokens_per_second",
                .x_log = true,
                .fit = {}});
  return figure;
}

std::optional<Figure> training_steps(const ReportData& data) {
  if (data.trainings.each.empty()) return std::nullopt;
  Figure figure{"training_steps",
                "Value by training step, with 95 % intervals for other questions of these topics.",
                kColumn,
                2.4,
                {{"series", "step", "mean", "low", "high"}, {}},
                ""};
  figure.script = "set xlabel 'training step'\nset ylabel " + gnuplot_string(data.benchmark) +
                  "\nset key bottom right\nset offsets graph 0.03, graph 0.03, graph 0.05, graph 0.05\n";
  size_t n_peaks = 0;
  for (const Training& training : data.trainings.each) {
    if (!training.peak || training.peak->later == 0) continue;
    const double step = training.points[training.peak->point].step;
    figure.script +=
        fmt::format("set arrow from {0:g}, graph 0 to {0:g}, graph 1 nohead back dashtype 2 linecolor rgb '{1}'\n",
                    step, colour(static_cast<size_t>(&training - data.trainings.each.data())));
    ++n_peaks;
  }
  if (n_peaks > 0) {
    figure.caption += n_peaks == 1
                          ? " The dashed line is at the first checkpoint after which none is shown to be better."
                          : " Dashed lines are at each training's first checkpoint after which none is shown to "
                            "be better.";
  }
  size_t k = 0;
  for (const Training& training : data.trainings.each) {
    const std::string& name = training.name;
    for (const TrainingPoint& point : training.points) {
      const Estimate& e = data.value(data.summaries[point.run].micro);
      figure.table.rows.push_back({name, cell(point.step), cell(e.mean), cell(e.ci_low), cell(e.ci_high)});
    }
    figure.script += fmt::format(
        "{}data using (strcol(1) eq {} ? $2 : NaN):3:(valid(4) ? $4 : $3):(valid(5) ? $5 : $3) with yerrorlines "
        "linecolor rgb '{}' pointtype {} "
        "title {}",
        k == 0 ? "plot " : ", \\\n     ", gnuplot_string(name), colour(k), 5 + 2 * (k % 5),
        gnuplot_string(shortened(name, 30)));
    ++k;
  }
  figure.script += "\n";
  return figure;
}

}  // namespace

void model_figures(const ReportData& data, Figures& figures) {
  const auto add_or = [&](std::optional<Figure> figure, const std::string& why) {
    if (figure)
      figures.figures.push_back(std::move(*figure));
    else
      figures.missing.push_back(why);
  };
  if (by_value(data).empty()) {
    figures.missing.emplace_back(
        "overall_mean, forest, rank_intervals, detection_rate, value_speed: no question has a value");
    return;
  }
  figures.figures.push_back(overall_mean(data));
  if (!data.comparison) {
    figures.missing.emplace_back(
        data.runs.size() < 2
            ? "forest, rank_intervals, detection_rate: there is only one run, and these compare several"
            : "forest, rank_intervals, detection_rate: no question has a value in every run");
  } else {
    figures.figures.push_back(forest(data));
    figures.figures.push_back(rank_intervals(data));
    add_or(detection_rate(data),
           fmt::format("detection_rate: the runs share fewer than {} questions, or their values do not differ",
                       kFewestForEffect));
  }
  if (!data.of_logs) {
    add_or(bits_per_byte(data), "bits_per_byte: no run has log-likelihoods and the bytes of its answers");
    add_or(value_speed(data), "value_speed: no run computed tokens (baselines have none)");
  }
  add_or(training_steps(data),
         "training_steps: no two models are named as steps of the same training (NAME-step1000, checkpoint-1000)");
}

}  // namespace hre
