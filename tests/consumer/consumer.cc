/// Evaluates a baseline on the built-in sample and prints "TOPIC QUESTIONS MEAN" a topic and for all.

#include <hre/evaluate.h>

#include <cstdio>

namespace {

void print_line(const char* name, int64_t questions, const hre::Estimate& estimate) {
  std::printf("%s %lld %.17g\n", name, static_cast<long long>(questions), estimate.mean.value_or(-9));
}

int print_error(const hre::Error& error) {
  std::fprintf(stderr, "%s\n", error.text().c_str());
  return 1;
}

}  // namespace

int main() {
  auto dataset = hre::load_dataset("sample");
  if (!dataset) return print_error(dataset.error());
  auto model = hre::open_model("baseline:zstd", {});
  if (!model) return print_error(model.error());
  hre::SilentProgress progress;
  auto run = hre::evaluate(*dataset, **model, {}, progress, {});
  if (!run) return print_error(run.error());
  const hre::Summary summary = hre::summarize(run->questions);
  for (const hre::TopicSummary& topic : summary.topics) {
    print_line(topic.topic.c_str(), topic.questions, topic.metrics.pearson);
  }
  print_line("micro", summary.questions, summary.micro.pearson);
  return 0;
}
