#pragma once

#include <map>
#include <memory>

#include "schema/hud/fields.hpp"
#include "sync/merge/merge.hpp"
#include "sync/merge/state_codec.hpp"

namespace streetlog::sync::testing {

/// Ids whose order is the order of `n`.
template <class IdType>
IdType id_of(std::uint64_t n) {
    IdType id;
    for (unsigned i = 0; i < 8; ++i) id.bytes[15 - i] = static_cast<Byte>(n >> (8 * i));
    return id;
}

inline EntityId entity(std::uint64_t n) { return id_of<EntityId>(n); }

inline Replica replica(std::uint64_t device, std::uint32_t incarnation = 1) {
    return {id_of<DeviceId>(device), incarnation};
}

inline Dot dot(std::uint64_t device, std::uint64_t seq, std::uint16_t op = 0) {
    return {replica(device), seq, op};
}

/// A receipt at place `n` of the hub's order whose stamp is `n`, too.
inline Receipt receipt(std::uint64_t n) {
    const Instant at{static_cast<std::int64_t>(1'000'000 + n)};
    return {{at, {n}}, {n << 16}, {at, at}};
}

inline constexpr RegisterId kName{hud::tbl::kClient, hud::grp::kClientName};

/// One write, owning what `Write` points to. Chain what it says, then `put` it.
class TestWrite {
  public:
    TestWrite(std::uint64_t device, std::uint64_t seq) {
        header.replica = replica(device);
        header.seq = seq;
        op.table = kName.table;
        op.group = kName.group;
    }

    TestWrite& in(RegisterId id) {
        op.table = id.table;
        op.group = id.group;
        return *this;
    }

    TestWrite& kind(OpKind k) {
        op.kind = k;
        return *this;
    }

    TestWrite& cell(std::uint16_t column, CellValue value) {
        op.cells.push_back({column, std::move(value)});
        return *this;
    }

    /// A first name with the data quality code `quality` (1 full, 2 partial, 8 unknown, 99 none).
    TestWrite& name(std::string first, std::int64_t quality = 1) {
        cell(hud::col::client::kFirstName, std::move(first));
        return cell(hud::col::client::kNameDataQuality, quality);
    }

    TestWrite& over(std::vector<Dot> dots) {
        op.supersedes = std::move(dots);
        return *this;
    }

    TestWrite& beside(std::vector<EntityId> members) {
        op.profile = std::move(members);
        return *this;
    }

    /// Received `n`th.
    TestWrite& received(std::uint64_t n) {
        given = receipt(n);
        return *this;
    }

    TestWrite& stamped(std::uint64_t hlc) {
        header.hlc = {hlc};
        return *this;
    }

    [[nodiscard]] Dot dot() const { return {header.replica, header.seq, 0}; }

    void put(EntityState& state, const Rules& rules = kRules) const {
        sync::put(state, {dot(), &header, &op, given}, rules);
    }

    void put_unreceipted(EntityState& state) const {
        sync::put(state, {dot(), &header, &op, std::nullopt});
    }

    void hide(EntityState& state, const Rules& rules = kRules) const {
        const HiddenWrite edges{op.entity, op.table, op.group, 0, op.redacted(), op.supersedes};
        sync::hide(
            state, header.key(), edges, given ? std::optional{given->place} : std::nullopt, rules);
    }

    Header header;
    Op op;
    std::optional<Receipt> given;
};

/// Numbers handed out in the order they are asked for, from 1.
class CountedReplicas final : public ReplicaNumbers {
  public:
    std::uint32_t number_of(const Replica& r) override {
        const auto [at, added] =
            numbers_.try_emplace(r, static_cast<std::uint32_t>(numbers_.size() + 1));
        if (added) replicas_.push_back(r);
        return at->second;
    }

    [[nodiscard]] std::optional<Replica> replica_of(std::uint32_t number) const override {
        if (number == 0 || number > replicas_.size()) return std::nullopt;
        return replicas_[number - 1];
    }

  private:
    std::map<Replica, std::uint32_t> numbers_;
    std::vector<Replica> replicas_;
};

}  // namespace streetlog::sync::testing
