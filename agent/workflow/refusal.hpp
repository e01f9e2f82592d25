#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "schema/error.hpp"

namespace streetlog::agent {

/// One thing that is wrong with a request. No part of it ever holds what was entered.
struct Problem {
    std::string path;  // "clients[0].DOB"; empty for the request as a whole
    std::string rule;  // stable name, "field.unknown"
    std::string message;

    friend bool operator==(const Problem&, const Problem&) = default;
};

/// Why a request was not taken: all problems at once for a form, and as one error for a command
/// line.
struct Refusal {
    Error error;
    std::vector<Problem> problems;

    Refusal(Error cause) : error(std::move(cause)) {}  // NOLINT(google-explicit-constructor)

    Refusal(ErrorCode code, std::vector<Problem> found) : problems(std::move(found)) {
        error.code = code;
        for (const Problem& one : problems) {
            if (!error.message.empty()) error.message += "; ";
            error.message += one.path.empty() ? one.message : one.path + ": " + one.message;
            error.message += " (" + one.rule + ")";
        }
    }
};

template <class T>
using Checked = std::expected<T, Refusal>;

}  // namespace streetlog::agent
