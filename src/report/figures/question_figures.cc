#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/question_metrics.h"
#include "report/figures/run_figures.h"
#include "report/text_table.h"

namespace hre {
namespace {

constexpr double kPoints = 72;
constexpr double kMono = 0.602;  // a character of DejaVu Sans Mono, in sizes of the font
constexpr size_t kMostAnswers = 6;

/// The run to show: the one with the highest mean.
size_t run_to_show(const ReportData& data) {
  size_t best = 0;
  const auto mean = [&](size_t i) { return data.summaries[i].micro.pearson.mean.value_or(-2); };
  for (size_t i = 1; i < data.runs.size(); ++i) best = mean(i) > mean(best) ? i : best;
  return best;
}

/// The question to show: scored by that run, four answers where there are such, different votes, the shortest
/// texts.
const QuestionRow* question_to_show(const ReportData& data, size_t run) {
  const QuestionRow* best = nullptr;
  std::pair<bool, size_t> least;
  for (const QuestionRow& row : data.rows) {
    const QuestionResult* result = row.by_run[run];
    if (row.text == nullptr || result == nullptr || !result->metrics.pearson || result->answers.size() > kMostAnswers ||
        result->answers.size() != row.text->answers.size()) {
      continue;
    }
    size_t length = row.text->text.size();
    for (const Answer& answer : row.text->answers) length += answer.text.size();
    const std::pair<bool, size_t> cost = {result->answers.size() != 4, length};
    if (best == nullptr || cost < least) {
      best = &row;
      least = cost;
    }
  }
  return best;
}

/// Boxes and texts on a page of inches, its origin above on the left; no axes.
class Board {
 public:
  Board(double width, double height) : height_(height) {
    script_ = fmt::format(
        "unset border; unset tics; unset grid; unset key\nset margins 0,0,0,0\nset xrange [0:{}]\nset yrange [0:{}]\n",
        width, height);
  }
  void box(double x, double y, double width, double height, const std::string& fill, const std::string& line) {
    script_ += fmt::format(
        "set object rectangle from {:.4f},{:.4f} to {:.4f},{:.4f} fillcolor rgb '{}' fillstyle solid border linecolor "
        "rgb '{}'\n",
        x, height_ - y, x + width, height_ - y - height, fill, line);
  }
  void text(double x, double y, const std::string& text, const char* align, double size, bool mono,
            const std::string& rgb = "#222222") {
    script_ +=
        fmt::format("set label {} at {:.4f},{:.4f} {} font '{},{}' textcolor rgb '{}' front\n", gnuplot_string(text), x,
                    height_ - y, align, mono ? "DejaVu Sans Mono" : "DejaVu Sans", size, rgb);
  }
  /// Lines of text in a box, cut to it.
  void paragraph(double x, double y, double width, double height, const std::string& words, double size) {
    const int columns = static_cast<int>(width * kPoints / (size * kMono));
    const double line = size * 1.25 / kPoints;
    double at = y + line * 0.6;
    for (const std::string& part : wrapped(words, columns, static_cast<size_t>(height / line))) {
      text(x, at, part, "left", size, true);
      at += line;
    }
  }
  void line(double x0, double y0, double x1, double y1, const std::string& rgb) {
    script_ +=
        fmt::format("set arrow from {:.4f},{:.4f} to {:.4f},{:.4f} nohead linewidth 1.6 linecolor rgb '{}' back\n", x0,
                    height_ - y0, x1, height_ - y1, rgb);
  }
  [[nodiscard]] std::string script() const { return script_ + "plot NaN notitle\n"; }

 private:
  double height_;
  std::string script_;
};

/// Where each answer stands, from 0, the best on top.
std::vector<size_t> places(const QuestionResult& result, double AnswerResult::*value) {
  const std::vector<size_t> order = falling_order(result, value);
  std::vector<size_t> place(order.size());
  for (size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  return place;
}

FigureTable answers_table(const QuestionRow& row, const QuestionResult& result) {
  const auto votes = votes_of(result.answers), scores = scores_of(result.answers);
  const auto people = falling_ranks(result, &AnswerResult::votes), model = falling_ranks(result, &AnswerResult::score);
  FigureTable table{{"topic", "id", "answer", "votes", "score", "rank_people", "rank_model", "beginning"}, {}};
  for (size_t i = 0; i < votes.size(); ++i) {
    table.rows.push_back({row.topic, row.id, letter_of(i), cell(votes[i]), cell(scores[i]), cell(people[i]),
                          cell(model[i]), shortened(row.text->answers[i].text, 80)});
  }
  return table;
}

/// A bar between two places, its number on its right.
void bar(Board& board, double from, double to, double y, const std::string& number, const std::string& rgb) {
  const auto [left, right] = std::minmax(from, to);
  const double width = std::max(0.02, right - left);
  board.box(left, y, width, 0.16, rgb, rgb);
  board.text(left + width + 0.05, y + 0.08, number, "left", 6.5, false);
}

Figure headline(const ReportData& data, const QuestionRow& row, size_t run) {
  const QuestionResult& result = *row.by_run[run];
  const size_t n = result.answers.size();
  Figure figure{"headline",
                "The task at a glance: a model scores the answers to a question by their log-likelihood, and the "
                "scores are correlated with people’s votes.",
                kPage,
                0.62 + 0.56 * static_cast<double>(n),
                answers_table(row, result),
                ""};
  Board board(figure.width, figure.height);
  const double foot = figure.height - 0.34;
  constexpr const char* kDark = "#444444";
  board.text(0.08, 0.12, "A question", "left", 7.5, false);
  board.text(1.98, 0.12, "Its answers, written and voted on by people", "left", 7.5, false);
  board.text(4.72, 0.12, "Votes", "left", 7.5, false, colour(0));
  board.text(5.72, 0.12, "Model’s score", "left", 7.5, false, colour(1));
  board.box(0.08, 0.25, 1.72, foot - 0.31, "#f3f3f3", kDark);
  board.paragraph(0.14, 0.3, 1.6, foot - 0.42, row.text->text, 5.5);
  const auto votes = votes_of(result.answers), scores = scores_of(result.answers);
  const auto [low_vote, high_vote] = std::ranges::minmax(votes);
  const auto [low_score, high_score] = std::ranges::minmax(scores);
  const double least_vote = std::min(0.0, low_vote), score_span = std::max(1e-9, high_score - low_score);
  const double vote_unit = 0.5 / std::max(1e-9, std::max(0.0, high_vote) - least_vote);
  const double no_votes = 4.72 - vote_unit * least_vote;
  for (size_t i = 0; i < n; ++i) {
    const double y = 0.25 + 0.56 * static_cast<double>(i);
    board.box(1.98, y, 2.62, 0.5, "#ffffff", kDark);
    board.text(2.09, y + 0.25, letter_of(i), "center", 8, false);
    board.paragraph(2.22, y + 0.03, 2.34, 0.44, row.text->answers[i].text, 5.5);
    bar(board, no_votes, no_votes + vote_unit * votes[i], y + 0.17, cell(votes[i]), colour(0));
    // Log-likelihoods have no 0 to begin at: the lowest has a bar, too.
    bar(board, 5.72, 5.81 + 0.51 * (scores[i] - low_score) / score_span, y + 0.17, fmt::format("{:.4g}", scores[i]),
        colour(1));
  }
  board.line(no_votes, 0.25, no_votes, foot - 0.06, "#777777");
  board.text(6.82, foot + 0.17,
             fmt::format("{}: Pearson’s r of votes and scores {:.2f}", shortened(data.labels[run], 50),
                         *result.metrics.pearson),
             "right", 7.5, false);
  figure.script = board.script();
  return figure;
}

Figure dialogue(const ReportData& data, const QuestionRow& row, size_t run) {
  const QuestionResult& result = *row.by_run[run];
  const size_t n = result.answers.size();
  Figure figure{"dialogue",
                "One question, with its answers as people and as the model rank them, best on top.",
                kPage,
                0.95 + 0.62 * static_cast<double>(n),
                answers_table(row, result),
                ""};
  Board board(figure.width, figure.height);
  board.box(0.08, 0.06, 6.74, 0.55, "#f3f3f3", "#444444");
  board.paragraph(0.16, 0.1, 6.58, 0.45, row.text->text, 6);
  board.text(1.55, 0.76, "People, by votes", "center", 7.5, false);
  board.text(5.35, 0.76, shortened(data.labels[run], 40) + ", by score", "center", 7.5, false);
  const auto votes = votes_of(result.answers), scores = scores_of(result.answers);
  const auto people = places(result, &AnswerResult::votes), model = places(result, &AnswerResult::score);
  const auto at = [](size_t place) { return 0.88 + 0.62 * static_cast<double>(place); };
  for (size_t i = 0; i < n; ++i) {
    for (const bool left : {true, false}) {
      const double x = left ? 0.08 : 3.88, y = at(left ? people[i] : model[i]);
      board.box(x, y, 2.94, 0.56, "#ffffff", colour(i));
      board.text(x + 0.13, y + 0.17, letter_of(i), "center", 9, false, colour(i));
      board.text(x + 0.04, y + 0.42, left ? cell(votes[i]) : fmt::format("{:.4g}", scores[i]), "left", 5.5, false);
      board.paragraph(x + 0.42, y + 0.03, 2.48, 0.5, row.text->answers[i].text, 5.5);
    }
    board.line(3.02, at(people[i]) + 0.28, 3.88, at(model[i]) + 0.28, colour(i));
  }
  figure.script = board.script();
  return figure;
}

}  // namespace

void question_figures(const ReportData& data, Figures& figures) {
  const size_t run = run_to_show(data);
  const QuestionRow* row = question_to_show(data, run);
  if (row == nullptr) {
    const char* why = data.rows.empty() ? ": the runs have no questions (hre eval keeps them with ‹details›)"
                      : data.dataset    ? ": no question of the best run has a value and up to six answers"
                                        : ": the questions' texts are missing";
    figures.missing.push_back(std::string("headline, dialogue") + why);
    return;
  }
  figures.figures.push_back(headline(data, *row, run));
  figures.figures.push_back(dialogue(data, *row, run));
}

}  // namespace hre
