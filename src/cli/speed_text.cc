#include "cli/speed_text.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <vector>

#include "cli/sizes.h"
#include "report/text_table.h"

namespace hre::cli {
namespace {

double seconds_at_peak(const WorkCount& count, const MachinePeak& peak) {
  double seconds = 0;
  for (const Precision precision : kPrecisions) {
    if (peak.products[precision] > 0) seconds += count.operations[precision] / peak.products[precision];
  }
  return seconds;
}

struct Part {
  const char *name, *key;
  double seconds;
  WorkCount count;
};

/// Where the time went. What is in no part of its own is the rest.
std::vector<Part> parts_of(const Speed& speed) {
  const EngineWork& work = speed.work;
  const double counted = work.products.seconds + work.attention.seconds + work.output.seconds + work.host_seconds;
  return {
      {"products with weights", "products", work.products.seconds, work.products},
      {"attention", "attention", work.attention.seconds, work.attention},
      {"output layer and log-softmax", "output", work.output.seconds, work.output},
      {"rest of the engine", "engine_rest", work.total_seconds - counted, {}},
      {"logits on the host", "host", work.host_seconds, {}},
      {"text to tokens", "tokenising", speed.plan_seconds, {}},
      {"store", "store", speed.keep_seconds, {}},
      {"everything else", "else", speed.seconds - work.total_seconds - speed.plan_seconds - speed.keep_seconds, {}}};
}

}  // namespace

double limit_of(const Speed& speed) {
  return seconds_at_peak(speed.work.products, speed.peak) + seconds_at_peak(speed.work.attention, speed.peak) +
         seconds_at_peak(speed.work.output, speed.peak);
}

std::string speed_text(const Speed& speed, int width) {
  TextTable table({"where the time goes", "seconds", "share", "GFLOP", "GFLOP/s", "of the peak"});
  for (const Part& part : parts_of(speed)) {
    const double operations = part.count.operations.total(), least = seconds_at_peak(part.count, speed.peak);
    const bool counted = operations > 0 && part.seconds > 0;
    table.add_row({part.name, fmt::format("{:.3f}", part.seconds),
                   fmt::format("{:.1f} %", speed.seconds > 0 ? 100 * part.seconds / speed.seconds : 0),
                   counted ? fmt::format("{:.1f}", operations / 1e9) : "",
                   counted ? fmt::format("{:.0f}", operations / part.seconds / 1e9) : "",
                   counted && least > 0 ? fmt::format("{:.0f} %", 100 * least / part.seconds) : ""});
  }
  std::string text = table.render(width);
  if (speed.peak.products.total() > 0) {
    text += "\nthis machine's measured peak, in GFLOP/s of products:";
    for (const Precision precision : kPrecisions) {
      const double peak = speed.peak.products[precision];
      if (peak > 0) text += fmt::format(" {:.0f} in {},", peak / 1e9, name_of(precision));
    }
    text += fmt::format(" and {:.1f} GB/s of memory read\n", speed.peak.memory / 1e9);
  }
  if (const double limit = limit_of(speed); limit > 0) {
    text += fmt::format(
        "limit, the time of the arithmetic alone at that peak: {:.3f} s; {:.0f} % of the limit was reached\n", limit,
        100 * limit / speed.seconds);
  } else {
    text += "the engine's own kernels did the work; their arithmetic is not counted\n";
  }
  return wrapped(text + fmt::format("peak memory: {}\n", shown_bytes(peak_memory())), width);
}

nlohmann::ordered_json speed_json(const Speed& speed) {
  nlohmann::ordered_json parts;
  for (const Part& part : parts_of(speed)) {
    parts[part.key]["seconds"] = part.seconds;
    for (const Precision precision : kPrecisions) {
      const double operations = part.count.operations[precision];
      if (operations > 0) parts[part.key][fmt::format("{}_operations", name_of(precision))] = operations;
    }
  }
  nlohmann::ordered_json peak;
  for (const Precision precision : kPrecisions) peak[name_of(precision)] = speed.peak.products[precision];
  peak["memory"] = speed.peak.memory;
  const double limit = limit_of(speed);
  return {{"seconds", speed.seconds},
          {"parts", parts},
          {"peak", peak},
          {"limit_seconds", limit},
          {"share_of_limit", speed.seconds > 0 ? limit / speed.seconds : 0},
          {"peak_memory", peak_memory()}};
}

int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{1024} * usage.ru_maxrss;
}

}  // namespace hre::cli
