#pragma once
/// Distribution functions, by Boost.Math. None of them throws; outside their domain they give NaN.

namespace hre {

/// The t with P(T <= t) = p for Student's T with df > 0 degrees of freedom; 0 < p < 1.
double student_t_quantile(double p, double df);

/// P(T <= t).
double student_t_cdf(double t, double df);

/// P(T' <= t) for the noncentral t with noncentrality delta.
double noncentral_t_cdf(double t, double df, double delta);

/// The x with P(X <= x) = p for a beta distribution with a, b > 0; 0 < p < 1.
double beta_quantile(double p, double a, double b);

/// P(X <= x), which is the regularised incomplete beta function; 0 <= x <= 1.
double beta_cdf(double x, double a, double b);

/// The z with P(Z <= z) = p for a standard normal Z; 0 < p < 1.
double normal_quantile(double p);

/// P(Z <= z).
double normal_cdf(double z);

}  // namespace hre
