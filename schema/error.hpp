#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace streetlog {

/// What a caller can test. Each says when it is returned; the process exit code of a command line
/// is `exit_code(code)`.
enum class ErrorCode : std::uint8_t {
    kUsage = 2,           // the command line or a request is not of the expected form
    kInvalidInput = 3,    // a value is malformed, out of range or not in its code list
    kNotFound = 4,        // a client, enrollment, device, user or record does not exist here
    kConflict = 5,        // the thing exists already, or its state does not allow the act
    kNotPermitted = 6,    // authentication or authority is missing
    kMalformed = 7,       // bytes that should be a record, a batch or a message are not
    kTooLarge = 8,        // over a stated limit
    kUnavailable = 9,     // the other side cannot be reached or is busy; retryable
    kStorage = 10,        // the database or the disk failed; nothing was acknowledged
    kWrongDatabase = 11,  // the file is not ours, too old or too new
    kLocked = 12,         // another process holds the lock and does not answer
    kDamaged = 13,        // stored bytes fail their check
    kUnsupported = 14,    // this version does not know what it is asked to handle
    kInternal = 15,       // a bug of ours that was contained
    kInterrupted = 16,    // stopped by a signal or a shutdown
};

/// A failure a caller is expected to handle. `message` names the operation and its subject and
/// holds no name, birth date, SSN or note; `hint` tells the person at the keyboard what to do next
/// and may be empty.
struct Error {
    ErrorCode code = ErrorCode::kInternal;
    std::string message;
    std::string hint;
};

template <class T>
using Result = std::expected<T, Error>;

/// True when trying the same thing again later may succeed.
[[nodiscard]] bool is_retryable(ErrorCode code);

/// Short stable name, for JSON: "not_found".
[[nodiscard]] std::string_view name_of(ErrorCode code);

/// The exit code a command ends with: the number of the code.
[[nodiscard]] int exit_code(ErrorCode code);

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code,
                                                 std::string message,
                                                 std::string hint = {}) {
    return std::unexpected(Error{code, std::move(message), std::move(hint)});
}

/// Prints where and what, then aborts. For bugs of ours only.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace streetlog

#define STREETLOG_CONCAT_(a, b) a##b
#define STREETLOG_CONCAT(a, b) STREETLOG_CONCAT_(a, b)

/// STREETLOG_TRY(auto v, expression_returning_result); declares v or returns the error.
#define STREETLOG_TRY(declaration, ...)                                              \
    auto STREETLOG_CONCAT(try_, __LINE__) = (__VA_ARGS__);                           \
    if (!STREETLOG_CONCAT(try_, __LINE__))                                           \
        return std::unexpected(std::move(STREETLOG_CONCAT(try_, __LINE__)).error()); \
    declaration = *std::move(STREETLOG_CONCAT(try_, __LINE__))

/// The same for Result<void>.
#define STREETLOG_CHECK(...)                                     \
    if (auto STREETLOG_CONCAT(check_, __LINE__) = (__VA_ARGS__); \
        !STREETLOG_CONCAT(check_, __LINE__))                     \
    return std::unexpected(std::move(STREETLOG_CONCAT(check_, __LINE__)).error())

/// Kept in release builds.
#define STREETLOG_ASSERT(expression)     \
    ((expression) ? static_cast<void>(0) \
                  : ::streetlog::assertion_failed(#expression, __FILE__, __LINE__))
