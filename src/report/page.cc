#include "report/page.h"

#include <fmt/format.h>

#include <atomic>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/cores.h"
#include "core/text.h"
#include "report/packing.h"
#include "report/page_data.h"
#include "report/page_files.h"

namespace hre {
namespace {

std::string_view page_file(std::string_view name) {
  for (const PageFile& file : page_files()) {
    if (file.name == name) return file.contents;
  }
  return {};
}

std::string escape_html(std::string_view text) {
  return replaced(text, {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}});
}

/// 'sha256-...' as a content-security policy names a script or a style.
std::string policy_hash(std::string_view hexadecimal) { return "'sha256-" + base64(bytes_of_hex(hexadecimal)) + "'"; }

/// Nothing may be fetched, framed or sent; the page's own script and style run, known by their hashes.
std::string content_security_policy() {
  return fmt::format(
      "default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
      policy_hash(page_file("page.js.sha256")), policy_hash(page_file("page.css.sha256")));
}

struct Block {
  std::string name;
  std::function<std::string()> content;
  std::string packed;
};

/// Packs all blocks on all cores; each block's bytes depend on it alone.
void pack_all(std::vector<Block>& blocks) {
  std::atomic<size_t> next = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < usable_cores(); ++i) {
    threads.emplace_back([&] {
      for (size_t at = next++; at < blocks.size(); at = next++) {
        if (const std::string content = blocks[at].content(); !content.empty()) blocks[at].packed = pack(content);
      }
    });
  }
}

std::string figures_json(const std::vector<PageFigure>& figures) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const PageFigure& figure : figures) json.push_back({{"name", figure.name}, {"caption", figure.caption}});
  return json.dump();
}

std::vector<Block> blocks_of(const ReportData& data, const std::vector<PageFigure>& figures) {
  std::vector<Block> blocks;
  blocks.push_back({"index", [&] { return page_index(data); }, {}});
  blocks.push_back({"figures", [&] { return figures_json(figures); }, {}});
  for (size_t from = 0, part = 0; from < data.rows.size(); from += kQuestionsAPart, ++part) {
    blocks.push_back({fmt::format("questions-{}", part), [&data, from] { return page_questions(data, from); }, {}});
    blocks.push_back({fmt::format("tokens-{}", part), [&data, from] { return page_tokens(data, from); }, {}});
  }
  for (size_t i = 0; i < figures.size(); ++i)
    blocks.push_back({fmt::format("figure-{}", i), [&figures, i] { return figures[i].svg; }, {}});
  return blocks;
}

std::string data_blocks(const ReportData& data, const std::vector<PageFigure>& figures) {
  std::vector<Block> blocks = blocks_of(data, figures);
  pack_all(blocks);
  std::string html;
  for (const Block& block : blocks) {
    if (!block.packed.empty())
      html += fmt::format("<script type=\"application/octet-stream\" id=\"data-{}\">{}</script>\n", block.name,
                          block.packed);
  }
  return html;
}

void replace(std::string& text, std::string_view mark, std::string_view by) {
  const size_t at = text.find(mark);
  if (at != std::string::npos) text.replace(at, mark.size(), by);
}

}  // namespace

std::string page_html(const ReportData& data, const std::vector<PageFigure>& figures) {
  std::string html(page_file("page.html"));
  // From the end to the front, so that what was put in is not searched.
  replace(html, "{{script}}", page_file("page.js"));
  replace(html, "{{data}}", data_blocks(data, figures));
  replace(html, "{{style}}", page_file("page.css"));
  replace(html, "{{title}}", escape_html(data.title));
  replace(html, "{{policy}}", content_security_policy());
  return html;
}

}  // namespace hre
