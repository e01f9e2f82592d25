#include "schema/checkup.hpp"

#include <algorithm>

namespace streetlog {
namespace {

bool is_trouble(const CheckResult& result) { return result.state == CheckResult::State::kTrouble; }

}  // namespace

std::string_view name_of(CheckResult::State state) {
    switch (state) {
        case CheckResult::State::kFine:
            return "fine";
        case CheckResult::State::kAttention:
            return "attention";
        case CheckResult::State::kTrouble:
            return "trouble";
    }
    return "trouble";
}

void Checkup::fine(std::string check, std::string found, std::string where) {
    results_.push_back({.check = std::move(check),
                        .state = CheckResult::State::kFine,
                        .found = std::move(found),
                        .where = std::move(where),
                        .todo = {}});
}

void Checkup::attention(std::string check, std::string found, std::string where, std::string todo) {
    results_.push_back({.check = std::move(check),
                        .state = CheckResult::State::kAttention,
                        .found = std::move(found),
                        .where = std::move(where),
                        .todo = std::move(todo)});
}

void Checkup::trouble(std::string check, const Error& error, std::string where) {
    results_.push_back({.check = std::move(check),
                        .state = CheckResult::State::kTrouble,
                        .code = error.code,
                        .found = error.message,
                        .where = std::move(where),
                        .todo = error.hint});
}

bool Checkup::fine() const { return std::ranges::none_of(results_, is_trouble); }

int Checkup::exit_code() const {
    const auto first = std::ranges::find_if(results_, is_trouble);
    if (first == results_.end()) return 0;
    const bool damaged = std::ranges::any_of(results_, [](const CheckResult& result) {
        return is_trouble(result) && result.code == ErrorCode::kDamaged;
    });
    return streetlog::exit_code(damaged ? ErrorCode::kDamaged : first->code);
}

}  // namespace streetlog
