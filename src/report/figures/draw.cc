#include "report/figures/draw.h"

#include <filesystem>

#include "core/files.h"
#include "core/process.h"

namespace hre {
namespace {

/// Cairo writes the time into a PDF, always in 14 digits: another one of the same length leaves all offsets right.
Status take_time_out(const std::string& path) {
  auto pdf = read_file(path);
  if (!pdf) return forward(pdf);
  constexpr std::string_view kKey = "/CreationDate (D:";
  const size_t at = pdf->find(kKey);
  if (at != std::string::npos && at + kKey.size() + 14 <= pdf->size())
    pdf->replace(at + kKey.size(), 14, "20000101000000");
  return write_file(path, *pdf);
}

}  // namespace

std::vector<std::string> missing_plotters() {
  std::vector<std::string> missing;
  for (const char* program : {"gnuplot", "pdftocairo"}) {
    if (!has_program(program)) missing.emplace_back(program);
  }
  return missing;
}

Status draw_figure(const Figure& figure, const std::string& folder) {
  const std::string base = (std::filesystem::path(folder) / figure.name).string();
  if (auto ok = write_file(base + ".tsv", figure.table.tsv()); !ok) return ok;
  if (auto ok = write_file(base + ".gp", figure_script(figure)); !ok) return ok;
  if (!has_program("gnuplot")) return {};
  // -d: without the settings of the user's own.
  if (auto ok = run_program({"gnuplot", "-d", figure.name + ".gp"}, folder); !ok) return ok;
  const std::string pdf = figure.name + ".pdf";
  if (auto ok = take_time_out(base + ".pdf"); !ok) return ok;
  if (!has_program("pdftocairo")) return {};
  if (auto ok = run_program({"pdftocairo", "-svg", pdf, figure.name + ".svg"}, folder); !ok) return ok;
  return run_program({"pdftocairo", "-png", "-singlefile", "-r", "300", pdf, figure.name}, folder);
}

}  // namespace hre
