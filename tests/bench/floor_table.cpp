#include "tests/bench/floor_table.hpp"

#include <cstring>

#include <fmt/format.h>

#include "tests/bench/words.hpp"

namespace streetlog::bench::floor {
namespace {

constexpr std::int32_t kApplication = 0x464c4f52;  // "FLOR"

store::Db open(const std::filesystem::path& file) {
    auto db = store::Db::open(file, store::Access::kWrite, store::Durability::kFull, kApplication);
    if (!db) throw store::StorageFailure(db.error().message, 1);
    db->exec(
        "CREATE TABLE IF NOT EXISTS row_(seq INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT, d TEXT, "
        "e TEXT, f TEXT, g TEXT, h TEXT, i TEXT, j TEXT, k TEXT, l TEXT)");
    return *std::move(db);
}

}  // namespace

Row make_row(Dice& dice, std::size_t bytes) {
    Row row;
    row[0] = to_string(dice.id<EntityId>());
    row[1] = given_name(dice);
    row[2] = family_name(dice);
    row[3] = birth_date(dice);
    row[4] = ssn(dice).substr(5);
    row[5] = fmt::format("P-{}", dice.between(100, 139));
    row[6] = fmt::format("2026-{:02}-{:02}", dice.between(1, 12), dice.between(1, 28));
    row[7] = row[6] + fmt::format("T{:02}:{:02}:{:02}.{:03}Z",
                                  dice.below(24),
                                  dice.below(60),
                                  dice.below(60),
                                  dice.below(1000));
    row[8] = std::to_string(dice.between(101, 435));
    row[10] = fmt::format("u{}", dice.between(1000, 1099));
    row[11] = row[7];
    std::size_t so_far = 0;
    for (const auto& field : row) so_far += field.size();
    if (so_far >= bytes) return row;
    while (row[9].size() < bytes - so_far) row[9] += note(dice) + " ";
    row[9].resize(bytes - so_far);
    return row;
}

Table::Table(const std::filesystem::path& file)
    : db_(open(file)),
      insert_(db_.prepare("INSERT INTO row_(a,b,c,d,e,f,g,h,i,j,k,l) "
                          "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)")),
      page_(db_.prepare(
          "SELECT seq,a,b,c,d,e,f,g,h,i,j,k,l FROM row_ WHERE seq > ?1 ORDER BY seq LIMIT ?2")),
      count_(db_.prepare("SELECT count(*) FROM row_")) {}

void Table::insert(std::span<const Row> rows) {
    constexpr int kWalPages = 1000;  // where SQLite itself would checkpoint
    {
        store::Txn txn{db_};
        for (const Row& row : rows) {
            for (std::size_t i = 0; i < kFields; ++i)
                insert_.bind(static_cast<int>(i) + 1, std::string_view{row[i]});
            insert_.run();
        }
        txn.commit();
    }
    if (db_.wal_pages() > kWalPages) db_.checkpoint();
}

std::vector<Row> Table::read(std::int64_t& at) {
    std::vector<Row> rows;
    rows.reserve(kBatch);
    page_.with(at, kBatch);
    while (page_.step()) {
        at = page_.integer(0);
        Row& row = rows.emplace_back();
        for (std::size_t i = 0; i < kFields; ++i) row[i] = page_.text(static_cast<int>(i) + 1);
    }
    return rows;
}

std::uint64_t Table::count() {
    std::uint64_t n = 0;
    if (count_.step()) n = static_cast<std::uint64_t>(count_.integer(0));
    count_.reset();
    return n;
}

std::string pack(char kind, std::span<const Row> rows) {
    std::string out(1, kind);
    const auto count = static_cast<std::uint32_t>(rows.size());
    out.append(reinterpret_cast<const char*>(&count), sizeof count);
    for (const Row& row : rows) {
        for (const auto& field : row) {
            const auto length = static_cast<std::uint16_t>(field.size());
            out.append(reinterpret_cast<const char*>(&length), sizeof length);
            out += field;
        }
    }
    return out;
}

std::vector<Row> unpack(std::string_view body) {
    std::uint32_t count = 0;
    if (body.size() < sizeof count) return {};
    std::memcpy(&count, body.data(), sizeof count);
    body.remove_prefix(sizeof count);
    std::vector<Row> rows;
    rows.reserve(std::min<std::size_t>(count, kBatch));
    while (count-- > 0) {
        Row& row = rows.emplace_back();
        for (auto& field : row) {
            std::uint16_t length = 0;
            if (body.size() < sizeof length) return {};
            std::memcpy(&length, body.data(), sizeof length);
            body.remove_prefix(sizeof length);
            if (body.size() < length) return {};
            field.assign(body.substr(0, length));
            body.remove_prefix(length);
        }
    }
    return rows;
}

}  // namespace streetlog::bench::floor
