#include "hub/backup/restore.hpp"

#include <array>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "hub/admin/verify_log.hpp"
#include "hub/backup/private_file.hpp"
#include "hub/backup/unfinished.hpp"
#include "hub/recovery/high_water.hpp"
#include "sync/net/system_clock.hpp"
#include "sync/store/file_checks.hpp"

namespace streetlog::hub {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> damaged(std::string message) {
    return fail(ErrorCode::kDamaged, std::move(message), "Use another backup.");
}

Result<void> copy_file(const fs::path& from, const fs::path& to, const ManifestFile& file) {
    const auto digest = copy_private(from / file.name, to / file.name);
    if (!digest && digest.error().code == ErrorCode::kNotFound)
        return damaged(fmt::format("{} is missing from the backup", file.name));
    if (!digest) return std::unexpected(digest.error());
    if (digest->bytes != file.bytes || digest->sha256 != file.sha256)
        return damaged(fmt::format("{} of the backup is not what the manifest says", file.name));
    return {};
}

/// Opens the copied log, which brings it to this program's schema, and holds it against the
/// manifest. Notes in it where it comes from.
Result<void> check_and_note(const fs::path& directory, const Manifest& manifest) {
    STREETLOG_TRY(auto log, store::HubLog::open(directory, store::Access::kWrite));
    STREETLOG_TRY(const auto found, verify_log(log));
    return store::guarded_job([&]() -> Result<void> {
        if (!store::integrity_problems(log.db(), store::CheckDepth::kFull).empty())
            return damaged("hub.db of the backup is damaged");
        if (found.head != manifest.head || log.setting("hub") != to_string(manifest.hub))
            return damaged("hub.db of the backup is of another hub or time than its manifest");
        const LastBackup backup{manifest.made, manifest.head};
        store::Txn txn{log.db()};
        put_last_backup(log, backup);
        log.put_setting(kRestoredSetting, boost::json::serialize(note_arguments(backup)));
        net::SystemRandom random;
        std::array<Byte, 2> salt{};
        random.fill(salt);
        log.put_setting(kUnseenRestoreSetting, std::to_string(1 + salt[0] + 256 * salt[1]));
        txn.commit();
        log.db().checkpoint();
        return {};
    });
}

}  // namespace

Result<Manifest> restore(const fs::path& from, const fs::path& data, const Say& say) {
    STREETLOG_TRY(auto manifest, read_manifest(from));
    STREETLOG_TRY(auto directory, UnfinishedDirectory::make(fs::absolute(data)));
    if (say && manifest.head.seq.value > 100'000)
        say(fmt::format("copying and checking {} records", manifest.head.seq.value));
    bool log_there = false;
    for (const auto& file : manifest.files) {
        STREETLOG_CHECK(copy_file(from, directory.path(), file));
        log_there = log_there || file.name == "hub.db";
    }
    if (!log_there) return damaged("the manifest names no hub.db");
    STREETLOG_CHECK(check_and_note(directory.path(), manifest));
    STREETLOG_CHECK(directory.finish());
    return manifest;
}

}  // namespace streetlog::hub
