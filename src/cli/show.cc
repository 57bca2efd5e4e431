/// hre show: questions of a run in the terminal, their answers as people and as the model rank them.

#include "report/show.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>
#include <ostream>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/run_argument.h"
#include "cli/score_option.h"
#include "cli/store_argument.h"
#include "cli/terminal.h"
#include "core/text.h"
#include "hub/open.h"

namespace hre::cli {
namespace {

struct ShowArguments {
  std::string run, disagree, question, topic, data, store;
  ScoreOptions score;
  size_t worst = 3;
  bool full = false;
};

/// Ids may be equal in two topics.
Result<const QuestionRow*> find_question(const ReportData& data, const std::string& id) {
  std::vector<std::string> ids, topics;
  const QuestionRow* found = nullptr;
  for (const QuestionRow& row : data.rows) {
    ids.push_back(row.id);
    if (row.id != id) continue;
    found = &row;
    topics.push_back(row.topic);
  }
  if (topics.size() > 1) {
    return input_error("topics " + join(topics) + " each have a question '" + id + "'", "",
                       "choose a topic with --topic");
  }
  if (found != nullptr) return found;
  const auto nearest = nearest_name(id, ids);
  return input_error("the run has no question '" + id + "'", "",
                     nearest ? "did you mean " + *nearest + "?" : "hre show RUN --worst 10 shows some questions");
}

/// Keeps the questions of topics that match.
Status keep_topic(ReportData& data, const std::string& glob) {
  const std::string known = join(data.topics);
  std::erase_if(data.rows, [&](const QuestionRow& row) { return !matches_glob(glob, row.topic); });
  if (data.rows.empty()) return input_error("no topic of the run matches '" + glob + "'", "", "there are " + known);
  return {};
}

Result<std::vector<const QuestionRow*>> rows_to_show(const ShowArguments& arguments, const ReportData& data) {
  if (!arguments.question.empty()) {
    auto row = find_question(data, arguments.question);
    if (!row) return forward(row);
    return std::vector{*row};
  }
  return arguments.disagree.empty() ? worst_rows(data, arguments.worst) : moved_rows(data, arguments.worst);
}

Status show(const ShowArguments& arguments, Console& console) {
  const auto progress = make_progress(console, false);
  std::vector<Run> runs;
  for (const std::string& name : {arguments.run, arguments.disagree}) {
    if (name.empty()) continue;
    auto run = load_run(name, arguments.store);
    if (!run) return forward(run);
    runs.push_back(std::move(*run));
  }
  std::vector<std::shared_ptr<const Run>> references;
  if (auto ok = arguments.score.apply(runs, arguments.store, true, &references); !ok) return ok;
  auto dataset = dataset_of_run(arguments.data, runs.front(), *progress);
  if (!dataset) return forward(dataset);
  CompareOptions alike_or_not;  // questions are looked at side by side; nothing is decided
  alike_or_not.allow_different = true;
  alike_or_not.moved = SIZE_MAX;  // topics may be left out below
  alike_or_not.statistics.draws = alike_or_not.statistics.permutations = 0;
  auto data = report_data(std::move(runs), std::move(*dataset), {}, alike_or_not, std::move(references));
  if (!data) return forward(data);
  if (!arguments.topic.empty()) {
    if (auto kept = keep_topic(*data, arguments.topic); !kept) return kept;
  }
  auto rows = rows_to_show(arguments, *data);
  if (!rows) return forward(rows);
  if (rows->empty()) {
    return input_error(arguments.disagree.empty() ? "no question has a value" : "no shared question's value differs",
                       "", "--question ID shows a question all the same");
  }
  for (const std::string& caveat : data->caveats) progress->note(caveat.substr(0, caveat.size() - 1));
  const bool colour = console.out_is_terminal && std::getenv("NO_COLOR") == nullptr;
  for (size_t i = 0; colour && i < data->runs.size(); ++i) {
    if (const auto advice = token_advice(data->runs[i])) progress->note(data->labels[i] + ": " + *advice);
  }
  const ShowOptions options = {colour, console.width, arguments.full, "--full shows the rest"};
  for (size_t i = 0; i < rows->size(); ++i) {
    if (i > 0) console.out << "\n" + std::string(40, '-') + "\n\n";
    write_painted(console.out, show_question(*data, *(*rows)[i], options));
  }
  write_painted(console.out, "\n" + show_legend(*data, *rows, options));
  return {};
}

}  // namespace

Action define_show(CLI::App& app) {
  auto a = std::make_shared<ShowArguments>();
  app.add_option("RUN", a->run, kRunHelp)->required()->type_name("");
  auto* question = app.add_option("--question", a->question, "show this question")->type_name("ID");
  app.add_option("--worst", a->worst,
                 "number of questions to show, lowest value first (default 3); with --disagree, the questions whose "
                 "values differ most")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000).description(""))
      ->excludes(question);
  app.add_option("--disagree", a->disagree,
                 "a second run: show the questions whose values differ most, both runs side by side")
      ->type_name("RUN2");
  app.add_option("--topic", a->topic, "only topics whose names match")->type_name("GLOB");
  app.add_option("--data", a->data, "where the run's dataset is now (default: as in the run)")->type_name("DATA");
  a->score.define(app);
  add_store_option(app, a->store);
  app.add_flag("--full", a->full, "show complete texts, not only their beginnings");
  return [a](Console& console) { return show(*a, console); };
}

}  // namespace hre::cli
