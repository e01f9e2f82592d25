#include "agent/app/doctor.hpp"

#include <chrono>
#include <fstream>

#include <gtest/gtest.h>

#include "agent/trust/trust_files.hpp"
#include "schema/hud/fields.hpp"
#include "sync/net/private_file.hpp"
#include "sync/store/agent_store.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/trust.hpp"

namespace streetlog::agent {
namespace {

namespace fs = std::filesystem;
using State = CheckResult::State;

class DeviceDoctor : public ::testing::Test {
  protected:
    void SetUp() override {
        fs::permissions(dir_.path(), fs::perms::owner_all);
        store::AgentSettings settings;
        settings.self = {random_.id<DeviceId>(), 1};
        settings.hub = random_.id<DeviceId>();
        settings.hub_address = "127.0.0.1:1";
        settings.device_name = "Tablet 1";
        auto store = store::AgentStore::create(file(), settings);
        ASSERT_TRUE(store) << store.error().message;
        const auto key = net::load_or_make_key(device_key_file(dir_.path()), random_);
        ASSERT_TRUE(key);
        ASSERT_TRUE(net::replace_private(hub_root_file(dir_.path()), authority_.root().pem()));
        put_chain(authority_.device().chain, *key);
        for (int i = 0; i < 20; ++i) save(*store, now_ms());
        own_alone();
    }

    /// A certificate of `key` that ends like the one of `like`.
    void put_chain(const net::CertificateChain& like, const sync::SigningKey& key) {
        const auto leaf = net::issue({.use = net::CertificateUse::kDevice,
                                      .name = like.front().name(),
                                      .key = key.public_key(),
                                      .from = like.front().not_before(),
                                      .until = like.front().not_after()},
                                     authority_.issuer(),
                                     random_);
        ASSERT_TRUE(net::replace_private(
            device_chain_file(dir_.path()),
            net::to_pem(net::CertificateChain{leaf, authority_.issuer().certificate})));
    }

    static std::int64_t now_ms() {
        return std::chrono::duration_cast<Millis>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
    }

    void save(store::AgentStore& store, std::int64_t at) {
        store::SaveRequest request;
        request.header.recorded = {at};
        request.header.occurred = {at};
        request.header.kind = sync::EventKind::kIntake;
        request.ops = {{.entity = random_.id<EntityId>(),
                        .kind = sync::OpKind::kCreate,
                        .table = hud::tbl::kClient,
                        .group = hud::grp::kClientName,
                        .cells = {{hud::col::client::kFirstName, std::string(40, 'A')}}}};
        ASSERT_TRUE(store.save(request));
    }

    void own_alone() const {
        for (const auto& entry : fs::directory_iterator{dir_.path()})
            fs::permissions(entry.path(), fs::perms::owner_read | fs::perms::owner_write);
    }

    [[nodiscard]] fs::path file() const { return dir_.path() / "agent.db"; }

    [[nodiscard]] Checkup examine() const {
        return examine_device(dir_.path(), store::CheckDepth::kFull);
    }

    static const CheckResult* find(const Checkup& checkup, std::string_view check) {
        for (const auto& result : checkup.results())
            if (result.check == check) return &result;
        return nullptr;
    }

    test::SeededRandom random_{1};
    test::TestAuthority authority_;
    test::TempDir dir_;
};

TEST_F(DeviceDoctor, SaysHowItStandsWithKeyAndCertificate) {
    const auto key = net::load_key(device_key_file(dir_.path()));
    ASSERT_TRUE(key);
    const auto state = [&] { return find(examine(), "certificate")->state; };
    EXPECT_EQ(state(), State::kFine);
    const auto lasting = [&](std::chrono::days days) {
        put_chain(authority_.device(test::device_id(1), {-test::days{90}, days}).chain, *key);
    };
    lasting(test::days{20});
    EXPECT_EQ(state(), State::kAttention) << "it should have been renewed";
    lasting(-test::days{1});
    EXPECT_NE(find(examine(), "certificate")->todo.find("approve"), std::string::npos);
    put_chain(authority_.device().chain, sync::SigningKey::make(random_));
    EXPECT_EQ(find(examine(), "certificate")->code, ErrorCode::kDamaged);
    fs::remove(device_chain_file(dir_.path()));
    EXPECT_EQ(state(), State::kAttention) << "not enrolled";
    fs::remove(device_key_file(dir_.path()));
    EXPECT_EQ(find(examine(), "keys")->code, ErrorCode::kNotFound);
}

TEST_F(DeviceDoctor, FindsNoTroubleWithADeviceAtRestOrAtWork) {
    EXPECT_EQ(examine().exit_code(), 0);
    auto store = store::AgentStore::open(file());
    ASSERT_TRUE(store);
    save(*store, now_ms());
    own_alone();
    const auto found = examine();
    EXPECT_EQ(found.exit_code(), 0);
    EXPECT_EQ(find(found, "log")->found.substr(0, 3), "21 ");
    EXPECT_EQ(find(found, "unsent")->state, State::kFine);
    EXPECT_EQ(find(found, "unsent")->found.substr(0, 3), "21 ");
    EXPECT_EQ(find(found, "hub")->state, State::kAttention);
    for (const auto& result : found.results())
        EXPECT_EQ(result.found.find("AAAA"), std::string::npos);
}

TEST_F(DeviceDoctor, WarnsOfRecordsThatAreNotSentForADay) {
    fs::remove(file());
    store::AgentSettings settings;
    settings.self = {random_.id<DeviceId>(), 1};
    auto store = store::AgentStore::create(file(), settings);
    ASSERT_TRUE(store);
    save(*store, now_ms() - 25 * 3'600'000);
    own_alone();
    const auto found = examine();
    EXPECT_EQ(find(found, "unsent")->state, State::kAttention);
    EXPECT_EQ(found.exit_code(), 0);
}

TEST_F(DeviceDoctor, NoticesEveryFlippedByteInsideAnOwnRecord) {
    std::ifstream in{file(), std::ios::binary};
    const std::string whole{std::istreambuf_iterator<char>{in}, {}};
    in.close();
    // The first place of the text is in an own record or in what was made of it; only the former
    // is covered by hashes, and every record is.
    std::size_t damaged = 0;
    std::size_t tried = 0;
    for (std::size_t at = whole.find("AAAAAAAA"); at != std::string::npos;
         at = whole.find("AAAAAAAA", at + 40)) {
        std::string changed = whole;
        changed[at] = 'B';
        std::ofstream{file(), std::ios::binary | std::ios::trunc} << changed;
        const auto found = examine();
        ++tried;
        const bool seen = found.exit_code() != 0;
        damaged += seen;
        if (seen) EXPECT_EQ(found.exit_code(), exit_code(ErrorCode::kDamaged));
    }
    EXPECT_GE(damaged, 20U) << "of " << tried;
}

TEST_F(DeviceDoctor, CallsACutFileDamagedAndAForeignOneForeign) {
    const auto size = fs::file_size(file());
    fs::resize_file(file(), size / 2);
    auto found = examine();
    EXPECT_EQ(found.exit_code(), exit_code(ErrorCode::kDamaged));
    fs::resize_file(file(), 0);
    EXPECT_EQ(examine().exit_code(), exit_code(ErrorCode::kDamaged));
    std::ofstream{file(), std::ios::trunc} << "not a database, but long enough to be read";
    EXPECT_EQ(examine().exit_code(), exit_code(ErrorCode::kWrongDatabase));
    fs::remove(file());
    EXPECT_EQ(examine().exit_code(), exit_code(ErrorCode::kNotFound));
}

TEST_F(DeviceDoctor, NoticesThatTheNewestRecordsAreMissing) {
    {
        auto db = store::Db::open(
            file(), store::Access::kWrite, store::Durability::kFull, store::kAgentApplication);
        ASSERT_TRUE(db);
        db->exec("DELETE FROM own WHERE seq = 20");
    }
    own_alone();
    const auto found = examine();
    EXPECT_EQ(find(found, "log")->code, ErrorCode::kDamaged);
}

TEST_F(DeviceDoctor, ObjectsToAClockFarBehindTheHubs) {
    {
        auto db = store::Db::open(
            file(), store::Access::kWrite, store::Durability::kFull, store::kAgentApplication);
        ASSERT_TRUE(db);
        auto set = db->prepare("UPDATE me SET last_pull_ms = ?1");
        set.with(now_ms() + 3'600'000).run();
    }
    own_alone();
    EXPECT_EQ(examine().exit_code(), exit_code(ErrorCode::kInvalidInput));
}

TEST_F(DeviceDoctor, ObjectsToFilesThatOthersCanRead) {
    fs::permissions(file(), fs::perms::others_read, fs::perm_options::add);
    EXPECT_EQ(examine().exit_code(), exit_code(ErrorCode::kNotPermitted));
}

}  // namespace
}  // namespace streetlog::agent
