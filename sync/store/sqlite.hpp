#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "schema/error.hpp"
#include "sync/change/hash.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace streetlog::store {

using sync::Bytes;
using sync::BytesView;

/// The environment broke: disk full, I/O error, damaged file. Thrown by statements, caught at the
/// top of a job, where the transaction has been rolled back; nothing was acknowledged.
class StorageFailure : public std::runtime_error {
  public:
    StorageFailure(const std::string& what, int sqlite_code)
        : std::runtime_error(what), code_(sqlite_code) {}

    /// SQLite's extended result code.
    [[nodiscard]] int sqlite_code() const { return code_; }

    [[nodiscard]] bool disk_full() const;
    /// kStorage or kDamaged, with a hint for the person at the keyboard.
    [[nodiscard]] Error to_error() const;

  private:
    int code_;
};

/// kWrite is the one connection, in the one process that holds the directory's lock, which writes
/// and checkpoints. Every other one is query-only and never checkpoints: two that did would meet
/// SQLite's WAL-reset bug (3.7.0 to 3.51.2).
enum class Access : std::uint8_t { kWrite, kRead };

/// kFull survives a pulled battery: what a person or a peer was told is saved. kNormal may lose the
/// newest transactions, never the file: only for what can be made again from a log.
enum class Durability : std::uint8_t { kFull, kNormal };

class Stmt;

/// A connection. One thread at a time.
class Db {
  public:
    /// Opens, creating the file for kWrite. `application` marks whose file it is (SQLite's
    /// application_id): a file with another mark gives kWrongDatabase, as does one that is no
    /// database. Pragmas are set here and nowhere else.
    [[nodiscard]] static Result<Db> open(const std::filesystem::path& file,
                                         Access access,
                                         Durability durability,
                                         std::int32_t application);

    Db(Db&&) noexcept;
    Db& operator=(Db&&) noexcept;
    ~Db();

    /// Runs statements without parameters; a string literal.
    void exec(const char* sql);

    /// A statement that lives as long as its holder keeps it; `sql` is a string literal.
    [[nodiscard]] Stmt prepare(const char* sql);

    /// Rows changed by the last statement.
    [[nodiscard]] std::int64_t changes() const;
    [[nodiscard]] int user_version();

    /// How durable the next commits are; outside a transaction. A commit with kFull makes what was
    /// committed before it durable as well.
    void set_durability(Durability durability);

    /// Copies WAL pages back without waiting for readers. Returns the pages left in the WAL.
    int checkpoint();

    /// After a commit that failed: takes from the WAL what is not committed in it. A program that
    /// starts later would find it whole in the system's cache, though no fsync will ever bring it
    /// to the disk, and begin to copy it into the database. By the wal-index's documented format
    /// (sqlite.org/walformat.html); what the disk refuses is left.
    void cut_wal() noexcept;

    /// Pages in the WAL after the last commit.
    [[nodiscard]] int wal_pages() const { return *wal_pages_; }

    [[nodiscard]] const std::filesystem::path& file() const { return file_; }

    [[nodiscard]] sqlite3* raw() const { return db_; }

  private:
    Db() = default;

    sqlite3* db_ = nullptr;
    std::unique_ptr<int> wal_pages_ = std::make_unique<int>(0);
    std::filesystem::path file_;
};

/// A prepared statement. `run` and `step` throw StorageFailure; it is reset and its bindings are
/// cleared when a run ends or the reading guard goes.
class Stmt {
  public:
    Stmt() = default;
    Stmt(Stmt&&) noexcept;
    Stmt& operator=(Stmt&&) noexcept;
    ~Stmt();

    /// Bound text and blobs must outlive the step. Index from 1.
    Stmt& bind(int index, std::int64_t value);
    Stmt& bind(int index, std::string_view value);
    Stmt& bind(int index, BytesView value);
    Stmt& bind(int index, std::nullptr_t);

    template <class T>
    Stmt& bind(int index, const std::optional<T>& value) {
        return value ? bind(index, *value) : bind(index, nullptr);
    }

    /// Binds all, in order from 1.
    template <class... Ts>
    Stmt& with(const Ts&... values) {
        int i = 0;
        (bind_any(++i, values), ...);
        return *this;
    }

    /// For statements without rows.
    void run();

    /// Next row, or false after the last; then the statement is reset by itself. A reader that
    /// stops early calls reset().
    [[nodiscard]] bool step();
    void reset();

    /// Columns from 0; views live until the next step.
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] BytesView blob(int column) const;
    [[nodiscard]] bool is_null(int column) const;

  private:
    friend class Db;

    template <class T>
    void bind_any(int index, const T& value) {
        if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
            bind(index, static_cast<std::int64_t>(value));
        } else if constexpr (std::is_convertible_v<T, std::string_view>) {
            bind(index, std::string_view{value});
        } else {
            bind(index, value);
        }
    }

    sqlite3_stmt* stmt_ = nullptr;
};

/// BEGIN IMMEDIATE ... COMMIT; rolls back when it goes without commit().
class Txn {
  public:
    explicit Txn(Db& db);
    Txn(const Txn&) = delete;
    Txn& operator=(const Txn&) = delete;
    ~Txn();

    /// Throws StorageFailure when the commit fails; the transaction is rolled back then.
    void commit();

  private:
    Db& db_;
    bool open_ = true;
};

/// Numbered steps of schema/sql, forward only: `steps[i]` leads from version i to i + 1. Each runs
/// in a transaction of its own. A file newer than the last step gives kWrongDatabase and is left
/// alone.
[[nodiscard]] Result<void> migrate(Db& db, std::span<const char* const> steps);

/// Whether there is such a file, and it is not empty, where SQLite would open it.
[[nodiscard]] bool database_exists(const std::filesystem::path& file);

/// Removes a closed database with what SQLite keeps beside it; what is not there is none the less
/// gone.
void remove_database(const std::filesystem::path& file);

/// Runs a job on a database and turns StorageFailure into its Error.
template <class Fn>
auto guarded_job(Fn&& job) -> decltype(job()) {
    try {
        return job();
    } catch (const StorageFailure& failure) {
        return std::unexpected(failure.to_error());
    }
}

/// The data directory belongs to one running process: an advisory lock on `<directory>/lock`,
/// released by the system when the process ends however it ends. kLocked names the holder's process
/// id.
class DirectoryLock {
  public:
    [[nodiscard]] static Result<DirectoryLock> take(const std::filesystem::path& directory);

    DirectoryLock(DirectoryLock&&) noexcept;
    DirectoryLock& operator=(DirectoryLock&&) noexcept;
    ~DirectoryLock();

  private:
    explicit DirectoryLock(int fd) : fd_(fd) {}

    int fd_ = -1;
};

}  // namespace streetlog::store
