/// hre data build: a dataset from Stack Exchange dumps.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <ostream>
#include <thread>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/seed_option.h"
#include "core/cores.h"
#include "core/text.h"
#include "core/visible.h"
#include "data/output.h"
#include "data/writer.h"
#include "hub/open.h"
#include "stackexchange/build.h"
#include "stackexchange/card.h"
#include "stackexchange/work_folder.h"

namespace hre::cli {
namespace {

namespace fs = std::filesystem;
namespace se = stackexchange;

struct BuildArguments {
  std::string recipe_file, dumps, out, work, against;
  std::vector<std::string> topics, why;
  // What the command line says over the recipe.
  std::optional<uint64_t> seed;
  std::optional<int64_t> questions, answers;
  std::string choose, label, code;
  bool strict = false, allow_truncated = false, force = false, keep_work = false;
  bool dry_run = false, census = false, explain = false, print_recipe = false, quiet = false;
  int threads = 0;
};

/// A text as TOML writes it: what stands in it must not be read as more than a text.
std::string quoted(const std::string& text) {
  std::string toml = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || c == '"' || c == '\\') {
      toml += fmt::format("\\u{:04X}", byte);
    } else {
      toml += c;
    }
  }
  return toml + '"';
}

/// The options that are also a recipe's keys, as TOML: one checker for both.
std::string overrides_of(const BuildArguments& arguments) {
  std::string toml;
  if (arguments.seed) toml += "seed = " + std::to_string(*arguments.seed) + "\n";
  if (arguments.questions) toml += "questions = " + std::to_string(*arguments.questions) + "\n";
  if (arguments.answers) toml += "answers = " + std::to_string(*arguments.answers) + "\n";
  if (!arguments.choose.empty()) toml += "choose = " + quoted(arguments.choose) + "\n";
  if (!arguments.label.empty()) toml += "label = " + quoted(arguments.label) + "\n";
  if (!arguments.code.empty()) toml += "code = " + quoted(arguments.code) + "\n";
  return toml;
}

Status apply_overrides(const BuildArguments& arguments, se::Recipe& recipe) {
  Result<se::Recipe> given = se::parse_recipe(overrides_of(arguments), "the command line");
  if (!given) return forward(given);
  if (arguments.seed) recipe.seed = given->seed;
  if (arguments.answers) recipe.answers = given->answers;
  if (!arguments.choose.empty()) recipe.choose = given->choose;
  if (!arguments.label.empty()) recipe.label = given->label;
  if (!arguments.code.empty()) recipe.code = given->code;
  if (arguments.questions) {
    recipe.questions = given->questions;
    for (se::Topic& topic : recipe.topics) topic.questions = given->questions;
  }
  return {};
}

/// The recipe's topics, or those that the command line names.
Status take_topics(const BuildArguments& arguments, se::Recipe& recipe) {
  if (arguments.topics.empty()) return {};
  std::vector<se::Topic> topics;
  for (const std::string& text : arguments.topics) {
    Result<se::Topic> topic = se::parse_topic(text, recipe);
    if (!topic) return forward(topic);
    topics.push_back(std::move(*topic));
  }
  recipe.topics = std::move(topics);
  return {};
}

Result<se::Recipe> make_recipe(const BuildArguments& arguments) {
  Result<se::Recipe> recipe =
      arguments.recipe_file.empty() ? se::default_recipe() : se::load_recipe(arguments.recipe_file);
  if (!recipe) return recipe;
  if (Status status = apply_overrides(arguments, *recipe); !status) return forward(status);
  if (Status status = take_topics(arguments, *recipe); !status) return forward(status);
  const std::string place = arguments.recipe_file.empty() ? "the command line" : arguments.recipe_file;
  if (Status status = se::check_recipe(*recipe, place); !status) return forward(status);
  return recipe;
}

/// The dataset as it is written: made when the first question comes, so that a crash of the reading leaves nothing.
class DatasetFolder {
 public:
  DatasetFolder(std::string path, bool replace) : path_(std::move(path)), replace_(replace) {}

  Status add(const Question& question, const std::string& metadata) {
    if (!output_) {
      if (Status status = open(); !status) return status;
    }
    metadata_ << metadata << '\n';
    if (!metadata_) return cannot_write("metadata/questions.jsonl");
    if (question.topic != topic_) {  // questions come topic after topic, and each topic is an open file
      if (Status status = writer_->end_topic(topic_); !status) return status;
      topic_ = question.topic;
    }
    return writer_->add(question);
  }

  Status commit(const std::string& card, const std::string& recipe) {
    if (Status status = writer_->finish(); !status) return status;
    metadata_.close();
    if (!metadata_) return cannot_write("metadata/questions.jsonl");
    if (Status status = write("README.md", card); !status) return status;
    if (Status status = write("recipe.toml", recipe); !status) return status;
    return output_->commit();
  }

 private:
  Status open() {
    Result<data::Output> output = data::Output::create(path_, data::OutputKind::kFolder, replace_);
    if (!output) return forward(output);
    output_.emplace(std::move(*output));
    std::error_code problem;
    for (const char* folder : {"data", "metadata"}) fs::create_directory(place_of(folder), problem);
    Result<std::unique_ptr<data::DatasetWriter>> writer = data::create_published(place_of("data"));
    if (!writer) return forward(writer);
    writer_ = std::move(*writer);
    metadata_.open(place_of("metadata/questions.jsonl"), std::ios::binary);
    return metadata_ ? Status() : cannot_write("metadata/questions.jsonl");
  }

  Status write(const std::string& name, const std::string& content) const {
    std::ofstream file(place_of(name), std::ios::binary);
    file << content;
    file.close();
    return file ? Status() : cannot_write(name);
  }

  [[nodiscard]] Status cannot_write(const std::string& name) const {
    return fail(ErrorCode::kFailed, "can't be written", path_ + "/" + name);
  }
  [[nodiscard]] std::string place_of(const std::string& name) const { return output_->work_path() + "/" + name; }

  std::string path_;
  bool replace_;
  std::optional<data::Output> output_;
  std::unique_ptr<data::DatasetWriter> writer_;
  std::ofstream metadata_;
  std::string topic_;  // of the last question
};

void print_sites(const se::BuildReport& report, Console& console) {
  for (const se::SiteReport& site : report.sites) {
    console.err << se::format_site(site) << '\n';
    for (const std::string& problem : site.counts.problems)
      console.err << "  skipped: " << visible_line(problem) << '\n';
    const int64_t more = site.counts.skipped + site.counts.skipped_votes + site.counts.skipped_history -
                         static_cast<int64_t>(site.counts.problems.size());
    if (more > 0 && !site.counts.problems.empty()) console.err << "  and " << more << " more\n";
  }
}

void print_report(const se::Recipe& recipe, const se::BuildReport& report, bool explain, Console& console) {
  for (const std::string& fate : report.fates) console.print(fate + '\n');
  for (size_t i = 0; i < report.topics.size(); ++i) {
    const se::TopicReport& topic = report.topics[i];
    const int64_t wanted = recipe.topics[i].questions;
    const std::string of_wanted = topic.funnel.taken_questions < wanted ? fmt::format(" of {} asked for", wanted) : "";
    console.print(fmt::format("{}: {}{}, {}\n", visible_line(topic.topic),
                              counted(topic.funnel.taken_questions, "question"), of_wanted,
                              counted(topic.funnel.taken_answers, "answer")));
    if (explain) console.print(se::format_funnel(topic.funnel));
  }
}

/// Of each topic, how many questions of each month are left after each filter.
void print_census(const se::BuildReport& report, Console& console) {
  for (const se::TopicReport& topic : report.topics) {
    console.out << visible_line(topic.topic)
                << ": questions by the month of their posting, and how many are left after each filter\n"
                << se::format_census(topic.months);
  }
}

/// For a census: every filter but the dates, since it helps to choose them.
void take_all_dates(se::Recipe& recipe) {
  for (se::Topic& topic : recipe.topics) {
    for (se::PostFilter* filter :
         {static_cast<se::PostFilter*>(&topic.question), static_cast<se::PostFilter*>(&topic.answer)}) {
      filter->from_ms = se::PostFilter().from_ms;
      filter->until_ms = se::PostFilter().until_ms;
    }
  }
}

std::vector<std::string> sites_of(const std::vector<se::Dump>& dumps) {
  std::vector<std::string> sites;
  for (const se::Dump& dump : dumps) sites.push_back(dump.site);
  return sites;
}

/// What is left after a build that failed: what was read, where that saves reading it again.
void leave_work(const BuildArguments& arguments, const std::vector<se::Dump>& dumps, se::WorkFolder& work,
                Console& console) {
  if (work.has_index()) {
    if (arguments.quiet) return;
    console.err << "hre: the data read so far is kept in " << work.path() << "; the same command resumes from there\n";
  } else if (!arguments.keep_work) {
    work.remove(sites_of(dumps));
  }
}

Status finish(const BuildArguments& arguments, const se::Recipe& recipe, const se::BuildReport& report,
              DatasetFolder& folder, Console& console) {
  print_sites(report, console);
  if (arguments.census) {
    print_census(report, console);
    return {};
  }
  print_report(recipe, report, arguments.explain, console);
  if (std::ranges::all_of(report.topics, [](const auto& topic) { return topic.funnel.taken_questions == 0; })) {
    return input_error(
        "no question passed the filters", "",
        arguments.explain ? "loosen the filter that removed the most" : "--explain shows what each filter removed");
  }
  if (arguments.dry_run) return {};
  if (Status status = folder.commit(se::format_card(recipe, report), se::format_resolved(recipe, report)); !status) {
    return status;
  }
  console.print("written to " + arguments.out + '\n');
  return {};
}

/// The texts that the dataset must not repeat; nothing if none are named.
Result<std::optional<se::KnownTexts>> known_texts(const BuildArguments& arguments, ProgressListener& progress,
                                                  Console& console) {
  if (arguments.against.empty()) return std::optional<se::KnownTexts>();
  Result<Located> data = arguments.against.ends_with(".txt") ? Located{arguments.against, {}, {}}
                                                             : locate_data(arguments.against, progress, console.stop);
  if (!data) return forward(data);
  Result<se::KnownTexts> known = se::KnownTexts::load(
      data->path, data->name.empty() ? dataset_name(data->path) : data->name, progress, console.stop);
  if (!known) return forward(known);
  return std::optional(std::move(*known));
}

se::BuildOptions options_of(const BuildArguments& arguments, const se::WorkFolder& work) {
  se::BuildOptions options;
  options.read.rows = {arguments.strict, arguments.allow_truncated};
  options.read.threads = arguments.threads > 0 ? arguments.threads : usable_cores();
  options.work = work.path();
  options.why = arguments.why;
  options.census = arguments.census;
  return options;
}

Status build(const BuildArguments& given, Console& console) {
  BuildArguments arguments = given;
  while (arguments.out.size() > 1 && arguments.out.ends_with('/')) arguments.out.pop_back();
  arguments.dry_run = arguments.dry_run || arguments.census;
  Result<se::Recipe> recipe = make_recipe(arguments);
  if (!recipe) return forward(recipe);
  if (arguments.print_recipe) {
    console.out << se::format_recipe(*recipe);
    return {};
  }
  if (recipe->topics.empty()) {
    return input_error("no topic is given", "", "give --topic NAME=SOURCE, or a --recipe with topics");
  }
  if (arguments.out.empty() && !arguments.dry_run)
    return input_error("no output folder is given", "", "give --out DIR, --dry-run or --census");
  if (arguments.census) take_all_dates(*recipe);
  if (!arguments.dry_run) {
    // Whether OUT can be written, before anything is read.
    const auto out = data::Output::create(arguments.out, data::OutputKind::kFolder, arguments.force);
    if (!out) return tl::unexpected<Error>(out.error());
  }
  Result<std::vector<se::Dump>> dumps = se::open_dumps(*recipe, arguments.dumps);
  if (!dumps) return forward(dumps);
  const std::unique_ptr<ProgressListener> progress = make_progress(console, arguments.quiet);
  Result<std::optional<se::KnownTexts>> known = known_texts(arguments, *progress, console);
  if (!known) return forward(known);
  const std::string beside = arguments.out.empty() ? "hre-data-build.work" : arguments.out + ".work";
  Result<se::WorkFolder> work = se::WorkFolder::open(arguments.work.empty() ? beside : arguments.work);
  if (!work) return forward(work);
  DatasetFolder folder(arguments.out, arguments.force);
  const se::BuildSink sink = [&](const Question& question, const std::string& metadata) {
    return arguments.dry_run ? Status() : folder.add(question, metadata);
  };
  se::BuildOptions options = options_of(arguments, *work);
  options.known = *known ? &**known : nullptr;
  Result<se::BuildReport> report = se::build_dataset(*recipe, *dumps, options, sink, *progress, console.stop);
  if (!report) {
    leave_work(arguments, *dumps, *work, console);
    return forward(report);
  }
  Status status = finish(arguments, *recipe, *report, folder, console);
  if (!arguments.keep_work) work->remove(sites_of(*dumps));
  return status;
}

}  // namespace

Action define_data_build(CLI::App& app) {
  auto arguments = std::make_shared<BuildArguments>();
  app.add_option("--topic", arguments->topics,
                 "a topic and its dumps: NAME=SOURCE[,SOURCE...]; SOURCE is a folder of Posts.xml, SITE.7z or "
                 "SITE-Posts.7z, followed by [tag][tag] to take only questions with one of these tags")
      ->type_name("NAME=SOURCE")
      ->take_all();
  app.add_option("--recipe", arguments->recipe_file, "topics, filters and choices (docs/datasets.md)")
      ->type_name("FILE.toml");
  app.add_option("--dumps", arguments->dumps,
                 "folder with the dumps of the recipe's sites: SITE/, SITE.7z or SITE-Posts.7z")
      ->type_name("DIR");
  app.add_option("--out", arguments->out, "the folder to write; it appears when it is complete")->type_name("DIR");
  app.add_flag("--force", arguments->force, "replace DIR if it exists and holds only a dataset");
  app.add_option("--questions", arguments->questions, "questions per topic; 0: all")->type_name("N");
  app.add_option("--answers", arguments->answers, "answers per question; 0: all")->type_name("N");
  app.add_option("--choose", arguments->choose, "which answers to take")
      ->type_name("spread|top-and-random|random|later-wins|all");
  app.add_option("--label", arguments->label, "what the dataset has as votes: votes, or 1 for the accepted answer")
      ->type_name("votes|accepted");
  app.add_option("--code", arguments->code, "code as it is, or between fences")->type_name("plain|fenced");
  check_seed(app.add_option("--seed", arguments->seed, "random seed")->type_name("N"));
  app.add_flag("--dry-run", arguments->dry_run, "only count, and write nothing");
  app.add_flag("--census", arguments->census,
               "only count: of each month's questions, how many are left after each filter (but dates)");
  app.add_option("--against", arguments->against,
                 "leave out questions that share 13 words in a row with this dataset, .txt file or .jsonl of texts")
      ->type_name("DATA");
  app.add_flag("--explain", arguments->explain, "show how many posts each filter removed");
  app.add_option("--why", arguments->why, "say what happened to this post; SITE/ID if several sites are read")
      ->type_name("POSTID")
      ->take_all();
  app.add_flag("--print-recipe", arguments->print_recipe, "print the recipe with every key, without reading the dumps");
  app.add_flag("--strict", arguments->strict, "treat rows that can't be read as errors");
  app.add_flag("--allow-truncated", arguments->allow_truncated, "use the rows of a truncated file that can be read");
  app.add_option("--threads", arguments->threads, "number of threads (default: all cores)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024).description(""));
  app.add_option("--work", arguments->work, "folder for intermediate files (default: beside the output)")
      ->type_name("DIR");
  app.add_flag("--keep-work", arguments->keep_work, "keep the intermediate files for the next build from these dumps");
  app.add_flag("--quiet", arguments->quiet, "no progress");
  return [arguments](Console& console) { return build(*arguments, console); };
}

}  // namespace hre::cli
