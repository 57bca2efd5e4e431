#pragma once
/// How long-running work reports what it is doing. The program draws it; the library only reports.
///
/// An example, which the tests run:
///
///   struct Printer final : hre::ProgressListener {
///     void begin(const std::string& stage, int64_t total, const std::string& unit, double) override {
///       std::printf("%s %d %s\n", stage.c_str(), static_cast<int>(total), unit.c_str());
///     }
///     void advance(int64_t, double) override {}
///     void end() override {}
///     void note(const std::string& message) override { std::printf("%s\n", message.c_str()); }
///   };
///   Printer printer;
///   printer.begin("scoring", 112, "questions", 0);  // prints: scoring 112 questions

#include <cstdint>
#include <string>

namespace hre {

/// Receives progress. Called from the thread that does the work.
class ProgressListener {
 public:
  virtual ~ProgressListener() = default;
  /// A stage begins: "scoring", 56 "questions" whose cost adds up to `work` (any unit; 0: the count itself).
  virtual void begin(const std::string& stage, int64_t total, const std::string& unit, double work) = 0;
  /// `done` units and `work_done` of the stage's work are finished.
  virtual void advance(int64_t done, double work_done) = 0;
  virtual void end() = 0;
  /// A message for the user; one line, no full stop.
  virtual void note(const std::string& message) = 0;
};

/// Says nothing.
class SilentProgress final : public ProgressListener {
 public:
  void begin(const std::string&, int64_t, const std::string&, double) override {}
  void advance(int64_t, double) override {}
  void end() override {}
  void note(const std::string&) override {}
};

}  // namespace hre
