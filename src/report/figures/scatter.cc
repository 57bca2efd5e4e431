#include "report/figures/scatter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text.h"

namespace hre {
namespace {

struct Box {
  double left, bottom, right, top;
};

double overlap(const Box& a, const Box& b) {
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left),
               height = std::min(a.top, b.top) - std::max(a.bottom, b.bottom);
  return width > 0 && height > 0 ? width * height : 0;
}

/// Axis bounds: the values and a margin.
std::pair<double, double> bounds(double low, double high) {
  const double span = high > low ? high - low : std::max(std::abs(high), 1e-6) * 0.5;
  return {low - 0.1 * span, high + 0.1 * span};
}

}  // namespace

std::vector<LabelPlace> place_labels(const std::vector<PlacedPoint>& points, const std::vector<double>& widths,
                                     double text_height, double width, double height) {
  constexpr double kGap = 0.06;
  std::vector<Box> taken;
  for (const PlacedPoint& p : points) {
    taken.push_back({p.x - 0.04, p.y - 0.04, p.x + 0.04, p.y + 0.04});
    taken.push_back({p.x - 0.02, p.low, p.x + 0.02, p.high});
  }
  std::vector<LabelPlace> places;
  for (size_t i = 0; i < points.size(); ++i) {
    LabelPlace best;
    double least = INFINITY;
    Box best_box{};
    for (int ring = 0; ring < 9; ++ring) {
      for (const double up : {0.0, 1.0, -1.0}) {
        for (const int side : {1, -1, 3, -3}) {
          const bool left = side < 0;
          const double x = points[i].x + kGap * side, y = points[i].y + up * 0.11 * ring;
          const Box box{left ? x - widths[i] : x, y - text_height / 2, left ? x : x + widths[i], y + text_height / 2};
          double cost = 1e-4 * (ring + std::abs(side));
          for (const Box& other : taken) cost += overlap(box, other);
          cost += 10 * (std::max(0.0, -box.left) + std::max(0.0, box.right - width) + std::max(0.0, -box.bottom) +
                        std::max(0.0, box.top - height));
          if (cost < least) {
            least = cost;
            best = {x, y, left, ring > 2 || std::abs(side) > 1};
            best_box = box;
          }
        }
      }
    }
    places.push_back(best);
    taken.push_back(best_box);
  }
  return places;
}

/// 1, 2, 5, 10, ... on a logarithmic axis; equal steps where fewer than two of these are on it.
std::string log_tics(double low, double high) {
  std::vector<std::string> all;
  for (int decade = static_cast<int>(std::floor(low)); decade <= static_cast<int>(std::ceil(high)); ++decade) {
    for (const int digit : {1, 2, 5}) {
      const double exponent = decade + std::log10(digit);
      if (low <= exponent && exponent <= high) all.push_back(fmt::format("{:g}", digit * std::pow(10, decade)));
    }
  }
  if (all.size() >= 2) return "set xtics (" + join(all) + ")\n";
  const double from = std::pow(10, low), to = std::pow(10, high), step = round_step(to - from, 5);
  all.clear();
  for (double tic = std::ceil(from / step) * step; tic <= to; tic += step) all.push_back(fmt::format("{:g}", tic));
  return "set xtics (" + join(all) + ")\n";
}

void draw_scatter(Figure& figure, const std::vector<ScatterPoint>& points, const ScatterOptions& options) {
  figure.table.columns = {"model", options.x_column, "value", "low", "high"};
  double low_x = INFINITY, high_x = -INFINITY, low_y = INFINITY, high_y = -INFINITY;
  const auto across = [&](double x) { return options.x_log ? std::log10(x) : x; };
  for (const ScatterPoint& p : points) {
    figure.table.rows.push_back({p.name, cell(p.x), cell(p.y), cell(p.low), cell(p.high)});
    low_x = std::min(low_x, across(p.x));
    high_x = std::max(high_x, across(p.x));
    low_y = std::min(low_y, p.low.value_or(p.y));
    high_y = std::max(high_y, p.high.value_or(p.y));
  }
  const auto [x0, x1] = bounds(low_x, high_x);
  const auto [y0, y1] = bounds(low_y, high_y);
  // The plot's own box, so that places in inches are known.
  const double left = 0.55, bottom = 0.42, right = 0.08, top = options.fit.empty() ? 0.1 : 0.26;
  const double width = figure.width - left - right, height = figure.height - bottom - top;
  std::vector<PlacedPoint> places;
  std::vector<double> widths;
  for (const ScatterPoint& p : points) {
    const auto up = [&, y0 = y0, y1 = y1](double y) { return (y - y0) / (y1 - y0) * height; };
    places.push_back(
        {(across(p.x) - x0) / (x1 - x0) * width, up(p.y), up(p.low.value_or(p.y)), up(p.high.value_or(p.y))});
    widths.push_back(0.052 * display_width(shortened(p.name, 24)));
  }
  const auto labels = place_labels(places, widths, 0.1, width, height);
  const auto x_of = [&, x0 = x0, x1 = x1](double inches) { return x0 + inches / width * (x1 - x0); };
  std::string script = fmt::format(
      "set lmargin at screen {:.4f}\nset rmargin at screen {:.4f}\nset bmargin at screen {:.4f}\nset tmargin at screen "
      "{:.4f}\n"
      "set xrange [{}:{}]\nset yrange [{}:{}]\nset xlabel {} offset 0,0.3\nset ylabel {} offset 1.2,0\nunset key\n{}",
      left / figure.width, 1 - right / figure.width, bottom / figure.height, 1 - top / figure.height,
      options.x_log ? std::pow(10, x0) : x0, options.x_log ? std::pow(10, x1) : x1, y0, y1,
      gnuplot_string(options.x_label), gnuplot_string(options.y_label),
      options.x_log ? "set logscale x\n" + log_tics(x0, x1) : "");
  if (!options.fit.empty())
    script += fmt::format("set title {} font ',6.5' offset 0,-0.6\n", gnuplot_string(options.fit));
  for (size_t i = 0; i < points.size(); ++i) {
    const double x = x_of(labels[i].x);
    if (labels[i].far) {
      script +=
          fmt::format("set arrow from {},{} to {},{} nohead linewidth 0.4 linecolor rgb '#999999' back\n", points[i].x,
                      points[i].y, options.x_log ? std::pow(10, x) : x, y0 + labels[i].y / height * (y1 - y0));
    }
    script += fmt::format("set label {} at {},{} {} font ',6' front\n", gnuplot_string(shortened(points[i].name, 24)),
                          options.x_log ? std::pow(10, x) : x, y0 + labels[i].y / height * (y1 - y0),
                          labels[i].to_left ? "right" : "left");
  }
  std::string plots;
  if (const auto& line = options.line) {
    script += "$fit << EOD\n";
    for (int i = 0; i <= 60; ++i) {
      const double x = x0 + (x1 - x0) * i / 60;
      const Interval band = line->interval(x);
      script += fmt::format("{}\t{}\t{}\t{}\n", x, line->at(x), std::max(y0, band.low), std::min(y1, band.high));
    }
    script += "EOD\n";
    plots = fmt::format(
        "$fit using 1:3:4 with filledcurves fillcolor rgb '#dde8f2', $fit using 1:2 with lines linewidth 1 linecolor "
        "rgb '{}', \\\n     ",
        colour(0));
  }
  figure.script = script + fmt::format(
                               "plot {}data using 2:3:(valid(4) ? $4 : $3):(valid(5) ? $5 : $3) with yerrorbars "
                               "pointtype 7 linecolor rgb '{}' linewidth 0.9\n",
                               plots, colour(1));
}

}  // namespace hre
