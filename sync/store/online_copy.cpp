#include "sync/store/online_copy.hpp"

#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

namespace streetlog::store {
namespace {

/// 8 MiB a step with the usual pages: seldom enough to cost nothing, often enough for progress.
constexpr int kStepPages = 2048;

struct CloseConnection {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};

using Connection = std::unique_ptr<sqlite3, CloseConnection>;

[[noreturn]] void fail_with(sqlite3* db, const char* doing) {
    throw StorageFailure(fmt::format("{}: {}", doing, sqlite3_errmsg(db)),
                         sqlite3_extended_errcode(db));
}

Connection open_copy(const std::filesystem::path& file) {
    sqlite3* raw = nullptr;
    const int code =
        sqlite3_open_v2(file.c_str(),
                        &raw,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                        nullptr);
    Connection out{raw};
    if (code != SQLITE_OK) fail_with(raw, "opening the copy");
    return out;
}

Result<void> make_empty(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(errno == EEXIST ? ErrorCode::kConflict : ErrorCode::kStorage,
                    fmt::format("cannot make {}: {}", file.string(), std::strerror(errno)),
                    "Name a file that does not exist yet, where you may write.");
    ::close(fd);
    return {};
}

/// Requires: a read transaction is open on `source`, else every step would see another state.
void copy_pages(sqlite3* source, sqlite3* copy, const CopyProgress& progress) {
    auto* job = sqlite3_backup_init(copy, "main", source, "main");
    if (job == nullptr) fail_with(copy, "copying");
    int code = SQLITE_OK;
    while ((code = sqlite3_backup_step(job, kStepPages)) == SQLITE_OK) {
        const auto total = static_cast<std::uint64_t>(sqlite3_backup_pagecount(job));
        const auto left = static_cast<std::uint64_t>(sqlite3_backup_remaining(job));
        if (progress) progress(total - left, total);
    }
    const int finished = sqlite3_backup_finish(job);
    if (code != SQLITE_DONE || finished != SQLITE_OK)
        throw StorageFailure(fmt::format("copying: {}", sqlite3_errstr(code)), code);
}

/// A copy of a database in WAL mode is marked as one; without the mark it needs no second file.
void leave_wal_mode(const std::filesystem::path& file) {
    const auto copy = open_copy(file);
    sqlite3_stmt* stmt = nullptr;
    if (sqlite3_prepare_v2(copy.get(), "PRAGMA journal_mode=DELETE", -1, &stmt, nullptr) !=
        SQLITE_OK)
        fail_with(copy.get(), "finishing the copy");
    const bool row = sqlite3_step(stmt) == SQLITE_ROW;
    const auto* mode = row ? reinterpret_cast<const char*>(sqlite3_column_text(stmt, 0)) : nullptr;
    const bool done = mode != nullptr && std::string_view{mode} == "delete";
    sqlite3_finalize(stmt);
    if (!done) fail_with(copy.get(), "finishing the copy");
}

Result<void> flush(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    const bool done = fd >= 0 && ::fsync(fd) == 0;
    const int error = errno;
    if (fd >= 0) ::close(fd);
    if (!done)
        return fail(ErrorCode::kStorage,
                    fmt::format("cannot flush {}: {}", file.string(), std::strerror(error)));
    return {};
}

}  // namespace

Result<void> copy_database(const std::filesystem::path& from,
                           std::int32_t application,
                           const std::filesystem::path& to,
                           const CopyProgress& progress) {
    STREETLOG_CHECK(make_empty(to));
    STREETLOG_CHECK(guarded_job([&]() -> Result<void> {
        STREETLOG_TRY(auto source, Db::open(from, Access::kRead, Durability::kFull, application));
        source.exec("BEGIN");
        auto snapshot = source.prepare("SELECT count(*) FROM sqlite_schema");
        if (!snapshot.step()) throw StorageFailure("the database has no schema", SQLITE_CORRUPT);
        snapshot.reset();
        {
            const auto copy = open_copy(to);
            if (sqlite3_exec(copy.get(), "PRAGMA journal_mode=OFF", nullptr, nullptr, nullptr) !=
                SQLITE_OK)
                fail_with(copy.get(), "opening the copy");
            copy_pages(source.raw(), copy.get(), progress);
        }
        source.exec("ROLLBACK");
        leave_wal_mode(to);
        return {};
    }));
    return flush(to);
}

}  // namespace streetlog::store
