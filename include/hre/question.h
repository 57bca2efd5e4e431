#pragma once
/// Questions with the answers that people wrote and voted on, and datasets of them: plain values.
///
/// An example, which the tests run:
///
///   hre::Question question{"python/000000", "python", "How do I sort a list?", {}};
///   question.answers = {{"Use sorted.", 12}, {"Sort it by hand.", -1}};
///   std::printf("%s %.0f\n", question.id.c_str(), question.answers[0].votes);  // prints: python/000000 12

#include <optional>
#include <string>
#include <vector>

namespace hre {

struct Answer {
  std::string text;  ///< valid UTF-8
  double votes = 0;  ///< finite; upvotes minus downvotes in the published dataset
  /// Days since 1970-01-01, UTC; nothing where the dataset's metadata doesn't say.
  std::optional<double> posted = {};

  bool operator==(const Answer&) const = default;
};

struct Question {
  std::string id;     ///< "topic/000123" by position in its topic, or the dataset's own
  std::string topic;  ///< lower case with underscores: "soft_eng"
  std::string text;   ///< valid UTF-8
  std::vector<Answer> answers;

  bool operator==(const Question&) const = default;
};

struct Dataset {
  std::string name;                 ///< for people: the folder's or file's name
  std::string source;               ///< as the user gave it
  std::string fingerprint;          ///< of all its contents, whatever the format they came in
  std::vector<Question> questions;  ///< topic after topic, in the order of the files
};

}  // namespace hre
