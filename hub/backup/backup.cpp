#include "hub/backup/backup.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/format.h>

#include "hub/admin/verify_log.hpp"
#include "hub/backup/private_file.hpp"
#include "hub/backup/unfinished.hpp"
#include "hub/recovery/high_water.hpp"
#include "sync/store/file_checks.hpp"
#include "sync/store/online_copy.hpp"

namespace streetlog::hub {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view kLogName = "hub.db";

/// Says a line at most every two seconds, so that short work is silent.
class Progress {
  public:
    Progress(const Say& say, std::string what) : say_(say), what_(std::move(what)) {}

    void at(std::uint64_t done, std::uint64_t total) {
        const auto now = SteadyClock::now();
        if (now - last_ < std::chrono::seconds{2} || total == 0) return;
        last_ = now;
        if (say_) say_(fmt::format("{}: {} %", what_, done * 100 / total));
    }

  private:
    const Say& say_;
    std::string what_;
    SteadyClock::time_point last_ = SteadyClock::now();
};

/// Databases are copied by SQLite or made again; a lock and what is half written belong to the
/// process that made them.
bool belongs(const fs::path& name) {
    const auto text = name.filename().string();
    // A high-water mark that comes back with the log would vouch for its loss.
    if (text == "lock" || text == kManifestName || text == kHighWaterName) return false;
    for (const std::string_view part :
         {".db", ".db-wal", ".db-shm", ".db-journal", ".snapshot", ".new", ".tmp"})
        if (text.ends_with(part)) return false;
    return true;
}

/// Relative names of the other files, sorted.
Result<std::set<std::string>> other_files(const fs::path& data) {
    std::set<std::string> out;
    std::error_code error;
    for (fs::recursive_directory_iterator at{data, error}, end; !error && at != end;
         at.increment(error)) {
        if (at->is_symlink(error) || !at->is_regular_file(error)) continue;
        const auto name = at->path().lexically_relative(data);
        if (belongs(name)) out.insert(name.generic_string());
    }
    if (error)
        return fail(ErrorCode::kStorage,
                    fmt::format("cannot list {}: {}", data.string(), error.message()));
    return out;
}

bool lies_in(const fs::path& inner, const fs::path& outer) {
    std::error_code error;
    const auto way =
        fs::weakly_canonical(inner, error).lexically_relative(fs::weakly_canonical(outer, error));
    return !error && !way.empty() && *way.begin() != "..";
}

Result<void> check_whole(store::HubLog& log) {
    return store::guarded_job([&]() -> Result<void> {
        const auto problems = store::integrity_problems(log.db(), store::CheckDepth::kFull);
        if (problems.empty()) return {};
        return fail(
            ErrorCode::kDamaged,
            fmt::format("the copy is damaged, and so is the hub's log: {}", problems.front()),
            "Keep the backups you have. Run streetlog-hub doctor.");
    });
}

/// What the copy holds, from the copy itself.
Result<Manifest> verified(const fs::path& copy, const Say& say) {
    STREETLOG_TRY(auto log, store::HubLog::open(copy, store::Access::kRead));
    STREETLOG_CHECK(check_whole(log));
    Progress checking{say, "checking every record"};
    STREETLOG_TRY(const auto total,
                  store::guarded_job([&]() -> Result<HubSeq> { return log.head().seq; }));
    STREETLOG_TRY(const auto found,
                  verify_log(log, [&](HubSeq at) { checking.at(at.value, total.value); }));
    return store::guarded_job([&]() -> Result<Manifest> {
        Manifest out;
        const auto hub = parse_id<DeviceId>(log.setting("hub").value_or(""));
        if (!hub) return fail(ErrorCode::kNotFound, "the data directory holds no hub");
        out.hub = *hub;
        out.schema = log.db().user_version();
        out.head = found.head;
        out.runs = found.runs;
        out.devices = log.devices().size();
        return out;
    });
}

}  // namespace

Result<Manifest> back_up(const fs::path& data, const fs::path& out, Instant now, const Say& say) {
    std::error_code error;
    if (!fs::exists(data / kLogName, error))
        return fail(ErrorCode::kNotFound,
                    fmt::format("{} holds no hub", data.string()),
                    "Name its directory with --data.");
    if (lies_in(out, data))
        return fail(ErrorCode::kInvalidInput,
                    "a backup inside the data directory is lost together with it",
                    "Name a directory elsewhere, best on another disk.");
    STREETLOG_TRY(auto directory, UnfinishedDirectory::make(fs::absolute(out)));
    Progress copying{say, "copying the log"};
    STREETLOG_CHECK(store::copy_database(
        data / kLogName,
        store::kHubLogMark,
        directory.path() / kLogName,
        [&](std::uint64_t done, std::uint64_t total) { copying.at(done, total); }));
    STREETLOG_TRY(const auto names, other_files(data));
    std::vector<ManifestFile> files;
    for (const auto& name : names) {
        STREETLOG_TRY(const auto digest, copy_private(data / name, directory.path() / name));
        files.push_back({name, digest.bytes, digest.sha256});
    }
    STREETLOG_TRY(auto manifest, verified(directory.path(), say));
    // Read back after the checks, so that what they saw is what the manifest vouches for.
    STREETLOG_TRY(const auto log, digest_of(directory.path() / kLogName));
    manifest.made = now;
    manifest.files = std::move(files);
    manifest.files.insert(manifest.files.begin(), {std::string{kLogName}, log.bytes, log.sha256});
    STREETLOG_CHECK(write_private(directory.path() / kManifestName, to_text(manifest)));
    STREETLOG_CHECK(directory.finish());
    return manifest;
}

}  // namespace streetlog::hub
