#include "sync/store/enrolment_codes.hpp"

#include <algorithm>

namespace streetlog::store {
namespace {

using sync::BytesView;

std::optional<EnrolmentCode> read(Stmt& row) {
    if (!row.step()) return std::nullopt;
    EnrolmentCode out;
    out.selector = row.text(0);
    const auto device = row.blob(1);
    const auto digest = row.blob(2);
    if (device.size() != out.device.bytes.size() || digest.size() != out.digest.size())
        throw StorageFailure("an enrolment code cannot be read", 11);
    std::ranges::copy(device, out.device.bytes.begin());
    std::ranges::copy(digest, out.digest.begin());
    out.ends = {row.integer(3)};
    out.failures = row.integer(4);
    const auto key = row.blob(5);
    if (key.size() == out.used_by.size()) std::ranges::copy(key, out.used_by.begin());
    row.reset();
    return out;
}

}  // namespace

std::optional<EnrolmentCode> find_code(Db& db, std::string_view selector) {
    auto row = db.prepare(
        "SELECT selector, device, digest, ends_ms, failures, used_by FROM enrolment_code WHERE "
        "selector = ?");
    row.with(selector);
    return read(row);
}

std::optional<EnrolmentCode> code_of(Db& db, const DeviceId& device) {
    auto row = db.prepare(
        "SELECT selector, device, digest, ends_ms, failures, used_by FROM enrolment_code WHERE "
        "device = ?");
    row.with(BytesView{device.bytes});
    return read(row);
}

void put_code(Db& db, const EnrolmentCode& code) {
    db.prepare("INSERT OR REPLACE INTO enrolment_code VALUES(?,?,?,?,?,?)")
        .with(code.selector,
              BytesView{code.device.bytes},
              BytesView{code.digest},
              code.ends.ms,
              code.failures,
              BytesView{code.used_by})
        .run();
}

void drop_code_of(Db& db, const DeviceId& device) {
    db.prepare("DELETE FROM enrolment_code WHERE device = ?").with(BytesView{device.bytes}).run();
}

}  // namespace streetlog::store
