#include "stats/distributions.h"

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <exception>
#include <limits>
#include <numbers>

namespace hre {
namespace {

namespace bm = boost::math;
namespace bp = boost::math::policies;

using Quiet = bp::policy<bp::domain_error<bp::ignore_error>, bp::pole_error<bp::ignore_error>,
                         bp::overflow_error<bp::ignore_error>, bp::evaluation_error<bp::ignore_error>>;
using StudentT = bm::students_t_distribution<double, Quiet>;
using NoncentralT = bm::non_central_t_distribution<double, Quiet>;
using Beta = bm::beta_distribution<double, Quiet>;
using Normal = bm::normal_distribution<double, Quiet>;

/// What Boost computes; NaN where it gives up: some of its inner functions throw whatever the policy says.
template <class Compute>
double quiet(const Compute& compute) {
  try {
    return compute();
  } catch (const std::exception&) {
    return std::numeric_limits<double>::quiet_NaN();
  }
}

/// P((Z + delta) / s <= t) for t > 0, by its definition: the integral over Z of P(s >= (Z + delta) / t), where df s^2
/// is chi-squared. For noncentralities whose series Boost can't sum well; Simpson's rule from -9 to 9.
double noncentral_t_cdf_by_integral(double t, double df, double delta) {
  constexpr int kSteps = 1800;
  constexpr double kReach = 9, kStep = 2 * kReach / kSteps;
  double sum = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double z = -kReach + i * kStep, s = std::max(0.0, (z + delta) / t);
    const double weight = i == 0 || i == kSteps ? 1 : 2 + 2 * (i % 2);
    sum += weight * std::exp(-z * z / 2) * bm::gamma_q(df / 2, df * s * s / 2, Quiet());
  }
  return sum * kStep / 3 / std::sqrt(2 * std::numbers::pi);
}

}  // namespace

double student_t_quantile(double p, double df) {
  return quiet([&] { return bm::quantile(StudentT(df), p); });
}

double student_t_cdf(double t, double df) {
  return quiet([&] { return bm::cdf(StudentT(df), t); });
}

double noncentral_t_cdf(double t, double df, double delta) {
  // Boost's series loses digits where delta is large: it has 8 at 10,000. From 100,000 on, Boost 1.74 gives up, and
  // Boost 1.83 has 6 after 40 ms.
  constexpr double kLargest = 1000;
  const double value =
      std::abs(delta) > kLargest ? std::nan("") : quiet([&] { return bm::cdf(NoncentralT(df, delta), t); });
  if (!std::isnan(value) || !(df > 0) || !std::isfinite(t) || !std::isfinite(delta)) return value;
  // With many degrees of freedom s is so near 1 that the integral's steps would miss where it turns.
  const double spread = std::sqrt(1 + t * t / (2 * df));
  if (spread < 1.005) return normal_cdf((t * (1 - 1 / (4 * df)) - delta) / spread);
  return quiet([&] {
    const double above = noncentral_t_cdf_by_integral(std::abs(t), df, t > 0 ? delta : -delta);
    return t > 0 ? above : 1 - above;
  });
}

double beta_quantile(double p, double a, double b) {
  return quiet([&] { return bm::quantile(Beta(a, b), p); });
}

double beta_cdf(double x, double a, double b) {
  return quiet([&] { return bm::cdf(Beta(a, b), x); });
}

double normal_quantile(double p) {
  return quiet([&] { return bm::quantile(Normal(), p); });
}

double normal_cdf(double z) {
  return quiet([&] { return bm::cdf(Normal(), z); });
}

}  // namespace hre
