#include "sync/store/generation_tables.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace streetlog::store {
namespace {

/// Renamed when the next generation goes live. A renaming costs a millisecond or two, for SQLite
/// looks through the whole schema.
constexpr std::array<const char*, 10> kLarge{"run",
                                             "entity",
                                             "entity_id",
                                             "state",
                                             "link",
                                             "canon",
                                             "client_read",
                                             "client_key",
                                             "enrollment_read",
                                             "contact_read"};
/// Of these the rows are moved: there are few.
constexpr std::array<const char*, 5> kSmall{
    "held", "own_refused", "project_read", "user_", "conflict"};

constexpr std::array<const char*, kLarge.size() + kSmall.size()> kTables = [] {
    std::array<const char*, kLarge.size() + kSmall.size()> all{};
    std::ranges::copy(kSmall, std::ranges::copy(kLarge, all.begin()).out);
    return all;
}();

/// By what the rows of a table are in order, and how many go in one step.
struct Clearing {
    std::string table;
    const char* key;
    int rows;
};

Clearing clearing_of(std::string_view table) {
    Clearing out{std::string{table} + suffix_of(Generation::kOld), "rowid", 4'000};
    if (table == "run" || table == "held") out.rows = 200;  // their rows hold whole batches
    if (table == "entity_id") out.key = "id";
    if (table == "client_key") out.key = "(kind, key, eno)";
    if (table == "link") out.key = "(eno, replica_no, seq, op)";
    if (table == "own_refused") out.key = "(eno, seq)";
    if (table == "conflict") out.key = "(eno, tbl, grp)";
    return out;
}

struct Made {
    std::string type, name, sql;
};

std::vector<Made> made_of(Db& db, const std::string& table) {
    std::vector<Made> out;
    auto rows = db.prepare(
        "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ?1 AND sql IS NOT NULL "
        "ORDER BY type DESC, name");
    rows.with(std::string_view{table});
    while (rows.step())
        out.push_back(
            {std::string{rows.text(0)}, std::string{rows.text(1)}, std::string{rows.text(2)}});
    return out;
}

void rename(Db& db, const char* table, Generation from, Generation to) {
    db.exec(
        fmt::format("ALTER TABLE {0}{1} RENAME TO {0}{2}", table, suffix_of(from), suffix_of(to))
            .c_str());
}

}  // namespace

void make_next(Db& db, std::int64_t number) {
    for (const char* table : kTables) {
        int index = 0;
        for (const Made& made : made_of(db, table)) {
            // What follows the name is the same for both.
            const std::string rest = made.sql.substr(made.sql.find('('));
            if (made.type == "table") {
                db.exec(fmt::format("CREATE TABLE {}_next{}", table, rest).c_str());
            } else {
                const bool unique = made.sql.starts_with("CREATE UNIQUE");
                db.exec(fmt::format("CREATE {}INDEX {}_{}_{} ON {}_next{}",
                                    unique ? "UNIQUE " : "",
                                    table,
                                    number,
                                    ++index,
                                    table,
                                    rest)
                            .c_str());
            }
        }
    }
}

void make_next_live(Db& db) {
    for (const char* table : kSmall)
        db.exec(fmt::format("DELETE FROM {0}; INSERT INTO {0} SELECT * FROM {0}_next; DROP TABLE "
                            "{0}_next",
                            table)
                    .c_str());
    for (const char* table : kLarge) {
        rename(db, table, Generation::kLive, Generation::kOld);
        rename(db, table, Generation::kNext, Generation::kLive);
    }
}

void give_up_next(Db& db) {
    for (const char* table : kTables) rename(db, table, Generation::kNext, Generation::kOld);
}

bool clear_some_old(Db& db) {
    for (const char* plain : kTables) {
        const auto [table, key, rows] = clearing_of(plain);
        const auto made = made_of(db, table);
        if (made.empty()) continue;
        for (const Made& one : made) {
            if (one.type != "index") continue;
            db.exec(fmt::format("DROP INDEX \"{}\"", one.name).c_str());
            return true;
        }
        const std::string list{key[0] == '(' ? std::string{key + 1, std::string{key}.size() - 2}
                                             : std::string{key}};
        db.exec(fmt::format("DELETE FROM {0} WHERE {1} < (SELECT {2} FROM {0} ORDER BY {2} LIMIT 1 "
                            "OFFSET {3})",
                            table,
                            key,
                            list,
                            rows)
                    .c_str());
        if (db.changes() == 0) db.exec(fmt::format("DROP TABLE {}", table).c_str());
        return true;
    }
    return false;
}

}  // namespace streetlog::store
