#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "agent/workflow/refusal.hpp"
#include "sync/net/terminal.hpp"

/// As net::answer and its kin, for answers that may name several problems of one document:
/// {"error":{"code","message","hint","problems":[{"path","rule","message"}]}}.
namespace streetlog::agent {

using Answer = Checked<boost::json::object>;

/// Prints the answer; returns the exit code. An empty answer prints nothing.
[[nodiscard]] int print_answer(const Answer& answer, net::OutputForm form);

[[nodiscard]] std::string encode_answer(const Answer& answer);
[[nodiscard]] Answer decode_answer(std::string_view text);

}  // namespace streetlog::agent
