#include "sync/store/replica_numbers.hpp"

#include <algorithm>

namespace streetlog::store {

DbReplicaNumbers::DbReplicaNumbers(Db& db)
    : all_(db.prepare("SELECT no, device, incarnation FROM replica ORDER BY no")),
      add_(db.prepare("INSERT INTO replica(no, device, incarnation) VALUES(?1, ?2, ?3)")) {
    load();
}

void DbReplicaNumbers::load() {
    by_number_.clear();
    numbers_.clear();
    while (all_.step()) {
        sync::Replica replica;
        const auto device = all_.blob(1);
        if (device.size() == replica.device.bytes.size())
            std::ranges::copy(device, replica.device.bytes.begin());
        replica.incarnation = static_cast<std::uint32_t>(all_.integer(2));
        by_number_.resize(static_cast<std::size_t>(all_.integer(0)));
        by_number_.back() = replica;
        numbers_.emplace(replica, static_cast<std::uint32_t>(by_number_.size()));
    }
}

std::uint32_t DbReplicaNumbers::number_of(const sync::Replica& replica) {
    const auto known = numbers_.find(replica);
    if (known != numbers_.end()) return known->second;
    const auto number = static_cast<std::uint32_t>(by_number_.size() + 1);
    add_.with(number, BytesView{replica.device.bytes}, replica.incarnation).run();
    by_number_.push_back(replica);
    numbers_.emplace(replica, number);
    return number;
}

std::optional<sync::Replica> DbReplicaNumbers::replica_of(std::uint32_t number) const {
    if (number == 0 || number > by_number_.size()) return std::nullopt;
    return by_number_[number - 1];
}

}  // namespace streetlog::store
