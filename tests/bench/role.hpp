#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include "schema/error.hpp"

/// One process's part in a run. It speaks JSON lines: {"id":1,"cmd":"open","arg":{...}} comes in on
/// standard input, {"id":1,"ok":{...}} or {"id":1,"err":"..."} goes out on standard output, after a
/// first {"ready":true}. README.md lists the commands.
namespace streetlog::bench {

class Role {
  public:
    Role() = default;
    Role(const Role&) = delete;
    Role& operator=(const Role&) = delete;
    virtual ~Role() = default;

    /// kUsage for a command this part does not have.
    [[nodiscard]] virtual Result<boost::json::value> command(std::string_view name,
                                                             const boost::json::value& arg) = 0;
};

/// Answers commands until standard input ends; returns the exit code.
int serve_lines(Role& role);

/// Puts one line on standard output. Any thread.
void say(const boost::json::object& line);

/// CLOCK_MONOTONIC in nanoseconds: the same for all processes of the machine.
[[nodiscard]] std::uint64_t monotonic_ns();

/// Members of a command's argument; kUsage when one is missing or of another kind.
[[nodiscard]] Result<std::string> text_of(const boost::json::value& arg, std::string_view name);
[[nodiscard]] Result<std::uint64_t> number_of(const boost::json::value& arg, std::string_view name);
/// Nothing when it is missing.
[[nodiscard]] const boost::json::value* find(const boost::json::value& arg, std::string_view name);

}  // namespace streetlog::bench
