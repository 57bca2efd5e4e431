#pragma once
/// Numbers in tables and sentences. A mean has as many digits as its error allows: two significant digits of half its
/// 95 % interval, which is what stands behind ±.

#include <optional>
#include <string>

#include "hre/estimate.h"
#include "stats/grouped.h"

namespace hre {

/// Decimals that show two significant digits of this error; three where there is none.
int decimals_for(double error);

/// "0.16": the value with these decimals, without a minus before zero.
std::string rounded(double value, int decimals);

/// A single value, of which no error is known: "0.11"; "–" where there is none.
std::string two_decimals(const std::optional<double>& value);

/// Two significant digits: "0.0077", "0.25", "0".
std::string significant(const std::optional<double>& value);

/// "0.16 ± 0.14"; "0.16" where there is no interval, with the digits of the standard error, two at most; "–" without a
/// mean.
std::string with_error(const Estimate& estimate);
/// The same of a share: "58.2 ± 4.6 %".
std::string percent_with_error(const Estimate& estimate);

/// "[0.096, 0.121]"
std::string interval_text(const Interval& interval);

/// "0.108 [0.096, 0.121]", for intervals that need not lie evenly around the value; "–" where undefined.
std::string with_interval(const std::optional<double>& value, const std::optional<Interval>& interval);
std::string with_interval(const Estimate& estimate);

/// " (chance 0.25)"; nothing where chance is 0, or is not known.
std::string chance_text(const Estimate& estimate);

/// A p-value: "0.031", "< 0.0001", "0.031 (exact)".
std::string p_text(const std::optional<double>& p, bool exact = false);
/// The same with its sign: "p = 0.031", "p < 0.0001".
std::string p_equals(const std::optional<double>& p);

/// "1.2 s", "3 min 20 s", "2 h 5 min"
std::string format_seconds(double seconds);

/// So many per second, with three significant digits: "0.53", "12.4", "5,560".
std::string format_rate(double per_second);

}  // namespace hre
