#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

namespace streetlog::net {

/// Connections that have not shaken hands yet, by the address they come from. When there is no room
/// for another, the address that has most of them here loses its oldest: a flood from one place
/// pays for itself, and whoever comes from elsewhere is let in at once.
class WaitingRoom {
  public:
    /// Numbers ascend: the smaller came first.
    using Number = std::uint64_t;

    void enter(Number number, const std::string& address);
    /// Also for one that is not here.
    void leave(Number number);
    /// Who has to go; nobody when the room is empty.
    [[nodiscard]] std::optional<Number> next_to_go() const;

  private:
    std::map<std::string, std::set<Number>> by_address_;
    std::unordered_map<Number, std::string> addresses_;
};

}  // namespace streetlog::net
