#include "sync/change/receipts.hpp"

#include "sync/change/varint.hpp"

namespace streetlog::sync {
namespace {

/// Differences of device numbers wrap instead of overflowing; adding them back wraps the same way.
std::int64_t minus(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

std::int64_t plus(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

}  // namespace

Bytes encode_receipt(const ReceiptSpan& receipt) {
    Bytes out;
    out.reserve(24 + receipt.times.size() * 12);
    put_signed(out, receipt.first.received.ms);
    put_varint(out, receipt.first.seq.value);
    put_varint(out, receipt.times.size());
    for (const auto& t : receipt.times) {
        put_signed(out, minus(t.saved.lo.ms, receipt.first.received.ms));
        put_signed(out, minus(t.saved.hi.ms, t.saved.lo.ms));
        put_signed(out, minus(t.hlc_hub.ms(), t.saved.lo.ms));
        put_varint(out, t.hlc_hub.value & 0xffff);
    }
    return out;
}

Result<ReceiptSpan> decode_receipt(BytesView bytes) {
    const auto damaged = [] { return fail(ErrorCode::kMalformed, "a receipt cannot be read"); };
    VarintReader in{bytes};
    const auto received = in.next_signed();
    const auto seq = in.next();
    const auto count = in.next();
    if (!received || !seq || !count || *count > in.left()) return damaged();
    ReceiptSpan out{.first = {{*received}, {*seq}}, .times = {}};
    out.times.reserve(*count);
    for (std::uint64_t i = 0; i < *count; ++i) {
        const auto lo = in.next_signed();
        const auto width = in.next_signed();
        const auto hlc = in.next_signed();
        const auto counter = in.next();
        if (!lo || !width || !hlc || !counter) return damaged();
        ReceiptSpan::Times t;
        t.saved.lo.ms = plus(*lo, *received);
        t.saved.hi.ms = plus(*width, t.saved.lo.ms);
        t.hlc_hub.value =
            static_cast<std::uint64_t>(plus(*hlc, t.saved.lo.ms)) << 16 | (*counter & 0xffff);
        out.times.push_back(t);
    }
    return out;
}

}  // namespace streetlog::sync
