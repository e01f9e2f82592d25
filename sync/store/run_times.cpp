#include "sync/store/run_times.hpp"

#include "sync/change/varint.hpp"

namespace streetlog::store {
namespace {

/// Device numbers may be absurd: differences wrap, and adding them back wraps the same way.
std::int64_t minus(Instant a, Instant b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a.ms) -
                                     static_cast<std::uint64_t>(b.ms));
}

Instant plus(Instant a, std::int64_t d) {
    return {static_cast<std::int64_t>(static_cast<std::uint64_t>(a.ms) +
                                      static_cast<std::uint64_t>(d))};
}

std::unexpected<Error> damaged() {
    return fail(ErrorCode::kDamaged, "the times of a run cannot be read");
}

}  // namespace

sync::Bytes encode_times(const std::vector<RecordTimes>& times, Instant base) {
    sync::Bytes out;
    sync::put_varint(out, times.size());
    for (const auto& t : times) {
        sync::put_signed(out, minus(t.interaction.occurred.lo, base));
        sync::put_signed(out, minus(t.interaction.occurred.hi, t.interaction.occurred.lo));
        sync::put_varint(out, t.interaction.flags);
        sync::put_varint(out, t.save_flags);
    }
    return out;
}

Result<std::vector<RecordTimes>> decode_times(sync::BytesView bytes, Instant base) {
    sync::VarintReader in{bytes};
    const auto count = in.next();
    if (!count || *count > in.left()) return damaged();
    std::vector<RecordTimes> out;
    out.reserve(*count);
    for (std::uint64_t i = 0; i < *count; ++i) {
        const auto lo = in.next_signed();
        const auto width = in.next_signed();
        const auto flags = in.next();
        const auto save_flags = in.next();
        if (!lo || !width || !flags || !save_flags) return damaged();
        RecordTimes t;
        t.interaction.occurred.lo = plus(base, *lo);
        t.interaction.occurred.hi = plus(t.interaction.occurred.lo, *width);
        t.interaction.flags = static_cast<std::uint32_t>(*flags);
        t.save_flags = static_cast<std::uint32_t>(*save_flags);
        out.push_back(t);
    }
    return out;
}

sync::Bytes encode_clock(const sync::ReplicaClock& clock) {
    sync::Bytes out;
    sync::put_signed(out, clock.floor.ms);
    if (clock.fix) {
        sync::put_signed(out, clock.fix->wall.ms);
        sync::put_signed(out, clock.fix->hub.lo.ms);
        sync::put_signed(out, clock.fix->hub.hi.ms);
    }
    return out;
}

Result<sync::ReplicaClock> decode_clock(sync::BytesView bytes) {
    sync::ReplicaClock clock;
    if (bytes.empty()) return clock;
    sync::VarintReader in{bytes};
    const auto floor = in.next_signed();
    if (!floor) return damaged();
    clock.floor.ms = *floor;
    if (in.left() == 0) return clock;
    const auto wall = in.next_signed();
    const auto lo = in.next_signed();
    const auto hi = in.next_signed();
    if (!wall || !lo || !hi) return damaged();
    clock.fix = sync::WallFix{{*wall}, {{*lo}, {*hi}}};
    return clock;
}

}  // namespace streetlog::store
