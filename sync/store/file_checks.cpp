#include "sync/store/file_checks.hpp"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace streetlog::store {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMiB = 1024 * 1024;
/// Below this a Save or a commit may fail within the day.
constexpr std::uintmax_t kSpaceLeast = 64 * kMiB;
constexpr std::uintmax_t kSpaceGood = 1024 * kMiB;
/// Read by every query; a checkpoint is overdue.
constexpr std::uintmax_t kWalMost = 256 * kMiB;
/// SQLite may list a line a page; the first few tell what there is to tell.
constexpr std::size_t kProblemsMax = 5;

std::string in_mib(std::uintmax_t bytes) { return fmt::format("{} MiB", bytes / kMiB); }

fs::path beside(const fs::path& file, const char* tail) {
    auto out = file;
    out += tail;
    return out;
}

std::uintmax_t size_or_zero(const fs::path& file) {
    std::error_code error;
    const auto size = fs::file_size(file, error);
    return error ? 0 : size;
}

/// Files that somebody but their owner can read.
std::vector<std::string> open_to_others(const fs::path& directory) {
    std::vector<std::string> out;
    std::error_code error;
    for (fs::recursive_directory_iterator at{directory, error}, end; !error && at != end;
         at.increment(error)) {
        struct stat found{};
        if (::lstat(at->path().c_str(), &found) != 0 || S_ISLNK(found.st_mode)) continue;
        if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0)
            out.push_back(fs::relative(at->path(), directory, error).string());
    }
    std::ranges::sort(out);
    return out;
}

void check_schema(Db& db, const DatabaseFile& database, Checkup& checkup) {
    const int have = db.user_version();
    const auto name = database.file.filename().string();
    if (have > database.schema) {
        checkup.trouble(
            "schema",
            {ErrorCode::kWrongDatabase,
             fmt::format("{} is of schema {}; this program knows {}", name, have, database.schema),
             "Install the version that wrote it, or a newer one."},
            database.file.string());
    } else if (have < database.schema) {
        checkup.attention("schema",
                          fmt::format("{} is of schema {}; this program brings it to {} when it "
                                      "next opens it",
                                      name,
                                      have,
                                      database.schema),
                          database.file.string(),
                          "Make a backup before.");
    } else {
        checkup.fine("schema", fmt::format("{} is of schema {}", name, have));
    }
}

void check_integrity(Db& db, const DatabaseFile& database, CheckDepth depth, Checkup& checkup) {
    const auto problems = integrity_problems(db, depth);
    const auto name = database.file.filename().string();
    if (problems.empty()) {
        checkup.fine(
            "integrity",
            fmt::format(
                "{} is whole ({} check)", name, depth == CheckDepth::kFull ? "full" : "quick"));
        return;
    }
    checkup.trouble("integrity",
                    {ErrorCode::kDamaged,
                     fmt::format("{} is damaged: {}", name, fmt::join(problems, "; ")),
                     database.if_damaged},
                    database.file.string());
}

/// Requires: nobody has opened the database since, for that makes a new WAL.
bool wal_is_missing(const DatabaseFile& database) {
    std::error_code error;
    // A program that was killed leaves both; only one that ended well removes them, and then both.
    return !fs::exists(beside(database.file, "-wal"), error) &&
           fs::exists(beside(database.file, "-shm"), error);
}

void check_wal(const DatabaseFile& database, bool missing, Checkup& checkup) {
    const auto wal = beside(database.file, "-wal");
    if (missing) {
        checkup.attention("wal",
                          fmt::format("{} was missing though its index is there: the newest "
                                      "records may be lost",
                                      wal.filename().string()),
                          wal.string(),
                          "If somebody moved it, put it back before the program starts again.");
        return;
    }
    const auto size = size_or_zero(wal);
    const auto words = fmt::format("{} of changes wait to be written back", in_mib(size));
    if (size > kWalMost)
        checkup.attention("wal",
                          words,
                          wal.string(),
                          "Stop and start the program when it suits; if it grows again, tell the "
                          "people who maintain it.");
    else
        checkup.fine("wal", words);
}

}  // namespace

bool check_directory(const fs::path& directory, Checkup& checkup) {
    struct stat found{};
    if (::stat(directory.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
        checkup.trouble("directory",
                        {ErrorCode::kNotFound,
                         "there is no such directory",
                         "Name the data directory with --data."},
                        directory.string());
        return false;
    }
    auto open = open_to_others(directory);
    if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0) open.insert(open.begin(), ".");
    if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0)
        checkup.trouble("directory",
                        {ErrorCode::kStorage,
                         "you may not write in the data directory",
                         "Run this as the user the program runs as, or give the directory back to "
                         "that user."},
                        directory.string());
    if (open.empty()) {
        checkup.fine("permissions", "readable by its owner only", directory.string());
    } else {
        const auto shown = std::min(open.size(), kProblemsMax);
        checkup.trouble(
            "permissions",
            {ErrorCode::kNotPermitted,
             fmt::format(
                 "others than the owner can reach: {}{}",
                 fmt::join(open.begin(), open.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                 shown < open.size() ? fmt::format(" and {} more", open.size() - shown) : ""),
             fmt::format("chmod -R go-rwx {}", directory.string())},
            directory.string());
    }
    return true;
}

void check_space(const fs::path& directory, Checkup& checkup) {
    std::error_code error;
    const auto space = fs::space(directory, error);
    if (error) {
        checkup.attention("disk", "the room left cannot be found out", directory.string(), {});
        return;
    }
    std::uintmax_t held = 0;
    for (const auto& entry : fs::directory_iterator{directory, error})
        if (entry.is_regular_file(error)) held += size_or_zero(entry.path());
    const auto found =
        fmt::format("{} free, {} in use here", in_mib(space.available), in_mib(held));
    if (space.available < kSpaceLeast)
        checkup.trouble("disk",
                        {ErrorCode::kStorage,
                         found,
                         "Free some space now: nothing can be saved on "
                         "a full disk."},
                        directory.string());
    else if (space.available < std::max(kSpaceGood, 2 * held))
        checkup.attention(
            "disk", found, directory.string(), "Free some space: a copy would hardly fit.");
    else
        checkup.fine("disk", found);
}

std::int64_t lock_holder(const fs::path& directory) {
    struct stat found{};
    if (::stat((directory / "lock").c_str(), &found) != 0) return 0;
    const auto inode =
        fmt::format("{:02x}:{:02x}:{}", major(found.st_dev), minor(found.st_dev), found.st_ino);
    std::ifstream table{"/proc/locks"};
    // "1: FLOCK  ADVISORY  WRITE 4711 08:01:131090 0 EOF"
    for (std::string number, kind, manner, access, process, where, rest;
         table >> number >> kind >> manner >> access >> process >> where;
         std::getline(table, rest)) {
        if (kind != "FLOCK" || where != inode) continue;
        std::int64_t id = 0;
        std::ifstream{directory / "lock"} >> id;
        return id > 0 ? id : std::atoll(process.c_str());
    }
    return 0;
}

std::vector<std::string> integrity_problems(Db& db, CheckDepth depth) {
    std::vector<std::string> out;
    auto rows = db.prepare(depth == CheckDepth::kFull ? "PRAGMA integrity_check(5)"
                                                      : "PRAGMA quick_check(5)");
    while (rows.step()) {
        const auto line = rows.text(0);
        if (line != "ok" && out.size() < kProblemsMax) out.emplace_back(line);
    }
    return out;
}

std::optional<Db> check_database(const DatabaseFile& database, CheckDepth depth, Checkup& checkup) {
    const auto where = database.file.string();
    std::error_code error;
    if (!fs::exists(database.file, error)) {
        checkup.trouble("database",
                        {ErrorCode::kNotFound,
                         fmt::format("there is no {}", database.file.filename().string()),
                         "Name the right directory with --data, or restore a backup."},
                        where);
        return std::nullopt;
    }
    if (size_or_zero(database.file) == 0 && size_or_zero(beside(database.file, "-wal")) == 0) {
        checkup.trouble(
            "database", {ErrorCode::kDamaged, "the file is empty", database.if_damaged}, where);
        return std::nullopt;
    }
    const bool missing = wal_is_missing(database);
    std::optional<Db> out;
    const auto looked = guarded_job([&]() -> Result<void> {
        STREETLOG_TRY(
            auto db,
            Db::open(database.file, Access::kRead, Durability::kFull, database.application));
        check_schema(db, database, checkup);
        check_integrity(db, database, depth, checkup);
        check_wal(database, missing, checkup);
        out.emplace(std::move(db));
        return {};
    });
    if (!looked) {
        auto why = looked.error();
        if (why.code == ErrorCode::kDamaged) why.hint = database.if_damaged;
        checkup.trouble("database", why, where);
    }
    return out;
}

}  // namespace streetlog::store
