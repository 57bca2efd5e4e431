#include "report/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "analysis/question_metrics.h"
#include "analysis/scores.h"
#include "analysis/tokens.h"
#include "core/question_name.h"
#include "core/text.h"
#include "core/visible.h"
#include "report/number_text.h"
#include "report/text_table.h"

namespace hre {
namespace {

constexpr int kLetterColours[] = {32, 166, 35, 133, 100, 67};  // of the 256 of a terminal

std::string painted(const std::string& text, const std::string& codes, bool colour) {
  return colour && !text.empty() ? "\x1b[" + codes + "m" + text + "\x1b[0m" : text;
}

std::string rank_text(double rank) {
  return rank == std::floor(rank) ? fmt::format("{:.0f}", rank) : fmt::format("{:.1f}", rank);
}

/// The lines of a text as a terminal of this width shows them, broken at spaces where there are any: from where to
/// where, in bytes.
std::vector<std::pair<size_t, size_t>> lines_of(std::string_view text, int width) {
  std::vector<std::pair<size_t, size_t>> lines;
  for (size_t at = 0; at <= text.size();) {
    const size_t feed = std::min(text.find('\n', at), text.size());
    size_t end = at, space = at;
    for (int columns = 0; end < feed;) {
      const size_t next = character_end(text, end);
      columns += display_width(text.substr(end, next - end));
      if (columns > width && end > at) break;
      end = next;
      if (text[end - 1] == ' ') space = end;
    }
    if (end < feed && space > at) end = space;
    lines.emplace_back(at, end);
    at = end == feed ? end + 1 : end;
  }
  return lines;
}

constexpr std::string_view kIndent = "  ";

/// "score: the answer's log-probability divided by its characters, in nats; the model ranks answers by it."
std::string score_sentence(const Run& run) {
  if (!run.model.normalise_by_characters) return "score: the baseline's; it ranks answers by it.";
  const std::string size = name_of(kScoreSizes, run.score);
  return fmt::format("score: the answer's log-probability{}{}, in nats; the model ranks answers by it.",
                     run.reference ? " minus the reference's," : "", size.empty() ? "" : " divided by its " + size);
}

/// A text's first lines, indented, and how much is left.
std::string laid_out(std::string_view text, int width, size_t most_lines, const std::string& cut) {
  std::string result;
  const auto lines = lines_of(text, width - static_cast<int>(kIndent.size()));
  for (size_t i = 0; i < std::min(lines.size(), most_lines); ++i) {
    std::string_view line = text.substr(lines[i].first, lines[i].second - lines[i].first);
    line = line.substr(0, line.find_last_not_of(' ') + 1);
    result += (line.empty() ? "" : std::string(kIndent)) + std::string(line) + "\n";
  }
  if (lines.size() > most_lines) {
    const auto left = count_code_points(text.substr(lines[most_lines].first));
    result += fmt::format("{}… {} more characters; {}\n", kIndent, left, cut);
  }
  return result;
}

constexpr int kNatsOfShade = 2;  // a step of a token's own; of differences, 1

/// A token's background: nothing for likely ones, then from pale to strong orange; blue where the first run is
/// likelier.
std::string shade(double nats, bool difference) {
  constexpr int kOrange[] = {0, 223, 216, 209, 202}, kBlue[] = {0, 153, 117, 75, 33};
  const double strength = difference ? std::abs(nats) : -nats / kNatsOfShade;
  const int step = std::clamp(static_cast<int>(strength), 0, 4);
  if (!std::isfinite(nats)) return "7";
  return step == 0 ? "" : fmt::format("30;48;5;{}", difference && nats > 0 ? kBlue[step] : kOrange[step]);
}

/// The text in lines, each token with its background.
std::string shaded(const TokenPieces& pieces, bool difference, const ShowOptions& options, int width) {
  constexpr size_t kMost = 1500;
  std::string text;
  std::vector<std::pair<size_t, std::string>> ends;  // of tokens in `text`, and their codes
  size_t from = 0;
  bool is_cut = false;
  for (const TokenPiece& piece : pieces.pieces) {
    is_cut = !options.full && from > kMost;
    if (is_cut) break;
    text += visible_text(pieces.text.substr(from, piece.end - from));
    ends.emplace_back(text.size(), shade(piece.nats, difference));
    from = piece.end;
  }
  std::string result;
  size_t token = 0;
  for (const auto& [begin, end] : lines_of(text, width - static_cast<int>(kIndent.size()))) {
    result += kIndent;
    for (size_t at = begin; at < end && token < ends.size();) {
      const auto& [token_end, codes] = ends[token];
      const size_t until = std::max(at, std::min(end, token_end));  // a line end may be a token of its own
      if (until > at) {
        const std::string part = text.substr(at, until - at);
        result += codes.empty() ? part : painted(part, codes, true);
        at = until;
      }
      if (token_end <= at) ++token;
    }
    result += '\n';
  }
  return is_cut ? result + std::string(kIndent) + "… " + options.cut + "\n" : result;
}

std::string ranks_table(const ReportData& data, const QuestionRow& row, const QuestionResult& any, int width) {
  std::vector<std::string> header = {"answer", "votes", "people"};
  for (const std::string& label : data.labels) {
    header.push_back(label);
    header.insert(header.end(), {"score", "tokens"});
  }
  header.emplace_back("chars");
  TextTable table(std::move(header));
  const auto people = falling_ranks(any, &AnswerResult::votes);
  std::vector<std::vector<double>> ranks;
  for (const QuestionResult* result : row.by_run)
    ranks.push_back(result != nullptr ? falling_ranks(*result, &AnswerResult::score) : std::vector<double>());
  for (const size_t i : falling_order(any, &AnswerResult::votes)) {
    std::vector<std::string> cells = {letter_of(i), format_number(any.answers[i].votes), rank_text(people[i])};
    for (size_t r = 0; r < row.by_run.size(); ++r) {
      const bool there = i < ranks[r].size();
      cells.push_back(there ? rank_text(ranks[r][i]) : "–");
      cells.push_back(there ? fmt::format("{:.3f}", row.by_run[r]->answers[i].score) : "–");
      cells.push_back(there ? std::to_string(row.by_run[r]->answers[i].n_tokens) : "–");
    }
    cells.push_back(std::to_string(any.answers[i].n_chars + any.answers[i].n_cut_chars));
    table.add_row(std::move(cells));
  }
  table.can_spare({"tokens", "tokens", "chars"});
  return table.render(width);
}

const QuestionResult* scored_result(const QuestionRow& row) {
  for (const QuestionResult* result : row.by_run) {
    if (result != nullptr && !result->answers.empty()) return result;
  }
  return nullptr;
}

std::string values_line(const ReportData& data, const QuestionRow& row) {
  std::string text;
  for (size_t i = 0; i < row.by_run.size(); ++i) {
    const QuestionResult* result = row.by_run[i];
    text += visible_line(data.labels[i]) + ": ";
    if (result == nullptr)
      text += "not among this run's questions\n";
    else if (!result->problem.empty())
      text += "not scored: " + visible_line(result->problem) + "\n";
    else
      text += fmt::format("Pearson {}, Spearman {}, Kendall {}\n", two_decimals(result->metrics.pearson),
                          two_decimals(result->metrics.spearman), two_decimals(result->metrics.kendall));
  }
  return text;
}

std::string answer_text(const QuestionRow& row, const QuestionResult& any, size_t i, const ShowOptions& options,
                        int width) {
  const std::string code = fmt::format("1;38;5;{}", kLetterColours[i % std::size(kLetterColours)]);
  std::string text = "\n" +
                     painted(fmt::format("{}  {} {}", letter_of(i), format_number(any.answers[i].votes),
                                         any.answers[i].votes == 1 ? "vote" : "votes"),
                             code, options.colour) +
                     "\n";
  const QuestionResult* a = row.by_run.front();
  const QuestionResult* b = row.by_run.size() > 1 ? row.by_run[1] : nullptr;
  const bool both = row.by_run.size() == 1 || (b != nullptr && i < b->answers.size());
  if (options.colour && a != nullptr && i < a->answers.size() && both) {
    if (b == nullptr) b = row.reference.front();
    const bool two = b != nullptr && i < b->answers.size();
    TokenPieces pieces = token_pieces(a->answers[i]);
    if (two) pieces = token_differences(std::move(pieces), token_pieces(b->answers[i]));
    if (!pieces.pieces.empty()) return text + shaded(pieces, two, options, width);
  }
  if (row.text == nullptr || i >= row.text->answers.size()) return text;
  return text + laid_out(visible_text(row.text->answers[i].text), width, options.full ? SIZE_MAX : 10, options.cut);
}

template <class Key>
std::vector<const QuestionRow*> first_rows(const ReportData& data, size_t n, Key key) {
  std::vector<std::pair<double, const QuestionRow*>> keyed;
  for (const QuestionRow& row : data.rows) {
    if (const std::optional<double> value = key(row)) keyed.emplace_back(*value, &row);
  }
  std::ranges::stable_sort(keyed, [](const auto& x, const auto& y) { return x.first < y.first; });
  std::vector<const QuestionRow*> rows;
  for (size_t i = 0; i < std::min(n, keyed.size()); ++i) rows.push_back(keyed[i].second);
  return rows;
}

std::optional<double> value_in(const QuestionRow& row, size_t run) {
  return row.by_run[run] != nullptr ? row.by_run[run]->metrics.pearson : std::nullopt;
}

}  // namespace

std::string show_question(const ReportData& data, const QuestionRow& row, const ShowOptions& options) {
  const int width = options.width;
  std::string text = painted(visible_line(question_name(row.topic, row.id)), "1", options.colour) + "\n" +
                     wrapped(values_line(data, row), width) + "\n";
  if (row.text != nullptr)
    text += laid_out(visible_text(row.text->text), width, options.full ? SIZE_MAX : 15, options.cut) + "\n";
  const QuestionResult* any = scored_result(row);
  if (any == nullptr) return text;
  text += ranks_table(data, row, *any, width);
  for (const size_t i : falling_order(*any, &AnswerResult::votes)) text += answer_text(row, *any, i, options, width);
  return text;
}

std::string show_legend(const ReportData& data, const std::vector<const QuestionRow*>& rows,
                        const ShowOptions& options) {
  std::string text = "Ranks begin with 1, the best. " + score_sentence(data.runs.front()) + '\n';
  const bool side_by_side = data.runs.size() > 1, differ = side_by_side || rows.front()->reference.front() != nullptr;
  const bool are_shaded =
      options.colour && std::ranges::any_of(rows, [](const QuestionRow* row) {
        const QuestionResult* first = row->by_run.front();
        return first != nullptr && std::ranges::any_of(first->answers, [](const AnswerResult& answer) {
                 return !token_pieces(answer).pieces.empty();
               });
      });
  text = wrapped(text, options.width);
  if (!are_shaded) return text;
  const auto steps = [&](double sign, const std::string& before, int nats) {
    std::string shades;
    int columns = display_width(before + " nats");
    for (int step = 1; step <= 4; ++step) {
      const std::string words = fmt::format(" {}+ ", step * nats);
      shades += ' ' + painted(words, shade(sign * step * nats, differ), true);
      columns += 1 + display_width(words);
    }
    return before + (columns > options.width ? "\n" : "") + shades + " nats\n";
  };
  if (!differ) return text + steps(-1, "Shaded tokens: log-probability below minus", kNatsOfShade);
  const std::string where = side_by_side ? " in the first run:" : " than in the reference:";
  return text + steps(-1, "Tokens less likely" + where, 1) + steps(1, "Tokens more likely" + where, 1);
}

std::vector<const QuestionRow*> worst_rows(const ReportData& data, size_t n) {
  return first_rows(data, n, [](const QuestionRow& row) { return value_in(row, 0); });
}

std::vector<const QuestionRow*> moved_rows(const ReportData& data, size_t n) {
  std::map<std::pair<std::string, std::string>, const QuestionRow*> by_name;
  for (const QuestionRow& row : data.rows) by_name[{row.topic, row.id}] = &row;
  std::vector<const QuestionRow*> rows;
  for (size_t i = 0; data.comparison && i < data.comparison->moved.size() && rows.size() < n; ++i) {
    const MovedQuestion& moved = data.comparison->moved[i];
    if (const auto found = by_name.find({moved.topic, moved.id}); found != by_name.end()) rows.push_back(found->second);
  }
  return rows;
}

}  // namespace hre
