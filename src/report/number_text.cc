#include "report/number_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hre {
namespace {

std::optional<double> half_interval(const Estimate& estimate) {
  if (!estimate.ci_low || !estimate.ci_high) return std::nullopt;
  return (*estimate.ci_high - *estimate.ci_low) / 2;
}

int decimals_of(const Estimate& estimate) {
  return decimals_for(half_interval(estimate).value_or(estimate.stderr_.value_or(0)));
}

std::string scaled(const Estimate& estimate, double factor) {
  if (!estimate.mean) return "–";
  const auto half = half_interval(estimate);
  int decimals = decimals_for(factor * half.value_or(estimate.stderr_.value_or(0)));
  // A standard error of a few questions may be tiny by chance, and stands for no digits.
  if (!half) {
    const int most = estimate.stderr_.value_or(0) > 0 ? 2 : 3;
    decimals = std::min(decimals, factor > 1 ? 1 : most);
  }
  const std::string mean = rounded(factor * *estimate.mean, decimals);
  return half ? mean + " ± " + rounded(factor * *half, decimals) : mean;
}

}  // namespace

int decimals_for(double error) {
  if (!std::isfinite(error) || error <= 0) return 3;
  return std::clamp(1 - static_cast<int>(std::floor(std::log10(error))), 0, 12);
}

std::string rounded(double value, int decimals) {
  std::string text = fmt::format("{:.{}f}", value, decimals);
  const bool is_zero = text.find_first_not_of("-0.") == std::string::npos;
  return is_zero && text.starts_with('-') ? text.substr(1) : text;
}

std::string two_decimals(const std::optional<double>& value) { return value ? rounded(*value, 2) : "–"; }

std::string significant(const std::optional<double>& value) {
  if (!value) return "–";
  return *value == 0 ? "0" : rounded(*value, decimals_for(std::abs(*value)));
}

std::string with_error(const Estimate& estimate) { return scaled(estimate, 1); }

std::string percent_with_error(const Estimate& estimate) { return estimate.mean ? scaled(estimate, 100) + " %" : "–"; }

std::string interval_text(const Interval& interval) {
  const int decimals = decimals_for((interval.high - interval.low) / 2);
  return fmt::format("[{}, {}]", rounded(interval.low, decimals), rounded(interval.high, decimals));
}

std::string with_interval(const std::optional<double>& value, const std::optional<Interval>& interval) {
  if (!value) return "–";
  if (!interval) return rounded(*value, 3);
  return rounded(*value, decimals_for((interval->high - interval->low) / 2)) + ' ' + interval_text(*interval);
}

std::string with_interval(const Estimate& estimate) {
  if (estimate.ci_low) return with_interval(estimate.mean, Interval{*estimate.ci_low, *estimate.ci_high});
  return with_error(estimate);
}

std::string chance_text(const Estimate& estimate) {
  if (estimate.chance.value_or(0) == 0) return "";
  return " (chance " + rounded(*estimate.chance, decimals_of(estimate)) + ")";
}

std::string p_text(const std::optional<double>& p, bool exact) {
  if (!p) return "–";
  const std::string text = *p < 1e-4 ? "< 0.0001" : rounded(*p, decimals_for(*p));
  return exact ? text + " (exact)" : text;
}

std::string p_equals(const std::optional<double>& p) { return p && *p < 1e-4 ? "p < 0.0001" : "p = " + p_text(p); }

std::string format_seconds(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const auto whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string format_rate(double per_second) {
  if (!(per_second > 0) || !std::isfinite(per_second)) return "0";
  const int above = static_cast<int>(std::floor(std::log10(per_second)));
  if (above < 3) return rounded(per_second, std::min(2 - above, 6));
  const double step = std::pow(10, above - 2);
  std::string digits = fmt::format("{:.0f}", std::round(per_second / step) * step);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<size_t>(at), ",");
  return digits;
}

}  // namespace hre
