#pragma once

#include "sync/store/sqlite.hpp"

namespace streetlog::store {

/// Which set of the tables that are made from a log is meant. Everybody reads and writes the live
/// ones, under their plain names. While a snapshot is loaded a second set stands beside them, and
/// takes their names in the transaction that makes it live; what had them before is the old one
/// until it is cleared away.
enum class Generation : std::uint8_t { kLive, kNext, kOld };

/// Appended to the names of its tables.
[[nodiscard]] const char* suffix_of(Generation generation);

/// Each '$' of `sql`, a string literal, stands for the suffix.
[[nodiscard]] Stmt prepare_in(Db& db, Generation generation, const char* sql);
void exec_in(Db& db, Generation generation, const char* sql);

}  // namespace streetlog::store
