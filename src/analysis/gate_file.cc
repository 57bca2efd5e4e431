#include "analysis/gate_file.h"

#include "analysis/option_names.h"
#include "analysis/scores.h"
#include "core/files.h"
#include "core/text.h"
#include "core/toml.h"

namespace hre {
namespace {

GateRule read_rule(const toml::table& table, const std::string& place, std::optional<Error>& problem) {
  GateRule rule;
  TomlReader reader(table, place, " in check", problem);
  std::string metric = rule.metric->name;
  reader.text("metric", metric);
  if (auto found = find_metric(metric)) {
    rule.metric = *found;
  } else {
    reader.keep({ErrorCode::kInput, found.error().message, reader.place_of(table), found.error().next});
  }
  ScoreKind score = ScoreKind::kPerChar;
  const bool says_score = table.contains("score");
  reader.one_of("score", score, kScoreKinds);
  if (says_score) rule.score = score;
  reader.number("margin", rule.margin, 0, 1e6);
  reader.text("topics", rule.topics);
  reader.one_of("weights", rule.weights, kWeights);
  reader.finish();
  return rule;
}

}  // namespace

Result<GateFile> read_gate_file(const std::string& path) {
  auto text = read_file(path, 1 << 20);
  return text ? parse_gate_file(*text, path) : Result<GateFile>(forward(text));
}

Result<GateFile> parse_gate_file(std::string_view toml, const std::string& place) {
  if (const auto at = find_invalid_utf8(toml)) {
    return input_error("byte " + std::to_string(*at + 1) + " is not UTF-8", place);
  }
  const auto parsed = parse_toml(toml, place);
  if (!parsed) return tl::unexpected<Error>(parsed.error());
  GateFile file;
  std::optional<Error> problem;
  TomlReader reader(*parsed, place, "", problem);
  reader.text("baseline", file.baseline);
  reader.number("level", file.policy.level, 1e-9, 0.5);
  if (parsed->contains("undefined")) {
    UndefinedPolicy undefined = UndefinedPolicy::kLeaveOut;
    reader.one_of("undefined", undefined, kUndefinedPolicies);
    file.policy.undefined = undefined;
  }
  if (const toml::array* checks = reader.tables("check")) {
    for (const toml::node& node : *checks) {
      file.policy.rules.push_back(read_rule(*node.as_table(), place, problem));
    }
  }
  reader.finish();
  if (file.policy.rules.empty()) {
    reader.keep({ErrorCode::kInput, "there is no check: write a table [[check]]", place, ""});
  }
  if (problem) return tl::unexpected<Error>(*problem);
  return file;
}

}  // namespace hre
