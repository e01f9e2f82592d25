#include "sync/store/sqlite.hpp"

#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "schema/planted.hpp"

namespace streetlog::store {
namespace {

[[noreturn]] void fail_with(sqlite3* db, const char* doing) {
    // SQLite's own messages name tables and columns, never values.
    throw StorageFailure(fmt::format("{}: {}", doing, sqlite3_errmsg(db)),
                         sqlite3_extended_errcode(db));
}

/// A file larger than this and fuller than this much WAL is normal; more means a checkpoint is
/// overdue.
constexpr int kCacheKib = 16 * 1024;

void count_wal(int* pages, int now) { *pages = now; }

int on_wal(void* pages, sqlite3*, const char*, int now) {
    count_wal(static_cast<int*>(pages), now);
    return SQLITE_OK;
}

}  // namespace

bool StorageFailure::disk_full() const { return (code_ & 0xff) == SQLITE_FULL; }

Error StorageFailure::to_error() const {
    const int primary = code_ & 0xff;
    if (primary == SQLITE_FULL)
        return {ErrorCode::kStorage,
                what(),
                "The disk is full. Free some space and try again; nothing was lost."};
    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
        return {ErrorCode::kDamaged,
                what(),
                "The database file is damaged. Keep it, and call the office."};
    return {ErrorCode::kStorage,
            what(),
            "The disk did not do what it was asked. Nothing was acknowledged; try again."};
}

Result<Db> Db::open(const std::filesystem::path& file,
                    Access access,
                    Durability durability,
                    std::int32_t application) {
    const bool write = access == Access::kWrite;
    Db out;
    out.file_ = file;
    const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                      (write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE);
    if (sqlite3_open_v2(file.c_str(), &out.db_, flags, nullptr) != SQLITE_OK) {
        const std::string why = out.db_ != nullptr ? sqlite3_errmsg(out.db_) : "out of memory";
        return fail(ErrorCode::kStorage,
                    fmt::format("cannot open {}: {}", file.string(), why),
                    "Check that the directory exists and that you may write in it.");
    }
    try {
        sqlite3_busy_timeout(out.db_, 5'000);
        sqlite3_db_config(out.db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
        sqlite3_db_config(out.db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
        if (!write) sqlite3_db_config(out.db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        auto mark = out.prepare("PRAGMA application_id");
        const bool read = mark.step();
        const std::int64_t found = read ? mark.integer(0) : 0;
        mark.reset();
        auto tables = out.prepare("SELECT count(*) FROM sqlite_schema");
        const bool empty = tables.step() && tables.integer(0) == 0;
        tables.reset();
        if (found != application && !(write && empty && found == 0)) {
            return fail(
                ErrorCode::kWrongDatabase,
                fmt::format("{} is not a database of this program", file.string()),
                "Point the program at the right data directory; the file was left as it is.");
        }
        out.exec("PRAGMA foreign_keys=ON");
        out.exec("PRAGMA mmap_size=0");
        out.exec("PRAGMA temp_store=MEMORY");
        out.exec(fmt::format("PRAGMA cache_size=-{}", kCacheKib).c_str());
        if (write) {
            if (found == 0) out.exec(fmt::format("PRAGMA application_id={}", application).c_str());
            out.exec("PRAGMA journal_mode=WAL");
            out.set_durability(durability);
            out.exec("PRAGMA wal_autocheckpoint=0");
            sqlite3_wal_hook(out.db_, on_wal, out.wal_pages_.get());
            // What the WAL holds may never have reached the disk: a failed fsync leaves its pages
            // in the system's cache as if they were clean. Before anybody is told that they are
            // stored they are written anew, to where they belong.
            if (durability == Durability::kFull) out.checkpoint();
            if (planted(Bug::kAckBeforeFsync)) out.exec("PRAGMA synchronous=OFF");
        } else {
            out.exec("PRAGMA query_only=ON");
            out.exec("PRAGMA wal_autocheckpoint=0");
        }
    } catch (const StorageFailure& failure) {
        if ((failure.sqlite_code() & 0xff) == SQLITE_NOTADB) {
            return fail(
                ErrorCode::kWrongDatabase,
                fmt::format("{} is not a database", file.string()),
                "Point the program at the right data directory; the file was left as it is.");
        }
        return std::unexpected(failure.to_error());
    }
    return out;
}

Db::Db(Db&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)),
      wal_pages_(std::move(other.wal_pages_)),
      file_(std::move(other.file_)) {}

Db& Db::operator=(Db&& other) noexcept {
    std::swap(db_, other.db_);
    std::swap(wal_pages_, other.wal_pages_);
    std::swap(file_, other.file_);
    return *this;
}

Db::~Db() { sqlite3_close_v2(db_); }

void Db::exec(const char* sql) {
    if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail_with(db_, "database");
}

Stmt Db::prepare(const char* sql) {
    Stmt out;
    if (sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &out.stmt_, nullptr) !=
        SQLITE_OK)
        fail_with(db_, "preparing a statement");
    return out;
}

std::int64_t Db::changes() const { return sqlite3_changes64(db_); }

int Db::user_version() {
    auto stmt = prepare("PRAGMA user_version");
    const int version = stmt.step() ? static_cast<int>(stmt.integer(0)) : 0;
    stmt.reset();
    return version;
}

void Db::set_durability(Durability durability) {
    exec(durability == Durability::kFull ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
}

int Db::checkpoint() {
    int left = 0;
    int done = 0;
    const int code =
        sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, &left, &done);
    if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) fail_with(db_, "checkpoint");
    if (left == done) *wal_pages_ = 0;
    return left - done;
}

void Db::cut_wal() noexcept {
    constexpr int kIndexRegion = 32'768;
    constexpr std::size_t kPageSizeAt = 14, kLastFrameAt = 16;
    constexpr std::int64_t kHeader = 32, kFrameHeader = 24;
    sqlite3_file* file = nullptr;
    sqlite3_file* wal = nullptr;
    sqlite3_file_control(db_, "main", SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file));
    sqlite3_file_control(db_, "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&wal));
    volatile void* index = nullptr;
    if (file == nullptr || file->pMethods == nullptr || file->pMethods->iVersion < 2 ||
        wal == nullptr || wal->pMethods == nullptr ||
        file->pMethods->xShmMap(file, 0, kIndexRegion, 0, &index) != SQLITE_OK || index == nullptr)
        return;
    std::uint16_t page = 0;
    std::uint32_t frames = 0;
    const auto* bytes = const_cast<const std::uint8_t*>(static_cast<volatile std::uint8_t*>(index));
    std::memcpy(&page, bytes + kPageSizeAt, sizeof page);
    std::memcpy(&frames, bytes + kLastFrameAt, sizeof frames);
    const std::int64_t size = page == 1 ? 65'536 : page;
    const std::int64_t end = frames == 0 ? 0 : kHeader + frames * (kFrameHeader + size);
    sqlite3_int64 now = 0;
    if (wal->pMethods->xFileSize(wal, &now) == SQLITE_OK && now > end)
        wal->pMethods->xTruncate(wal, end);
}

Stmt::Stmt(Stmt&& other) noexcept : stmt_(std::exchange(other.stmt_, nullptr)) {}

Stmt& Stmt::operator=(Stmt&& other) noexcept {
    std::swap(stmt_, other.stmt_);
    return *this;
}

Stmt::~Stmt() { sqlite3_finalize(stmt_); }

Stmt& Stmt::bind(int index, std::int64_t value) {
    if (sqlite3_bind_int64(stmt_, index, value) != SQLITE_OK)
        fail_with(sqlite3_db_handle(stmt_), "binding");
    return *this;
}

Stmt& Stmt::bind(int index, std::string_view value) {
    const char* data = value.data() == nullptr ? "" : value.data();
    if (sqlite3_bind_text64(stmt_, index, data, value.size(), SQLITE_STATIC, SQLITE_UTF8) !=
        SQLITE_OK)
        fail_with(sqlite3_db_handle(stmt_), "binding");
    return *this;
}

Stmt& Stmt::bind(int index, BytesView value) {
    const void* data = value.data() == nullptr ? "" : static_cast<const void*>(value.data());
    if (sqlite3_bind_blob64(stmt_, index, data, value.size(), SQLITE_STATIC) != SQLITE_OK)
        fail_with(sqlite3_db_handle(stmt_), "binding");
    return *this;
}

Stmt& Stmt::bind(int index, std::nullptr_t) {
    if (sqlite3_bind_null(stmt_, index) != SQLITE_OK)
        fail_with(sqlite3_db_handle(stmt_), "binding");
    return *this;
}

void Stmt::run() {
    while (step()) {
    }
}

bool Stmt::step() {
    const int code = sqlite3_step(stmt_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) {
        reset();
        return false;
    }
    const std::string what = fmt::format("database: {}", sqlite3_errmsg(sqlite3_db_handle(stmt_)));
    reset();
    throw StorageFailure{what, code};
}

void Stmt::reset() {
    sqlite3_reset(stmt_);
    sqlite3_clear_bindings(stmt_);
}

std::int64_t Stmt::integer(int column) const { return sqlite3_column_int64(stmt_, column); }

std::string_view Stmt::text(int column) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(stmt_, column));
    return {data == nullptr ? "" : data,
            static_cast<std::size_t>(sqlite3_column_bytes(stmt_, column))};
}

BytesView Stmt::blob(int column) const {
    const auto* data = static_cast<const Byte*>(sqlite3_column_blob(stmt_, column));
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(stmt_, column))};
}

bool Stmt::is_null(int column) const { return sqlite3_column_type(stmt_, column) == SQLITE_NULL; }

Txn::Txn(Db& db) : db_(db) { db_.exec("BEGIN IMMEDIATE"); }

Txn::~Txn() {
    if (open_) sqlite3_exec(db_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Txn::commit() {
    try {
        db_.exec("COMMIT");
    } catch (const StorageFailure&) {
        sqlite3_exec(db_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
        open_ = false;
        db_.cut_wal();
        throw;
    }
    open_ = false;
}

// Through SQLite's own file system, which need not be the machine's.
bool database_exists(const std::filesystem::path& file) {
    sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
    int there = 0;
    return system->xAccess(system, file.c_str(), SQLITE_ACCESS_EXISTS, &there) == SQLITE_OK &&
           there != 0;
}

void remove_database(const std::filesystem::path& file) {
    sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
    constexpr int kSyncDirectory = 1;
    for (const char* tail : {"-wal", "-shm", ""})
        system->xDelete(system, (file.string() + tail).c_str(), kSyncDirectory);
}

Result<void> migrate(Db& db, std::span<const char* const> steps) {
    return guarded_job([&]() -> Result<void> {
        const int have = db.user_version();
        const int want = static_cast<int>(steps.size());
        if (have > want) {
            return fail(
                ErrorCode::kWrongDatabase,
                fmt::format("{} was written by a newer version (schema {}, this program knows {})",
                            db.file().string(),
                            have,
                            want),
                "Install the newer version; the file was left as it is.");
        }
        for (int version = have; version < want; ++version) {
            Txn txn{db};
            db.exec(steps[static_cast<std::size_t>(version)]);
            db.exec(fmt::format("PRAGMA user_version={}", version + 1).c_str());
            txn.commit();
        }
        return {};
    });
}

}  // namespace streetlog::store
