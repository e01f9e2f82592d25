#pragma once

#include <string>

#include <boost/json/object.hpp>

namespace streetlog::net {

/// Tables wider than this are written one row below the other instead.
inline constexpr std::size_t kTableWidthMax = 160;

/// An answer as people read it: one "name: value" a line; a list of objects as a table, with lists
/// inside a row under that row. Ends with a line end unless the answer is empty.
[[nodiscard]] std::string text_of_answer(const boost::json::object& answer);

}  // namespace streetlog::net
