#include "tests/property/relocation.hpp"

#include <algorithm>
#include <tuple>

#include "sync/change/hlc.hpp"
#include "sync/change/verdict.hpp"

namespace streetlog::sync::testing {
namespace {

constexpr Byte kAuthorMark = 1;
constexpr Byte kOtherMark = 2;
constexpr Byte kClientMark = 1;

/// The model's number of a device.
std::uint64_t number_of(const DeviceId& id) {
    std::uint64_t out = 0;
    for (std::size_t i = 8; i < 16; ++i) out = out << 8 | id.bytes[i];
    return out;
}

template <class IdType>
void mark(IdType& id, std::uint32_t history) {
    for (std::size_t i = 0; i < 3; ++i) id.bytes[7 - i] = static_cast<Byte>(history >> (8 * i));
}

class Mover {
  public:
    Mover(const History& history, const Site& site) : site_(site) {
        const auto order = feeding_order(history);
        std::uint64_t hub_seq = site.hub_records;
        std::uint64_t at = site.head.value;
        for (const std::size_t i : order) {
            const HistoryRecord& record = history.records[i];
            const RecordKey key = record.record.header.key();
            places_.emplace(record.receipt.place, HubSeq{++at});
            if (number_of(key.replica.device) == 0)
                hub_keys_.emplace(key, RecordKey{site.hub, ++hub_seq});
        }
    }

    [[nodiscard]] EntityId entity(EntityId id) const {
        if (id.bytes[0] == 0) id.bytes[0] = kClientMark;  // the ids of links are marked already
        mark(id, site_.number);
        return id;
    }

    [[nodiscard]] Replica replica(const Replica& r) const {
        const auto device = number_of(r.device);
        if (device == 0) return {kHubDevice, site_.number * 1'000 + r.incarnation};
        if (device <= kAuthors) {
            Replica out = author_replica(device - 1);
            // Copies of the device that had to start anew are new to every history.
            if (r.incarnation != 1) out.incarnation = (site_.number + 1) * 100'000 + r.incarnation;
            return out;
        }
        Replica out = r;
        out.device.bytes[0] = kOtherMark;
        mark(out.device, site_.number);
        return out;
    }

    [[nodiscard]] RecordKey key(const RecordKey& k) const {
        const auto device = number_of(k.replica.device);
        if (device == 0 && site_.receipts == Receipts::kIssued) return hub_keys_.at(k);
        const bool shared = device >= 1 && device <= kAuthors && k.replica.incarnation == 1;
        const auto before = shared ? site_.author_records[device - 1] : 0;
        return {replica(k.replica), k.seq + before};
    }

    [[nodiscard]] Dot dot(const Dot& d) const {
        const RecordKey moved = key(d.record());
        return {moved.replica, moved.seq, d.op};
    }

    [[nodiscard]] std::vector<Dot> dots(const std::vector<Dot>& in) const {
        std::vector<Dot> out;
        for (const Dot& one : in) out.push_back(dot(one));
        std::ranges::sort(out);
        return out;
    }

    [[nodiscard]] Instant time(Instant t) const { return {site_.start.ms + t.ms}; }

    [[nodiscard]] HlcStamp stamp(HlcStamp s) const {
        return {(static_cast<std::uint64_t>(site_.start.ms) + s.value) << 16};
    }

    [[nodiscard]] Place place(const Place& p) const {
        return {time(p.received), site_.receipts == Receipts::kIssued ? places_.at(p) : p.seq};
    }

    [[nodiscard]] Op op(Op in) const {
        if (const auto verdict = verdict_of(in))
            return verdict_op({key(verdict->record), verdict->act});
        in.entity = entity(in.entity);
        for (EntityId& member : in.profile) member = entity(member);
        // The cells of a link hold both ends.
        for (Cell& cell : in.cells)
            if (auto* data = std::get_if<Bytes>(&cell.value); data && data->size() == 16) {
                EntityId end;
                std::ranges::copy(*data, end.bytes.begin());
                end = entity(end);
                data->assign(end.bytes.begin(), end.bytes.end());
            }
        in.supersedes = dots(in.supersedes);
        return in;
    }

  private:
    Site site_;
    std::map<Place, HubSeq> places_;
    std::map<RecordKey, RecordKey> hub_keys_;
};

/// Evidence that puts the Save inside [lo, hi], and below the time of receipt.
ClockEvidence evidence_of(const Interval& saved, Instant received) {
    constexpr std::int64_t kSinceAnchor = 1'000;
    constexpr std::int64_t kClockError = 3;  // what the hub allows for so long a time
    const auto width = saved.hi.ms - saved.lo.ms;
    const auto error = saved.hi < received ? width / 2 : width;
    ClockEvidence out;
    out.boot_id = out.anchor_boot_id = 1;
    out.anchor_boot_ms = 1'000'000;
    out.boot_ms = out.anchor_boot_ms + kSinceAnchor;
    out.suspends = out.anchor_suspends = 0;
    out.anchor_hub_ms = saved.lo.ms + error - kSinceAnchor;
    out.anchor_wall_ms = out.anchor_hub_ms;
    out.anchor_err_ms = static_cast<std::uint32_t>(error - kClockError);
    return out;
}

HistoryRecord moved(const HistoryRecord& in, const Mover& mover, Receipts receipts) {
    HistoryRecord out = in;
    Header& header = out.record.header;
    const RecordKey key = mover.key(header.key());
    header.replica = key.replica;
    header.seq = key.seq;
    header.recorded = mover.time({static_cast<std::int64_t>(header.hlc.value)});
    header.hlc = mover.stamp(header.hlc);
    for (Op& op : out.record.ops) op = mover.op(op);
    out.receipt.place = mover.place(in.receipt.place);
    out.receipt.hlc_hub = mover.stamp(in.receipt.hlc_hub);
    out.receipt.saved = {mover.time(in.receipt.saved.lo), mover.time(in.receipt.saved.hi)};
    if (receipts == Receipts::kIssued && header.replica.device != kHubDevice)
        header.clock = evidence_of(out.receipt.saved, out.receipt.place.received);
    return out;
}

/// What the hub makes of the brackets: none reaches back before what an earlier record proved.
void cut_brackets(History& history) {
    std::map<Replica, Instant> floors;
    for (const std::size_t i : feeding_order(history)) {
        HistoryRecord& record = history.records[i];
        const Header& header = record.record.header;
        if (header.replica.device == kHubDevice) continue;
        Instant& floor = floors[header.replica];
        floor = std::max(floor, record.receipt.saved.lo);
        record.receipt.saved.lo = floor;
        record.receipt.hlc_hub = clamp_hlc(header.hlc, record.receipt.saved);
    }
}

/// The model's rule: the highest class, then the latest stamp of the hub, then the dot.
void tell_winners(History& history) {
    std::map<Dot, std::tuple<hud::AnswerClass, HlcStamp, Dot>> ranks;
    for (const HistoryRecord& record : history.records) {
        const Header& header = record.record.header;
        for (std::size_t i = 0; i < record.answers.size(); ++i) {
            const Dot dot{header.replica, header.seq, static_cast<std::uint16_t>(i)};
            ranks.emplace(dot, std::tuple{record.answers[i], record.receipt.hlc_hub, dot});
        }
    }
    for (auto* views : {&history.own, &history.merged})
        for (auto& [key, view] : *views)
            if (view.winner)
                view.winner = *std::ranges::max_element(
                    view.siblings, {}, [&](const Dot& dot) { return ranks.at(dot); });
}

}  // namespace

Replica author_replica(std::size_t author) {
    Replica out{{}, 1};
    out.device.bytes[0] = kAuthorMark;
    out.device.bytes[15] = static_cast<Byte>(author + 1);
    return out;
}

std::vector<std::size_t> feeding_order(const History& history) {
    std::map<Replica, std::map<std::uint64_t, std::size_t>> waiting;
    for (std::size_t i = 0; i < history.records.size(); ++i) {
        const Header& header = history.records[i].record.header;
        waiting[header.replica].emplace(header.seq, i);
    }
    std::vector<std::size_t> out;
    const auto first_of = [&](const auto& entry) {
        return history.records[entry.second.begin()->second].receipt.place;
    };
    while (!waiting.empty()) {
        const auto next = std::ranges::min_element(waiting, {}, first_of);
        out.push_back(next->second.begin()->second);
        next->second.erase(next->second.begin());
        if (next->second.empty()) waiting.erase(next);
    }
    return out;
}

bool can_be_issued(const History& history) {
    return std::ranges::is_sorted(feeding_order(history), {}, [&](std::size_t i) {
        return history.records[i].receipt.place;
    });
}

History relocated(const History& history, const Site& site) {
    const Mover mover{history, site};
    History out;
    out.id = history.id;
    for (const auto& [id, place] : history.first)
        out.first.emplace(mover.entity(id),
                          place.transform([&](const Place& p) { return mover.place(p); }));
    for (const HistoryRecord& record : history.records)
        out.records.push_back(moved(record, mover, site.receipts));
    const auto views = [&](const auto& from, auto& to) {
        for (const auto& [key, view] : from) {
            ExpectedView& moved_view = to[{mover.entity(key.first), key.second}];
            moved_view = {mover.dots(view.siblings), view.winner, view.review};
            if (view.winner) moved_view.winner = mover.dot(*view.winner);
        }
    };
    views(history.own, out.own);
    views(history.merged, out.merged);
    for (const auto& [id, canon] : history.canon)
        out.canon.emplace(mover.entity(id), mover.entity(canon));
    out.contradictions = mover.dots(history.contradictions);
    if (site.receipts == Receipts::kIssued) {
        cut_brackets(out);
        tell_winners(out);
    }
    return out;
}

}  // namespace streetlog::sync::testing
