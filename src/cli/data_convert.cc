/// hre data convert: a dataset in another format.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>

#include "cli/command.h"
#include "cli/progress.h"
#include "core/text.h"
#include "core/visible.h"
#include "data/convert.h"
#include "hub/open.h"

namespace hre::cli {
namespace {

struct ConvertArguments {
  std::string data, out, to;
  std::vector<std::string> topics;
  bool force = false, quiet = false;
};

/// By OUT's ending, else by --to.
Result<data::OutputFormat> output_format(const ConvertArguments& arguments) {
  const std::string ending = std::filesystem::path(arguments.out).extension().string();
  if (ending == ".jsonl") {
    if (arguments.to != "parquet") return data::OutputFormat::kJsonlFile;
    return input_error("--to parquet contradicts the file's ending", arguments.out,
                       "parquet goes to a folder, with one file per split");
  }
  return arguments.to == "jsonl" ? data::OutputFormat::kJsonlFolder : data::OutputFormat::kParquet;
}

Status convert(const ConvertArguments& arguments, Console& console) {
  Result<data::OutputFormat> format = output_format(arguments);
  if (!format) return forward(format);
  const std::unique_ptr<ProgressListener> progress = make_progress(console, arguments.quiet);
  const data::ConvertOptions options{.format = *format, .topics = arguments.topics, .replace = arguments.force};
  Result<Located> located = locate_data(arguments.data, *progress, console.stop);
  if (!located) return forward(located);
  Result<data::Converted> done = data::convert_dataset(located->path, arguments.out, options, *progress, console.stop);
  if (!done) return forward(done);
  console.print(fmt::format("{}: {} of {} written, and read back equal\nfingerprint {}\n", visible_line(arguments.out),
                            counted(done->questions, "question"),
                            counted(static_cast<int64_t>(done->topics.size()), "topic"), done->fingerprint));
  return {};
}

}  // namespace

Action define_data_convert(CLI::App& app) {
  auto arguments = std::make_shared<ConvertArguments>();
  app.add_option("DATA", arguments->data,
                 "a folder or file of parquet or .jsonl, a saved Arrow dataset, hf:ORG/REPO on the hub, or sample")
      ->required()
      ->type_name("");
  app.add_option("OUT", arguments->out, "a folder, or a file that ends in .jsonl; it appears when it is complete")
      ->required()
      ->type_name("");
  app.add_option("--to", arguments->to,
                 "format of a folder: parquet in the published layout (default), or jsonl with one file per topic")
      ->type_name("parquet|jsonl")
      ->check(CLI::IsMember({"parquet", "jsonl"}).description(""));
  app.add_option("--topic", arguments->topics, "topics to write, by name or glob; repeatable")
      ->type_name("GLOB")
      ->expected(1)
      ->take_all();
  app.add_flag("--force", arguments->force,
               "replace OUT if it exists and is a .jsonl file or a folder that holds only a dataset");
  app.add_flag("--quiet", arguments->quiet, "no progress");
  return [arguments](Console& console) { return convert(*arguments, console); };
}

}  // namespace hre::cli
