// Two logs made of the input, through the real codec, merged in several orders: one state.
// The first byte says how the input becomes records: as drafts, or as the bytes of two batches.
#include <array>
#include <map>
#include <set>

#include "sync/change/codec.hpp"
#include "sync/merge/canonical.hpp"
#include "sync/merge/merge.hpp"
#include "sync/merge/state_codec.hpp"
#include "sync/merge/view.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace streetlog;

namespace {

constexpr std::size_t kRecordsMax = 24;
constexpr std::size_t kOpsMax = 4;

enum class Fate : std::uint8_t { kAccepted, kHidden, kReleased };

struct Logged {
    sync::Record record;
    sync::Receipt receipt;
    Fate fate = Fate::kAccepted;
    bool author_first = false;  // known before its receipt
};

using States = std::map<EntityId, sync::EntityState>;

sync::Replica replica(unsigned n) {
    sync::Replica out;
    out.device.bytes[15] = static_cast<Byte>(n + 1);
    out.incarnation = 1;
    return out;
}

EntityId entity(unsigned n) {
    EntityId out;
    out.bytes[15] = static_cast<Byte>(n + 1);
    return out;
}

sync::CellValue value_from(fuzz::Source& source) {
    switch (source.below(6)) {
        case 0:
            return sync::Absent{};
        case 1:
            return source.integer();
        case 2:
            return std::string(source.below(12), 'x');
        case 3:
            return sync::Bytes(source.below(17), source.byte());
        case 4:
            return std::vector<std::uint16_t>(source.below(3), source.byte());
        default:
            return sync::Redacted{};
    }
}

sync::Op op_from(fuzz::Source& source) {
    constexpr std::array kKinds{sync::OpKind::kCreate,
                                sync::OpKind::kSetGroup,
                                sync::OpKind::kVoid,
                                sync::OpKind::kLink,
                                sync::OpKind::kUnlink,
                                sync::OpKind::kResolve};
    sync::Op op;
    op.entity = entity(source.below(3));
    op.kind = kKinds[source.below(kKinds.size())];
    op.table = static_cast<std::uint16_t>(source.below(12));
    op.group = static_cast<std::uint16_t>(source.below(40));
    std::set<std::uint16_t> columns;
    for (unsigned n = source.below(4); n > 0; --n)
        columns.insert(static_cast<std::uint16_t>(op.table * 100 + source.below(60)));
    for (const auto column : columns) op.cells.push_back({column, value_from(source)});
    for (unsigned n = source.below(4); n > 0; --n)
        op.supersedes.push_back({replica(source.below(3)),
                                 1 + source.below(8),
                                 static_cast<std::uint16_t>(source.below(3))});
    if (source.below(4) == 0) op.profile.push_back(entity(source.below(3)));
    return op;
}

std::vector<sync::Record> drafts_from(fuzz::Source& source) {
    std::vector<sync::Record> out;
    std::array<std::uint64_t, 3> seq{};
    while (!source.empty() && out.size() < kRecordsMax) {
        sync::Record record;
        const auto author = source.below(3);
        record.header.replica = replica(author);
        record.header.seq = ++seq[author];
        record.header.hlc = {source.number()};
        record.header.recorded = {source.integer()};
        record.header.user = source.byte();
        for (unsigned n = 1 + source.below(kOpsMax); n > 0; --n)
            record.ops.push_back(op_from(source));
        out.push_back(std::move(record));
    }
    return out;
}

/// Records out of arbitrary batch bytes; of two that claim one place the first counts, as in a log.
void add_batch(std::vector<sync::Record>& out, sync::BytesView bytes) {
    const sync::Bytes body{bytes.begin(), bytes.end()};
    const auto views = sync::decode_batch(body);
    if (!views) return;
    std::set<sync::RecordKey> known;
    for (const auto& record : out) known.insert(record.header.key());
    for (const auto& view : *views) {
        auto record = sync::decode(view);
        if (record && out.size() < kRecordsMax && known.insert(record->header.key()).second)
            out.push_back(*std::move(record));
    }
}

/// The record as another store reads it.
sync::Record through_codec(const sync::Record& record) {
    const auto encoded = sync::encode(record);
    auto again = sync::decode(sync::view_of(encoded));
    STREETLOG_ASSERT(again.has_value());
    return *std::move(again);
}

void put(States& states, const Logged& one, bool with_receipt) {
    for (std::uint16_t i = 0; i < one.record.ops.size(); ++i) {
        const auto& op = one.record.ops[i];
        const auto& header = one.record.header;
        sync::put(states[op.entity],
                  {{header.replica, header.seq, i},
                   &header,
                   &op,
                   with_receipt ? std::optional{one.receipt} : std::nullopt});
    }
}

void hide(States& states, const Logged& one) {
    const auto encoded = sync::encode(one.record);
    for (const auto& write : sync::edges_of(sync::view_of(encoded)))
        sync::hide(states[write.entity], one.record.header.key(), write, one.receipt.place);
}

void deliver(States& states, const Logged& one, bool again) {
    if (one.fate != Fate::kAccepted) hide(states, one);
    if (one.fate != Fate::kHidden) put(states, one, true);
    if (again && one.fate == Fate::kReleased) hide(states, one);
}

class Numbers final : public sync::ReplicaNumbers {
  public:
    [[nodiscard]] std::uint32_t number_of(const sync::Replica& wanted) override {
        for (std::uint32_t i = 0; i < known_.size(); ++i)
            if (known_[i] == wanted) return i;
        known_.push_back(wanted);
        return static_cast<std::uint32_t>(known_.size() - 1);
    }

    [[nodiscard]] std::optional<sync::Replica> replica_of(std::uint32_t number) const override {
        if (number >= known_.size()) return std::nullopt;
        return known_[number];
    }

  private:
    std::vector<sync::Replica> known_;
};

std::string dump(const States& states) {
    std::string out;
    for (const auto& [id, state] : states) {
        if (state == sync::EntityState{}) continue;
        sync::append_canonical(out, id, state);
        Numbers numbers;
        const auto bytes = sync::encode_state(state, numbers);
        const auto again = sync::decode_state(bytes, numbers);
        STREETLOG_ASSERT(again.has_value());
        STREETLOG_ASSERT(*again == state);
    }
    return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Source source{data, size};
    const auto mode = source.byte();
    std::vector<sync::Record> records;
    if (mode % 2 == 0) {
        records = drafts_from(source);
    } else {
        add_batch(records, source.bytes(source.left() / 2));
        add_batch(records, source.rest());
    }
    std::vector<Logged> log;
    for (std::size_t i = 0; i < records.size(); ++i) {
        // Places in an order of their own: 7 has no divisor in common with 24 or fewer but itself.
        const auto place = static_cast<std::int64_t>((i * 7 + mode) % 1'009);
        const auto saved = records[i].header.recorded;
        log.push_back({through_codec(records[i]),
                       {{{1'000'000 + place}, {static_cast<std::uint64_t>(i + 1)}},
                        {static_cast<std::uint64_t>(place) << 16},
                        {saved, saved}},
                       static_cast<Fate>((data[i % size] + i) % 5 % 3),
                       (data[(i * 3) % size] & 16) != 0});
    }
    States one;
    States other;
    States third;
    for (const auto& record : log) deliver(one, record, false);
    for (auto at = log.rbegin(); at != log.rend(); ++at) deliver(other, *at, true);
    // The author's way: own writes first without a receipt, everything twice.
    for (const auto& record : log)
        if (record.author_first) put(third, record, false);
    for (std::size_t i = 0; i < 2 * log.size(); ++i)
        deliver(third, log[(i * 5 + i / log.size()) % log.size()], false);
    for (const auto& record : log) deliver(third, record, true);
    const auto first = dump(one);
    STREETLOG_ASSERT(first == dump(other));
    STREETLOG_ASSERT(first == dump(third));
    return 0;
}
