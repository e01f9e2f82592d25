#include "tests/sim/sim_vfs.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "sync/store/sqlite.hpp"

/// The file system the simulator trusts: what was synced survives, what was not may not.
namespace streetlog::sim {
namespace {

using store::Access;
using store::Db;
using store::Durability;
using store::StorageFailure;
using store::Txn;

constexpr const char* kFile = "/box/test.db";
constexpr std::int32_t kMark = 7;

Db open(Access access = Access::kWrite, Durability durability = Durability::kFull) {
    auto db = Db::open(kFile, access, durability, kMark);
    if (!db) throw StorageFailure(db.error().message, SQLITE_IOERR);
    return *std::move(db);
}

void make_table(Db& db) { db.exec("CREATE TABLE IF NOT EXISTS t(n INTEGER PRIMARY KEY, x BLOB)"); }

void add(Db& db, int n) {
    Txn txn{db};
    auto stmt = db.prepare("INSERT INTO t VALUES(?1, zeroblob(?2))");
    stmt.with(2 * n, 100 + n * 37 % 6'000).run();
    stmt.with(2 * n + 1, 10).run();
    txn.commit();
}

std::int64_t number(Db& db, const char* sql) {
    auto stmt = db.prepare(sql);
    const auto out = stmt.step() ? stmt.integer(0) : -1;
    stmt.reset();
    return out;
}

std::string check(Db& db) {
    auto stmt = db.prepare("PRAGMA integrity_check");
    std::string out{stmt.step() ? stmt.text(0) : ""};
    stmt.reset();
    return out;
}

TEST(SimVfs, WhatWasCommittedSurvivesEveryPowerCut) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        SimVfs vfs{seed};
        int rows = 0;
        for (int life = 0; life < 4; ++life) {
            vfs.disk("box").restart();
            auto db = open();
            make_table(db);
            ASSERT_EQ(check(db), "ok") << seed;
            ASSERT_EQ(number(db, "SELECT count(*) FROM t"), rows) << seed;
            for (int i = 0; i < 8; ++i, rows += 2) add(db, rows);
            if (seed % 3 == 0) db.checkpoint();
            vfs.disk("box").crash();
        }
    }
}

TEST(SimVfs, WhatWasNotSyncedIsSometimesLostAndNeverTorn) {
    int lost = 0;
    int kept = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        SimVfs vfs{seed};
        {
            auto db = open(Access::kWrite, Durability::kNormal);
            make_table(db);
            for (int i = 0; i < 8; ++i) add(db, i);
            vfs.disk("box").crash();
        }
        vfs.disk("box").restart();
        auto db = open(Access::kWrite, Durability::kNormal);
        make_table(db);
        ASSERT_EQ(check(db), "ok") << seed;
        const auto rows = number(db, "SELECT count(*) FROM t");
        EXPECT_EQ(rows % 2, 0) << seed;
        EXPECT_EQ(number(db, "SELECT coalesce(max(n) + 1, 0) FROM t"), rows) << seed;
        (rows == 16 ? kept : lost) += 1;
    }
    EXPECT_GT(lost, 10);
    EXPECT_GT(kept, 5);
}

TEST(SimVfs, ACutInsideACommitLeavesAllOfItOrNothing) {
    int before = 0;
    int after = 0;
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        for (std::uint64_t at = 1;; ++at) {
            SimVfs vfs{seed};
            SimDisk& disk = vfs.disk("box");
            bool clean = false;
            int told = 0;
            {
                auto db = open();
                make_table(db);
                disk.plan({.at = disk.changes() + at, .what = DiskFault::kCrash});
                try {
                    for (told = 0; told < 5; ++told) {
                        add(db, told);
                        if (told == 2) db.checkpoint();
                    }
                    clean = !disk.crashed();
                } catch (const StorageFailure&) {
                    EXPECT_TRUE(disk.crashed());
                }
                disk.forgive();
            }
            disk.restart();
            auto db = open();
            ASSERT_EQ(check(db), "ok") << seed << " at " << at;
            const auto rows = number(db, "SELECT count(*) FROM t");
            ASSERT_TRUE(rows == 2 * told || rows == 2 * (told + 1))
                << seed << " at " << at << ": " << rows << " rows, told of " << told;
            (rows == 2 * told ? before : after) += 1;
            if (clean) break;
        }
    }
    EXPECT_GT(before, 20);
    EXPECT_GT(after, 5);
}

TEST(SimVfs, AKilledProgramLosesNothing) {
    SimVfs vfs{1};
    {
        auto db = open(Access::kWrite, Durability::kNormal);
        make_table(db);
        for (int i = 0; i < 8; ++i) add(db, i);
        vfs.disk("box").kill();
    }
    vfs.disk("box").restart();
    auto db = open();
    EXPECT_EQ(number(db, "SELECT count(*) FROM t"), 16);
}

TEST(SimVfs, EveryFaultIsAnErrorAndTheNextCommitWorks) {
    for (const auto fault :
         {DiskFault::kIoError, DiskFault::kFull, DiskFault::kShortWrite, DiskFault::kSyncFails}) {
        for (std::uint64_t at = 1; at < 12; ++at) {
            SimVfs vfs{at};
            SimDisk& disk = vfs.disk("box");
            auto db = std::optional{open()};
            make_table(*db);
            add(*db, 0);
            disk.plan({.at = disk.changes() + at, .what = fault, .forever = true});
            EXPECT_THROW(for (int i = 1; i < 12; ++i) add(*db, i), StorageFailure)
                << name_of(fault) << " at " << at;
            disk.forgive();
            const auto rows = number(*db, "SELECT count(*) FROM t");
            add(*db, 20);
            EXPECT_EQ(number(*db, "SELECT count(*) FROM t"), rows + 2);
            EXPECT_EQ(check(*db), "ok");
            disk.crash();
            db.reset();
            disk.restart();
            auto again = open();
            EXPECT_EQ(check(again), "ok");
            EXPECT_EQ(number(again, "SELECT count(*) FROM t"), rows + 2)
                << name_of(fault) << " at " << at;
        }
    }
}

TEST(SimVfs, AReaderKeepsItsViewWhileAnotherWrites) {
    SimVfs vfs{1};
    auto db = open();
    make_table(db);
    add(db, 0);
    auto reader = open(Access::kRead);
    auto rows = reader.prepare("SELECT n FROM t ORDER BY n");
    ASSERT_TRUE(rows.step());
    add(db, 1);
    EXPECT_GT(db.checkpoint(), -1);
    ASSERT_TRUE(rows.step());
    EXPECT_FALSE(rows.step());
    EXPECT_EQ(number(reader, "SELECT count(*) FROM t"), 4);
}

TEST(SimVfs, TwoWritersAreNotLetInTogether) {
    SimVfs vfs{1};
    auto db = open();
    make_table(db);
    auto other = open();
    Txn txn{db};
    EXPECT_THROW(add(other, 1), StorageFailure);
}

TEST(SimVfs, TheSameSeedGivesTheSameDisk) {
    const auto run = [](std::uint64_t seed) {
        SimVfs vfs{seed};
        auto db = open();
        make_table(db);
        for (int i = 0; i < 20; ++i) add(db, i);
        vfs.disk("box").crash();
        return vfs.disk("box").image();
    };
    EXPECT_EQ(run(5), run(5));
    EXPECT_NE(run(5), run(6));
}

TEST(SimVfs, ACopyOfADiskIsAWorkingDatabase) {
    SimVfs vfs{1};
    {
        auto db = open();
        make_table(db);
        for (int i = 0; i < 4; ++i) add(db, i);
        const auto copy = vfs.disk("box").image();
        for (int i = 4; i < 9; ++i) add(db, i);
        vfs.disk("box").put_back(copy);
    }
    vfs.disk("box").restart();
    auto again = open();
    EXPECT_EQ(number(again, "SELECT count(*) FROM t"), 8);
    EXPECT_EQ(check(again), "ok");
}

}  // namespace
}  // namespace streetlog::sim
