/// hre data build: a dataset from Stack Exchange dumps.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

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
#include "data/writer.h"
#include "stackexchange/build.h"
#include "stackexchange/card.h"

namespace hre::cli {
namespace {

namespace fs = std::filesystem;
namespace se = stackexchange;

struct BuildArguments {
  std::string recipe_file, dumps, out, work;
  std::vector<std::string> topics, why;
  // What the command line says over the recipe.
  std::optional<uint64_t> seed;
  std::optional<int64_t> questions, answers;
  std::string choose, code;
  bool strict = false, allow_truncated = false, replace = false, keep_work = false;
  bool dry_run = false, explain = false, print_recipe = false, quiet = false;
  int threads = 0;
};

/// The options that are also a recipe's keys, as TOML: one checker for both.
std::string overrides_of(const BuildArguments& arguments) {
  std::string toml;
  if (arguments.seed) toml += "seed = " + std::to_string(*arguments.seed) + "\n";
  if (arguments.questions) toml += "questions = " + std::to_string(*arguments.questions) + "\n";
  if (arguments.answers) toml += "answers = " + std::to_string(*arguments.answers) + "\n";
  if (!arguments.choose.empty()) toml += "choose = \"" + arguments.choose + "\"\n";
  if (!arguments.code.empty()) toml += "code = \"" + arguments.code + "\"\n";
  return toml;
}

Status apply_overrides(const BuildArguments& arguments, se::Recipe& recipe) {
  Result<se::Recipe> given = se::parse_recipe(overrides_of(arguments), "the command line");
  if (!given) return forward(given);
  if (arguments.seed) recipe.seed = given->seed;
  if (arguments.answers) recipe.answers = given->answers;
  if (!arguments.choose.empty()) recipe.choose = given->choose;
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

/// Whether a folder is what an earlier build wrote, and so may be replaced.
bool is_built_dataset(const fs::path& folder) {
  return fs::is_regular_file(folder / "recipe.toml") && fs::is_regular_file(folder / "README.md") &&
         fs::is_directory(folder / "data");
}

Status check_out(const BuildArguments& arguments) {
  const fs::path out(arguments.out);
  std::error_code problem;
  if (!fs::exists(out, problem) || (fs::is_directory(out, problem) && fs::is_empty(out, problem))) return {};
  if (!arguments.replace) return input_error("it is there already", arguments.out, "give another folder, or --replace");
  if (is_built_dataset(out)) return {};
  return input_error("it is no dataset that hre data build wrote, so it stays", arguments.out, "give another folder");
}

/// The folder of intermediate files, held by one build at a time.
class WorkFolder {
 public:
  static Result<WorkFolder> open(const std::string& path) {
    std::error_code problem;
    fs::create_directories(path, problem);
    if (problem) return fail(ErrorCode::kFailed, problem.message(), path, "name another folder with --work");
    const int lock = ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock < 0) return fail(ErrorCode::kFailed, "it can't be written", path, "name another folder with --work");
    WorkFolder folder(path, lock);
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
      return fail(ErrorCode::kFailed, "another build is at work here", path,
                  "wait for it, or name another folder with --work");
    }
    return folder;
  }
  WorkFolder(WorkFolder&& other) noexcept : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder() {
    if (lock_ >= 0) ::close(lock_);
  }
  void remove(const std::vector<se::Dump>& dumps) {
    std::error_code ignored;
    fs::remove(path_ + "/lock", ignored);
    se::remove_work(path_, dumps);
  }
  /// Whether some site's first reading is complete, and so worth keeping.
  [[nodiscard]] bool has_index() const {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path_, ignored)) {
      if (fs::exists(entry.path() / "index.json", ignored)) return true;
    }
    return false;
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  WorkFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_;
};

/// The dataset's folder while it is written; it gets its name when all of it is there.
class Staging {
 public:
  static Result<Staging> open(const std::string& out) {
    Staging staging(out);
    std::error_code problem;
    fs::remove_all(staging.part_, problem);
    fs::create_directories(staging.part_ + "/metadata", problem);
    if (!problem) fs::create_directories(staging.part_ + "/data", problem);
    if (problem) return fail(ErrorCode::kFailed, problem.message(), staging.part_);
    return staging;
  }
  Staging(Staging&& other) noexcept : out_(std::move(other.out_)), part_(std::exchange(other.part_, {})) {}
  Staging& operator=(Staging&&) = delete;
  ~Staging() {
    std::error_code ignored;
    if (!part_.empty()) fs::remove_all(part_, ignored);
  }
  [[nodiscard]] std::string operator/(const std::string& name) const { return part_ + "/" + name; }

  Status write(const std::string& name, const std::string& content) const {
    std::ofstream file(*this / name, std::ios::binary);
    file << content;
    file.close();
    return file ? Status() : fail(ErrorCode::kFailed, "it can't be written", *this / name);
  }

  /// Gives the folder its name; what was there is gone only then.
  Status commit() {
    const std::string old = out_ + ".old";
    std::error_code problem;
    fs::remove_all(old, problem);
    if (fs::exists(out_)) fs::rename(out_, old, problem);
    if (!problem) fs::rename(part_, out_, problem);
    if (problem) return fail(ErrorCode::kFailed, problem.message(), out_);
    part_.clear();
    fs::remove_all(old, problem);
    return {};
  }

 private:
  explicit Staging(const std::string& out) : out_(out), part_(out + ".part") {}
  std::string out_, part_;
};

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

void print_report(const se::Recipe& recipe, const se::BuildReport& report, bool explain, Console& console) {
  for (const se::SiteReport& site : report.sites) {
    console.err << se::format_site(site) << '\n';
    for (const std::string& problem : site.counts.problems) console.err << "  skipped: " << problem << '\n';
  }
  for (const std::string& fate : report.fates) console.out << fate << '\n';
  for (size_t i = 0; i < report.topics.size(); ++i) {
    const se::TopicReport& topic = report.topics[i];
    const int64_t wanted = recipe.topics[i].questions;
    console.out << topic.topic << ": " << topic.funnel.taken_questions << " questions";
    if (topic.funnel.taken_questions < wanted) console.out << " of " << wanted << " asked for";
    console.out << ", " << topic.funnel.taken_answers << " answers\n";
    if (explain) console.out << se::format_funnel(topic.funnel);
  }
}

bool is_empty(const se::BuildReport& report) {
  return std::all_of(report.topics.begin(), report.topics.end(),
                     [](const auto& topic) { return topic.funnel.taken_questions == 0; });
}

/// Builds into the staging folder.
Result<se::BuildReport> write_dataset(const se::Recipe& recipe, const std::vector<se::Dump>& dumps,
                                      const se::BuildOptions& options, Staging& staging, ProgressListener& progress,
                                      const std::stop_token& stop) {
  Result<std::unique_ptr<data::DatasetWriter>> writer = data::create_published(staging / "data");
  if (!writer) return forward(writer);
  std::ofstream metadata(staging / "metadata/questions.jsonl", std::ios::binary);
  const se::BuildSink sink = [&](const Question& question, const std::string& line) -> Status {
    metadata << line << '\n';
    if (!metadata) return fail(ErrorCode::kFailed, "it can't be written", staging / "metadata/questions.jsonl");
    return (*writer)->add(question);
  };
  Result<se::BuildReport> report = se::build_dataset(recipe, dumps, options, sink, progress, stop);
  if (!report || is_empty(*report)) return report;
  metadata.close();
  Status status = metadata ? (*writer)->finish()
                           : fail(ErrorCode::kFailed, "it can't be written", staging / "metadata/questions.jsonl");
  if (status) status = staging.write("README.md", se::format_card(recipe, *report));
  if (status) status = staging.write("recipe.toml", se::format_resolved(recipe, *report));
  if (!status) return forward(status);
  return report;
}

Status finish(const BuildArguments& arguments, const se::Recipe& recipe, const std::vector<se::Dump>& dumps,
              const Result<se::BuildReport>& report, Staging* staging, WorkFolder& work, Console& console) {
  if (!report) {
    const bool kept = work.has_index();
    if (!kept && !arguments.keep_work) work.remove(dumps);
    if (kept && !arguments.quiet) {
      console.err << "hre: what was read is kept in " << work.path() << "; the same command goes on from there\n";
    }
    return tl::unexpected<Error>(report.error());
  }
  print_report(recipe, *report, arguments.explain, console);
  if (!arguments.keep_work) work.remove(dumps);
  if (is_empty(*report)) {
    return input_error("no question passed the filters", "",
                       arguments.explain ? "loosen what removed the most" : "--explain tells what removed them");
  }
  if (staging == nullptr) return {};
  if (Status status = staging->commit(); !status) return status;
  console.out << "written to " << arguments.out << '\n';
  return {};
}

se::BuildOptions options_of(const BuildArguments& arguments, const WorkFolder& work) {
  se::BuildOptions options;
  options.read.rows = {arguments.strict, arguments.allow_truncated};
  options.read.threads =
      arguments.threads > 0 ? arguments.threads : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  options.work = work.path();
  options.why = arguments.why;
  return options;
}

Status build(const BuildArguments& given, Console& console) {
  BuildArguments arguments = given;
  arguments.out = without_slash(arguments.out);
  Result<se::Recipe> recipe = make_recipe(arguments);
  if (!recipe) return forward(recipe);
  if (arguments.print_recipe) {
    console.out << se::format_recipe(*recipe);
    return {};
  }
  if (recipe->topics.empty()) {
    return input_error("there is no topic to build", "", "give --topic NAME=SOURCE, or a --recipe with topics");
  }
  if (arguments.out.empty() && !arguments.dry_run)
    return input_error("there is no place to write to", "", "give --out DIR, or --dry-run");
  if (!arguments.dry_run) {
    if (Status status = check_out(arguments); !status) return status;
  }
  Result<std::vector<se::Dump>> dumps = se::open_dumps(*recipe, arguments.dumps);
  if (!dumps) return forward(dumps);
  const std::string beside = arguments.out.empty() ? "hre-data-build.work" : arguments.out + ".work";
  Result<WorkFolder> work = WorkFolder::open(arguments.work.empty() ? beside : arguments.work);
  if (!work) return forward(work);
  const std::unique_ptr<ProgressListener> progress = make_progress(console, arguments.quiet);
  const se::BuildOptions options = options_of(arguments, *work);
  if (arguments.dry_run) {
    const se::BuildSink nowhere = [](const Question&, const std::string&) { return Status(); };
    return finish(arguments, *recipe, *dumps,
                  se::build_dataset(*recipe, *dumps, options, nowhere, *progress, console.stop), nullptr, *work,
                  console);
  }
  Result<Staging> staging = Staging::open(arguments.out);
  if (!staging) return forward(staging);
  return finish(arguments, *recipe, *dumps, write_dataset(*recipe, *dumps, options, *staging, *progress, console.stop),
                &*staging, *work, console);
}

}  // namespace

Action define_data_build(CLI::App& app) {
  auto arguments = std::make_shared<BuildArguments>();
  app.add_option("--topic", arguments->topics,
                 "a topic and its dumps: NAME=SOURCE[,SOURCE...]; SOURCE is a folder of Posts.xml, SITE.7z or "
                 "SITE-Posts.7z, with [tag][tag] behind it where only some questions are wanted")
      ->type_name("NAME=SOURCE")
      ->take_all();
  app.add_option("--recipe", arguments->recipe_file, "topics, filters and choices (docs/datasets.md)")
      ->type_name("FILE.toml");
  app.add_option("--dumps", arguments->dumps, "where the sites of the recipe lie: SITE/, SITE.7z or SITE-Posts.7z")
      ->type_name("DIR");
  app.add_option("--out", arguments->out, "the folder to write; it appears when it is complete")->type_name("DIR");
  app.add_flag("--replace", arguments->replace, "replace a dataset that was built there before");
  app.add_option("--questions", arguments->questions, "questions a topic; 0: all")->type_name("N");
  app.add_option("--answers", arguments->answers, "answers a question; 0: all")->type_name("N");
  app.add_option("--choose", arguments->choose, "which answers: spread, top-and-random, random, all")->type_name("HOW");
  app.add_option("--code", arguments->code, "code as it is, or between fences: plain, fenced")->type_name("STYLE");
  app.add_option("--seed", arguments->seed, "of every draw")->type_name("N");
  app.add_flag("--dry-run", arguments->dry_run, "count only, write nothing");
  app.add_flag("--explain", arguments->explain, "show how many posts each filter removed");
  app.add_option("--why", arguments->why, "tell the fate of this post; SITE/ID where several sites are read")
      ->type_name("POSTID")
      ->take_all();
  app.add_flag("--print-recipe", arguments->print_recipe, "print the recipe with every key, and read nothing");
  app.add_flag("--strict", arguments->strict, "rows that can't be read are errors");
  app.add_flag("--allow-truncated", arguments->allow_truncated, "take what a cut Posts.xml holds");
  app.add_option("--threads", arguments->threads, "threads (default: all cores)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  app.add_option("--work", arguments->work, "where intermediate files go (default: beside the output)")
      ->type_name("DIR");
  app.add_flag("--keep-work", arguments->keep_work, "keep them, for the next build of these dumps");
  app.add_flag("--quiet", arguments->quiet, "no progress");
  return [arguments](Console& console) { return build(*arguments, console); };
}

}  // namespace hre::cli
