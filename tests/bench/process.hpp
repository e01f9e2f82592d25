#pragma once

#include <chrono>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include <boost/json/value.hpp>
#include <sys/types.h>

#include "schema/error.hpp"

namespace streetlog::bench {

/// What /proc says of a process: all its threads together, those that ended left out.
struct Usage {
    double cpu_seconds = 0;
    double rss_peak_mib = 0;
};

/// A process of the run, in the exec protocol or as a program that prints one line when it is up.
/// It is killed when the object goes.
class Process {
  public:
    /// What it says on standard error goes to the end of `log`; empty: to ours.
    [[nodiscard]] static Result<Process> start(const std::vector<std::string>& command,
                                               const std::filesystem::path& log = {});

    Process(Process&& other) noexcept;
    Process& operator=(Process&&) = delete;
    ~Process();

    /// Sends a command without waiting for its answer.
    [[nodiscard]] Result<void> send(std::string_view name, boost::json::value arg);
    /// Waits for the answer to the oldest command that has none.
    [[nodiscard]] Result<boost::json::value> answer();
    [[nodiscard]] Result<boost::json::value> ask(std::string_view name, boost::json::value arg);

    /// The next line that is no answer ({"seen": ...}, {"ready": ...}, the line of a server).
    [[nodiscard]] Result<boost::json::value> news();

    [[nodiscard]] Usage usage() const;

    /// SIGTERM, then waits for the end.
    void stop();

  private:
    Process(pid_t pid, int in, int out) : pid_(pid), in_(in), out_(out) {}

    [[nodiscard]] Result<std::string> line();

    pid_t pid_ = -1;
    int in_ = -1;   // to its standard input
    int out_ = -1;  // from its standard output
    std::uint64_t next_id_ = 1;
    std::uint64_t next_answer_ = 1;
    std::string unread_;
    std::deque<boost::json::value> answers_;
    std::deque<boost::json::value> news_;
};

/// Runs a program to its end; its standard output as JSON, or what it said when it failed, with its
/// exit code as the code.
[[nodiscard]] Result<boost::json::value> run_program(const std::vector<std::string>& command);

/// This program's own file.
[[nodiscard]] std::filesystem::path own_program();

}  // namespace streetlog::bench
