#include "sync/session/state_rows.hpp"

#include "sync/merge/byte_stream.hpp"

namespace streetlog::sync {
namespace {

constexpr Byte kVersion = 1;
constexpr Byte kLeft = 1;
constexpr Byte kHasDay = 2;
constexpr std::size_t kReplicaBytesMin = 17;

/// The replicas a body names, by their places.
class Named final : public ReplicaNumbers {
  public:
    std::uint32_t number_of(const Replica&) override {
        STREETLOG_ASSERT(false);  // only read
        return 0;
    }

    [[nodiscard]] std::optional<Replica> replica_of(std::uint32_t number) const override {
        if (number == 0 || number > replicas.size()) return std::nullopt;
        return replicas[number - 1];
    }

    std::vector<Replica> replicas;
};

std::unexpected<Error> malformed() {
    return fail(ErrorCode::kMalformed, "the states of a page cannot be read");
}

}  // namespace

std::uint32_t StateRows::Numbers::number_of(const Replica& replica) {
    const auto next = static_cast<std::uint32_t>(replicas.size() + 1);
    const auto [at, added] = numbers_.try_emplace(replica, next);
    if (added) replicas.push_back(replica);
    return at->second;
}

std::optional<Replica> StateRows::Numbers::replica_of(std::uint32_t number) const {
    if (number == 0 || number > replicas.size()) return std::nullopt;
    return replicas[number - 1];
}

void StateRows::add(const StateRow& row) {
    ByteWriter out;
    out.raw(row.entity.bytes);
    out.byte(static_cast<Byte>((row.left ? kLeft : 0) | (row.last_seen_day ? kHasDay : 0)));
    if (row.last_seen_day) out.difference(*row.last_seen_day, 0);
    const Bytes state = row.left ? Bytes{} : encode_state(row.state, numbers_);
    out.number(state.size());
    out.raw(state);
    const Bytes bytes = std::move(out).take();
    rows_.insert(rows_.end(), bytes.begin(), bytes.end());
    ends_.push_back(rows_.size());
}

std::size_t StateRows::bytes() const { return 16 + 22 * numbers_.replicas.size() + rows_.size(); }

void StateRows::cut(std::size_t count) {
    if (count >= ends_.size()) return;
    ends_.resize(count);
    rows_.resize(count == 0 ? 0 : ends_.back());
}

Bytes StateRows::take() && {
    ByteWriter out;
    out.byte(kVersion);
    out.number(numbers_.replicas.size());
    for (const Replica& replica : numbers_.replicas) {
        out.raw(replica.device.bytes);
        out.number(replica.incarnation);
    }
    out.raw(rows_);
    return std::move(out).take();
}

Result<std::vector<StateRow>> decode_state_rows(BytesView body) {
    ByteReader in{body};
    in.require(in.byte() == kVersion);
    Named named;
    named.replicas.resize(in.count(kReplicaBytesMin));
    for (Replica& replica : named.replicas) {
        in.raw(replica.device.bytes);
        const auto incarnation = in.number();
        in.require(incarnation <= UINT32_MAX);
        replica.incarnation = static_cast<std::uint32_t>(incarnation);
    }
    std::vector<StateRow> out;
    while (in.good() && !in.at_end()) {
        StateRow row;
        in.raw(row.entity.bytes);
        const Byte flags = in.byte();
        in.require((flags & ~(kLeft | kHasDay)) == 0);
        row.left = (flags & kLeft) != 0;
        if ((flags & kHasDay) != 0) row.last_seen_day = in.difference(0);
        const BytesView bytes = in.view(in.count(1));
        in.require(row.left == bytes.empty());
        if (!in.good()) break;
        if (!row.left) {
            auto state = decode_state(bytes, named);
            if (!state) return malformed();
            row.state = *std::move(state);
        }
        out.push_back(std::move(row));
    }
    if (!in.good()) return malformed();
    return out;
}

}  // namespace streetlog::sync
