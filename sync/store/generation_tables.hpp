#pragma once

#include "sync/store/generation.hpp"

/// The tables of which agent.db can hold a second set while a snapshot is loaded. All but the first
/// two calls take small steps, because a person may press Save at any time.
namespace streetlog::store {

/// Empty tables for the next generation, made like the live ones. `number` has not been used in
/// this file before. Inside a transaction of the caller, like everything here.
void make_next(Db& db, std::int64_t number);

/// The next generation takes the names of the live one, which becomes the old one.
void make_next_live(Db& db);

/// The next generation is not wanted any more: it becomes the old one. Requires: there is none.
void give_up_next(Db& db);

/// Takes away a part of the old generation; false when nothing of it was left.
[[nodiscard]] bool clear_some_old(Db& db);

}  // namespace streetlog::store
