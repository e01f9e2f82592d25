#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "schema/error.hpp"
#include "schema/id.hpp"
#include "schema/time.hpp"

namespace streetlog {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

/// Text that may stand in a log. It converts from string literals and error codes only, so that a
/// variable, which could hold a name or a note, does not compile. Not an owner: lives as long as
/// what it was made from.
class LogText {
  public:
    template <std::size_t N>
    consteval LogText(const char (&literal)[N])  // NOLINT(google-explicit-constructor)
        : text_(literal, N - 1) {}

    LogText(ErrorCode code)  // NOLINT(google-explicit-constructor)
        : text_(name_of(code)) {}

    /// The caller vouches that `text` never came from a person: an address, a path, a version.
    [[nodiscard]] static LogText vouched(std::string_view text) {
        LogText out{""};
        out.text_ = text;
        return out;
    }

    [[nodiscard]] std::string_view view() const { return text_; }

  private:
    std::string_view text_;
};

/// One named value of an event. Only numbers, durations (logged in ms), truth values, ids (logged
/// as hex) and LogText.
struct Field {
    using Value = std::variant<std::int64_t, bool, std::array<Byte, 16>, LogText>;

    template <std::integral T>
    Field(LogText field_name, T number)
        requires(!std::same_as<T, bool>)
        : name(field_name), value(static_cast<std::int64_t>(number)) {}

    Field(LogText field_name, std::same_as<bool> auto truth) : name(field_name), value(truth) {}

    Field(LogText field_name, Millis duration)
        : name(field_name), value(std::int64_t{duration.count()}) {}

    template <class Tag>
    Field(LogText field_name, const Id<Tag>& id) : name(field_name), value(id.bytes) {}

    Field(LogText field_name, LogText text) : name(field_name), value(text) {}

    LogText name;
    Value value;
};

/// Where a program tells its operator what happened. Any thread. `event` is a constant such as
/// "sync_started", not prose.
class Logger {
  public:
    Logger() = default;
    Logger(const Logger&) = delete;
    Logger& operator=(const Logger&) = delete;
    virtual ~Logger() = default;

    virtual void event(LogLevel level, LogText event, std::initializer_list<Field> fields) = 0;

    void event(LogLevel level, LogText name) { event(level, name, {}); }
};

/// Says nothing; for tests.
class NullLogger final : public Logger {
  public:
    using Logger::event;

    void event(LogLevel, LogText, std::initializer_list<Field>) override {}
};

}  // namespace streetlog
