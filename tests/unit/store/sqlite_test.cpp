#include "sync/store/sqlite.hpp"

#include <array>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/failing_vfs.hpp"
#include "tests/support/temp_dir.hpp"

namespace streetlog::store {
namespace {

constexpr std::int32_t kMark = 0x534c5431;
constexpr std::array<const char*, 1> kSteps{"CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT) STRICT"};

Result<Db> open(const test::TempDir& dir, Access access) {
    return Db::open(dir.path() / "x.db", access, Durability::kFull, kMark);
}

TEST(Sqlite, AForeignFileIsRefusedAndLeftAlone) {
    const test::TempDir dir;
    const auto file = dir.path() / "x.db";
    std::ofstream{file} << "This is not a database, however long it may be. "
                        << std::string(4096, 'x');
    const auto size = std::filesystem::file_size(file);
    const auto db = open(dir, Access::kWrite);
    ASSERT_FALSE(db);
    EXPECT_EQ(db.error().code, ErrorCode::kWrongDatabase);
    EXPECT_EQ(std::filesystem::file_size(file), size);
}

TEST(Sqlite, AnotherProgramsDatabaseIsRefused) {
    const test::TempDir dir;
    {
        auto other = Db::open(dir.path() / "x.db", Access::kWrite, Durability::kFull, 7);
        ASSERT_TRUE(other);
        ASSERT_TRUE(migrate(*other, kSteps));
    }
    const auto db = open(dir, Access::kWrite);
    ASSERT_FALSE(db);
    EXPECT_EQ(db.error().code, ErrorCode::kWrongDatabase);
}

/// A power cut while the next program copies it into the database would leave half of it there: the
/// system has it in its cache as if it were on the disk.
TEST(Sqlite, WhatFailedToCommitIsNotThereForTheNextProgram) {
    const test::FailingVfs disk;
    int failures = 0;
    for (std::uint64_t step = 1;; ++step) {
        const test::TempDir dir, after;
        auto db = open(dir, Access::kWrite);
        ASSERT_TRUE(db);
        ASSERT_TRUE(migrate(*db, kSteps));
        if (step % 2 == 0) db->exec("INSERT INTO t VALUES(1, 'told that it is saved')");
        test::FailingVfs::fail((step + 1) / 2, test::FailingVfs::Fault::kFlushFails);
        bool failed = false;
        try {
            Txn txn{*db};
            db->exec("INSERT INTO t VALUES(2, 'told that it is not')");
            txn.commit();
        } catch (const StorageFailure&) {
            failed = true;
        }
        const bool struck = test::FailingVfs::failed();
        test::FailingVfs::forgive();
        if (!struck) break;
        ASSERT_TRUE(failed);
        ++failures;
        for (const char* name : {"x.db", "x.db-wal"})
            std::filesystem::copy_file(dir.path() / name, after.path() / name);
        auto next = open(after, Access::kWrite);
        ASSERT_TRUE(next);
        auto rows = next->prepare("SELECT count(*) FROM t WHERE a = 2");
        ASSERT_TRUE(rows.step());
        EXPECT_EQ(rows.integer(0), 0) << "at step " << step;
        rows.reset();
        db->exec("INSERT INTO t VALUES(3, 'goes on')");
    }
    EXPECT_GE(failures, 4);
}

TEST(Sqlite, AReaderCannotWriteOrCheckpoint) {
    const test::TempDir dir;
    auto writer = open(dir, Access::kWrite);
    ASSERT_TRUE(writer);
    ASSERT_TRUE(migrate(*writer, kSteps));
    auto reader = open(dir, Access::kRead);
    ASSERT_TRUE(reader);
    EXPECT_THROW(reader->exec("INSERT INTO t VALUES(1, 'x')"), StorageFailure);
    writer->exec("INSERT INTO t VALUES(1, 'x')");
    const auto wal = dir.path() / "x.db-wal";
    const auto before = std::filesystem::file_size(dir.path() / "x.db");
    {
        auto closing = *std::move(reader);
    }
    EXPECT_TRUE(std::filesystem::exists(wal));
    EXPECT_EQ(std::filesystem::file_size(dir.path() / "x.db"), before);
}

TEST(Sqlite, ATransactionThatIsNotCommittedLeavesNothing) {
    const test::TempDir dir;
    auto db = open(dir, Access::kWrite);
    ASSERT_TRUE(db && migrate(*db, kSteps));
    {
        const Txn txn{*db};
        db->exec("INSERT INTO t VALUES(1, 'x')");
    }
    auto count = db->prepare("SELECT count(*) FROM t");
    ASSERT_TRUE(count.step());
    EXPECT_EQ(count.integer(0), 0);
}

TEST(Sqlite, AFileFromTheFutureIsLeftAlone) {
    const test::TempDir dir;
    auto db = open(dir, Access::kWrite);
    ASSERT_TRUE(db && migrate(*db, kSteps));
    db->exec("PRAGMA user_version=9");
    const auto result = migrate(*db, kSteps);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kWrongDatabase);
    EXPECT_EQ(db->user_version(), 9);
}

TEST(DirectoryLock, BelongsToOneAtATime) {
    const test::TempDir dir;
    {
        const auto lock = DirectoryLock::take(dir.path());
        ASSERT_TRUE(lock);
        const auto second = DirectoryLock::take(dir.path());
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().code, ErrorCode::kLocked);
    }
    EXPECT_TRUE(DirectoryLock::take(dir.path()));
}

}  // namespace
}  // namespace streetlog::store
