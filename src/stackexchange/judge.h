#pragma once
/// Applies the filters to a question and its answers: once before texts are known, and once after.

#include <vector>

#include "stackexchange/filters.h"
#include "stackexchange/index.h"

namespace hre::stackexchange {

/// The verdict on one question and each of its answers.
struct Verdict {
  Reason question = Reason::kNone;
  std::vector<Reason> answers;
  bool answers_judged = false;  ///< false if the question itself was removed

  /// The indices of the answers that passed.
  [[nodiscard]] std::vector<size_t> passing() const;
};

/// The texts of a bucket by post id; of posts that occur twice, the first.
class TextsById {
 public:
  explicit TextsById(std::vector<TextRecord> records);
  [[nodiscard]] const TextRecord* find(uint32_t id) const;

 private:
  std::vector<TextRecord> records_;
};

std::vector<PostRecord> picked(std::span<const PostRecord> posts, const std::vector<size_t>& at);

/// The look before texts are known. A question that fails here would also fail later, with even fewer answers.
Verdict first_look(const Recipe& recipe, const Topic& topic, const PostGroup& group);

/// The look at the texts of posts that passed the first look. False if a text that it needs is missing.
bool second_look(const Recipe& recipe, const Topic& topic, const PostGroup& group, const TextsById& texts,
                 Verdict& verdict);

/// Adds a question and its answers to the funnel.
void count(const PostGroup& group, const Verdict& verdict, Funnel& funnel);

}  // namespace hre::stackexchange
