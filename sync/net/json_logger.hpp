#pragma once

#include <memory>
#include <string>

#include "schema/log.hpp"
#include "schema/ports.hpp"

namespace spdlog {
class logger;  // NOLINT(readability-identifier-naming)
}

namespace streetlog::net {

/// One JSON object, without the line end:
/// {"ts":"2026-11-23T14:05:09.250Z","level":"info","event":"…", fields…}.
[[nodiscard]] std::string format_log_line(Instant ts,
                                          LogLevel level,
                                          LogText event,
                                          std::initializer_list<Field> fields);

/// Writes one JSON object a line to stderr, flushed at each line. Any thread.
class JsonLogger final : public Logger {
  public:
    /// `clock` must outlive the logger. Events below `least` are dropped.
    explicit JsonLogger(Clock& clock, LogLevel least = LogLevel::kInfo);
    ~JsonLogger() override;

    using Logger::event;
    void event(LogLevel level, LogText event, std::initializer_list<Field> fields) override;

  private:
    Clock& clock_;
    LogLevel least_;
    std::unique_ptr<spdlog::logger> out_;
};

}  // namespace streetlog::net
