#include "cli/score_option.h"

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "analysis/scores.h"

namespace hre::cli {

void define_score(CLI::App& app, std::optional<ScoreKind>& score) {
  static const std::map<std::string, ScoreKind> kKinds = [] {
    std::map<std::string, ScoreKind> kinds;
    for (const auto& [name, kind] : kScoreKinds) kinds.emplace(name, kind);
    return kinds;
  }();
  app.add_option("--score", score,
                 "what an answer's log-likelihood is divided by: its characters (per-char, the published rule), its "
                 "tokens, its bytes, or nothing (sum); nothing is scored again")
      ->type_name("per-char|per-token|per-byte|sum")
      ->transform(CLI::Transformer(kKinds).description(""))
      ->check(CLI::IsMember({ScoreKind::kPerChar, ScoreKind::kPerToken, ScoreKind::kPerByte, ScoreKind::kSum})
                  .description(""));
}

Status choose_score(const std::optional<ScoreKind>& score, std::vector<Run>& runs) {
  for (Run& run : runs) {
    if (!score) break;
    if (auto ok = hre::choose_score(*score, run); !ok) return ok;
  }
  return {};
}

}  // namespace hre::cli
