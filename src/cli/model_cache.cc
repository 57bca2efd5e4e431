/// hre model list, hre model remove: what of the hub is in the cache.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

#include "cli/command.h"
#include "cli/sizes.h"
#include "core/text.h"
#include "core/visible.h"
#include "hre/hub.h"
#include "report/text_table.h"

namespace hre::cli {
namespace {

std::string revision_text(const CachedRepository::Revision& revision) {
  constexpr size_t kShort = 8;
  const std::string names = revision.references.empty() ? "" : " " + join(revision.references);
  return fmt::format("{}{} ({})", revision.commit.substr(0, kShort), names,
                     counted(static_cast<int64_t>(revision.files), "file"));
}

Status list_models(Console& console) {
  auto repositories = list_cache();
  if (!repositories) return forward(repositories);
  TextTable table({"name", "kind", "size", "revisions"});
  for (const CachedRepository& repository : *repositories) {
    std::vector<std::string> revisions;
    for (const auto& revision : repository.revisions) revisions.push_back(revision_text(revision));
    table.add_row(
        {repository.name, repository.is_dataset ? "dataset" : "model", shown_bytes(repository.bytes), join(revisions)});
  }
  if (!repositories->empty()) console.print(table.render(console.width));
  if (repositories->empty()) console.err << "hre: no model or dataset is in the cache\n";
  return {};
}

Status remove_model(const std::string& name, Console& console) {
  auto freed = remove_from_cache(name);
  if (!freed) return forward(freed);
  console.print(fmt::format("{} removed, {} freed\n", visible_line(name), shown_bytes(*freed)));
  return {};
}

}  // namespace

Action define_model_list(CLI::App&) { return list_models; }

Action define_model_remove(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  app.add_option("NAME", *name,
                 "hf:ORG/REPO, a model or a dataset; or hf:ORG/REPO@REVISION, for that revision and the files that "
                 "only it uses. Python programs use the same cache")
      ->required()
      ->type_name("");
  return [name](Console& console) { return remove_model(*name, console); };
}

}  // namespace hre::cli
