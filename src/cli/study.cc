/// hre study: families of models, what separates their stages, and how they agree with outside judgements.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <ostream>

#include "cli/comparing.h"
#include "cli/run_argument.h"
#include "cli/store_argument.h"
#include "cli/study_file.h"
#include "cli/terminal.h"
#include "core/files.h"
#include "core/text.h"
#include "data/csv.h"
#include "report/study_json.h"
#include "report/study_table.h"

namespace hre::cli {
namespace {

namespace fs = std::filesystem;

struct StudyArguments {
  std::string file, json, store;
  ComparingOptions comparing;
  bool allow_different = false, example = false;
};

/// Files are named as seen from the study's own folder.
std::string beside(const std::string& study, const std::string& name) {
  if (!names_file(name)) return name;
  const fs::path path = fs::path(study).parent_path() / name;
  const std::string file = path.string().substr(0, path.string().find('#'));  // of a log, the value's name may follow
  return path_exists(file) ? path.string() : name;
}

Result<std::vector<Run>> load_members(const StudyFile& file, const std::string& path, const std::string& store) {
  std::vector<Run> runs;
  for (const StudyFile::Member& member : file.members) {
    auto run = load_run(beside(path, member.run), store);
    if (!run) return forward(run);
    runs.push_back(std::move(*run));
  }
  return runs;
}

std::vector<StudyMember> members_of(const StudyFile& file, const std::vector<Run>& runs) {
  std::vector<StudyMember> members;
  for (size_t i = 0; i < runs.size(); ++i) {
    const StudyFile::Member& member = file.members[i];
    members.push_back(
        {member.name.empty() ? runs[i].model.name : member.name, member.family, member.size.value_or(0), member.stage});
  }
  return members;
}

bool is_missing(const std::string& cell) {
  return cell.empty() || cell == "-" || cell == "NA" || cell == "N/A" || cell == "nan";
}

/// What a cell with a model's name shows: leaderboards link names, as in "[name](address)".
std::string_view shown_name(std::string_view cell) {
  const size_t end = cell.find("](");
  return cell.starts_with('[') && cell.ends_with(')') && end != cell.npos ? cell.substr(1, end - 1) : cell;
}

/// The row of a model: its name in the file, whatever the case.
Result<const std::vector<std::string>*> find_row(const data::CsvTable& table, size_t column, const std::string& model,
                                                 const std::string& where) {
  const auto lower = [](std::string_view name) {
    std::string text(name);
    for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return text;
  };
  const std::vector<std::string>* found = nullptr;
  for (const auto& row : table.rows) {
    if (lower(shown_name(row[column])) != lower(model)) continue;
    if (found) return input_error("model " + model + " has two rows", where);
    found = &row;
  }
  return found;
}

/// Says which runs have no row; an error where none has one.
Status check_rows(const std::vector<const std::vector<std::string>*>& rows, const std::vector<StudyMember>& members,
                  const data::CsvTable& table, size_t column, const std::string& path, Console& console) {
  std::vector<std::string> missing, present;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i]) missing.push_back(members[i].name);
  }
  if (missing.empty()) return {};
  if (missing.size() < rows.size()) {
    console.err << message_text(path + ": there is no row for " + join(missing), console.err_is_terminal);
    return {};
  }
  for (const auto& row : table.rows) {
    if (present.size() < 10) present.emplace_back(shown_name(row[column]));
  }
  if (table.rows.size() > present.size()) present.push_back("...");
  return input_error("there is no row for any run: " + join(missing), path,
                     "the file has rows for " + join(present) +
                         "; models = { \"RUN\" = \"ROW\" } says which row belongs to which run");
}

Result<std::vector<Judgement>> read_judgements(const StudyFile::Judgements& judgements,
                                               const std::vector<StudyMember>& members, const std::string& study,
                                               Console& console) {
  const std::string path = beside(study, judgements.file);
  auto text = read_file(path);
  if (!text) return forward(text);
  auto table = data::read_csv(*text, path);
  if (!table) return forward(table);
  const auto position = [&](const std::string& name) -> Result<size_t> {
    if (const auto found = table->column(name)) return *found;
    return input_error("there is no column '" + name + "'", path, "there are " + join(table->columns));
  };
  auto models = position(judgements.model_column);
  if (!models) return forward(models);
  std::vector<const std::vector<std::string>*> rows;  // a member's; none: null
  for (const StudyMember& member : members) {
    const auto other = judgements.models.find(member.name);
    auto row = find_row(*table, *models, other == judgements.models.end() ? member.name : other->second, path);
    if (!row) return forward(row);
    rows.push_back(*row);
  }

  std::vector<Judgement> result;
  for (const std::string& name : judgements.columns) {
    auto column = position(name);
    if (!column) return forward(column);
    Judgement judgement{name, {}};
    for (size_t i = 0; i < members.size(); ++i) {
      const std::string cell = rows[i] ? (*rows[i])[*column] : "";
      const auto value = parse_finite_number(cell);
      if (!value && !is_missing(cell)) {
        return input_error(fmt::format("column {} of {} is not a number: '{}'", name, members[i].name, cell), path);
      }
      judgement.values.push_back(value);
    }
    result.push_back(std::move(judgement));
  }
  if (auto ok = check_rows(rows, members, *table, *models, path, console); !ok) return forward(ok);
  return result;
}

Result<std::vector<Judgement>> all_judgements(const StudyFile& file, const std::vector<StudyMember>& members,
                                              const std::string& study, Console& console) {
  std::vector<Judgement> all;
  for (const StudyFile::Judgements& judgements : file.judgements) {
    for (const auto& named : judgements.models) {
      if (std::none_of(members.begin(), members.end(), [&](const StudyMember& m) { return m.name == named.first; })) {
        return input_error("models names '" + named.first + "', which is not the name of a run", study);
      }
    }
    auto read = read_judgements(judgements, members, study, console);
    if (!read) return forward(read);
    for (Judgement& judgement : *read) all.push_back(std::move(judgement));
  }
  return all;
}

constexpr const char* kExample = R"toml(# What hre study reads; docs/formats.md has every key.
name = "Two families"

[[run]]
run = "pythia-410m.json"      # a run: hre eval pythia-410m.gguf --data DATA --json pythia-410m.json --details
family = "Pythia"
size = "410M"                 # parameters; if left out, the model's own number
stage = "pretrained"          # pretrained, tuned or preference

[[run]]
run = "pythia-410m-tuned.json"
name = "Pythia-410M-tuned"    # if left out, the model's name
family = "Pythia"
size = "410M"
stage = "tuned"

[[judgements]]                # any CSV file with a column of models
file = "leaderboard.csv"
model_column = "Model"
columns = ["Arena Elo rating", "MT-bench (score)"]
models = { "Pythia-410M-tuned" = "pythia-tuned" }   # names in that file, if they differ
)toml";

Status run_study(const StudyArguments& arguments, Console& console) {
  if (arguments.example) {
    console.out << kExample;
    return {};
  }
  if (arguments.file.empty()) return input_error("no FILE.toml is given", "", "hre study --example prints an example");
  auto compare = arguments.comparing.compare_options();
  if (!compare) return forward(compare);
  auto text = read_file(arguments.file, 16 << 20);
  if (!text) return forward(text);
  auto file = parse_study_file(*text, arguments.file);
  if (!file) return forward(file);
  auto runs = load_members(*file, arguments.file, arguments.store);
  if (!runs) return forward(runs);
  if (auto ok = arguments.comparing.apply_where(*runs); !ok) return ok;
  if (auto ok = arguments.comparing.score.apply(*runs, arguments.store, arguments.allow_different); !ok) return ok;
  std::vector<StudyMember> members = members_of(*file, *runs);
  auto judgements = all_judgements(*file, members, arguments.file, console);
  if (!judgements) return forward(judgements);

  const ComparingOptions& c = arguments.comparing;
  StudyOptions options;
  options.compare = *compare;
  options.compare.allow_different = arguments.allow_different;
  options.agreement.seed = c.seed;
  auto study = at_once(
      console, [&] { return make_study(pointers_to(*runs), std::move(members), std::move(*judgements), options); });
  if (!study) return forward(study);
  return write_result(arguments.json, study_json(*study, file->name, c.where),
                      study_text(*study, file->name, console.width), console);
}

}  // namespace

Action define_study(CLI::App& app) {
  auto a = std::make_shared<StudyArguments>();
  app.add_option("FILE.toml", a->file,
                 "a file with families, sizes and stages of runs, and judgements (docs/formats.md)")
      ->type_name("");
  app.add_flag("--example", a->example, "print an example file to start from");
  a->comparing.define(app);
  app.add_flag("--allow-different", a->allow_different,
               "study runs of different configurations; the differences are listed");
  add_store_option(app, a->store);
  app.add_option("--json", a->json, "write the study as JSON (format hre-study/1); - for standard output")
      ->type_name("FILE");
  return [a](Console& console) { return run_study(*a, console); };
}

}  // namespace hre::cli
