#include "cli/where_options.h"

#include <CLI/CLI.hpp>

namespace hre::cli {

void define_where(CLI::App& app, std::vector<std::string>& where, std::string& metadata) {
  app.add_option("--where", where,
                 "only questions that meet this condition: topic=GLOB, id=GLOB, tag=GLOB, or votes, answers, length or "
                 "date with =, !=, <, <=, >, >=; repeatable")
      ->type_name("COND")
      ->allow_extra_args(false);
  app.add_option("--metadata", metadata,
                 "file with dates and tags of questions (default: the dataset's metadata/questions.jsonl)")
      ->type_name("FILE");
}

}  // namespace hre::cli
