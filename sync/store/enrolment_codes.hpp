#pragma once

#include <optional>
#include <string_view>

#include "sync/change/sign.hpp"
#include "sync/store/sqlite.hpp"

/// One-time codes by which devices enrol, in hub.db but in no record: what is in the log lasts for
/// ever and travels. One writer, the log's.
namespace streetlog::store {

struct EnrolmentCode {
    std::string selector;  // the part that says which code it is
    DeviceId device;
    sync::Hash digest{};  // of the part that is secret
    Instant ends;
    std::int64_t failures = 0;
    sync::PublicKey used_by{};  // zeros: nobody yet
};

[[nodiscard]] std::optional<EnrolmentCode> find_code(Db& db, std::string_view selector);

/// In place of any other the device had.
void put_code(Db& db, const EnrolmentCode& code);

void drop_code_of(Db& db, const DeviceId& device);

/// When the device's code ends, used or not; none: it has none.
[[nodiscard]] std::optional<EnrolmentCode> code_of(Db& db, const DeviceId& device);

}  // namespace streetlog::store
