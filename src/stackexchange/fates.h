#pragma once
/// Tells the fate of posts that somebody asked about (--why).

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "stackexchange/judge.h"

namespace hre::stackexchange {

class Fates {
 public:
  /// Posts as "123" or "SITE/123".
  explicit Fates(std::vector<std::string> asked) : asked_(std::move(asked)), lines_(asked_.size()) {}

  /// A group of no topic, or without its question.
  void tell_outside(const std::string& site, const Group& group);
  /// What the filters said, and which answers were chosen (their positions).
  void tell_judged(const std::string& site, const Topic& topic, const Group& group, const Verdict& verdict,
                   const std::vector<size_t>& chosen);
  /// How the draw went for a question that had passed.
  void tell_draw(const std::string& site, uint32_t question, const std::string& line);
  /// A line or more for each post that was asked about.
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  [[nodiscard]] bool is(size_t i, const std::string& site, uint32_t id) const;
  [[nodiscard]] bool asks(const std::string& site, uint32_t id) const;
  void tell(const std::string& site, uint32_t id, const std::string& line);

  std::vector<std::string> asked_;
  std::vector<std::vector<std::string>> lines_;
  // Questions whose draw matters to a post that was asked about: their chosen answers.
  std::map<std::pair<std::string, uint32_t>, std::vector<uint32_t>> followed_;
};

}  // namespace hre::stackexchange
