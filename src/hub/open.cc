#include "hub/open.h"

#include <fmt/format.h>

#include <utility>

#include "hre/hub.h"

namespace hre {
namespace {

/// A model under the name by which it was asked for.
class NamedScorer final : public Scorer {
 public:
  NamedScorer(std::unique_ptr<Scorer> scorer, const Located& located)
      : scorer_(std::move(scorer)), description_(scorer_->describe()) {
    description_.source = located.source;
    description_.name = located.name;
  }
  [[nodiscard]] const ModelDescription& describe() const override { return description_; }
  Result<QuestionPlan> plan(ScoringRequest request) const override { return scorer_->plan(std::move(request)); }
  TokenTexts texts_of(const AnswerPlan& answer) const override { return scorer_->texts_of(answer); }
  Status score(PlanSource& source, const ScoreSink& sink, std::stop_token stop) override {
    return scorer_->score(source, sink, std::move(stop));
  }
  [[nodiscard]] bool wants_longest_first() const override { return scorer_->wants_longest_first(); }

 private:
  std::unique_ptr<Scorer> scorer_;
  ModelDescription description_;
};

Result<Located> located(Result<HubFiles> files) {
  if (!files) return forward(files);
  return Located{files->path, files->source, files->name};
}

}  // namespace

Result<Located> locate_model(const std::string& model, ProgressListener& progress, const std::stop_token& stop) {
  if (is_hub_name(model)) return located(fetch_model(model, {}, progress, stop));
  auto path = choose_local_model(model);
  if (!path) return forward(path);
  return Located{*std::move(path), "", ""};
}

Result<Located> locate_data(const std::string& data, ProgressListener& progress, const std::stop_token& stop) {
  if (!data.empty())
    return is_hub_name(data) ? located(fetch_dataset(data, {}, progress, stop)) : Located{data, "", ""};
  auto published = located(fetch_dataset(kPublishedDataset, {}, progress, stop));
  if (published || published.error().code == ErrorCode::kInterrupted) return published;
  Error error = std::move(published.error());
  error.message = "no ‹data› was given, and the published dataset cannot be fetched: " + error.message;
  error.next = "give ‹data› sample, a folder of it, or your own (hre data build makes one)";
  return tl::unexpected<Error>(std::move(error));
}

Result<std::unique_ptr<Scorer>> open_model_argument(const std::string& model, const EngineOptions& options,
                                                    ProgressListener& progress, const std::stop_token& stop) {
  auto found = locate_model(model, progress, stop);
  if (!found) return forward(found);
  auto scorer = open_model(found->path, options, progress, stop);
  if (!scorer || found->source.empty()) return scorer;
  return std::make_unique<NamedScorer>(*std::move(scorer), *found);
}

Result<Dataset> load_data_argument(const std::string& data, ProgressListener& progress, const std::stop_token& stop) {
  auto found = locate_data(data, progress, stop);
  if (!found) return forward(found);
  auto dataset = load_dataset(found->path);
  if (!dataset || found->source.empty()) return dataset;
  dataset->source = found->source;
  dataset->name = found->name;
  return dataset;
}

Status check_fingerprint(const Run& run, const Dataset& dataset) {
  if (run.dataset_fingerprint == dataset.fingerprint) return {};
  return input_error(fmt::format("is not the dataset of the run of {}: its fingerprint is {}, the run's {}",
                                 run.model.name, dataset.fingerprint, run.dataset_fingerprint),
                     dataset.source, "‹data› names the dataset that the run was made on");
}

Result<std::optional<Dataset>> dataset_of_run(const std::string& data, const Run& run, ProgressListener& progress) {
  const std::string& source = data.empty() ? run.dataset_source : data;
  auto dataset = source.empty() ? load_dataset(source) : load_data_argument(source, progress, {});
  Status usable = dataset ? check_fingerprint(run, *dataset) : Status(tl::unexpected<Error>(dataset.error()));
  if (usable) return std::optional(std::move(*dataset));
  if (!data.empty()) return forward(usable);
  usable.error().next = "‹data› names the dataset";
  progress.note("the questions' texts are missing: " + usable.error().text());
  return std::optional<Dataset>();
}

}  // namespace hre
