// HTML from standard input as text, for tools/compare_inner_text.py.
#include <iostream>
#include <iterator>
#include <string>

#include "stackexchange/html.h"

int main() {
  const std::string html{std::istreambuf_iterator<char>(std::cin), {}};
  const auto text = hre::stackexchange::html_to_text(html, {});
  if (!text) {
    std::cerr << text.error().text() << '\n';
    return 1;
  }
  std::cout << text->text;
  return std::cout ? 0 : 1;
}
