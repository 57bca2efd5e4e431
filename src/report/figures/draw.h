#pragma once
/// Figures become files: NAME.tsv and NAME.gp, and by gnuplot and pdftocairo NAME.pdf, NAME.svg and NAME.png.

#include <string>
#include <vector>

#include "hre/result.h"
#include "report/figures/figure.h"

namespace hre {

/// Which programs are missing that draw figures: none, or "gnuplot", "pdftocairo" or both.
std::vector<std::string> missing_plotters();

/// Writes a figure's table and script, and draws it with the programs that are there. The same figure gives the same
/// bytes wherever programs and fonts are the same: times are taken out.
Status draw_figure(const Figure& figure, const std::string& folder);

}  // namespace hre
