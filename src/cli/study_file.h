#pragma once
/// The file that `hre study` reads: which runs are of which family, size and stage, and where judgements are
/// (TOML, docs/formats.md).

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/study.h"
#include "hre/result.h"

namespace hre::cli {

struct StudyFile {
  struct Member {
    std::string run;  ///< RUN
    std::string family;
    std::optional<double> size;  ///< parameters; nothing: the model's own
    Stage stage = Stage::kPretrained;
    std::string name;  ///< empty: the model's own
  };
  struct Judgements {
    std::string file;                    ///< CSV
    std::string model_column = "Model";  ///< holds the models' names
    std::vector<std::string> columns;
    std::map<std::string, std::string> models;  ///< a run's name to the file's, where they differ
  };
  std::string name;
  std::vector<Member> members;
  std::vector<Judgements> judgements;
};

/// Input errors name line and key.
Result<StudyFile> parse_study_file(std::string_view toml, const std::string& place);

/// "410M", "6.7 B", "125000": a number of parameters.
std::optional<double> parse_size(std::string_view text);

}  // namespace hre::cli
