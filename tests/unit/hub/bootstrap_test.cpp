// An empty device gets a snapshot of the hub, the log's end behind it, and holds what everybody
// holds.
#include <fstream>

#include <gtest/gtest.h>

#include "hub/feed/snapshot_shelf.hpp"
#include "schema/hud/fields.hpp"
#include "tests/support/clocks.hpp"
#include "tests/support/numbered_id.hpp"
#include "tests/support/office.hpp"

namespace streetlog::hub {
namespace {

using namespace streetlog::test;
namespace col = hud::col;
namespace grp = hud::grp;
namespace tbl = hud::tbl;

const DeviceId kHub = id_of<DeviceId>(0xdb, 1);
constexpr std::uint32_t kPeople = 300;

sync::Bytes bytes_of(EntityId id) { return {id.bytes.begin(), id.bytes.end()}; }

class BootstrapTest : public testing::Test {
  protected:
    BootstrapTest() {
        std::vector<store::SaveRequest> saves;
        for (std::uint32_t n = 1; n <= kPeople; ++n) saves.push_back(person(n));
        need(author_.save_many(saves));
        while (hub_.push(author_)) {
        }
    }

    store::AgentStore agent(Byte n) {
        store::AgentSettings settings;
        settings.self = {id_of<DeviceId>(0xde, n), 1};
        settings.hub = kHub;
        return need(store::AgentStore::create(file_of(n), settings));
    }

    [[nodiscard]] std::filesystem::path file_of(Byte n) const {
        return dir_.path() / ("agent" + std::to_string(n) + ".db");
    }

    static void save_person(store::AgentStore& agent, std::uint32_t n) {
        need(agent.save(person(n)));
    }

    /// Letters, because names are looked for by these.
    static std::string name_of(std::uint32_t n) {
        const auto letter = [](std::uint32_t v) { return static_cast<char>('a' + v % 26); };
        return {'q', letter(n / 676), letter(n / 26), letter(n)};
    }

    /// A client with a name, an enrollment and a contact.
    static store::SaveRequest person(std::uint32_t n) {
        const EntityId client = id_of(0xc1, n);
        const EntityId stay = id_of(0xe1, n);
        sync::Op born{client, sync::OpKind::kCreate, tbl::kClient, grp::kClientName};
        born.cells = {{col::client::kFirstName, name_of(n)},
                      {col::client::kLastName, std::string(1, static_cast<char>('a' + n % 26))}};
        sync::Op enrolled{stay, sync::OpKind::kCreate, tbl::kEnrollment, grp::kEnrollmentEntry};
        enrolled.cells = {{col::enrollment::kPersonalID, bytes_of(client)},
                          {col::enrollment::kEntryDate, std::int64_t{20'000}}};
        sync::Op met{id_of(0xf1, n),
                     sync::OpKind::kCreate,
                     tbl::kCurrentLivingSituation,
                     grp::kContactContact};
        met.cells = {{col::current_living_situation::kEnrollmentID, bytes_of(stay)},
                     {col::current_living_situation::kPersonalID, bytes_of(client)}};
        std::ranges::sort(enrolled.cells, {}, &sync::Cell::column);
        std::ranges::sort(met.cells, {}, &sync::Cell::column);
        store::SaveRequest request;
        request.header.recorded = {1'000};
        request.ops = {std::move(born), std::move(enrolled), std::move(met)};
        return request;
    }

    static std::size_t clients_of(store::AgentStore& agent) {
        return need(agent.read().status()).clients;
    }

    static std::size_t found(store::AgentStore& agent, const std::string& text) {
        return need(agent.read().find({.text = text})).total;
    }

    TempDir dir_;
    ManualClock clock_;
    OfficeHub hub_{clock_, kHub};
    store::AgentStore author_ = agent(1);
    store::AgentStore fresh_ = agent(2);
};

TEST_F(BootstrapTest, AnEmptyDeviceHoldsWhatTheHubHolds) {
    const auto file = hub_.snapshot();
    ASSERT_TRUE(hub_.bootstrap(fresh_, *file, 10'000));
    EXPECT_EQ(need(fresh_.dump_hash()), hub_.dump_hash());
    EXPECT_EQ(clients_of(fresh_), kPeople);
    EXPECT_EQ(found(fresh_, name_of(17)), 1u);
    EXPECT_EQ(need(fresh_.read().enrollments_of(id_of(0xc1, 17))).size(), 1u);
    EXPECT_EQ(need(fresh_.read().contacts_of(id_of(0xe1, 17))).size(), 1u);
    EXPECT_EQ(need(fresh_.cursor(kScopeAll)), file->manifest().at);
    EXPECT_FALSE(fresh_.bootstrap());
}

TEST_F(BootstrapTest, TheLogGoesOnWhereTheSnapshotEnds) {
    const auto file = hub_.snapshot();
    for (std::uint32_t n = kPeople + 1; n <= kPeople + 50; ++n) save_person(author_, n);
    while (hub_.push(author_)) {
    }
    ASSERT_TRUE(hub_.bootstrap(fresh_, *file, 10'000));
    EXPECT_EQ(clients_of(fresh_), kPeople);
    hub_.pull(fresh_);
    EXPECT_EQ(clients_of(fresh_), kPeople + 50);
    EXPECT_EQ(need(fresh_.dump_hash()), hub_.dump_hash());
    need(fresh_.rebuild_state());
    EXPECT_EQ(need(fresh_.dump_hash()), hub_.dump_hash());
    need(fresh_.rebuild_read());
    EXPECT_EQ(clients_of(fresh_), kPeople + 50);
    EXPECT_EQ(found(fresh_, name_of(320)), 1u);
}

TEST_F(BootstrapTest, SavesGoOnAndNothingShowsBeforeAllDoes) {
    const auto file = hub_.snapshot();
    save_person(fresh_, 1'001);
    std::uint32_t saved = 1;
    const bool whole = hub_.bootstrap(fresh_, *file, 5'000, [&] {
        if (saved < 200) save_person(fresh_, 1'001 + saved++);
        EXPECT_EQ(clients_of(fresh_), saved);
        if (saved == 100) hub_.push(fresh_);
        return true;
    });
    ASSERT_TRUE(whole);
    EXPECT_EQ(clients_of(fresh_), kPeople + saved);
    while (hub_.push(fresh_)) {
    }
    hub_.pull(fresh_);
    EXPECT_EQ(need(fresh_.dump_hash()), hub_.dump_hash());
    hub_.pull(author_);
    EXPECT_EQ(need(author_.dump_hash()), hub_.dump_hash());
}

TEST_F(BootstrapTest, ADeviceThatStopsAnywhereGoesOnFromThere) {
    const auto file = hub_.snapshot();
    save_person(fresh_, 1'001);
    for (int steps = 0;; ++steps) {
        int left = steps;
        if (hub_.bootstrap(fresh_, *file, 2'000, [&] { return left-- > 0; })) break;
        EXPECT_EQ(clients_of(fresh_), 1u);
        fresh_ = need(store::AgentStore::open(file_of(2)));
    }
    while (hub_.push(fresh_)) {
    }
    hub_.pull(fresh_);
    EXPECT_EQ(need(fresh_.dump_hash()), hub_.dump_hash());
}

TEST_F(BootstrapTest, AnotherSnapshotIsBegunAnew) {
    const auto first = hub_.snapshot();
    int left = 12;
    ASSERT_FALSE(hub_.bootstrap(fresh_, *first, 2'000, [&] { return left-- > 0; }));
    save_person(author_, kPeople + 1);
    while (hub_.push(author_)) {
    }
    const auto second = hub_.snapshot();
    ASSERT_NE(first->id(), second->id());
    ASSERT_TRUE(hub_.bootstrap(fresh_, *second, 20'000));
    EXPECT_EQ(clients_of(fresh_), kPeople + 1);
    EXPECT_EQ(need(fresh_.dump_hash()), hub_.dump_hash());
}

TEST_F(BootstrapTest, AChunkDamagedOnItsWayIsAskedForAgain) {
    const auto file = hub_.snapshot();
    const auto place = need(fresh_.begin_snapshot(file->manifest()));
    sync::SnapshotPiece piece{kScopeAll, file->id(), place.chunk, place.offset, {}};
    piece.body = need(file->read(0, 0, 1 << 20));
    piece.body.back() ^= 1;
    const auto stored = fresh_.store_piece(piece);
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().code, ErrorCode::kDamaged);
    EXPECT_EQ(need(fresh_.begin_snapshot(file->manifest())), sync::SnapshotPlace{});
    ASSERT_TRUE(hub_.bootstrap(fresh_, *file, 20'000));
    EXPECT_EQ(need(fresh_.dump_hash()), hub_.dump_hash());
}

TEST_F(BootstrapTest, AVersionThatDoesNotUnderstandAStateReadsTheLog) {
    const auto file = hub_.snapshot();
    fresh_ = need(store::AgentStore::open(
        file_of(2), [](const sync::Op& op) { return op.table != tbl::kEnrollment; }));
    auto place = need(fresh_.begin_snapshot(file->manifest()));
    Result<std::optional<sync::Position>> stepped;
    while (stepped) {
        if (fresh_.bootstrap_due()) {
            stepped = fresh_.bootstrap_step();
            continue;
        }
        sync::SnapshotPiece piece{kScopeAll, file->id(), place.chunk++, 0, {}};
        piece.body = need(file->read(piece.chunk, 0, 1 << 20));
        need(fresh_.store_piece(piece));
    }
    EXPECT_EQ(stepped.error().code, ErrorCode::kUnsupported);
    EXPECT_FALSE(fresh_.loads_snapshots());
    EXPECT_FALSE(fresh_.bootstrap());
    while (fresh_.bootstrap_due()) need(fresh_.bootstrap_step());
    hub_.pull(fresh_);
    EXPECT_EQ(need(fresh_.read().status()).held_here, kPeople);
    fresh_ = need(store::AgentStore::open(file_of(2)));
    EXPECT_EQ(need(fresh_.dump_hash()), hub_.dump_hash());
}

TEST_F(BootstrapTest, ADamagedFileIsNotHandedOut) {
    const auto path = hub_.path() / "scope-1.snapshot";
    const auto bytes = hub_.snapshot()->bytes();
    {
        std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
        file.seekp(static_cast<std::streamoff>(bytes / 2));
        file.put('\x7f');
        file.put('\x7e');
        file.put('\x7d');
    }
    const auto damaged = need(SnapshotFile::open(path));
    bool noticed = false;
    for (std::uint32_t i = 0; i < damaged->manifest().chunks.size(); ++i)
        noticed = noticed || !damaged->read(i, 0, 1 << 20);
    EXPECT_TRUE(noticed);
    std::filesystem::resize_file(path, bytes / 2);
    EXPECT_EQ(SnapshotFile::open(path).error().code, ErrorCode::kDamaged);
    NullLogger log;
    SnapshotShelf shelf{{hub_.path(), kHub, kScopeAll}, {.records_min = 0}, log, [] {}};
    EXPECT_EQ(shelf.newest(), nullptr);
    EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace streetlog::hub
