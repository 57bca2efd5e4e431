#include "stackexchange/html.h"

#include <gumbo.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>

#include "core/text.h"
#include "stackexchange/html_guard.h"
#include "stackexchange/text_writer.h"

namespace hre::stackexchange {
namespace {

// The memory of one parse, freed at once: the parser's own function walks the tree by recursion, which may be too deep.
class Arena {
 public:
  void* take(size_t n) {
    n = (n + 15) & ~size_t{15};
    if (n > left_) grow(n);
    void* const block = next_;
    next_ += n;
    left_ -= n;
    return block;
  }

 private:
  void grow(size_t n) {
    constexpr size_t kBlock = size_t{256} << 10;
    left_ = std::max(n, kBlock);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(left_));
    next_ = blocks_.back().get();
  }
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
};

void* take_from(void* arena, size_t n) { return static_cast<Arena*>(arena)->take(n); }
void keep(void*, void*) {}

const GumboNode* parse(std::string_view html, Arena& arena) {
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = take_from;
  options.deallocator = keep;
  options.userdata = &arena;
  options.max_errors = 0;
  options.fragment_context = GUMBO_TAG_BODY;
  return gumbo_parse_with_options(&options, html.data(), html.size())->root;
}

const GumboVector* children_of(const GumboNode& node) {
  if (node.type == GUMBO_NODE_ELEMENT || node.type == GUMBO_NODE_TEMPLATE) return &node.v.element.children;
  return nullptr;
}

bool is_text(const GumboNode& node) {
  return node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE || node.type == GUMBO_NODE_CDATA;
}

std::string_view attribute(const GumboNode& node, const char* name) {
  const GumboAttribute* found = gumbo_get_attribute(&node.v.element.attributes, name);
  return found == nullptr ? std::string_view() : found->value;
}

// Calls enter(node), which decides whether to descend, and leave(node) for every node that was descended into.
template <class Enter, class Leave>
void walk(const GumboNode& root, const Enter& enter, const Leave& leave) {
  struct Step {
    const GumboNode* node;
    unsigned next;
  };
  std::vector<Step> path;
  if (enter(root)) path.push_back({&root, 0});
  while (!path.empty()) {
    Step& step = path.back();
    const GumboVector* children = children_of(*step.node);
    if (children == nullptr || step.next == children->length) {
      leave(*step.node);
      path.pop_back();
      continue;
    }
    const auto& child = *static_cast<const GumboNode*>(children->data[step.next++]);
    if (enter(child)) path.push_back({&child, 0});
  }
}

bool is_left_out(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_TITLE:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_OBJECT:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_SVG:
      return true;
    default:
      return false;
  }
}

// All text below a node, unchanged, with a line break for each <br>.
std::string raw_text(const GumboNode& root) {
  std::string text;
  const auto enter = [&](const GumboNode& node) {
    if (is_text(node)) text += node.v.text.text;
    if (node.type != GUMBO_NODE_ELEMENT) return false;
    if (node.v.element.tag == GUMBO_TAG_BR) text += '\n';
    return !is_left_out(node.v.element.tag);
  };
  walk(root, enter, [](const GumboNode&) {});
  return text;
}

// The number of line breaks between a block and its neighbours; 0 if the element is not a block.
int lines_around(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_P:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_HR:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_OL:
      return 2;
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_DETAILS:
    case GUMBO_TAG_SUMMARY:
    case GUMBO_TAG_CENTER:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_FIGURE:
      return 1;
    default:
      return 0;
  }
}

bool is_word(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c >= 0x80; });
}

bool is_ordinal(std::string_view text) { return text == "st" || text == "nd" || text == "rd" || text == "th"; }

// How superscript or subscript text is written: "^2", "_(i,j)"; empty if it reads as running text.
std::string script_text(std::string_view mark, const std::string& text) {
  constexpr int64_t kLongest = 12;
  if (std::any_of(text.begin(), text.end(), is_html_space) || count_code_points(text) > kLongest) return {};
  if (is_ordinal(text)) return text;
  return std::string(mark) + (is_word(text) ? text : "(" + text + ")");
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && is_html_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_html_space(text.back())) text.remove_suffix(1);
  return std::string(text);
}

// The lines of a code block, without empty lines at the beginning and end.
std::string code_lines(const std::string& text) {
  const size_t last = text.find_last_not_of(" \t\r\n");
  if (last == std::string::npos) return {};
  const size_t first = text.rfind('\n', text.find_first_not_of(" \t\r\n"));
  const size_t begin = first == std::string::npos ? 0 : first + 1;
  return text.substr(begin, last + 1 - begin);
}

// A fence longer than any run of ` in the code.
std::string fence_of(std::string_view code) {
  size_t longest = 2, run = 0;
  for (const char c : code) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return std::string(longest + 1, '`');
}

class Converter {
 public:
  explicit Converter(const HtmlOptions& options) : options_(options) {}

  HtmlText convert(const GumboNode& root) {
    walk(
        root, [this](const GumboNode& node) { return enter(node); }, [this](const GumboNode& node) { leave(node); });
    HtmlText text;
    text.text = writer_.take();
    text.prose = writer_.take_prose();
    text.code_points = writer_.code_points();
    text.code_code_points = writer_.code_code_points();
    text.link_code_points = writer_.link_code_points();
    text.images = images_;
    return text;
  }

 private:
  struct List {
    bool ordered;
    int64_t next;
  };

  bool enter(const GumboNode& node) {
    if (is_text(node)) running_text(node.v.text.text);
    if (node.type != GUMBO_NODE_ELEMENT) return false;
    const GumboTag tag = node.v.element.tag;
    if (is_left_out(tag)) return false;
    separate(tag);
    switch (tag) {
      case GUMBO_TAG_BR:
        writer_.end_line();
        return false;
      case GUMBO_TAG_HR:
        writer_.mark("---");
        writer_.separate(2);
        return false;
      case GUMBO_TAG_IMG:
        ++images_;
        return false;
      case GUMBO_TAG_PRE:
        code_block(node);
        writer_.separate(2);
        return false;
      case GUMBO_TAG_SUP:
        return !script("^", node);
      case GUMBO_TAG_SUB:
        return !script("_", node);
      default:
        open(node);
        return true;
    }
  }

  // Sets the state that holds until the element ends.
  void open(const GumboNode& node) {
    switch (node.v.element.tag) {
      case GUMBO_TAG_CODE:
        inline_mark();
        ++writer_.in_code;
        break;
      case GUMBO_TAG_A:
        ++writer_.in_link;
        break;
      case GUMBO_TAG_BLOCKQUOTE:
        quote(node);
        break;
      case GUMBO_TAG_UL:
        lists_.push_back({false, 1});
        break;
      case GUMBO_TAG_OL:
        lists_.push_back({true, first_number(node)});
        break;
      case GUMBO_TAG_LI:
        item();
        break;
      case GUMBO_TAG_DD:
        writer_.push("  ", "  ");
        break;
      case GUMBO_TAG_TD:
      case GUMBO_TAG_TH:
        cell(node);
        break;
      default:
        break;
    }
  }

  void leave(const GumboNode& node) {
    const GumboTag tag = node.v.element.tag;
    switch (tag) {
      case GUMBO_TAG_CODE:
        --writer_.in_code;
        inline_mark();
        break;
      case GUMBO_TAG_A:
        --writer_.in_link;
        break;
      case GUMBO_TAG_UL:
      case GUMBO_TAG_OL:
        lists_.pop_back();
        break;
      case GUMBO_TAG_BLOCKQUOTE:
      case GUMBO_TAG_LI:
      case GUMBO_TAG_DD:
        writer_.pop();
        break;
      case GUMBO_TAG_TD:
      case GUMBO_TAG_TH:
        --writer_.in_cell;
        break;
      default:
        break;
    }
    separate(tag);
  }

  void separate(GumboTag tag) {
    const bool is_list = tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL;
    const int lines = is_list && !lists_.empty() ? 1 : lines_around(tag);
    if (lines > 0) writer_.separate(lines);
  }

  // Displayed formulas keep their line breaks; other white space collapses as on a page.
  void running_text(std::string_view text) {
    constexpr std::string_view kFormula = "$$";
    while (!text.empty()) {
      const size_t begin = text.find(kFormula);
      const size_t end = begin == std::string_view::npos ? begin : text.find(kFormula, begin + 2);
      if (end == std::string_view::npos) break;
      writer_.words(text.substr(0, begin));
      writer_.verbatim(text.substr(begin, end + 2 - begin));
      text.remove_prefix(end + 2);
    }
    writer_.words(text);
  }

  void inline_mark() {
    if (options_.code == CodeStyle::kFenced) writer_.mark("`");
  }

  void code_block(const GumboNode& node) {
    const std::string code = code_lines(raw_text(node));
    if (code.empty()) return;
    const bool fenced = options_.code == CodeStyle::kFenced;
    const std::string fence = fence_of(code);
    if (fenced) writer_.mark(fence);
    if (fenced) writer_.separate(1);
    ++writer_.in_code;
    writer_.verbatim(code);
    --writer_.in_code;
    if (fenced) writer_.separate(1);
    if (fenced) writer_.mark(fence);
  }

  // Writes superscript or subscript text; false if it must be written as running text.
  bool script(std::string_view mark, const GumboNode& node) {
    const std::string text = trimmed(raw_text(node));
    if (text.empty()) return false;
    const std::string written = script_text(mark, text);
    if (!written.empty()) writer_.verbatim(written);
    return !written.empty();
  }

  void quote(const GumboNode& node) {
    const bool spoiler = attribute(node, "class").find("spoiler") != std::string_view::npos;
    const std::string mark = spoiler ? ">! " : "> ";
    writer_.push(mark, mark);
  }

  static int64_t first_number(const GumboNode& list) {
    const std::string_view start = attribute(list, "start");
    int32_t number = 1;
    std::from_chars(start.data(), start.data() + start.size(), number);
    return number;
  }

  void item() {
    const bool ordered = !lists_.empty() && lists_.back().ordered;
    const std::string mark = ordered ? std::to_string(lists_.back().next++) + ". " : "- ";
    writer_.push(mark, std::string(mark.size(), ' '));
  }

  void cell(const GumboNode& node) {
    ++writer_.in_cell;
    const GumboVector& row = node.parent->v.element.children;
    for (unsigned i = 0; i < row.length && row.data[i] != &node; ++i) {
      if (static_cast<const GumboNode*>(row.data[i])->type != GUMBO_NODE_ELEMENT) continue;
      writer_.space();
      writer_.mark("|");
      writer_.space();
      return;
    }
  }

  HtmlOptions options_;
  TextWriter writer_;
  std::vector<List> lists_;
  int64_t images_ = 0;
};

}  // namespace

Result<HtmlText> html_to_text(std::string_view html, const HtmlOptions& options) {
  if (const std::string problem = html_problem(html); !problem.empty()) return input_error(problem);
  Arena arena;
  return Converter(options).convert(*parse(html, arena));
}

}  // namespace hre::stackexchange
