#pragma once

#include <boost/json/object.hpp>

#include "schema/error.hpp"

namespace streetlog::net {

/// How a command answers the person or the script that gave it.
enum class OutputForm : std::uint8_t { kText, kJson };

/// Prints the answer on standard output, or the error on standard error; returns the exit code. As
/// JSON that is one object a line: the answer itself, or {"error":{"code","message","hint"}}. As
/// text, an object is one "name: value" a line and a list of objects a table.
[[nodiscard]] int answer(const Result<boost::json::object>& result, OutputForm form);

/// A request to, and an answer from, the running program over its control socket.
[[nodiscard]] std::string encode_answer(const Result<boost::json::object>& result);
[[nodiscard]] Result<boost::json::object> decode_answer(std::string_view text);

}  // namespace streetlog::net
