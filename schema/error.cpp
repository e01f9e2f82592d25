#include "schema/error.hpp"

#include <cstdio>
#include <cstdlib>

namespace streetlog {

bool is_retryable(ErrorCode code) {
    return code == ErrorCode::kUnavailable || code == ErrorCode::kLocked ||
           code == ErrorCode::kStorage;
}

std::string_view name_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::kUsage:
            return "usage";
        case ErrorCode::kInvalidInput:
            return "invalid_input";
        case ErrorCode::kNotFound:
            return "not_found";
        case ErrorCode::kConflict:
            return "conflict";
        case ErrorCode::kNotPermitted:
            return "not_permitted";
        case ErrorCode::kMalformed:
            return "malformed";
        case ErrorCode::kTooLarge:
            return "too_large";
        case ErrorCode::kUnavailable:
            return "unavailable";
        case ErrorCode::kStorage:
            return "storage";
        case ErrorCode::kWrongDatabase:
            return "wrong_database";
        case ErrorCode::kLocked:
            return "locked";
        case ErrorCode::kDamaged:
            return "damaged";
        case ErrorCode::kUnsupported:
            return "unsupported";
        case ErrorCode::kInternal:
            return "internal";
        case ErrorCode::kInterrupted:
            return "interrupted";
    }
    return "internal";
}

int exit_code(ErrorCode code) { return static_cast<int>(code); }

void assertion_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "streetlog: assertion failed: %s (%s:%d)\n", expression, file, line);
    std::abort();
}

}  // namespace streetlog
