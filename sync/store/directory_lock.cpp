#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "sync/store/sqlite.hpp"

namespace streetlog::store {

Result<DirectoryLock> DirectoryLock::take(const std::filesystem::path& directory) {
    const auto file = directory / "lock";
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail(ErrorCode::kStorage,
                    fmt::format("cannot open {}: {}", file.string(), std::strerror(errno)),
                    "Check that the data directory exists and that you may write in it.");
    }
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        std::array<char, 32> holder{};
        const auto n = ::pread(fd, holder.data(), holder.size() - 1, 0);
        ::close(fd);
        return fail(ErrorCode::kLocked,
                    fmt::format("{} is in use by process {}",
                                directory.string(),
                                n > 0 ? holder.data() : "(unknown)"),
                    "Stop that program, or let it do the work.");
    }
    const std::string me = fmt::format("{}", ::getpid());
    if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, me.data(), me.size(), 0) < 0) {
        // Only a courtesy to whoever meets the lock; holding it is what counts.
    }
    return DirectoryLock{fd};
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

DirectoryLock::~DirectoryLock() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace streetlog::store
