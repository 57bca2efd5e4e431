#pragma once
/// Result<T>: a value, or one Error that says what was wrong, where, and what to do next.
/// The library neither prints nor exits, and never lets an exception of a third party escape.
///
/// An example, which the tests run:
///
///   const auto half = [](int n) -> hre::Result<int> {
///     if (n % 2 != 0) return hre::input_error("is odd", std::to_string(n), "give an even number");
///     return n / 2;
///   };
///   std::printf("%d\n", *half(6));                        // prints: 3
///   std::printf("%s\n", half(3).error().text().c_str());  // prints: 3: is odd; give an even number

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace hre {

/// The kind of failure, which decides the program's exit status.
enum class ErrorCode {
  kFailed,       ///< the work could not be done (1): no disk space, a server that is gone
  kInput,        ///< the call or its input was wrong (2)
  kThreshold,    ///< a threshold that the user asked for was not met (3)
  kInterrupted,  ///< stopped by the user (130)
};

struct Error {
  ErrorCode code = ErrorCode::kFailed;
  std::string message;  ///< what was wrong, without a full stop
  std::string where;    ///< the file and place (row, column, line), or empty
  std::string next;     ///< what the user can do about it, or empty

  /// One line: "WHERE: MESSAGE; NEXT".
  [[nodiscard]] std::string text() const {
    std::string line = where.empty() ? message : where + ": " + message;
    return next.empty() ? line : line + "; " + next;
  }
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string where = {},
                                                std::string next = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(where), std::move(next)});
}

[[nodiscard]] inline tl::unexpected<Error> input_error(std::string message, std::string where = {},
                                                       std::string next = {}) {
  return fail(ErrorCode::kInput, std::move(message), std::move(where), std::move(next));
}

/// Passes an error to the caller: `if (!result) return forward(result);`
template <class T>
[[nodiscard]] tl::unexpected<Error> forward(Result<T>& result) {
  return tl::unexpected<Error>(std::move(result.error()));
}

}  // namespace hre
