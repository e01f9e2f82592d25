/// `migrate_steps agent|hub DIRECTORY N`: opens the database as the program does, with the steps of
/// this version, and then takes it N heavy steps further than any version knows: each writes the
/// biggest table anew, with one more column. Says "begin" before and "end" after. For a test that
/// kills it in between.

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sync/store/agent_schema.hpp"
#include "sync/store/agent_store.hpp"
#include "sync/store/hub_log.hpp"

namespace streetlog::store {
namespace {

/// Adds the column step_`number` the hard way: a new table, all rows, the old one dropped.
std::string heavy_step(const std::string& table, int number) {
    std::string columns;
    for (int i = 1; i < number; ++i) columns += fmt::format(", step_{0} INT DEFAULT {0}", i);
    return fmt::format(
        "CREATE TABLE fresh AS SELECT * FROM {0};\n"
        "ALTER TABLE fresh ADD COLUMN step_{1} INT DEFAULT {1};\n"
        "UPDATE fresh SET step_{1} = length(body);\n"
        "DROP TABLE {0};\n"
        "ALTER TABLE fresh RENAME TO {0};\n",
        table,
        number);
}

/// Steps that are behind are never run, so nothing stands in their place.
Result<void> further(Db& db, const std::string& table, int known, int steps) {
    std::vector<std::string> sql;
    for (int i = 1; i <= steps; ++i) sql.push_back(heavy_step(table, i));
    std::vector<const char*> all(static_cast<std::size_t>(known), "");
    for (const auto& one : sql) all.push_back(one.c_str());
    return migrate(db, all);
}

Result<void> run(const std::string& kind, const std::filesystem::path& directory, int steps) {
    const bool hub = kind == "hub";
    const auto file = directory / (hub ? "hub.db" : "agent.db");
    const int known = hub ? hub_log_schema() : static_cast<int>(agent_schema().size());
    return guarded_job([&]() -> Result<void> {
        STREETLOG_TRY(
            auto db,
            Db::open(
                file, Access::kWrite, Durability::kFull, hub ? kHubLogMark : kAgentApplication));
        if (db.user_version() < known) {
            if (hub) {
                STREETLOG_CHECK(HubLog::open(directory, Access::kWrite));
            } else {
                STREETLOG_CHECK(migrate(db, agent_schema()));
            }
        }
        return further(db, hub ? "log_run" : "own", known, steps);
    });
}

}  // namespace
}  // namespace streetlog::store

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    std::puts("begin");
    std::fflush(stdout);
    const auto done = streetlog::store::run(argv[1], argv[2], std::stoi(argv[3]));
    if (!done) {
        std::fprintf(stderr, "%s\n", done.error().message.c_str());
        return static_cast<int>(done.error().code);
    }
    std::puts("end");
    return 0;
}
