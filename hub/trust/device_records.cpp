#include "hub/trust/device_records.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "schema/hud/fields.hpp"

namespace streetlog::hub {

Result<store::DeviceRow> find_device(store::HubLog& log, std::string_view who) {
    const auto id = parse_id<DeviceId>(who);
    for (auto& device : log.devices())
        if (device.name == who || (id && device.id == *id)) return std::move(device);
    return fail(ErrorCode::kNotFound,
                fmt::format("there is no device '{}'", who),
                "See streetlog-hub device list.");
}

Result<void> write_device(Ledger& ledger, const store::DeviceRow& device) {
    namespace col = hud::col::hub_device;
    // One from before the log kept the dot has nothing to supersede, and is there all the same.
    const bool known = ledger.log().device(device.id).has_value();
    sync::Op op;
    op.entity = {device.id.bytes};
    op.kind = known ? sync::OpKind::kSetGroup : sync::OpKind::kCreate;
    op.table = hud::tbl::kHubDevice;
    op.group = hud::grp::kHubDeviceRegistration;
    op.cells = {{col::kName, device.name}, {col::kState, device.state}};
    if (device.public_key != sync::PublicKey{})
        op.cells.push_back(
            {col::kPublicKey, sync::Bytes{device.public_key.begin(), device.public_key.end()}});
    if (device.approved_until.ms != 0)
        op.cells.push_back({col::kApprovedUntil, device.approved_until.ms});
    std::ranges::sort(op.cells, {}, &sync::Cell::column);
    if (device.written.seq != 0) op.supersedes = {device.written};
    STREETLOG_CHECK(ledger.author({}, {std::move(op)}));
    return {};
}

}  // namespace streetlog::hub
