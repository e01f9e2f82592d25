#pragma once

#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "sync/store/sqlite.hpp"
#include "tests/bench/dice.hpp"

namespace streetlog::bench::floor {

inline constexpr std::size_t kFields = 12;
inline constexpr std::size_t kBatch = 500;

/// Twelve texts; the first is the record's id.
using Row = std::array<std::string, kFields>;

/// A row of `bytes` in all, where that leaves room for a note beside the other fields.
[[nodiscard]] Row make_row(Dice& dice, std::size_t bytes);

/// The one table. Throws store::StorageFailure.
class Table {
  public:
    explicit Table(const std::filesystem::path& file);

    /// In one transaction.
    void insert(std::span<const Row> rows);
    /// At most one batch of the rows after `at`, which it moves.
    [[nodiscard]] std::vector<Row> read(std::int64_t& at);
    [[nodiscard]] std::uint64_t count();

  private:
    store::Db db_;
    store::Stmt insert_, page_, count_;
};

/// u32 number of rows, then each field as u16 length and bytes.
[[nodiscard]] std::string pack(char kind, std::span<const Row> rows);
/// Of what follows the kind.
[[nodiscard]] std::vector<Row> unpack(std::string_view body);

}  // namespace streetlog::bench::floor
