#include "hub/admin/doctor.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "hub/backup/last_backup.hpp"
#include "hub/project/hub_projection.hpp"
#include "hub/trust/authority.hpp"
#include "hub/trust/ca_commands.hpp"
#include "hub/trust/trust_files.hpp"
#include "hub_fixture.hpp"

namespace streetlog::hub {
namespace {

namespace fs = std::filesystem;
using State = CheckResult::State;

class HubDoctor : public HubTest {
  protected:
    void SetUp() override {
        fs::permissions(dir_.path(), fs::perms::owner_all);
        HubTest::SetUp();
        test::SeededRandom random{5};
        ASSERT_TRUE(Authority::make(
            dir_.path(), random.id<DeviceId>(), clock_.now(), random, [](std::string_view) {
                return Result<void>{};
            }));
        for (int i = 0; i < 30; ++i) device_.save_client();
        push(device_);
        close_files();
    }

    /// Everything is written back and nobody has the directory open.
    void close_files() {
        ledger_.reset();
        {
            auto log = store::HubLog::open(dir_.path(), store::Access::kWrite);
            ASSERT_TRUE(log);
            auto projection =
                HubProjection::open(dir_.path(), *parse_id<DeviceId>(std::string(32, 'a')));
            ASSERT_TRUE(projection);
            ASSERT_TRUE(projection->catch_up(*log));
        }
        own_alone();
    }

    /// What the programs do with their umask.
    void own_alone() const {
        for (const auto& entry : fs::directory_iterator{dir_.path()})
            fs::permissions(entry.path(), fs::perms::owner_read | fs::perms::owner_write);
    }

    Checkup examine(store::CheckDepth depth = store::CheckDepth::kFull) {
        return examine_hub({.data = dir_.path(), .now = clock_.now(), .depth = depth});
    }

    static const CheckResult* find(const Checkup& checkup, std::string_view check) {
        for (const auto& result : checkup.results())
            if (result.check == check && result.state != State::kFine) return &result;
        for (const auto& result : checkup.results())
            if (result.check == check) return &result;
        return nullptr;
    }

    static State state(const Checkup& checkup, std::string_view check) {
        const auto* result = find(checkup, check);
        EXPECT_NE(result, nullptr) << check;
        return result == nullptr ? State::kTrouble : result->state;
    }

    [[nodiscard]] fs::path log_file() const { return dir_.path() / "hub.db"; }
};

TEST_F(HubDoctor, FindsNothingWrongWithAHubAtRestOrAtWork) {
    for (const bool at_work : {false, true}) {
        if (at_work) reopen();
        own_alone();
        const auto found = examine();
        for (const auto& result : found.results()) {
            if (result.check == "backup") continue;
            EXPECT_EQ(result.state, State::kFine) << result.check << ": " << result.found;
        }
        EXPECT_EQ(found.exit_code(), 0);
        EXPECT_EQ(state(found, "backup"), State::kAttention);
    }
}

TEST_F(HubDoctor, SaysWhenCertificatesEndAndWhatDoesNotBelongThere) {
    EXPECT_EQ(state(examine(), "issuer"), State::kFine);
    clock_.advance(std::chrono::days{300});
    EXPECT_EQ(state(examine(), "issuer"), State::kAttention);
    EXPECT_EQ(state(examine(), "hub_certificate"), State::kAttention);
    clock_.advance(std::chrono::days{70});
    const auto ended = examine();
    EXPECT_EQ(state(ended, "issuer"), State::kTrouble);
    EXPECT_EQ(find(ended, "issuer")->code, ErrorCode::kNotPermitted);
    const auto root_key = default_root_key(dir_.path());
    std::ofstream{root_key} << "left lying about";
    EXPECT_EQ(state(examine(), "root_key"), State::kAttention);
    fs::remove(root_key);
    fs::remove(issuer_key_file(dir_.path()));
    EXPECT_EQ(find(examine(), "keys")->code, ErrorCode::kNotFound);
}

TEST_F(HubDoctor, WritesNothing) {
    std::ifstream before{log_file(), std::ios::binary};
    const std::string was{std::istreambuf_iterator<char>{before}, {}};
    ASSERT_TRUE(examine().fine());
    std::ifstream after{log_file(), std::ios::binary};
    EXPECT_EQ(was, (std::string{std::istreambuf_iterator<char>{after}, {}}));
    EXPECT_FALSE(fs::exists(dir_.path() / "lock"));
}

TEST_F(HubDoctor, SurvivesFlippedBytesAnywhereAndCallsThoseInTheLogDamage) {
    const auto size = static_cast<std::streamoff>(fs::file_size(log_file()));
    std::size_t seen = 0;
    std::size_t tried = 0;
    for (std::streamoff at = 0; at < size; at += 211) {
        const auto flip = [&] {
            std::fstream io{log_file(), std::ios::binary | std::ios::in | std::ios::out};
            io.seekg(at);
            const char was = static_cast<char>(io.get());
            io.seekp(at);
            io.put(static_cast<char>(was ^ 0x41));
        };
        flip();
        const auto found = examine();
        EXPECT_FALSE(found.results().empty());
        seen += found.exit_code() != 0;
        ++tried;
        flip();
    }
    EXPECT_TRUE(examine().fine());
    EXPECT_GT(tried, 100U);
    EXPECT_GT(seen, 5U);
    std::cout << seen << " of " << tried
              << " flipped bytes noticed; the others lie in free space\n";
}

TEST_F(HubDoctor, NoticesEveryFlippedByteInsideARecord) {
    std::ifstream in{log_file(), std::ios::binary};
    const std::string whole{std::istreambuf_iterator<char>{in}, {}};
    in.close();
    store::LogRun run;
    {
        auto log = store::HubLog::open(dir_.path(), store::Access::kRead);
        ASSERT_TRUE(log);
        run = *log->run_at({1});
    }
    const auto where = whole.find(std::string{run.body.begin(), run.body.begin() + 64});
    ASSERT_NE(where, std::string::npos);
    for (std::size_t at = where; at < where + 64; at += 7) {
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        std::ofstream{log_file(), std::ios::binary | std::ios::trunc} << changed;
        const auto found = examine();
        EXPECT_EQ(found.exit_code(), exit_code(ErrorCode::kDamaged)) << at - where;
        EXPECT_EQ(state(found, "log"), State::kTrouble);
    }
}

TEST_F(HubDoctor, CallsACutFileDamagedAndSaysWhatToDo) {
    fs::resize_file(log_file(), fs::file_size(log_file()) / 2);
    const auto found = examine();
    EXPECT_EQ(found.exit_code(), exit_code(ErrorCode::kDamaged));
    bool told = false;
    for (const auto& result : found.results())
        told = told || result.todo.find("restore the last backup") != std::string::npos;
    EXPECT_TRUE(told);
    fs::resize_file(log_file(), 0);
    EXPECT_EQ(examine().exit_code(), exit_code(ErrorCode::kDamaged));
    fs::remove(log_file());
    EXPECT_EQ(examine().exit_code(), exit_code(ErrorCode::kNotFound));
}

TEST_F(HubDoctor, TellsAForeignFileFromADamagedOne) {
    std::ofstream{log_file(), std::ios::trunc} << "not a database, but long enough to be read";
    EXPECT_EQ(examine().exit_code(), exit_code(ErrorCode::kWrongDatabase));
    fs::copy_file(dir_.path() / "projection.db", log_file(), fs::copy_options::overwrite_existing);
    EXPECT_EQ(examine().exit_code(), exit_code(ErrorCode::kWrongDatabase));
}

TEST_F(HubDoctor, NoticesThatALogLostItsEnd) {
    // As when somebody copies hub.db alone while the hub runs.
    fs::copy_file(log_file(), dir_.path() / "earlier");
    reopen();
    device_.save_client();
    push(device_);
    close_files();
    fs::rename(dir_.path() / "earlier", log_file());
    const auto found = examine();
    EXPECT_EQ(state(found, "log"), State::kFine);
    EXPECT_EQ(state(found, "projection"), State::kTrouble);
    EXPECT_EQ(found.exit_code(), exit_code(ErrorCode::kDamaged));
}

TEST_F(HubDoctor, NoticesAMissingWalWhileItsIndexIsThere) {
    std::ofstream{dir_.path() / "hub.db-shm"} << std::string(32768, '\0');
    own_alone();
    EXPECT_EQ(state(examine(), "wal"), State::kAttention);
}

TEST_F(HubDoctor, ADamagedProjectionIsNoTrouble) {
    fs::resize_file(dir_.path() / "projection.db", 5000);
    auto found = examine();
    EXPECT_EQ(state(found, "projection"), State::kAttention);
    EXPECT_EQ(found.exit_code(), 0);
    fs::remove(dir_.path() / "projection.db");
    found = examine();
    EXPECT_EQ(state(found, "projection"), State::kAttention);
    EXPECT_EQ(found.exit_code(), 0);
}

TEST_F(HubDoctor, ObjectsToFilesThatOthersCanRead) {
    fs::permissions(log_file(), fs::perms::group_read, fs::perm_options::add);
    auto found = examine();
    EXPECT_EQ(found.exit_code(), exit_code(ErrorCode::kNotPermitted));
    EXPECT_NE(find(found, "permissions")->found.find("hub.db"), std::string::npos);
    own_alone();
    fs::permissions(dir_.path(), fs::perms::others_exec, fs::perm_options::add);
    EXPECT_EQ(examine().exit_code(), exit_code(ErrorCode::kNotPermitted));
}

TEST_F(HubDoctor, ObjectsToAClockBehindTheNewestRecord) {
    clock_.advance(Millis{-120'000});
    EXPECT_EQ(examine().exit_code(), exit_code(ErrorCode::kInvalidInput));
    clock_.advance(Millis{90'000});
    EXPECT_EQ(examine().exit_code(), 0);
}

TEST_F(HubDoctor, JudgesTheAgeOfTheLastBackup) {
    {
        auto log = store::HubLog::open(dir_.path(), store::Access::kWrite);
        ASSERT_TRUE(log);
        put_last_backup(*log, {clock_.now(), log->head()});
    }
    EXPECT_EQ(state(examine(), "backup"), State::kFine);
    clock_.advance(std::chrono::hours{27});
    EXPECT_EQ(state(examine(), "backup"), State::kAttention);
}

TEST_F(HubDoctor, SaysWhoHoldsTheDirectoryAndDoesNotAnswer) {
    const auto lock = store::DirectoryLock::take(dir_.path());
    ASSERT_TRUE(lock);
    EXPECT_EQ(store::lock_holder(dir_.path()), ::getpid());
    const auto found = examine();
    EXPECT_EQ(found.exit_code(), exit_code(ErrorCode::kUnavailable));
    EXPECT_EQ(state(found, "log"), State::kFine);
    EXPECT_TRUE(examine_hub({.data = dir_.path(),
                             .now = clock_.now(),
                             .depth = store::CheckDepth::kQuick,
                             .answers = true})
                    .fine());
}

TEST_F(HubDoctor, CountsWhatWaitsInQuarantine) {
    reopen();
    device_.save({{.entity = device_.random_.id<EntityId>(),
                   .kind = sync::OpKind::kCreate,
                   .table = hud::tbl::kHubDevice,
                   .group = hud::grp::kHubDeviceRegistration,
                   .cells = {{hud::col::hub_device::kName, std::string{"forged"}}}}});
    push(device_);
    close_files();
    const auto found = examine();
    EXPECT_EQ(state(found, "quarantine"), State::kAttention);
    EXPECT_EQ(find(found, "quarantine")->found.substr(0, 2), "1 ");
    EXPECT_EQ(found.exit_code(), 0);
}

}  // namespace
}  // namespace streetlog::hub
