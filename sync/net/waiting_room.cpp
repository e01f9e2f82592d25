#include "sync/net/waiting_room.hpp"

#include <algorithm>

namespace streetlog::net {

void WaitingRoom::enter(Number number, const std::string& address) {
    by_address_[address].insert(number);
    addresses_[number] = address;
}

void WaitingRoom::leave(Number number) {
    const auto at = addresses_.find(number);
    if (at == addresses_.end()) return;
    const auto group = by_address_.find(at->second);
    group->second.erase(number);
    if (group->second.empty()) by_address_.erase(group);
    addresses_.erase(at);
}

std::optional<WaitingRoom::Number> WaitingRoom::next_to_go() const {
    const auto most = std::ranges::max_element(
        by_address_, {}, [](const auto& group) { return group.second.size(); });
    if (most == by_address_.end()) return std::nullopt;
    return *most->second.begin();
}

}  // namespace streetlog::net
