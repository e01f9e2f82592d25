#pragma once

#include <memory>

#include "sync/store/generation.hpp"

namespace streetlog::store {

/// Fills entity_id or client_key of the next generation from its other tables, in the order of
/// their keys, so that each page is written once. First the keys are collected in memory in sorted
/// parts, then they are written; both in steps of a few milliseconds. After a restart it begins
/// with what is not there yet.
class KeyFill {
  public:
    /// 0: entity_id; else the kind of client_key, up to kLastKind.
    [[nodiscard]] static std::unique_ptr<KeyFill> make(Db& db, int kind);
    static constexpr int kLastKind = 4;

    KeyFill() = default;
    KeyFill(const KeyFill&) = delete;
    KeyFill& operator=(const KeyFill&) = delete;
    virtual ~KeyFill() = default;

    /// One step, inside a transaction of the caller; false when all was there.
    [[nodiscard]] virtual bool step() = 0;
};

}  // namespace streetlog::store
