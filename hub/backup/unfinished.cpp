#include "hub/backup/unfinished.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "hub/backup/manifest.hpp"
#include "hub/backup/private_file.hpp"

namespace streetlog::hub {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> storage(const char* what, const fs::path& file, const std::string& why) {
    return fail(ErrorCode::kStorage,
                fmt::format("cannot {} {}: {}", what, file.string(), why),
                "Check that you may write there and that the disk is not full.");
}

}  // namespace

Result<UnfinishedDirectory> UnfinishedDirectory::make(fs::path target) {
    if (!target.has_filename()) target = target.parent_path();
    std::error_code error;
    const auto found = fs::symlink_status(target, error);
    if (fs::exists(found) && !(fs::is_directory(found) && fs::is_empty(target, error)))
        return fail(ErrorCode::kConflict,
                    fmt::format("{} exists and is not an empty directory", target.string()),
                    "Name a directory that does not exist yet.");
    auto path = target;
    path += ".unfinished";
    error.clear();
    fs::create_directories(path, error);
    if (error) return storage("make", path, error.message());
    fs::permissions(path, fs::perms::owner_all, error);
    STREETLOG_TRY(auto lock, store::DirectoryLock::take(path));
    // What vouches for the rest goes first: killed in between, this must not look like a backup.
    fs::remove(path / kManifestName, error);
    STREETLOG_CHECK(flush_folder(path));
    for (const auto& entry : fs::directory_iterator{path, error})
        if (entry.path().filename() != "lock") fs::remove_all(entry.path(), error);
    return UnfinishedDirectory{std::move(target), std::move(path), std::move(lock)};
}

UnfinishedDirectory::UnfinishedDirectory(fs::path target, fs::path path, store::DirectoryLock lock)
    : target_(std::move(target)), path_(std::move(path)), lock_(std::move(lock)) {}

UnfinishedDirectory::UnfinishedDirectory(UnfinishedDirectory&& other) noexcept
    : target_(std::move(other.target_)),
      path_(std::move(other.path_)),
      lock_(std::move(other.lock_)) {
    other.lock_.reset();
}

UnfinishedDirectory::~UnfinishedDirectory() {
    if (!lock_) return;
    std::error_code ignored;
    fs::remove(path_ / kManifestName, ignored);
    fs::remove_all(path_, ignored);
}

Result<void> UnfinishedDirectory::finish() {
    std::error_code error;
    fs::remove(path_ / "lock", error);
    for (fs::recursive_directory_iterator at{path_, error}, end; !error && at != end;
         at.increment(error))
        if (at->is_directory(error)) STREETLOG_CHECK(flush_folder(at->path()));
    STREETLOG_CHECK(flush_folder(path_));
    // Replaces an empty directory, and fails for one that is not: both as wanted.
    if (::rename(path_.c_str(), target_.c_str()) != 0)
        return storage("make", target_, std::strerror(errno));
    lock_.reset();
    return flush_folder(target_.parent_path());
}

}  // namespace streetlog::hub
