/// hre model tokens: token ids of texts, one JSON list per line.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/command.h"
#include "core/files.h"
#include "model/inspect.h"

namespace hre::cli {
namespace {

struct TokensArguments {
  std::string model, texts;
};

/// The JSON string of a line.
Result<std::string> text_of(const std::string& line, size_t number, const std::string& path) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (json.is_string()) return json.get<std::string>();
  return input_error("is not a JSON string", path + ", line " + std::to_string(number));
}

Status tokens(const TokensArguments& arguments, Console& console) {
  auto tokenizer = open_tokenizer(arguments.model);
  if (!tokenizer) return forward(tokenizer);
  auto file = read_file(arguments.texts);
  if (!file) return forward(file);
  size_t number = 0;
  for (size_t at = 0; at < file->size() && !console.stop.stop_requested();) {
    const size_t end = std::min(file->find('\n', at), file->size());
    auto text = text_of(file->substr(at, end - at), ++number, arguments.texts);
    if (!text) return forward(text);
    auto ids = (*tokenizer)->encode(*text);
    console.out << (ids ? nlohmann::json(*ids).dump() : "null") << '\n';
    at = end + 1;
  }
  return {};
}

}  // namespace

Action define_model_tokens(CLI::App& app) {
  auto arguments = std::make_shared<TokensArguments>();
  app.add_option("MODEL", arguments->model, "a .gguf file; a vocabulary without weights is enough")
      ->required()
      ->type_name("");
  app.add_option("TEXTS", arguments->texts,
                 "a file with one JSON string per line; for each string, one line with a list of token ids is printed, "
                 "or null if the vocabulary can't express it")
      ->required()
      ->type_name("");
  return [arguments](Console& console) { return tokens(*arguments, console); };
}

}  // namespace hre::cli
