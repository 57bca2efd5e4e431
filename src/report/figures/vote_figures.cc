#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "analysis/votes.h"
#include "report/figures/run_figures.h"

namespace hre {
namespace {

/// Votes have long tails on both sides: asinh is linear around 0 and logarithmic far out.
constexpr const char* kAxis =
    "set nonlinear {0} via asinh({0}) inverse sinh({0})\n"
    "set {0}tics (-1000, -100, -10, -3, -1, 0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000)\n";

std::string axis(char name) { return fmt::format(fmt::runtime(kAxis), name); }

Figure boxes(const std::vector<TopicVotes>& votes) {
  Figure figure{
      "votes",
      "Votes per answer by topic: the median, the middle half, and the range from the 5th to the 95th percentile.",
      kColumn,
      0,
      {},
      ""};
  figure.table.columns = {"topic", "answers", "p5", "q1", "median", "q3", "p95", "mean"};
  std::vector<std::string> names;
  double low = 0, high = 1;
  for (auto topic = votes.rbegin(); topic != votes.rend(); ++topic) {
    figure.table.rows.push_back({topic->topic, std::to_string(topic->answers), cell(topic->p5), cell(topic->q1),
                                 cell(topic->median), cell(topic->q3), cell(topic->p95), cell(topic->mean)});
    names.push_back(shortened(topic->topic, 22));
    low = std::min(low, topic->p5);
    high = std::max(high, topic->p95);
  }
  figure.height = 0.5 + 0.155 * static_cast<double>(names.size() + 1);
  figure.script =
      axis('x') +
      fmt::format(
          "set xrange [{}:{}]\nset ytics {} scale 0\nset yrange [-0.6:{}]\nset xlabel 'votes per answer'\nunset "
          "grid\nset grid xtics "
          "linewidth 0.4 linecolor rgb '#dddddd'\nunset key\n"
          "plot data using 5:0:3:7 with xerrorbars linecolor rgb '{}' pointtype 0 linewidth 1, \\\n"
          "     '' using 5:0:4:6:(column(0)-0.28):(column(0)+0.28) with boxxyerror fillstyle solid noborder "
          "fillcolor rgb '#9cc4e4', \\\n"
          "     '' using 5:0 with points pointtype 7 pointsize 0.4 linecolor rgb '{}'\n",
          std::sinh(std::asinh(low) - 0.2), std::sinh(std::asinh(high) + 0.2), tics(names),
          static_cast<double>(names.size()) - 0.4, colour(0), colour(1));
  return figure;
}

Figure histograms(const std::vector<TopicVotes>& votes) {
  Figure figure{"appendix_votes", "How many answers have how many votes, topic by topic.", kPage, 0, {}, ""};
  figure.table.columns = {"topic", "low", "high", "share"};
  for (const TopicVotes& topic : votes) {
    for (const VoteBar& bar : topic.bars)
      figure.table.rows.push_back({topic.topic, cell(bar.low), cell(bar.high), cell(bar.share)});
  }
  const size_t columns = std::min<size_t>(5, std::max<size_t>(1, votes.size())),
               rows = (votes.size() + columns - 1) / columns;
  figure.height = 0.52 + 1.05 * static_cast<double>(rows);
  figure.script =
      axis('x') + fmt::format(
                      "set xtics (-100, -10, -1, 0, 1, 10, 100, 1000, 10000) font ',5.5'\nset ytics font "
                      "',5.5'\nset yrange [0:*]\nset xrange [{}:{}]\nunset key\nset title offset 0,-0.7\n"
                      "set multiplot layout {},{} margins 0.06,0.985,{:.3f},{:.3f} spacing 0.04,{:.3f}\n"
                      "set label 1 'votes per answer' at screen 0.52,{:.3f} center\n"
                      "set label 2 'share of answers' at screen 0.012,0.5 center rotate\n",
                      votes.front().bars.front().low, votes.front().bars.back().high, rows, columns,
                      0.42 / figure.height, 1 - 0.2 / figure.height, 0.4 / figure.height, 0.09 / figure.height);
  bool labelled = false;
  for (const TopicVotes& topic : votes) {
    figure.script += fmt::format(
        "set title {} font ',6.5'\nplot data using (strcol(1) eq {} ? $2 : "
        "NaN):(0):2:3:(0):4 with boxxyerror fillstyle solid noborder fillcolor rgb '{}'\n",
        gnuplot_string(shortened(topic.topic, 20)), gnuplot_string(topic.topic), colour(0));
    if (!std::exchange(labelled, true)) figure.script += "unset label\n";
  }
  figure.script += "unset multiplot\n";
  return figure;
}

}  // namespace

void vote_figures(const ReportData& data, Figures& figures) {
  const std::vector<TopicVotes> votes = vote_distributions(data.runs);
  if (votes.empty()) {
    figures.missing.emplace_back(
        data.rows.empty() ? "votes, appendix_votes: the runs have no questions (hre eval keeps them with ‹details›)"
                          : "votes, appendix_votes: no question was scored");
    return;
  }
  figures.figures.push_back(boxes(votes));
  figures.figures.push_back(histograms(votes));
}

}  // namespace hre
