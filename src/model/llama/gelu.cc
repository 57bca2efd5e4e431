#include "model/llama/gelu.h"

#include <fmt/format.h>

#include <map>
#include <set>

namespace hre {
namespace {

/// An architecture that uses GELU in libllama.
struct GeluArchitecture {
  bool is_erf;    ///< the form of its best known models
  bool may_vary;  ///< Transformers' class reads the activation from the configuration
};

const GeluArchitecture* find_architecture(const std::string& name) {
  static const std::map<std::string, GeluArchitecture> all = {
      {"bloom", {false, false}},    {"falcon", {true, true}},      {"gemma", {false, false}},
      {"gemma2", {false, false}},   {"gemma3", {false, false}},    {"gpt2", {false, true}},
      {"gptneox", {true, true}},    {"mpt", {true, false}},        {"phi2", {false, true}},
      {"starcoder", {false, true}}, {"starcoder2", {false, true}},
  };
  const auto found = all.find(name);
  return found == all.end() ? nullptr : &found->second;
}

}  // namespace

Result<GeluForm> gelu_form(const GgufHeader& header, const std::string& path) {
  const std::string name = header.text("general.architecture");
  const GeluArchitecture* architecture = find_architecture(name);
  if (architecture == nullptr) return GeluForm();
  const std::string stated = header.text(name + ".hidden_activation");
  if (stated.empty()) return GeluForm{architecture->is_erf, architecture->may_vary};
  static const std::set<std::string> kErf = {"gelu", "gelu_python"};
  static const std::set<std::string> kTanh = {"gelu_new", "gelu_fast", "gelu_accurate", "gelu_pytorch_tanh",
                                              "gelu_python_tanh"};
  if (kErf.contains(stated)) return GeluForm{true};
  if (kTanh.contains(stated)) return GeluForm{false};
  return input_error(fmt::format("states the activation {}, but libllama computes GELU for {}", stated, name), path,
                     "an inference server can score it");
}

}  // namespace hre
