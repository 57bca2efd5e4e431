#include "report/figures/study_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "analysis/metric.h"
#include "analysis/study.h"
#include "core/text.h"
#include "report/figures/scatter.h"

namespace hre {
namespace {

using Member = StudyView::Member;

/// Three digits, or as many more as tell all sizes apart: series are found by these names.
std::map<double, std::string> size_names(const std::vector<double>& sizes) {
  std::map<double, std::string> names;
  for (int digits = 3; digits <= 17; ++digits) {
    std::set<std::string> distinct;
    for (const double size : sizes) distinct.insert(names[size] = size_text(size, digits, ""));
    if (distinct.size() == names.size()) break;
  }
  return names;
}

/// A family's name as a file's: letters and digits, lower case, and a number where one of its figures' names is taken
/// already.
std::string file_name(const std::string& family, std::set<std::string>& taken) {
  std::string name;
  for (const char c : family) {
    if (c >= 'A' && c <= 'Z')
      name += static_cast<char>(c - 'A' + 'a');
    else
      name += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_';
  }
  if (name.empty()) name = "family";
  const std::string base = name;
  for (int i = 2;; ++i) {
    const std::string all[] = {name, name + "_overall", name + "_spearman", "appendix_" + name,
                               "appendix_" + name + "_spearman"};
    if (std::ranges::none_of(all, [&](const std::string& one) { return taken.contains(one); })) {
      taken.insert(std::begin(all), std::end(all));
      return name;
    }
    name = fmt::format("{}_{}", base, i);
  }
}

std::string metric_title(const std::string& metric) {
  if (metric == "pearson") return "Pearson’s r";
  if (metric == "spearman") return "Spearman’s rho";
  const auto found = find_metric(metric);
  return found ? (*found)->title : metric;
}

/// "HumanRankEval, Pearson’s r"; of logs, their value.
std::string value_title(const StudyView& study, const std::string& metric) {
  return metric == "item" ? study.benchmark : study.benchmark + ", " + metric_title(metric);
}

/// The chance of a metric over all questions, which the members share; 0 in studies that were written without.
double chance_of(const StudyView& study, const std::string& metric) {
  for (const Member& member : study.members) {
    const auto found = member.means.find(metric);
    if (found != member.means.end() && found->second.chance) return *found->second.chance;
  }
  return 0;
}

/// "data using ...": one series of a table whose first columns say panel and series.
std::string series(const std::string& panel, const std::string& name, size_t k, const char* x, const char* with,
                   const std::string& title) {
  return fmt::format(
      "data using (strcol(1) eq {} && strcol(2) eq {} ? {} : NaN):4:(valid(5) ? $5 : $4):(valid(6) ? $6 : $4) with {} "
      "linecolor rgb '{}' pointtype "
      "{} linewidth 1.1 title {}",
      gnuplot_string(panel), gnuplot_string(name), x, with, colour(k), k == 0 ? 6 : 5 + 2 * k,
      title.empty() ? "''" : gnuplot_string(title));
}

struct Family {
  std::string name;
  std::vector<const Member*> members;
  std::vector<double> sizes;        // ascending
  std::vector<std::string> stages;  // in the order of kStages
};

std::vector<Family> families_of(const StudyView& study) {
  std::map<std::string, Family> families;
  for (const Member& member : study.members) {
    Family& family = families[member.family];
    family.name = member.family;
    family.members.push_back(&member);
  }
  std::vector<Family> all;
  for (auto& [name, family] : families) {
    std::set<double> sizes;
    for (const Member* member : family.members) sizes.insert(member->size);
    family.sizes.assign(sizes.begin(), sizes.end());
    for (const Named<Stage>& stage : kStages) {
      if (std::ranges::any_of(family.members, [&](const Member* m) { return m->stage == stage.name; }))
        family.stages.emplace_back(stage.name);
    }
    all.push_back(std::move(family));
  }
  return all;
}

const Member* find(const Family& family, double size, const std::string& stage) {
  for (const Member* member : family.members) {
    if (member->size == size && member->stage == stage) return member;
  }
  return nullptr;
}

using TopicMeans = std::map<std::string, Estimate> Member::*;

/// Panels by size: topics across, a mark with its interval for each stage.
Figure by_topic(const StudyView& study, const Family& family, const std::string& name, const std::vector<double>& sizes,
                TopicMeans means, const std::string& metric) {
  Figure figure{
      name,
      fmt::format("{}: {} by topic, with 95 % intervals for other questions of the topic; the line is chance.",
                  family.name, metric_title(metric)),
      kPage,
      0,
      {{"size", "stage", "topic", "mean", "low", "high", "n"}, {}},
      ""};
  const auto size_of = size_names(family.sizes);
  for (const double size : sizes) {
    for (const std::string& stage : family.stages) {
      const Member* member = find(family, size, stage);
      for (const std::string& topic : study.topics) {
        if (member == nullptr || !(member->*means).contains(topic)) continue;
        const Estimate& e = (member->*means).at(topic);
        figure.table.rows.push_back(
            {size_of.at(size), stage, topic, cell(e.mean), cell(e.ci_low), cell(e.ci_high), std::to_string(e.n)});
      }
    }
  }
  const size_t columns = sizes.size() > 1 ? 2 : 1, lines = (sizes.size() + columns - 1) / columns;
  figure.height = 0.95 + 1.75 * static_cast<double>(lines);
  std::vector<std::string> names;
  for (const std::string& topic : study.topics) names.push_back(shortened(topic, 18));
  figure.script = fmt::format(
      "set xtics {} rotate by 45 right font ',5.5'\nset xrange [-0.6:{}]\nset key top right horizontal font ',6'\n"
      "set multiplot layout {},{} margins 0.07,0.985,{:.3f},{:.3f} spacing 0.07,{:.3f}\nset offsets 0,0,graph 0.18,0\n"
      "set ylabel {} font ',6' offset 1.6,0\n",
      tics(names), static_cast<double>(names.size()) - 0.4, lines, columns, 0.8 / figure.height,
      1 - 0.2 / figure.height, 1.0 / figure.height, gnuplot_string(metric_title(metric)));
  for (const double size : sizes) {
    figure.script += fmt::format("set title {} offset 0,-0.7\n", gnuplot_string(family.name + " " + size_of.at(size)));
    // So that chance is in sight.
    figure.script +=
        fmt::format("plot {} with lines linewidth 0.7 linecolor rgb '#777777' notitle", cell(chance_of(study, metric)));
    size_t k = 0;
    for (const std::string& stage : family.stages) {
      std::string place = "(";  // of a topic, a little beside that of the other stages
      for (size_t t = 0; t < study.topics.size(); ++t)
        place += fmt::format("strcol(3) eq {} ? {} : ", gnuplot_string(study.topics[t]),
                             static_cast<double>(t) +
                                 0.22 * (static_cast<double>(k) - 0.5 * static_cast<double>(family.stages.size() - 1)));
      place += "NaN)";
      figure.script += ", \\\n     " + series(size_of.at(size), stage, k, place.c_str(), "yerrorbars", stage);
      ++k;
    }
    figure.script += "\n";
  }
  figure.script += "unset multiplot\n";
  return figure;
}

/// Sizes across, a line for each stage.
Figure by_size(const StudyView& study, const Family& family, const std::string& name, const std::string& metric) {
  Figure figure{
      name,
      fmt::format("{}: mean of {} over all questions by size, with 95 % intervals for other questions of these topics.",
                  family.name, metric_title(metric)),
      kColumn,
      2.3,
      {{"family", "stage", "size", "mean", "low", "high", "n"}, {}},
      ""};
  std::vector<std::string> names;
  const auto size_of = size_names(family.sizes);
  for (const double size : family.sizes) names.push_back(size_of.at(size));
  std::string plots;
  size_t k = 0;
  for (const std::string& stage : family.stages) {
    std::string place = "(";
    for (size_t s = 0; s < family.sizes.size(); ++s) {
      const Member* member = find(family, family.sizes[s], stage);
      place += fmt::format("$3 == {} ? {} : ", cell(family.sizes[s]),
                           static_cast<double>(s) +
                               0.06 * (static_cast<double>(k) - 0.5 * static_cast<double>(family.stages.size() - 1)));
      if (member == nullptr || !member->means.contains(metric)) continue;
      const Estimate& e = member->means.at(metric);
      figure.table.rows.push_back({family.name, stage, cell(family.sizes[s]), cell(e.mean), cell(e.ci_low),
                                   cell(e.ci_high), std::to_string(e.n)});
    }
    plots += (k == 0 ? "plot " : ", \\\n     ") +
             series(family.name, stage, k, (place + "NaN)").c_str(), "yerrorlines", stage);
    ++k;
  }
  figure.script =
      fmt::format(
          "set xtics {}\nset xrange [-0.4:{}]\nset xlabel 'parameters'\nset ylabel {}\nset offsets 0,0,graph 0.2,graph "
          "0.05\n",
          tics(names), static_cast<double>(names.size()) - 0.6, gnuplot_string(value_title(study, metric))) +
      plots +
      (chance_of(study, metric) == 0
           ? ""
           : fmt::format(", \\\n     {} with lines linewidth 0.7 linecolor rgb '#777777' title 'chance'",
                         cell(chance_of(study, metric)))) +
      "\n";
  return figure;
}

void family_figures(const StudyView& study, const Family& family, std::set<std::string>& taken, Figures& figures) {
  const std::string name = file_name(family.name, taken);
  figures.figures.push_back(by_topic(study, family, name, {family.sizes.back()}, &Member::topics, study.metric));
  figures.figures.push_back(by_topic(study, family, "appendix_" + name, family.sizes, &Member::topics, study.metric));
  figures.figures.push_back(by_size(study, family, name + "_overall", study.metric));
  figures.figures.push_back(by_size(study, family, name + "_spearman", "spearman"));
  if (std::ranges::any_of(family.members, [](const Member* m) { return !m->topics_spearman.empty(); })) {
    figures.figures.push_back(
        by_topic(study, family, "appendix_" + name + "_spearman", family.sizes, &Member::topics_spearman, "spearman"));
  } else {
    figures.missing.push_back("appendix_" + name + "_spearman: the study was written without Spearman's rho by topic");
  }
  if (family.stages.size() < 2)
    figures.missing.push_back(fmt::format("{}: nothing to compare: all of its models are {}", family.name,
                                          family.stages.empty() ? "of no known stage" : family.stages[0]));
}

std::optional<Figure> judgement_figure(const StudyView& study, const StudyView::Judgement& judgement,
                                       const std::string& name) {
  std::vector<ScatterPoint> points;
  for (size_t i = 0; i < study.members.size(); ++i) {
    const auto e = study.members[i].means.find(study.metric);
    if (!judgement.values[i] || e == study.members[i].means.end() || !e->second.mean) continue;
    points.push_back(
        {study.members[i].name, *judgement.values[i], *e->second.mean, e->second.ci_low, e->second.ci_high});
  }
  if (points.empty()) return std::nullopt;
  Figure figure{name,
                fmt::format("Value against {}, with 95 % intervals for other questions of these topics{}.",
                            judgement.name, judgement.line ? ", a least-squares line and its 95 % band" : ""),
                kColumn,
                2.8,
                {},
                ""};
  draw_scatter(figure, points,
               {.x_label = judgement.name,
                .y_label = value_title(study, study.metric),
                .x_column = "judgement",
                .x_log = false,
                .line = judgement.line,
                .fit = judgement.agreement});
  return figure;
}

Figure correlation_matrix_figure(const StudyView& study) {
  Figure figure{
      "corr",
      "Pearson correlations between the value and other judgements, over the models that have both (number of "
      "models below).",
      kColumn,
      0,
      {{"row", "column", "correlation", "models"}, {}},
      ""};
  const size_t n = study.columns.size();
  std::vector<std::string> names, backwards;
  for (const std::string& column : study.columns)
    names.push_back(shortened(column == study.metric ? study.benchmark : column, 20));
  backwards.assign(names.rbegin(), names.rend());
  std::string labels;
  for (size_t r = 0; r < n; ++r) {
    for (size_t c = 0; c < n; ++c) {
      const auto& one = study.matrix[r][c];
      figure.table.rows.push_back({study.columns[r], study.columns[c], cell(one.value), std::to_string(one.n)});
      const char* text = one.value && std::abs(*one.value) > 0.6 ? "#ffffff" : "#222222";
      labels += fmt::format("set label {} at {},{} center font ',6.5' textcolor rgb '{}' front offset 0,0.35\n",
                            gnuplot_string(one.value ? fmt::format("{:.2f}", *one.value) : "–"), c, n - 1 - r, text);
      labels += fmt::format("set label {} at {},{} center font ',5' textcolor rgb '{}' front offset 0,-0.5\n",
                            gnuplot_string(std::to_string(one.n)), c, n - 1 - r, text);
    }
  }
  figure.height = 0.95 + 0.36 * static_cast<double>(n);
  figure.script = labels + fmt::format(
                               "unset key\nunset grid\nset border 0\nset xtics {} rotate by 30 right scale 0\nset "
                               "ytics {} scale 0\nset xrange [-0.5:{}]\nset yrange [-0.5:{}]\nset cbrange [-1:1]\n"
                               "set palette defined (-1 '{}', 0 '#f6f6f6', 1 '{}')\nunset colorbox\n"
                               "plot data using (int($0) % {}):({} - int($0) / {}):3 with image pixels\n",
                               tics(names), tics(backwards), static_cast<double>(n) - 0.5, static_cast<double>(n) - 0.5,
                               colour(1), colour(0), n, n - 1, n);
  return figure;
}

}  // namespace

void study_figures(const StudyView& study, Figures& figures) {
  // Names of other figures, so that no family's are written over them.
  std::set<std::string> taken = {"votes",  "headline",       "dialogue",       "overall_mean",
                                 "forest", "rank_intervals", "value_speed",    "training_steps",
                                 "corr",   "chatarena",      "detection_rate", "appendix_votes"};
  for (size_t i = 0; i < study.judgements.size(); ++i) taken.insert(fmt::format("judgement_{}", i + 1));
  for (const Family& family : families_of(study)) family_figures(study, family, taken, figures);
  bool arena = false;
  for (size_t i = 0; i < study.judgements.size(); ++i) {
    const bool is_arena = !arena && study.judgements[i].name.find("Arena") != std::string::npos;
    arena = arena || is_arena;
    if (auto figure =
            judgement_figure(study, study.judgements[i], is_arena ? "ChatArena" : fmt::format("judgement_{}", i + 1)))
      figures.figures.push_back(std::move(*figure));
    else
      figures.missing.push_back(study.judgements[i].name + ": no model of the study has it");
  }
  if (!arena) figures.missing.emplace_back("ChatArena: the study has no judgement of that name");
  if (study.columns.size() > 1)
    figures.figures.push_back(correlation_matrix_figure(study));
  else
    figures.missing.emplace_back("corr: the study has no judgements");
}

}  // namespace hre
