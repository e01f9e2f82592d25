#include <csignal>

#include <sys/resource.h>

#include "tests/unit/store/agent_fixture.hpp"

namespace streetlog::store::test {
namespace {

using AgentSave = AgentStoreTest;

TEST_F(AgentSave, ASavedRecordIsThereAfterReopening) {
    Hash head{};
    {
        auto store = create();
        const auto saved = store.save(save_of({create_client(client_id(1), "Rosa", "Diaz")}));
        ASSERT_TRUE(saved) << saved.error().message;
        EXPECT_EQ(saved->seq, 1u);
        EXPECT_EQ(saved->key, (sync::RecordKey{kSelf, 1}));
        head = store.log().head()->head_hash;
    }
    auto store = AgentStore::open(file());
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ(store->settings(), settings_of(kSelf));
    const auto now = store->log().head();
    ASSERT_TRUE(now);
    EXPECT_EQ(now->last_seq, 1u);
    EXPECT_EQ(now->head_hash, head);
    EXPECT_NE(head, Hash{});
    const auto client = store->read().client(client_id(1));
    ASSERT_TRUE(client);
    EXPECT_EQ(client->last_name, "Diaz");
    EXPECT_EQ(client->unsent, 1u);
    EXPECT_EQ(store->oldest_unsent(), 1u);
    const auto again = store->save(save_of({set_ssn(client_id(1), "123456789")}));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->seq, 2u);
}

TEST_F(AgentSave, TheStampNeverGoesBackEvenWhenTheClockDoes) {
    auto store = create();
    ASSERT_TRUE(store.save(save_of({create_client(client_id(1), "A", "B")}, 9'000)));
    ASSERT_TRUE(store.save(save_of({create_client(client_id(2), "C", "D")}, 10)));
    EXPECT_LT(store.read().own_record(1)->header.hlc, store.read().own_record(2)->header.hlc);
    EXPECT_EQ(store.read().own_record(2)->header.recorded.ms, 10);
}

TEST_F(AgentSave, ATooLongRecordIsRefusedAndNothingOfItIsWritten) {
    auto store = create();
    const auto before = dumped(store);
    const auto saved =
        store.save(save_of({create_client(client_id(1), std::string(200 * 1024, 'a'), "B")}));
    ASSERT_FALSE(saved);
    EXPECT_EQ(saved.error().code, ErrorCode::kTooLarge);
    EXPECT_NE(saved.error().message.find("201 KiB"), std::string::npos) << saved.error().message;
    EXPECT_EQ(store.log().head()->last_seq, 0u);
    EXPECT_EQ(dumped(store), before);
}

/// No file of this process may grow beyond `bytes`, as on a disk that is full.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit now{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &now);
    }

    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

  private:
    rlimit before_{};
    void (*handler_)(int);
};

TEST_F(AgentSave, AFullDiskLosesNothingAndTheNextSaveGoesOn) {
    auto store = create();
    ASSERT_TRUE(store.save(save_of({create_client(client_id(1), "Rosa", "Diaz")})));
    const auto before = store.log().head();
    const auto hash = dumped(store);
    const auto used = std::filesystem::file_size(file("agent.db-wal"));
    std::vector<SaveRequest> many;
    for (std::uint32_t i = 0; i < 60; ++i)
        many.push_back(save_of({create_client(client_id(100 + i), std::string(500, 'x'), "Y")}));
    std::size_t failed = 0;
    // Ever more room, so that the failure meets ever later writes of the commit.
    for (std::size_t room = 0; room < 400'000; room += 20'000) {
        Result<std::vector<Saved>> saved;
        {
            const FileSizeLimit full{used + room};
            saved = store.save_many(many);
        }
        if (saved) break;
        ++failed;
        EXPECT_EQ(saved.error().code, ErrorCode::kStorage) << saved.error().message;
        EXPECT_FALSE(saved.error().hint.empty());
        EXPECT_EQ(store.log().head()->last_seq, before->last_seq);
        EXPECT_EQ(store.log().head()->head_hash, before->head_hash);
        EXPECT_EQ(dumped(store), hash);
        EXPECT_EQ(store.read().status()->clients, 1u);
        EXPECT_EQ(AgentReader::open(file())->status()->saved, 1u);
    }
    EXPECT_GT(failed, 3u);
    const auto saved = store.save(save_of({create_client(client_id(2), "Ann", "Lee")}));
    ASSERT_TRUE(saved) << saved.error().message;
    const auto after = dumped(store);
    ASSERT_TRUE(store.rebuild_state());
    EXPECT_EQ(dumped(store), after);
}

TEST_F(AgentSave, AFileOfAnotherDeviceIsNotSetUpAgain) {
    {
        auto store = create();
    }
    const auto again = AgentStore::create(file(), settings_of(kOther));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::kConflict);
}

TEST_F(AgentSave, AMissingFileIsNotCreatedByOpening) {
    const auto store = AgentStore::open(file("none.db"));
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ErrorCode::kNotFound);
    EXPECT_FALSE(std::filesystem::exists(file("none.db")));
}

TEST_F(AgentSave, AReaderBesideItSeesCommittedDataOnly) {
    auto store = create();
    auto reader = AgentReader::open(file());
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_EQ(reader->status()->saved, 0u);
    ASSERT_TRUE(store.save(save_of({create_client(client_id(1), "Rosa", "Diaz")})));
    EXPECT_EQ(reader->status()->saved, 1u);
    EXPECT_EQ(reader->client(client_id(1))->first_name, "Rosa");
    EXPECT_EQ(*reader->load(client_id(1)), *store.read().load(client_id(1)));
    const std::vector<SaveRequest> broken{
        save_of({create_client(client_id(2), "Ann", "Lee")}),
        save_of({create_client(client_id(3), std::string(200 * 1024, 'a'), "B")})};
    ASSERT_FALSE(store.save_many(broken));
    EXPECT_EQ(reader->status()->saved, 1u);
    EXPECT_FALSE(reader->client(client_id(2)));
}

TEST_F(AgentSave, RunsCarryTheRecordsVerbatimAndTheirChain) {
    auto store = create();
    for (std::uint32_t i = 1; i <= 7; ++i)
        ASSERT_TRUE(store.save(save_of({create_client(client_id(i), "N", "M")})));
    Hash chain{};
    std::uint64_t next = 1;
    while (next <= 7) {
        const auto run = store.log().read_run(next, 3, 1 << 20);
        ASSERT_TRUE(run) << run.error().message;
        EXPECT_EQ(run->first_seq, next);
        EXPECT_EQ(run->prev_hash, chain);
        for (const auto& record : run->records)
            chain = sync::chain_hash(chain, sync::hash_of(sync::view_of(record)));
        EXPECT_EQ(run->head_hash, chain);
        next += run->records.size();
    }
    EXPECT_EQ(chain, store.log().head()->head_hash);
    EXPECT_EQ(store.log().read_run(1, 100, 1)->records.size(), 1u);  // one always goes
    EXPECT_FALSE(store.log().read_run(8, 1, 1));
    EXPECT_EQ(*store.log().hash_at(7), chain);
    EXPECT_FALSE(store.log().hash_at(8)->has_value());
}

}  // namespace
}  // namespace streetlog::store::test
