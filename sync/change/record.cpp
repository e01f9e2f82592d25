#include "sync/change/record.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace streetlog::sync {

bool Op::redacted() const {
    return std::ranges::any_of(
        cells, [](const Cell& c) { return std::holds_alternative<Redacted>(c.value); });
}

bool has_table(OpKind kind) {
    return kind != OpKind::kAttach && kind != OpKind::kRule && kind != OpKind::kVerdict &&
           kind != OpKind::kEarlier;
}

std::string_view name_of(StatusCode code) {
    switch (code) {
        case StatusCode::kNone:
            return "none";
        case StatusCode::kMalformed:
            return "malformed";
        case StatusCode::kUnauthorised:
            return "unauthorised";
        case StatusCode::kIdTaken:
            return "id_taken";
        case StatusCode::kNewerSchema:
            return "newer_schema";
    }
    return "unknown";
}

std::string_view name_of(EventKind kind) {
    switch (kind) {
        case EventKind::kNone:
            return "none";
        case EventKind::kIntake:
            return "intake";
        case EventKind::kContact:
            return "contact";
        case EventKind::kExit:
            return "exit";
        case EventKind::kUpdate:
            return "update";
        case EventKind::kImport:
            return "import";
    }
    return "unknown";
}

std::string_view name_of(TimeSource source) {
    switch (source) {
        case TimeSource::kNone:
            return "none";
        case TimeSource::kLive:
            return "live";
        case TimeSource::kTyped:
            return "typed";
    }
    return "unknown";
}

std::string to_string(const RecordKey& key) {
    return fmt::format("{}.{}:{}", to_string(key.replica.device), key.replica.incarnation, key.seq);
}

std::string to_string(const Dot& dot) {
    return fmt::format("{}/{}", to_string(dot.record()), dot.op);
}

}  // namespace streetlog::sync
