#include "cli/model_options.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "cli/choice.h"
#include "core/text.h"
#include "model/option_names.h"

namespace hre::cli {
namespace {

/// FILE or FILE=SCALE.
Adapter parse_adapter(const std::string& text) {
  const size_t equals = text.rfind('=');
  if (equals == std::string::npos) return {text, 1};
  float scale = 0;
  const char *first = text.data() + equals + 1, *last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, scale);
  if (error != std::errc() || end != last || first == last) return {text, 1};
  return {text.substr(0, equals), scale};
}

void define_text_options(CLI::App& app, EngineOptions& o) {
  add_choice(app, "--bos", o.bos, kBosPolicies,
             "beginning-of-sequence token: never (the published rule, default), auto (as the model says), always");
  app.add_option("--max-length", o.max_length,
                 "maximum number of tokens that the model sees (default: the model's own maximum)")
      ->type_name("L")
      ->check(CLI::Range(1, 1 << 30).description(""));
  add_choice(app, "--long-answers", o.long_answers, kLongAnswers,
             "answers of more tokens than --max-length: error (default), truncate them, or skip their questions");
  app.add_option("--chat-template", o.chat_template,
                 "write the question as a user's message and the answer as the reply: none (the published rule, "
                 "default), auto (the model's own template), or a file with a Jinja template")
      ->type_name("none|auto|FILE");
  app.add_option("--system", o.system, "the system message, for a chat template")->type_name("TEXT");
  app.add_option("--date", o.date,
                 "the date for a chat template that asks for today's date (default: always 2024-07-26)")
      ->type_name("YYYY-MM-DD");
}

void define_device_options(CLI::App& app, EngineOptions& o) {
  app.add_option("--threads", o.threads, "number of threads (default: all cores)")
      ->type_name("N")
      ->check(CLI::Range(1, 4096).description(""));
  app.add_option("--gpu-layers", o.gpu_layers, "number of layers on the GPU, if there is one (default: all)")
      ->type_name("N");
  app.add_option("--device", o.devices, "use only this device; repeatable (hre --version lists the devices)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--tensor-split", o.tensor_split, "the share of the model for each GPU, such as 3,1")
      ->type_name("A,B,...")
      ->delimiter(',');
  add_choice(app, "--kv-type", o.cache_type, kCacheTypes,
             "type of the KV cache (default f32; the others are less exact)");
  add_choice(app, "--flash-attention", o.flash_attention, kFlashAttentions,
             "flash attention, which is less exact on a CPU (default off)");
  add_choice(
      app, "--engine-kernels", o.kernels, kEngineKernels,
      "what computes products and attention on the CPU: auto, hre's own kernels (default), or plain, the engine");
  add_choice(app, "--precision", o.precision, kComputePrecisions,
             "precision of products on the CPU: auto, the fastest for the weights' type with errors of thousandths of "
             "a nat (default), or exact, float32");
  app.add_flag(
      "--stream-weights", o.stream_weights,
      "read the weights from the disk layer by layer, for many questions at once; for models larger than the memory");
  app.add_flag("--numa", o.numa, "spread threads over the machine's memory nodes");
}

}  // namespace

void define_model_options(CLI::App& app, EngineOptions& options) {
  define_text_options(app, options);
  app.add_option_function<std::vector<std::string>>(
         "--lora",
         [&options](const std::vector<std::string>& all) {
           for (const std::string& text : all) options.adapters.push_back(parse_adapter(text));
         },
         "add a LoRA adapter (GGUF), multiplied by SCALE (default 1); repeatable")
      ->type_name("FILE[=SCALE]")
      ->allow_extra_args(false);
  define_device_options(app, options);
}

std::string setting_of(const ModelDescription& model, const std::string& name) {
  for (const auto& [key, value] : model.settings) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace hre::cli
