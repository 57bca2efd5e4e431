/// hre runs export: a run as a file.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>

#include "analysis/scores.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/run_argument.h"
#include "cli/score_option.h"
#include "cli/store_argument.h"
#include "core/files.h"
#include "core/text.h"
#include "data/columns_writer.h"
#include "data/output.h"
#include "eval/prompt.h"
#include "eval/reference_run.h"
#include "hub/open.h"
#include "report/lm_eval.h"
#include "report/model_card.h"
#include "report/run_columns.h"
#include "report/run_json.h"

namespace hre::cli {
namespace {

struct ExportArguments {
  std::string store, run, format = "json", out, data, dataset_id;
  ScoreOptions score;
};

/// All that a format may need.
struct Export {
  const ExportArguments& arguments;
  const Run& run;
  const Summary& summary;
  Console& console;
};

Status write_text(const Export& e, const std::string& text) {
  if (e.arguments.out.empty() || e.arguments.out == "-") {
    e.console.out << text;
    return {};
  }
  return write_file(e.arguments.out, text);
}

Result<Dataset> load_data(const Export& e) {
  return load_data_argument(e.arguments.data, *make_progress(e.console, false), e.console.stop);
}

/// For formats that are no text.
Status need_out(const Export& e, const std::string& what) {
  if (!e.arguments.out.empty() && e.arguments.out != "-") return {};
  return input_error("--to " + e.arguments.format + " writes " + what, "--out", "give --out PATH");
}

/// The dataset's id on the hub: given, or where the dataset came from.
Result<std::string> dataset_id(const Export& e) {
  if (!e.arguments.dataset_id.empty()) return e.arguments.dataset_id;
  const std::string& source = e.run.dataset_source;
  if (source.starts_with("hf:")) return source.substr(3, source.find('@') - 3);
  return input_error("the run's dataset was not fetched from the hub", "--dataset-id",
                     "give the dataset's id on the hub: --dataset-id ORG/NAME");
}

Result<Dataset> dataset_of(const Export& e) {
  if (e.arguments.data.empty()) {
    return input_error("the store has no texts, and --to " + e.arguments.format + " needs them", "--data",
                       "give the run's dataset: --data DATA");
  }
  return load_data(e);
}

Status write_parquet(const Export& e) {
  if (auto ok = need_out(e, "a file"); !ok) return ok;
  auto output = data::Output::create(e.arguments.out, data::OutputKind::kFile, true);
  if (!output) return forward(output);
  if (auto ok = data::write_columns(output->work_path(), answer_columns(e.run)); !ok) return ok;
  return output->commit();
}

Status write_cache(const Export& e) {
  if (auto ok = need_out(e, "a file"); !ok) return ok;
  auto dataset = dataset_of(e);
  if (!dataset) return forward(dataset);
  auto output = data::Output::create(e.arguments.out, data::OutputKind::kFile, true);
  if (!output) return forward(output);
  if (auto ok = write_run_as_reference_cache(e.run, *dataset, output->work_path()); !ok) return ok;
  return output->commit();
}

/// Empty without --data.
Result<QuestionTexts> texts_of(const Export& e) {
  QuestionTexts texts;
  if (e.arguments.data.empty()) return texts;
  auto dataset = load_data(e);
  if (!dataset) return forward(dataset);
  auto prompt = PromptTemplate::parse(e.run.options.prompt);
  if (!prompt) return forward(prompt);
  for (const Question& question : dataset->questions) texts[{question.topic, question.id}] = prompt->render(question);
  return texts;
}

/// OUT/MODEL/results_DATE.json and its samples, beside those of other runs.
Status write_lm_eval(const Export& e) {
  if (auto ok = need_out(e, "a folder"); !ok) return ok;
  auto texts = texts_of(e);
  if (!texts) return forward(texts);
  const std::filesystem::path folder = std::filesystem::path(e.arguments.out) / lm_eval_folder(e.run);
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) return input_error("the folder cannot be created: " + problem.message(), folder.string());
  for (const NamedText& text : lm_eval_files(e.run, e.summary, *texts)) {
    if (auto ok = write_file(folder / text.name, text.text); !ok) return ok;
  }
  return {};
}

/// YAML that names the dataset as the hub does.
template <std::string (*yaml)(const Run&, const Summary&, const std::string&)>
Status write_yaml(const Export& e) {
  if (const std::string score = derived_score(e.run); !score.empty()) {
    return input_error("the scores are " + score + ", and --to " + e.arguments.format +
                           " publishes HumanRankEval, which is by sum_log_prob / n_chars",
                       e.run.model.name, "leave out --score and --reference, or write another format");
  }
  auto id = dataset_id(e);
  if (!id) return forward(id);
  return write_text(e, yaml(e.run, e.summary, *id));
}

struct Format {
  const char* name;
  const char* what;
  std::function<Status(const Export&)> write;
};

const std::vector<Format>& formats() {
  static const std::vector<Format> table = {
      {"json", "hre-run/1 with details", [](auto& e) { return write_text(e, run_json(e.run, e.summary, true)); }},
      {"csv", "one row per answer", [](auto& e) { return write_text(e, csv(answer_columns(e.run))); }},
      {"csv-wide", "one row per question", [](auto& e) { return write_text(e, csv(question_columns(e.run))); }},
      {"parquet", "one row per answer", write_parquet},
      {"reference", "the reference implementation's result file",
       [](auto& e) { return write_text(e, reference_json(e.run, e.summary)); }},
      {"reference-cache", "the reference implementation's cache of answers; needs --data", write_cache},
      {"lm-eval", "a folder as lm-evaluation-harness writes it; with texts if --data is given", write_lm_eval},
      {"model-index", "metadata for a model card", write_yaml<model_index_yaml>},
      {"eval-results", "YAML for a model's .eval_results", write_yaml<eval_results_yaml>},
  };
  return table;
}

Result<const Format*> find_format(const std::string& name) {
  std::vector<std::string> names;
  for (const Format& format : formats()) {
    if (format.name == name) return &format;
    names.emplace_back(format.name);
  }
  const auto nearest = nearest_name(name, names);
  return input_error("there is no format '" + name + "'", "--to",
                     nearest ? "did you mean " + *nearest + "?" : "there are " + join(names));
}

Status export_run(const ExportArguments& arguments, Console& console) {
  auto format = find_format(arguments.format);
  if (!format) return forward(format);
  auto run = load_run(arguments.run, arguments.store);
  if (!run) return forward(run);
  if (!run->item_metric.empty()) return input_error("is a log of another harness, and no run of hre's", arguments.run);
  std::vector<Run> runs(1, std::move(*run));
  if (auto ok = arguments.score.apply(runs, arguments.store); !ok) return ok;
  const Summary summary = summarize(runs.front());
  return (*format)->write({arguments, runs.front(), summary, console});
}

}  // namespace

Action define_runs_export(CLI::App& app) {
  auto arguments = std::make_shared<ExportArguments>();
  std::string help = "the format (default: json):";
  for (const Format& format : formats()) help += std::string("\n  ") + format.name + ": " + format.what;
  app.add_option("RUN", arguments->run, kRunHelp)->required()->type_name("");
  app.add_option("--to", arguments->format, help)->type_name("FORMAT");
  app.add_option("--out", arguments->out, "where to write the run (default: standard output, for text formats)")
      ->type_name("PATH");
  app.add_option("--data", arguments->data, "the run's dataset, for formats that hold texts")->type_name("DATA");
  app.add_option("--dataset-id", arguments->dataset_id, "the dataset's id on the hub (model-index, eval-results)")
      ->type_name("ORG/NAME");
  arguments->score.define(app);
  add_store_option(app, arguments->store);
  return [arguments](Console& console) { return export_run(*arguments, console); };
}

}  // namespace hre::cli
