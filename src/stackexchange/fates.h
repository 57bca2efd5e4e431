#pragma once
/// Explains what became of the posts that the user asked about (--why).

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

  /// Reports a group without a topic or without its question.
  void tell_outside(const std::string& site, const PostGroup& group);
  /// Reports the filters' verdict, and the indices of the chosen answers.
  void tell_judged(const std::string& site, const Topic& topic, const PostGroup& group, const Verdict& verdict,
                   const std::vector<size_t>& chosen);
  /// Reports the result of the draw for a question that passed.
  void tell_draw(const std::string& site, uint32_t question, const std::string& line);
  /// One line or more for each post that was asked about.
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  [[nodiscard]] bool is(size_t i, const std::string& site, uint32_t id) const;
  [[nodiscard]] bool asks(const std::string& site, uint32_t id) const;
  void tell(const std::string& site, uint32_t id, const std::string& line);

  std::vector<std::string> asked_;
  std::vector<std::vector<std::string>> lines_;
  // Questions whose draw decides about a post that was asked about, with their chosen answers.
  std::map<std::pair<std::string, uint32_t>, std::vector<uint32_t>> followed_;
};

}  // namespace hre::stackexchange
