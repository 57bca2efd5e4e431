#include "cli/study_file.h"

#include <fmt/format.h>

#include <cmath>

#include "core/text.h"
#include "core/toml.h"

namespace hre::cli {
namespace {

struct Context {
  std::string place;
  std::optional<Error> problem;
};

void read_size(TomlReader& reader, std::optional<double>& size) {
  const toml::node* node = reader.take("size");
  if (node == nullptr) return;
  const auto text = node->value_exact<std::string>();
  if (node->is_number()) size = node->value<double>();
  if (text) size = parse_size(*text);
  if (!size || !(*size > 0) || !std::isfinite(*size)) {
    reader.wrong(*node, "size", "is not a number of parameters, such as 410000000 or \"410M\"");
  }
}

StudyFile::Member read_member(const toml::table& table, Context& context) {
  StudyFile::Member member;
  TomlReader reader(table, context.place, " in run", context.problem);
  std::string stage;
  reader.text("run", member.run);
  reader.text("family", member.family);
  reader.text("stage", stage);
  reader.one_of("stage", member.stage, kStages);
  read_size(reader, member.size);
  reader.text("name", member.name);
  reader.finish();
  reader.need("run", member.run);
  reader.need("family", member.family);
  reader.need("stage", stage);
  return member;
}

void read_models(TomlReader& reader, std::map<std::string, std::string>& models) {
  const toml::table* names = reader.table("models");
  if (names == nullptr) return;
  for (const auto& [key, value] : *names) {
    const auto name = value.value_exact<std::string>();
    if (!name)
      return reader.wrong(value, "models", "has a value for " + std::string(key.str()) + " that is not a string");
    models.emplace(key.str(), *name);
  }
}

StudyFile::Judgements read_judgements(const toml::table& table, Context& context) {
  StudyFile::Judgements judgements;
  TomlReader reader(table, context.place, " in judgements", context.problem);
  reader.text("file", judgements.file);
  reader.text("model_column", judgements.model_column);
  reader.texts("columns", judgements.columns);
  read_models(reader, judgements.models);
  reader.finish();
  reader.need("file", judgements.file);
  if (judgements.columns.empty()) {
    reader.keep({ErrorCode::kInput, "columns in judgements names no column", reader.place_of(table), ""});
  }
  return judgements;
}

StudyFile read(const toml::table& root, Context& context) {
  StudyFile file;
  TomlReader reader(root, context.place, "", context.problem);
  reader.text("name", file.name);
  if (const toml::array* runs = reader.tables("run")) {
    for (const toml::node& node : *runs) file.members.push_back(read_member(*node.as_table(), context));
  }
  if (const toml::array* all = reader.tables("judgements")) {
    for (const toml::node& node : *all) file.judgements.push_back(read_judgements(*node.as_table(), context));
  }
  reader.finish();
  if (file.members.empty())
    reader.keep({ErrorCode::kInput, "there is no run: write a table [[run]]", context.place, ""});
  return file;
}

}  // namespace

std::optional<double> parse_size(std::string_view text) {
  const size_t end = text.find_last_not_of(' ');
  if (end == std::string_view::npos) return std::nullopt;
  text = text.substr(0, end + 1);
  double factor = 1;
  if (const char unit = text.back(); unit == 'K' || unit == 'k') factor = 1e3;
  if (const char unit = text.back(); unit == 'M' || unit == 'm') factor = 1e6;
  if (const char unit = text.back(); unit == 'B' || unit == 'b') factor = 1e9;
  if (factor > 1) text.remove_suffix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const auto number = parse_finite_number(text);
  return number && *number > 0 ? std::optional(*number * factor) : std::nullopt;
}

Result<StudyFile> parse_study_file(std::string_view toml, const std::string& place) {
  if (const auto at = find_invalid_utf8(toml)) return input_error(fmt::format("byte {} is not UTF-8", *at + 1), place);
  const auto parsed = parse_toml(toml, place);
  if (!parsed) return tl::unexpected<Error>(parsed.error());
  Context context{place, std::nullopt};
  StudyFile file = read(*parsed, context);
  if (context.problem) return tl::unexpected<Error>(*context.problem);
  return file;
}

}  // namespace hre::cli
