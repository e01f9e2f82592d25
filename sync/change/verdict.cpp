#include "sync/change/verdict.hpp"

#include <limits>

#include "sync/change/cells.hpp"

namespace streetlog::sync {
namespace {

constexpr std::uint16_t kAct = 1;
constexpr std::uint16_t kDevice = 2;
constexpr std::uint16_t kIncarnation = 3;
constexpr std::uint16_t kSeq = 4;

}  // namespace

Op verdict_op(const RecordVerdict& verdict) {
    const auto& [replica, seq] = verdict.record;
    Op op;
    op.kind = OpKind::kVerdict;
    op.cells = {{kAct, static_cast<std::int64_t>(verdict.act)},
                {kDevice, Bytes{replica.device.bytes.begin(), replica.device.bytes.end()}},
                {kIncarnation, std::int64_t{replica.incarnation}},
                {kSeq, static_cast<std::int64_t>(seq)}};
    return op;
}

std::optional<RecordVerdict> verdict_of(const Op& op) {
    if (op.kind != OpKind::kVerdict) return std::nullopt;
    const auto act = number_in(find_cell(op.cells, kAct));
    const auto device = id_in(find_cell(op.cells, kDevice));
    const auto incarnation = number_in(find_cell(op.cells, kIncarnation));
    const auto seq = number_in(find_cell(op.cells, kSeq));
    constexpr std::int64_t kIncarnationMax = std::numeric_limits<std::uint32_t>::max();
    if (!act || (*act != 1 && *act != 2) || !device || !incarnation || *incarnation < 0 ||
        *incarnation > kIncarnationMax || !seq || *seq <= 0)
        return std::nullopt;
    RecordVerdict out;
    out.record.replica = {DeviceId{device->bytes}, static_cast<std::uint32_t>(*incarnation)};
    out.record.seq = static_cast<std::uint64_t>(*seq);
    out.act = static_cast<VerdictAct>(*act);
    return out;
}

}  // namespace streetlog::sync
