#include "hub/backup/backup.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hub/admin/admin.hpp"
#include "hub/admin/verify_log.hpp"
#include "hub/backup/restore.hpp"
#include "hub_fixture.hpp"

namespace streetlog::hub {
namespace {

namespace fs = std::filesystem;

void flip_byte(const fs::path& file, std::streamoff at) {
    std::fstream io{file, std::ios::binary | std::ios::in | std::ios::out};
    io.seekg(at);
    const char was = static_cast<char>(io.get());
    io.seekp(at);
    io.put(static_cast<char>(was ^ 0x10));
    ASSERT_TRUE(io.good());
}

std::set<std::string> names_in(const fs::path& directory) {
    std::set<std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator{directory})
        if (!entry.is_directory())
            out.insert(entry.path().lexically_relative(directory).generic_string());
    return out;
}

class BackupTest : public HubTest {
  protected:
    void SetUp() override {
        HubTest::SetUp();
        for (int i = 0; i < 20; ++i) device_.save_client();
        push(device_);
    }

    Result<Manifest> make(const char* name = "backup") {
        return back_up(dir_.path(), out_.path() / name, clock_.now(), {});
    }

    [[nodiscard]] fs::path backup() const { return out_.path() / "backup"; }

    [[nodiscard]] fs::path restored() const { return out_.path() / "restored"; }

    Result<Manifest> bring_back() { return restore(backup(), restored(), {}); }

    test::TempDir out_;
};

TEST_F(BackupTest, OfARunningHubHoldsTheLogAsItIsAndComesBackWhole) {
    const auto made = make();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->head, ledger_->head());
    EXPECT_EQ(made->made, clock_.now());
    device_.save_client();
    push(device_);
    ASSERT_NE(made->head, ledger_->head());

    const auto back = bring_back();
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, *made);
    auto again = Ledger::open(restored(), clock_);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->head(), made->head);
    EXPECT_EQ(again->self().device, ledger_->self().device);
    EXPECT_TRUE(verify_log(again->log()));
    ASSERT_TRUE(last_backup(again->log()));
    EXPECT_EQ(last_backup(again->log())->head, made->head);
}

TEST_F(BackupTest, TakesKeysAlongAndLeavesOutWhatBelongsToTheProcess) {
    fs::create_directory(dir_.path() / "keys");
    std::ofstream{dir_.path() / "keys" / "hub.pem"} << "-----BEGIN";
    std::ofstream{dir_.path() / "clock"} << "wall_offset_ms = 1\n";
    std::ofstream{dir_.path() / "projection.db"} << "made again";
    std::ofstream{dir_.path() / "half.new"} << "half";
    std::ofstream{dir_.path() / "lock"} << "4711";
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    const auto control = (dir_.path() / "control").string();
    std::ranges::copy(control, address.sun_path);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);

    ASSERT_TRUE(make());
    ::close(fd);
    const std::set<std::string> expected{"clock", "hub.db", "keys/hub.pem", "manifest.json"};
    EXPECT_EQ(names_in(backup()), expected);
    for (const auto& name : expected)
        EXPECT_EQ(fs::status(backup() / name).permissions(),
                  fs::perms::owner_read | fs::perms::owner_write)
            << name;
    EXPECT_EQ(fs::status(backup()).permissions(), fs::perms::owner_all);
    ASSERT_TRUE(bring_back());
    EXPECT_EQ(names_in(restored()), (std::set<std::string>{"clock", "hub.db", "keys/hub.pem"}));
}

TEST_F(BackupTest, IsNotMadeOfADamagedLogAndLeavesNothing) {
    {
        auto log = store::HubLog::open(dir_.path(), store::Access::kWrite);
        ASSERT_TRUE(log);
        log->db().exec("UPDATE log_run SET body = zeroblob(length(body)) WHERE first_hub = 1");
    }
    EXPECT_EQ(make().error().code, ErrorCode::kDamaged);
    EXPECT_TRUE(fs::is_empty(out_.path()));
}

TEST_F(BackupTest, NeverTouchesWhatIsThere) {
    fs::create_directory(backup());
    std::ofstream{backup() / "mine"} << "mine";
    EXPECT_EQ(make().error().code, ErrorCode::kConflict);
    EXPECT_EQ(names_in(out_.path()), std::set<std::string>{"backup/mine"});
}

TEST_F(BackupTest, ThatWasKilledIsNoBackupAndDoesNotHinderTheNext) {
    const auto left = out_.path() / "backup.unfinished";
    fs::create_directory(left);
    std::ofstream{left / "hub.db"} << "half of it";
    std::ofstream{left / "lock"} << "4711";
    EXPECT_EQ(restore(left, restored(), {}).error().code, ErrorCode::kNotFound);
    const auto made = make();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_FALSE(fs::exists(left));
    EXPECT_TRUE(bring_back());
}

TEST_F(BackupTest, WaitsForNoOtherThatIsBeingMadeThere) {
    const auto left = out_.path() / "backup.unfinished";
    fs::create_directory(left);
    const auto other = store::DirectoryLock::take(left);
    ASSERT_TRUE(other);
    EXPECT_EQ(make().error().code, ErrorCode::kLocked);
    EXPECT_TRUE(fs::exists(left));
}

TEST_F(BackupTest, RestoresOnlyIntoAnEmptyPlace) {
    ASSERT_TRUE(make());
    const auto before = names_in(dir_.path());
    EXPECT_EQ(restore(backup(), dir_.path(), {}).error().code, ErrorCode::kConflict);
    EXPECT_EQ(names_in(dir_.path()), before);
    fs::create_directory(restored());
    EXPECT_TRUE(bring_back());
    EXPECT_EQ(bring_back().error().code, ErrorCode::kConflict);
}

TEST_F(BackupTest, WithAnyByteOfAnyFileChangedIsNotRestored) {
    std::ofstream{dir_.path() / "key.pem"} << "-----BEGIN";
    ASSERT_TRUE(make());
    for (const auto* name : {"hub.db", "key.pem"}) {
        const auto file = backup() / name;
        const auto size = static_cast<std::streamoff>(fs::file_size(file));
        for (std::streamoff at = 0; at < size; at += std::max<std::streamoff>(1, size / 16)) {
            flip_byte(file, at);
            const auto back = bring_back();
            ASSERT_FALSE(back) << name << " at " << at;
            EXPECT_EQ(back.error().code, ErrorCode::kDamaged);
            EXPECT_NE(back.error().message.find(name), std::string::npos);
            EXPECT_FALSE(fs::exists(restored()));
            flip_byte(file, at);
        }
    }
    fs::resize_file(backup() / "hub.db", fs::file_size(backup() / "hub.db") - 1);
    EXPECT_EQ(bring_back().error().code, ErrorCode::kDamaged);
    fs::remove(backup() / "key.pem");
    EXPECT_EQ(bring_back().error().code, ErrorCode::kDamaged);
    EXPECT_EQ(names_in(out_.path()),
              (std::set<std::string>{"backup/hub.db", "backup/manifest.json"}));
}

TEST_F(BackupTest, WithAChangedManifestIsNotRestored) {
    ASSERT_TRUE(make());
    const auto file = backup() / std::string{kManifestName};
    std::ifstream in{file};
    const std::string good{std::istreambuf_iterator<char>{in}, {}};
    const auto with = [&](std::string_view from, std::string_view to) {
        auto text = good;
        const auto at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        text.replace(at, from.size(), to);
        std::ofstream{file, std::ios::trunc} << text;
        const auto back = bring_back();
        EXPECT_FALSE(fs::exists(restored()));
        return back ? ErrorCode::kInternal : back.error().code;
    };
    EXPECT_EQ(with("\"streetlog_backup\":1", "\"streetlog_backup\":2"), ErrorCode::kUnsupported);
    EXPECT_EQ(with("\"hub.db\"", "\"../hub.db\""), ErrorCode::kDamaged);
    EXPECT_EQ(with("\"hub.db\"", "\"/hub.db\""), ErrorCode::kDamaged);
    EXPECT_EQ(with("\"hub.db\"", "\"other.db\""), ErrorCode::kDamaged);
    EXPECT_EQ(with("\"head\":\"", "\"head\":\"00"), ErrorCode::kDamaged);
    EXPECT_EQ(with("\"records\":20", "\"records\":19"), ErrorCode::kDamaged);
    EXPECT_EQ(with("\"hub\":\"aa", "\"hub\":\"ab"), ErrorCode::kDamaged);
    EXPECT_EQ(with("\"files\":[", "\"files\":[5,"), ErrorCode::kDamaged);
    EXPECT_EQ(with("{", "[{"), ErrorCode::kDamaged);
    std::ofstream{file, std::ios::trunc} << good;
    EXPECT_TRUE(bring_back());
}

TEST_F(BackupTest, IsNotedInTheHubItIsOf) {
    test::SeededRandom random{2};
    Admin admin{*ledger_, random};
    EXPECT_TRUE(admin.run("status", {})->at("last_backup").is_null());
    const auto made = make();
    ASSERT_TRUE(made);
    ASSERT_TRUE(admin.run("backup note", note_arguments({made->made, made->head})));
    const auto shown = admin.run("status", {})->at("last_backup");
    EXPECT_EQ(shown.at("records"), 20);
    EXPECT_EQ(shown.at("made"), boost::json::value(format_instant(clock_.now())));
    auto of_another = LastBackup{made->made, made->head};
    of_another.head.hash[0] ^= 1;
    EXPECT_EQ(admin.run("backup note", note_arguments(of_another)).error().code,
              ErrorCode::kConflict);
    EXPECT_EQ(admin.run("backup note", {}).error().code, ErrorCode::kUsage);
}

TEST_F(BackupTest, InsideTheDataDirectoryIsRefused) {
    for (const auto& place : {dir_.path() / "backup", dir_.path(), dir_.path() / "a" / ".." / "b"})
        EXPECT_EQ(back_up(dir_.path(), place, clock_.now(), {}).error().code,
                  ErrorCode::kInvalidInput)
            << place;
}

TEST_F(BackupTest, OfADirectoryWithoutAHubIsRefused) {
    const test::TempDir empty;
    EXPECT_EQ(back_up(empty.path(), backup(), clock_.now(), {}).error().code, ErrorCode::kNotFound);
    EXPECT_TRUE(fs::is_empty(out_.path()));
}

}  // namespace
}  // namespace streetlog::hub
