/// hre data info: what a dataset holds.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "analysis/notes.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "core/text.h"
#include "core/visible.h"
#include "data/selection.h"
#include "data/statistics.h"
#include "hub/open.h"
#include "report/text_table.h"

namespace hre::cli {
namespace {

using data::DatasetStatistics;
using data::Distribution;
using data::TopicStatistics;
using nlohmann::ordered_json;

struct InfoArguments {
  std::string data;
  std::vector<std::string> topics;
  bool json = false, quiet = false;
};

struct NamedDistribution {
  const char* key;
  const char* title;
  Distribution TopicStatistics::*values;
};

constexpr NamedDistribution kDistributions[] = {
    {"answers_per_question", "Answers per question", &TopicStatistics::answers},
    {"question_chars", "Length of questions (characters)", &TopicStatistics::question_lengths},
    {"answer_chars", "Length of answers (characters)", &TopicStatistics::answer_lengths},
    {"votes", "Votes", &TopicStatistics::votes}};

Status gather(DatasetReader& reader, DatasetStatistics& statistics, ProgressListener& progress, Console& console) {
  for (int64_t done = 1;; ++done) {
    if (console.stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");
    Result<std::optional<Question>> question = reader.next();
    if (!question) return forward(question);
    if (!*question) return {};
    statistics.add(**question);
    progress.advance(done, reader.progress());
  }
}

Status read_statistics(const Located& data, DatasetStatistics& statistics, ProgressListener& progress,
                       Console& console) {
  Result<std::unique_ptr<DatasetReader>> reader = open_dataset(data.path);
  if (!reader) return forward(reader);
  progress.begin("reading", 0, "questions", 1);
  Status status = gather(**reader, statistics, progress, console);
  progress.end();
  return status;
}

std::string name_of(const Located& data) { return data.name.empty() ? dataset_name(data.path) : data.name; }

std::string range(const Distribution& values) {
  const std::string low = format_number(values.quantile(0)), high = format_number(values.quantile(1));
  return low == high ? low : low + " to " + high;
}

std::string middle(const Distribution& values) { return fmt::format("{:.0f}", values.quantile(0.5)); }

std::vector<std::string> table_row(const std::string& name, const TopicStatistics& topic) {
  return {name,
          fmt::to_string(topic.questions),
          range(topic.answers),
          middle(topic.question_lengths),
          middle(topic.answer_lengths),
          range(topic.votes),
          fmt::to_string(topic.tied),
          fmt::to_string(topic.constant)};
}

std::string bar_label(const Distribution::Bar& bar, bool whole) {
  if (bar.low == bar.high || (whole && bar.high == bar.low + 1)) return format_number(bar.low);
  return format_number(bar.low) + (whole ? " to " + format_number(bar.high - 1) : " to <" + format_number(bar.high));
}

/// A line per bar; runs of empty ones become one line of dots.
void print_bars(const Distribution& values, bool whole, int width, std::ostream& out) {
  const std::vector<Distribution::Bar> bars = values.bars();
  int64_t most = 1;
  size_t label_width = 1;
  for (const Distribution::Bar& bar : bars) {
    most = std::max(most, bar.count);
    label_width = std::max(label_width, bar_label(bar, whole).size());
  }
  const int room = std::clamp(width - static_cast<int>(label_width) - 12, 10, 50);
  bool in_gap = false;
  for (const Distribution::Bar& bar : bars) {
    const bool gap = bar.count == 0;
    if (gap && !in_gap) out << fmt::format("  {:>{}}\n", "·", label_width);
    in_gap = gap;
    if (gap) continue;
    const auto cells = static_cast<int>((bar.count * room + most - 1) / most);
    std::string blocks;
    for (int i = 0; i < cells; ++i) blocks += "█";
    out << fmt::format("  {:>{}} {} {}\n", bar_label(bar, whole), label_width, blocks, bar.count);
  }
}

void print_distributions(const TopicStatistics& all, Console& console) {
  for (const NamedDistribution& named : kDistributions) {
    const Distribution& values = all.*named.values;
    const auto at = [&](double q) { return format_number(values.quantile(q)); };
    console.print(fmt::format("\n{}: min {}, quartiles {}, {}, {}, max {}, mean {:.4g}\n", named.title, at(0), at(0.25),
                              at(0.5), at(0.75), at(1), values.mean()));
    if (console.out_is_terminal) print_bars(values, values.all_whole(), console.width, console.out);
  }
}

TopicStatistics sum_of(const DatasetStatistics& statistics, const std::vector<std::string>& topics) {
  TopicStatistics all;
  for (const std::string& topic : topics) all.add(statistics.of(topic));
  return all;
}

const std::string& source_of(const Located& data) { return data.source.empty() ? data.path : data.source; }

std::vector<std::string> notes_of(const Located& data, const DatasetStatistics& statistics) {
  const auto note = invented_votes_note(source_of(data), statistics.fingerprint());
  return note ? std::vector{*note} : std::vector<std::string>();
}

void print_text(const Located& data, const DatasetStatistics& statistics, const std::vector<std::string>& topics,
                Console& console) {
  const TopicStatistics all = sum_of(statistics, topics);
  console.print(fmt::format("{}: {}, {}, {}\n", visible_line(name_of(data)), counted(all.questions, "question"),
                            counted(static_cast<int64_t>(topics.size()), "topic"),
                            counted(all.votes.size(), "answer")));
  console.print(fmt::format("fingerprint {}{}\n", statistics.fingerprint(),
                            topics.size() < statistics.topics().size() ? " (of all topics)" : ""));
  for (const std::string& note : notes_of(data, statistics)) console.print(note + '\n');
  console.out << '\n';
  TextTable table({"topic", "questions", "answers", "Q chars", "A chars", "votes", "tied", "flat"});
  for (const std::string& topic : topics) table.add_row(table_row(topic, statistics.of(topic)));
  table.add_rule();
  table.add_row(table_row("all", all));
  console.print(table.render(console.width) +
                "\nanswers: per question; Q chars, A chars: median length of questions and of answers; tied: questions "
                "with equal votes for some answers; flat: for all answers (no value is defined)\n\n" +
                fmt::format("Empty answers {}, repeated questions {}\n", all.empty_answers, all.repeated));
  print_distributions(all, console);
}

/// Whole numbers without a point.
ordered_json number(double value) { return ordered_json::parse(format_number(value)); }

ordered_json json_of(const Distribution& values) {
  ordered_json json;
  constexpr std::pair<const char*, double> kQuantiles[] = {
      {"min", 0}, {"q1", 0.25}, {"median", 0.5}, {"q3", 0.75}, {"max", 1}};
  for (const auto& [key, q] : kQuantiles) json[key] = number(values.quantile(q));
  json["mean"] = values.mean();
  json["histogram"] = ordered_json::array();
  for (const Distribution::Bar& bar : values.bars()) {
    json["histogram"].push_back({{"low", number(bar.low)}, {"high", number(bar.high)}, {"count", bar.count}});
  }
  return json;
}

ordered_json json_of(const TopicStatistics& topic) {
  ordered_json json = {{"questions", topic.questions}, {"answers", topic.votes.size()}};
  for (const NamedDistribution& named : kDistributions) json[named.key] = json_of(topic.*named.values);
  json["tied"] = topic.tied;
  json["constant"] = topic.constant;
  json["empty_answers"] = topic.empty_answers;
  json["repeated"] = topic.repeated;
  return json;
}

void print_json(const Located& data, const DatasetStatistics& statistics, const std::vector<std::string>& topics,
                Console& console) {
  ordered_json json = {{"format", "hre-data-info/1"},         {"name", name_of(data)},
                       {"source", source_of(data)},           {"fingerprint", statistics.fingerprint()},
                       {"notes", notes_of(data, statistics)}, {"topics", ordered_json::object()}};
  for (const std::string& topic : topics) json["topics"][topic] = json_of(statistics.of(topic));
  json["all"] = json_of(sum_of(statistics, topics));
  console.out << json.dump(2, ' ', false, ordered_json::error_handler_t::replace) << '\n';
}

Status info(const InfoArguments& arguments, Console& console) {
  DatasetStatistics statistics;
  const std::unique_ptr<ProgressListener> progress = make_progress(console, arguments.quiet);
  Result<Located> data = locate_data(arguments.data, *progress, console.stop);
  if (!data) return forward(data);
  if (Status read = read_statistics(*data, statistics, *progress, console); !read) return read;
  Result<std::vector<std::string>> topics = select_topics(statistics.topics(), arguments.topics);
  if (!topics) return forward(topics);
  (arguments.json ? print_json : print_text)(*data, statistics, *topics, console);
  return {};
}

}  // namespace

Action define_data_info(CLI::App& app) {
  auto arguments = std::make_shared<InfoArguments>();
  app.add_option("DATA", arguments->data,
                 "a folder or file of parquet or .jsonl, a saved Arrow dataset, hf:ORG/REPO on the hub, or sample")
      ->required()
      ->type_name("");
  app.add_option("--topic", arguments->topics, "topics to show, by name or glob; repeatable")
      ->type_name("GLOB")
      ->expected(1)
      ->take_all();
  app.add_flag("--json", arguments->json, "print JSON");
  app.add_flag("--quiet", arguments->quiet, "no progress");
  return [arguments](Console& console) { return info(*arguments, console); };
}

}  // namespace hre::cli
