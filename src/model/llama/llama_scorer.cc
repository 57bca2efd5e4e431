#include "model/llama/llama_scorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/files.h"
#include "core/hashing.h"
#include "model/chat/chat_template.h"
#include "model/llama/architectures.h"
#include "model/llama/computation_plan.h"
#include "model/llama/description.h"
#include "model/llama/gelu.h"

namespace hre {
namespace {

struct Adapters {
  std::vector<llama_adapter_lora*> loaded;  // the model owns them
  std::vector<float> scales;
};

Result<Adapters> load_adapters(llama_model* model, const std::vector<Adapter>& asked) {
  Adapters adapters;
  for (const Adapter& adapter : asked) {
    auto header = read_gguf_header(adapter.path);
    if (!header) return forward(header);
    auto loaded = load_llama_adapter(model, adapter.path);
    if (!loaded) return forward(loaded);
    adapters.loaded.push_back(*loaded);
    adapters.scales.push_back(adapter.scale);
  }
  return adapters;
}

/// How a question's text becomes a conversation.
struct Chat {
  ChatTemplate rendered;
  std::string system;
  std::string from;  ///< the file that contained the template
  Settings settings;
};

std::string special_text(const llama_vocab* vocab, Token token) {
  const char* text = token < 0 ? nullptr : llama_vocab_get_text(vocab, token);
  return text == nullptr ? "" : text;
}

/// The template's source: the model's own, or a file's.
Result<std::string> template_text(const GgufHeader& header, const std::string& wanted, const std::string& path) {
  if (wanted != "auto") return read_file(wanted, 1 << 20);
  std::string own = header.text("tokenizer.chat_template");
  if (own.empty())
    return input_error("the model has no chat template", path, "give one with ‹chat_template› FILE, or use none");
  return own;
}

Result<std::optional<Chat>> make_chat(const llama_vocab* vocab, const GgufHeader& header, const EngineOptions& options,
                                      const std::string& path) {
  if (options.chat_template == "none") {
    if (options.system.empty() && options.date.empty()) return std::optional<Chat>();
    if (options.system.empty()) {
      return input_error("‹date› needs a chat template", "", "‹chat_template› auto uses the model's own");
    }
    return input_error("‹system› needs a chat template", "", "‹chat_template› auto uses the model's own");
  }
  auto text = template_text(header, options.chat_template, path);
  if (!text) return forward(text);
  auto parsed = ChatTemplate::parse(*text,
                                    {{"bos_token", special_text(vocab, llama_vocab_bos(vocab))},
                                     {"eos_token", special_text(vocab, llama_vocab_eos(vocab))}},
                                    options.date.empty() ? ChatTemplate::kDate : options.date);
  const std::string from = options.chat_template == "auto" ? path : options.chat_template;
  if (!parsed) {
    if (parsed.error().where.empty()) parsed.error().where = from;
    return forward(parsed);
  }
  if (!options.date.empty() && !parsed->asks_for_date()) {
    return input_error("the chat template does not ask for a date", from, "leave out ‹date›");
  }
  ContentHash hash;
  hash.add_bytes(*text);
  Chat chat{std::move(*parsed), options.system, from, {}};
  chat.settings = {{"chat_template",
                    fmt::format("{} {}", options.chat_template == "auto" ? "the model's" : "a file's", hash.value())},
                   {"system", options.system}};
  if (chat.rendered.asks_for_date()) {
    chat.settings.emplace_back("date", options.date.empty() ? ChatTemplate::kDate : options.date);
  }
  return std::optional<Chat>(std::move(chat));
}

class LlamaScorer final : public Scorer {
 public:
  LlamaScorer(LlamaModel model, Adapters adapters, ModelDescription description, PlanRules rules,
              EncoderDecoderRules encoder_decoder, std::optional<Chat> chat, const ComputationRules& computation)
      : model_(std::move(model)),
        vocab_(llama_model_get_vocab(model_.get())),
        description_(std::move(description)),
        rules_(rules),
        encoder_decoder_(encoder_decoder),
        chat_(std::move(chat)),
        has_encoder_(computation.has_encoder),
        computation_(model_.get(), std::move(adapters.loaded), std::move(adapters.scales), computation) {}

  const ModelDescription& describe() const override { return description_; }

  Result<QuestionPlan> plan(ScoringRequest request) const override {
    if (chat_) {
      auto conversation = chat_->rendered.apply(std::move(request), chat_->system);
      if (!conversation) {
        conversation.error().where = chat_->from;
        return forward(conversation);
      }
      request = std::move(*conversation);
    }
    const Encode encode = [this](std::string_view text) { return encode_text(vocab_, text); };
    auto plan = has_encoder_ ? plan_encoder_decoder(request, encode, rules_, encoder_decoder_)
                             : plan_question(request, encode, rules_);
    if (plan) plan->shares_prefix = computation_.shares_prefix();
    return plan;
  }

  TokenTexts texts_of(const AnswerPlan& answer) const override { return computation_.texts_of(answer); }

  Status score(PlanSource& source, const ScoreSink& sink, std::stop_token stop) override {
    const std::span<const QuestionPlan> plans = source.plans();
    if (auto ok = computation_.make_room(plans); !ok) return ok;
    std::optional<size_t> next = wait_for_next(source, stop);
    while (next && !stop.stop_requested()) {
      std::vector<size_t> places;
      std::vector<QuestionPlan> group;
      for (OpenGroup open = computation_.open_group(); next && open.add(plans[*next]);) {
        places.push_back(*next);
        group.push_back(plans[*next]);
        next.reset();
        if (open.closed()) break;
        // If the source has no question now, compute the group instead of waiting for more.
        if (const NextPlan more = source.next(); more.kind == NextPlan::Kind::kQuestion) next = more.index;
      }
      auto scores = computation_.score(group, stop);
      if (stop.stop_requested() && !scores) break;  // the computation was cut short
      if (!scores) {
        scores.error().where = description_.source;
        return forward(scores);
      }
      for (size_t i = 0; i < places.size(); ++i) {
        if (!sink(places[i], std::move((*scores)[i]))) return {};
      }
      if (!next) next = wait_for_next(source, stop);
    }
    return {};
  }

 private:
  LlamaModel model_;
  const llama_vocab* vocab_;
  ModelDescription description_;
  PlanRules rules_;
  EncoderDecoderRules encoder_decoder_;
  std::optional<Chat> chat_;
  bool has_encoder_;
  Computation computation_;
};

/// Refuses models whose values are known to be wrong.
Status check_architecture(const ModelFiles& files, const std::string& path) {
  if (proof_of(files.architecture()) != Proof::kDiffers) return {};
  return input_error(
      fmt::format("libllama's values for the architecture {} differ from Transformers'", files.architecture()), path,
      "an inference server can score it");
}

/// Notes for the user about doubts in this model's values on this machine.
void note_doubts(const ModelFiles& files, const GeluForm& gelu, const std::string& path, ProgressListener& progress) {
  const std::string name = files.architecture();
  if (const std::string problem = fast::kernel_problem(); !problem.empty()) progress.note(problem);
  if (gelu.is_assumed) {
    progress.note(
        fmt::format("{} does not state which GELU it was trained with ({}.hidden_activation): hre computes "
                    "the {} form, as for most {} models",
                    path, name, gelu.is_erf ? "exact" : "tanh", name));
  }
  if (proof_of(name) == Proof::kNone) {
    progress.note(
        fmt::format("nobody has compared libllama's values for the architecture {} with Transformers'; "
                    "hre verify with ‹python› does so for a run",
                    name));
  }
}

}  // namespace

Result<std::unique_ptr<Scorer>> open_llama(const std::string& path, const EngineOptions& options,
                                           ProgressListener& progress, const std::string& source) {
  if (options.cache_type == CacheType::kQ8_0 && options.flash_attention == FlashAttention::kOff) {
    return input_error("a cache of 8-bit values needs flash attention", "‹kv_type› q8_0", "give ‹flash_attention› on");
  }
  auto files = read_model_files(path);
  if (!files) return forward(files);
  if (auto ok = check_architecture(*files, path); !ok) return forward(ok);
  auto gelu = gelu_form(files->main(), path);
  if (!gelu) return forward(gelu);
  auto pre_tokenizer = pre_tokenizer_for(*files);
  if (!pre_tokenizer) return forward(pre_tokenizer);
  if (auto ok = check_together(options); !ok) return forward(ok);
  auto machine = this_machine(options);
  if (!machine) return forward(machine);
  auto plan = plan_computation(*files, options, *machine);
  if (!plan) return forward(plan);
  if (auto ok = check_memory(*plan, *machine, options, path); !ok) return forward(ok);
  note_doubts(*files, *gelu, path, progress);

  auto model = load_llama_model(files->parts, *pre_tokenizer, options, plan->may_repack);
  if (!model) return forward(model);
  if (auto ok = check_traits(model->get(), *files); !ok) return forward(ok);
  if (plan->streams_weights) {
    plan->rules.stream = std::make_shared<fast::WeightStream>(mapped_weights(model->get()));
  }
  auto adapters = load_adapters(model->get(), options.adapters);
  if (!adapters) return forward(adapters);

  auto text_rules = plan_rules(model->get(), options, path);
  if (!text_rules) return forward(text_rules);
  EncoderDecoderRules encoder_decoder;
  if (plan->rules.has_encoder) {
    auto found = encoder_decoder_rules(model->get(), options, path);
    if (!found) return forward(found);
    encoder_decoder = *found;
  }
  const llama_vocab* vocab = llama_model_get_vocab(model->get());
  auto chat = make_chat(vocab, files->main(), options, path);
  if (!chat) return forward(chat);

  auto description = describe_files(model->get(), *files);
  if (!description) return forward(description);
  if (options.bos == BosPolicy::kNever && options.chat_template == "none" && llama_vocab_get_add_bos(vocab)) {
    progress.note(description->name +
                  ": the model expects a beginning-of-sequence token, which the published rule leaves out: ‹bos› auto "
                  "adds it, and hre compare shows the difference");
  }
  auto settings = describe_settings(options, *text_rules, *plan);
  if (!settings) return forward(settings);
  description->settings = std::move(*settings);
  if (plan->rules.has_encoder) {
    const auto& end = encoder_decoder.source_end;
    description->settings.emplace_back("encoder_end", end ? fmt::format("token {}", *end) : "none");
  }
  if (*chat)
    description->settings.insert(description->settings.end(), (*chat)->settings.begin(), (*chat)->settings.end());
  if (!source.empty()) description->source = source;
  return std::make_unique<LlamaScorer>(std::move(*model), std::move(*adapters), std::move(*description), *text_rules,
                                       encoder_decoder, std::move(*chat), plan->rules);
}

}  // namespace hre
