#pragma once
/// The parts of the page, compiled in: the files of page/.

#include <string_view>
#include <vector>

namespace hre {

struct PageFile {
  std::string_view name;  ///< page.html, page.css, page.js; page.css.sha256, page.js.sha256 (hexadecimal)
  std::string_view contents;
};

/// By name; made at build time (page.cmake).
std::vector<PageFile> page_files();

}  // namespace hre
