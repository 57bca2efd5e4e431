#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ostream>

#include "cli/terminal.h"
#include "core/text.h"
#include "core/visible.h"
#include "report/number_text.h"

namespace hre::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

class ConsoleProgress final : public ProgressListener {
 public:
  explicit ConsoleProgress(Console& console) : console_(console), redraws_(console.err_is_terminal) {}

  void begin(const std::string& stage, int64_t total, const std::string& unit, double work) override {
    stage_ = stage;
    unit_ = unit;
    total_ = total;
    work_ = work > 0 ? work : static_cast<double>(total);
    start_ = drawn_ = SteadyClock::now();
    done_ = 0;
    open_ = false;
  }

  void advance(int64_t done, double work_done) override {
    done_ = done;
    work_done_ = work_done;
    const auto now = SteadyClock::now();
    // Short stages stay silent; a log file gets a line every half minute.
    const auto pause = redraws_ ? std::chrono::milliseconds(open_ ? 100 : 300) : std::chrono::seconds(30);
    if (now - drawn_ < pause) return;
    drawn_ = now;
    draw();
  }

  void end() override {
    if (redraws_ && open_) write_painted(console_.err, "\r\033[K");
    open_ = false;
  }

  void note(const std::string& message) override {
    end();
    console_.err << message_text(message, console_.err_is_terminal) << std::flush;
  }

 private:
  void draw() {
    const double elapsed = std::chrono::duration<double>(SteadyClock::now() - start_).count();
    const double share = work_ > 0 ? work_done_ / work_ : 1;
    const std::string of_all = total_ > 0 ? fmt::format(" of {}", total_) : "";  // it may not be known
    std::string line = fmt::format("{} {}{} {} ({:.0f} %)", stage_, done_, of_all, unit_, 100 * share);
    if (elapsed > 0 && done_ > 0) line += ", " + format_rate(static_cast<double>(done_) / elapsed) + "/s";
    if (share > 0 && share < 1) line += ", " + format_seconds(elapsed * (1 - share) / share) + " left";
    if (redraws_) {
      // A line that reaches the next row of the terminal could not be taken back.
      line = first_code_points(visible_line(line), std::max(0, console_.width - kCells - 2));
      write_painted(console_.err, "\r\033[K" + bar(share) + line);
    } else {
      console_.err << line << '\n' << std::flush;
    }
    open_ = true;
  }

  static constexpr int kCells = 20;  // of the bar

  static std::string bar(double share) {
    const int full = static_cast<int>(share * kCells);
    std::string text;
    for (int i = 0; i < kCells; ++i) text += i < full ? "█" : "░";
    return text + " ";
  }

  Console& console_;
  bool redraws_;
  bool open_ = false;  // a line stands on the terminal
  std::string stage_, unit_;
  int64_t total_ = 0, done_ = 0;
  double work_ = 0, work_done_ = 0;
  SteadyClock::time_point start_, drawn_;
};

}  // namespace

std::unique_ptr<ProgressListener> make_progress(Console& console, bool quiet) {
  if (quiet) return std::make_unique<SilentProgress>();
  return std::make_unique<ConsoleProgress>(console);
}

}  // namespace hre::cli
