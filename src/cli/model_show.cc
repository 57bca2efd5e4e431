/// hre model show: what a model is, before anything is scored.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/model_options.h"
#include "cli/progress.h"
#include "core/text.h"
#include "core/visible.h"
#include "hub/open.h"
#include "model/inspect.h"

namespace hre::cli {
namespace {

struct ShowArguments {
  std::string model;
  EngineOptions options;
  bool json = false, quiet = false;
};

std::string bytes(uint64_t n) {
  return n >= 1000000000 ? fmt::format("{:.2f} GB", static_cast<double>(n) / 1e9)
                         : fmt::format("{:.1f} MB", static_cast<double>(n) / 1e6);
}

std::string bos_policy(const ModelFacts& facts) {
  if (facts.bos.empty()) return "none";
  return fmt::format("{}; --bos auto {}", facts.bos,
                     facts.adds_bos ? "puts it in front" : "leaves it out, as the model says");
}

/// The template's first line, and how long it is.
std::string template_line(const std::string& text) {
  if (text.empty()) return "none";
  const std::string first(first_code_points(text.substr(0, text.find('\n')), 40));
  return fmt::format("{}{} ({} characters)", first, first.size() < text.size() ? "..." : "", count_code_points(text));
}

void print_text(const ModelFacts& facts, Console& console) {
  const ModelDescription& model = facts.description;
  std::vector<std::pair<std::string, std::string>> rows = {
      {"model", model.name}, {"source", model.source}, {"architecture", model.architecture}};
  if (facts.n_tokens > 0) {
    const uint64_t total = facts.weight_bytes + facts.cache_bytes + facts.compute_bytes;
    rows.insert(rows.end(), {{"parameters", std::to_string(model.parameters)},
                             {"file type", model.file_type},
                             {"files", std::to_string(facts.n_files)},
                             {"vocabulary", fmt::format("{}, {} tokens", facts.vocabulary, facts.n_tokens)},
                             {"context length", std::to_string(model.context_length)},
                             {"BOS", bos_policy(facts)},
                             {"EOS", facts.eos.empty() ? "none" : facts.eos},
                             {"chat template", template_line(facts.chat_template)},
                             {"memory to score", fmt::format("about {}: {} weights, {} cache, {} to compute",
                                                             bytes(total), bytes(facts.weight_bytes),
                                                             bytes(facts.cache_bytes), bytes(facts.compute_bytes))},
                             {"fingerprint", model.fingerprint}});
  }
  for (const auto& [name, value] : model.settings) rows.emplace_back(name, value);
  for (const auto& [name, value] : rows) console.print(fmt::format("{:<16}  {}\n", name, visible_line(value)));
}

void print_json(const ModelFacts& facts, Console& console) {
  using Json = nlohmann::ordered_json;
  const auto or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  const ModelDescription& model = facts.description;
  const Json json = {
      {"format", "hre-model/1"},
      {"name", model.name},
      {"source", model.source},
      {"fingerprint", or_null(model.fingerprint)},
      {"architecture", model.architecture},
      {"parameters", model.parameters},
      {"file_type", or_null(model.file_type)},
      {"files", facts.n_files},
      {"vocabulary", {{"kind", or_null(facts.vocabulary)}, {"tokens", facts.n_tokens}}},
      {"context_length", model.context_length},
      {"bos", or_null(facts.bos)},
      {"adds_bos", facts.adds_bos},
      {"eos", or_null(facts.eos)},
      {"chat_template", or_null(facts.chat_template)},
      {"memory", {{"weights", facts.weight_bytes}, {"cache", facts.cache_bytes}, {"compute", facts.compute_bytes}}}};
  console.out << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

Status show(const ShowArguments& arguments, Console& console) {
  auto progress = make_progress(console, arguments.quiet);
  auto found = locate_model(arguments.model, *progress, console.stop);
  if (!found) return forward(found);
  auto facts = inspect_model(found->path, arguments.options, *progress, console.stop);
  if (!facts) return forward(facts);
  if (!found->source.empty()) facts->description.source = found->source;
  (arguments.json ? print_json : print_text)(*facts, console);
  return {};
}

}  // namespace

Action define_model_show(CLI::App& app) {
  auto arguments = std::make_shared<ShowArguments>();
  app.add_option("MODEL", arguments->model,
                 "a .gguf file, a checkpoint folder, hf:ORG/REPO[/FILE] on the hub, or a baseline")
      ->required()
      ->type_name("");
  app.add_flag("--json", arguments->json, "print JSON");
  app.add_flag("--quiet", arguments->quiet, "no progress");
  return [arguments](Console& console) { return show(*arguments, console); };
}

}  // namespace hre::cli
