#pragma once
/// Named points with intervals, whose names do not overlap.

#include <optional>
#include <string>
#include <vector>

#include "report/figures/figure.h"
#include "stats/least_squares.h"

namespace hre {

struct ScatterPoint {
  std::string name;
  double x = 0, y = 0;
  std::optional<double> low, high;  ///< of y; nothing where there is no interval
};

struct ScatterOptions {
  std::string x_label, y_label;
  std::string x_column;  ///< in the table
  bool x_log = false;
  std::optional<LeastSquares> line = {};  ///< drawn with its 95 % band
  std::string fit;                        ///< said above the points, empty: nothing
};

/// Adds the table and the script to a figure, whose size is set.
void draw_scatter(Figure& figure, const std::vector<ScatterPoint>& points, const ScatterOptions& options);

/// A point with its interval, in inches.
struct PlacedPoint {
  double x = 0, y = 0, low = 0, high = 0;
};

/// Where a label goes, in inches: beside its point, clear of the other labels, points and intervals where there is such
/// a place.
struct LabelPlace {
  double x = 0, y = 0;
  bool to_left = false;  ///< the text ends at x
  bool far = false;      ///< so far off that a line should lead to it
};
std::vector<LabelPlace> place_labels(const std::vector<PlacedPoint>& points, const std::vector<double>& widths,
                                     double text_height, double width, double height);

}  // namespace hre
