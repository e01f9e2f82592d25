#include "sync/net/json_logger.hpp"

#include <iterator>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace streetlog::net {
namespace {

std::string_view name_of_level(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug:
            return "debug";
        case LogLevel::kInfo:
            return "info";
        case LogLevel::kWarning:
            return "warning";
        case LogLevel::kError:
            return "error";
    }
    return "error";
}

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    out += '"';
}

struct AppendValue {
    std::string& out;

    void operator()(std::int64_t number) const {
        fmt::format_to(std::back_inserter(out), "{}", number);
    }

    void operator()(bool truth) const { out += truth ? "true" : "false"; }

    void operator()(const std::array<Byte, 16>& id) const { append_quoted(out, to_hex(id)); }

    void operator()(LogText text) const { append_quoted(out, text.view()); }
};

}  // namespace

std::string format_log_line(Instant ts,
                            LogLevel level,
                            LogText event,
                            std::initializer_list<Field> fields) {
    std::string out = R"({"ts":)";
    append_quoted(out, format_instant(ts));
    out += R"(,"level":)";
    append_quoted(out, name_of_level(level));
    out += R"(,"event":)";
    append_quoted(out, event.view());
    for (const Field& field : fields) {
        out += ',';
        append_quoted(out, field.name.view());
        out += ':';
        std::visit(AppendValue{out}, field.value);
    }
    out += '}';
    return out;
}

JsonLogger::JsonLogger(Clock& clock, LogLevel least)
    : clock_(clock),
      least_(least),
      out_(std::make_unique<spdlog::logger>("streetlog",
                                            std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
    out_->set_pattern("%v");
    out_->set_level(spdlog::level::trace);
    out_->flush_on(spdlog::level::trace);
}

JsonLogger::~JsonLogger() = default;

void JsonLogger::event(LogLevel level, LogText event, std::initializer_list<Field> fields) {
    if (level < least_) return;
    out_->log(spdlog::level::info,
              spdlog::string_view_t{format_log_line(clock_.now(), level, event, fields)});
}

}  // namespace streetlog::net
