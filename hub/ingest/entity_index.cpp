#include "hub/ingest/entity_index.hpp"

#include <bit>
#include <functional>

namespace streetlog::hub {

EntityIndex::EntityIndex() { rebuild(1024); }

void EntityIndex::reserve(std::size_t entities) {
    ids_.reserve(entities);
    const std::size_t slots = std::bit_ceil(entities * 3 / 2 + 1);
    if (slots > slots_.size()) rebuild(slots);
}

std::size_t EntityIndex::slot_of(const EntityId& id) const {
    std::size_t at = std::hash<EntityId>{}(id) & (slots_.size() - 1);
    while (slots_[at] != 0 && ids_[slots_[at] - 1] != id) at = (at + 1) & (slots_.size() - 1);
    return at;
}

std::uint32_t EntityIndex::find(const EntityId& id) const { return slots_[slot_of(id)]; }

std::uint32_t EntityIndex::add(const EntityId& id) {
    if ((ids_.size() + 1) * 3 / 2 > slots_.size()) rebuild(slots_.size() * 2);
    ids_.push_back(id);
    const auto number = static_cast<std::uint32_t>(ids_.size());
    std::size_t at = std::hash<EntityId>{}(id) & (slots_.size() - 1);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = number;
    return number;
}

void EntityIndex::rebuild(std::size_t slots) {
    slots_.assign(slots, 0);
    for (std::size_t i = 0; i < ids_.size(); ++i) {
        std::size_t at = std::hash<EntityId>{}(ids_[i]) & (slots - 1);
        while (slots_[at] != 0) at = (at + 1) & (slots - 1);
        slots_[at] = static_cast<std::uint32_t>(i + 1);
    }
}

}  // namespace streetlog::hub
