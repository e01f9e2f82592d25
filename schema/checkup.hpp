#pragma once

#include <string>
#include <vector>

#include "schema/error.hpp"

namespace streetlog {

/// One thing that was looked at, in words for the person who runs the program. Holds no name, birth
/// date, SSN or note.
struct CheckResult {
    enum class State : std::uint8_t {
        kFine,
        kAttention,  // works, but somebody should look
        kTrouble,    // does not work, or soon will not; `code` says of what kind
    };

    std::string check;  // short stable name: "log", "disk"
    State state = State::kFine;
    ErrorCode code = ErrorCode::kInternal;  // of trouble only
    std::string found;
    std::string where;  // a path or an address; may be empty
    std::string todo;   // what to do about it; empty when nothing
};

[[nodiscard]] std::string_view name_of(CheckResult::State state);

/// What `doctor` found, in the order it looked.
class Checkup {
  public:
    void fine(std::string check, std::string found, std::string where = {});
    void attention(std::string check, std::string found, std::string where, std::string todo);
    void trouble(std::string check, const Error& error, std::string where);

    [[nodiscard]] const std::vector<CheckResult>& results() const { return results_; }

    /// No trouble; attention may be there.
    [[nodiscard]] bool fine() const;

    /// 0 without trouble; the code of damage when there is any, else that of the first trouble.
    [[nodiscard]] int exit_code() const;

  private:
    std::vector<CheckResult> results_;
};

}  // namespace streetlog
