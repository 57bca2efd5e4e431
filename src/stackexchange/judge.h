#pragma once
/// What the filters say of a question and its answers: once before texts are known, and once after.

#include <vector>

#include "stackexchange/filters.h"
#include "stackexchange/index.h"

namespace hre::stackexchange {

/// Of one question and each of its answers.
struct Verdict {
  Reason question = Reason::kNone;
  std::vector<Reason> answers;
  bool answers_judged = false;  ///< not where the question itself is out

  /// The positions of the answers that passed.
  [[nodiscard]] std::vector<size_t> passing() const;
};

/// The texts of a bucket by post id; of posts that were there twice, the first.
class TextsById {
 public:
  explicit TextsById(std::vector<TextRecord> records);
  [[nodiscard]] const TextRecord* find(uint32_t id) const;

 private:
  std::vector<TextRecord> records_;
};

std::vector<PostRecord> picked(std::span<const PostRecord> posts, const std::vector<size_t>& at);

/// Before texts are known. Whatever fails here for its answers would fail later as well, with fewer of them.
Verdict first_look(const Recipe& recipe, const Topic& topic, const Group& group);

/// Goes on with what the first look let through. False where a text is missing that it asked for.
bool second_look(const Recipe& recipe, const Topic& topic, const Group& group, const TextsById& texts,
                 Verdict& verdict);

/// Adds a question with its answers to the funnel.
void count(const Group& group, const Verdict& verdict, Funnel& funnel);

}  // namespace hre::stackexchange
