#include "sync/store/online_copy.hpp"

#include <atomic>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "sync/store/file_checks.hpp"
#include "tests/support/temp_dir.hpp"

namespace streetlog::store {
namespace {

constexpr std::int32_t kMark = 0x54455354;

class OnlineCopy : public ::testing::Test {
  protected:
    Db open(const char* name, Access access = Access::kWrite) {
        auto db = Db::open(dir_.path() / name, access, Durability::kNormal, kMark);
        EXPECT_TRUE(db) << db.error().message;
        return *std::move(db);
    }

    static void pair(Db& db, std::int64_t n) {
        Txn txn{db};
        auto a = db.prepare("INSERT INTO a VALUES(?1, zeroblob(3000))");
        auto b = db.prepare("INSERT INTO b VALUES(?1, zeroblob(3000))");
        a.with(n).run();
        b.with(n).run();
        txn.commit();
    }

    static std::int64_t count(Db& db, const char* sql) {
        auto row = db.prepare(sql);
        return row.step() ? row.integer(0) : -1;
    }

    Db filled(std::int64_t rows) {
        auto db = open("source.db");
        db.exec(
            "CREATE TABLE a(n INTEGER PRIMARY KEY, x BLOB) STRICT;"
            "CREATE TABLE b(n INTEGER PRIMARY KEY, x BLOB) STRICT");
        for (std::int64_t n = 0; n < rows; ++n) pair(db, n);
        return db;
    }

    [[nodiscard]] Result<void> copy(const CopyProgress& progress = {}) const {
        return copy_database(dir_.path() / "source.db", kMark, dir_.path() / "copy.db", progress);
    }

    streetlog::test::TempDir dir_;
};

TEST_F(OnlineCopy, IsOneMomentOfADatabaseThatIsBeingWritten) {
    auto db = filled(2'000);
    std::atomic<bool> copied = false;
    std::atomic<std::int64_t> written = 2'000;
    std::thread writer{[&] {
        while (!copied) {
            pair(db, written);
            ++written;
            db.checkpoint();
        }
    }};
    std::int64_t steps = 0;
    const auto done = copy([&](std::uint64_t at, std::uint64_t total) {
        EXPECT_LE(at, total);
        // Something is written between any two steps.
        for (const auto before = written.load(); written == before;) std::this_thread::yield();
        ++steps;
    });
    copied = true;
    writer.join();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_GE(steps, 1);
    auto made = open("copy.db", Access::kRead);
    EXPECT_TRUE(integrity_problems(made, CheckDepth::kFull).empty());
    const auto rows = count(made, "SELECT count(*) FROM a");
    EXPECT_GE(rows, 2'000);
    EXPECT_LT(rows, written);
    EXPECT_EQ(rows, count(made, "SELECT max(n) + 1 FROM b"));
    EXPECT_EQ(rows, count(made, "SELECT count(*) FROM a JOIN b USING(n)"));
}

TEST_F(OnlineCopy, HoldsWhatIsOnlyInTheWalAndNeedsNoneItself) {
    const auto db = filled(3);
    ASSERT_TRUE(copy());
    EXPECT_FALSE(std::filesystem::exists(dir_.path() / "copy.db-wal"));
    auto made = open("copy.db", Access::kRead);
    EXPECT_EQ(count(made, "SELECT count(*) FROM a"), 3);
    EXPECT_FALSE(std::filesystem::exists(dir_.path() / "copy.db-wal"));
    EXPECT_EQ(std::filesystem::status(dir_.path() / "copy.db").permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(OnlineCopy, NeverReplacesAFile) {
    const auto db = filled(1);
    std::ofstream{dir_.path() / "copy.db"} << "mine";
    EXPECT_EQ(copy().error().code, ErrorCode::kConflict);
    EXPECT_EQ(std::filesystem::file_size(dir_.path() / "copy.db"), 4U);
}

TEST_F(OnlineCopy, RefusesAFileThatIsNotItsProgramsDatabase) {
    const auto db = filled(1);
    EXPECT_EQ(copy_database(dir_.path() / "source.db", kMark + 1, dir_.path() / "copy.db", {})
                  .error()
                  .code,
              ErrorCode::kWrongDatabase);
}

}  // namespace
}  // namespace streetlog::store
