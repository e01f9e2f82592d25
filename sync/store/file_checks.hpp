#pragma once

#include <optional>
#include <vector>

#include "schema/checkup.hpp"
#include "sync/store/sqlite.hpp"

/// What `doctor` asks of a data directory and the databases in it. Nothing here changes a database,
/// takes the directory's lock or needs the program that holds it; damage is a finding, never an
/// error.
namespace streetlog::store {

enum class CheckDepth : std::uint8_t {
    kQuick,  // the structure of every page
    kFull,   // also every index against its table
};

/// Whether it is there, is its owner's alone with all that is in it, and may be written. False when
/// there is nothing to look at any further.
[[nodiscard]] bool check_directory(const std::filesystem::path& directory, Checkup& checkup);

/// Whether the disk has room to go on, and for a copy of what is there.
void check_space(const std::filesystem::path& directory, Checkup& checkup);

/// Process that holds the directory's lock, by the kernel's table of locks; 0: nobody, or that
/// cannot be found out.
[[nodiscard]] std::int64_t lock_holder(const std::filesystem::path& directory);

/// The problems SQLite sees in the file; none is good. Throws StorageFailure when it cannot even
/// look.
[[nodiscard]] std::vector<std::string> integrity_problems(Db& db, CheckDepth depth);

struct DatabaseFile {
    std::filesystem::path file;
    std::int32_t application = 0;
    int schema = 0;          // newest the program knows
    std::string if_damaged;  // what to do then
};

/// Opens it for reading; says of what version it is, whether SQLite finds it whole and how large
/// its WAL is. None when nothing can be read from it.
[[nodiscard]] std::optional<Db> check_database(const DatabaseFile& database,
                                               CheckDepth depth,
                                               Checkup& checkup);

}  // namespace streetlog::store
