#include "stats/distributions.h"

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

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

}  // namespace

double student_t_quantile(double p, double df) { return bm::quantile(StudentT(df), p); }

double student_t_cdf(double t, double df) { return bm::cdf(StudentT(df), t); }

double noncentral_t_cdf(double t, double df, double delta) { return bm::cdf(NoncentralT(df, delta), t); }

double beta_quantile(double p, double a, double b) { return bm::quantile(Beta(a, b), p); }

double normal_quantile(double p) { return bm::quantile(Normal(), p); }

double normal_cdf(double z) { return bm::cdf(Normal(), z); }

}  // namespace hre
