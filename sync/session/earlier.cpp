#include "sync/session/earlier.hpp"

#include <algorithm>
#include <limits>

#include "sync/change/cells.hpp"

namespace streetlog::sync {
namespace {

constexpr std::uint16_t kDevice = 1;
constexpr std::uint16_t kIncarnation = 2;
constexpr std::uint16_t kFirst = 3;
constexpr std::uint16_t kLast = 4;
constexpr std::uint16_t kHead = 5;
constexpr std::uint16_t kReceipts = 6;
constexpr std::uint16_t kSignature = 7;

const Bytes* bytes_in(const Cell* cell) {
    return cell == nullptr ? nullptr : std::get_if<Bytes>(&cell->value);
}

}  // namespace

Op earlier_op(const RunReceipt& receipt) {
    Op op;
    op.kind = OpKind::kEarlier;
    op.cells = {
        {kDevice, Bytes{receipt.replica.device.bytes.begin(), receipt.replica.device.bytes.end()}},
        {kIncarnation, std::int64_t{receipt.replica.incarnation}},
        {kFirst, static_cast<std::int64_t>(receipt.first_seq)},
        {kLast, static_cast<std::int64_t>(receipt.last_seq)},
        {kHead, Bytes{receipt.last_hash.begin(), receipt.last_hash.end()}},
        {kReceipts, encode_receipt(span_of(receipt))},
        {kSignature, receipt.signature}};
    return op;
}

std::optional<RunReceipt> earlier_of(const Op& op) {
    if (op.kind != OpKind::kEarlier) return std::nullopt;
    const auto device = id_in(find_cell(op.cells, kDevice));
    const auto incarnation = number_in(find_cell(op.cells, kIncarnation));
    const auto first = number_in(find_cell(op.cells, kFirst));
    const auto last = number_in(find_cell(op.cells, kLast));
    const Bytes* head = bytes_in(find_cell(op.cells, kHead));
    const Bytes* receipts = bytes_in(find_cell(op.cells, kReceipts));
    const Bytes* signature = bytes_in(find_cell(op.cells, kSignature));
    RunReceipt out;
    if (!device || !incarnation || *incarnation < 0 ||
        *incarnation > std::numeric_limits<std::uint32_t>::max() || !first || *first < 1 || !last ||
        *last < *first || head == nullptr || head->size() != out.last_hash.size() ||
        receipts == nullptr || signature == nullptr)
        return std::nullopt;
    auto span = decode_receipt(*receipts);
    if (!span || span->times.size() != static_cast<std::uint64_t>(*last - *first) + 1)
        return std::nullopt;
    out.replica = {DeviceId{device->bytes}, static_cast<std::uint32_t>(*incarnation)};
    out.first_seq = static_cast<std::uint64_t>(*first);
    out.last_seq = static_cast<std::uint64_t>(*last);
    std::ranges::copy(*head, out.last_hash.begin());
    out.received = span->first.received;
    out.first_hub_seq = span->first.seq;
    for (const auto& t : span->times) out.times.push_back({t.hlc_hub, t.saved});
    out.signature = *signature;
    return out;
}

ReceiptSpan span_of(const RunReceipt& receipt) {
    ReceiptSpan out{{receipt.received, receipt.first_hub_seq}, {}};
    out.times.reserve(receipt.times.size());
    for (const auto& t : receipt.times) out.times.push_back({t.hlc_hub, t.saved});
    return out;
}

}  // namespace streetlog::sync
