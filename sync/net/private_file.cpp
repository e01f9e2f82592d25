#include "sync/net/private_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace streetlog::net {
namespace {

namespace fs = std::filesystem;

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}

    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }

    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

std::unexpected<Error> failed(ErrorCode code, const char* what, const fs::path& file) {
    return fail(code,
                fmt::format("cannot {} {}: {}", what, file.string(), std::strerror(errno)),
                "Check that you may do so and that the disk is not full.");
}

/// The names in the folder of `file` are on the disk, too.
bool flush_folder_of(const fs::path& file) {
    const auto folder = file.has_parent_path() ? file.parent_path() : fs::path{"."};
    const Descriptor fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    return fd.get() >= 0 && ::fsync(fd.get()) == 0;
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno != EINTR) return false;
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
    return ::fsync(fd) == 0;
}

}  // namespace

Result<std::string> read_private(const fs::path& file) {
    const Descriptor fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    if (fd.get() < 0) return failed(ErrorCode::kNotFound, "read", file);
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const auto got = ::read(fd.get(), part.data(), part.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed(ErrorCode::kStorage, "read", file);
        if (got == 0) return text;
        text.append(part.data(), static_cast<std::size_t>(got));
        if (text.size() > kPrivateFileBytesMax)
            return fail(ErrorCode::kTooLarge, fmt::format("{} is too large", file.string()));
    }
}

Result<void> write_private(const fs::path& file, std::string_view text) {
    const Descriptor fd{
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    if (fd.get() < 0)
        return failed(errno == EEXIST ? ErrorCode::kConflict : ErrorCode::kStorage, "make", file);
    if (write_all(fd.get(), text) && flush_folder_of(file)) return {};
    auto error = failed(ErrorCode::kStorage, "write", file);
    ::unlink(file.c_str());
    return error;
}

Result<void> replace_private(const fs::path& file, std::string_view text) {
    fs::path fresh = file;
    fresh += ".new";
    const Descriptor fd{
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    if (fd.get() < 0) return failed(ErrorCode::kStorage, "make", fresh);
    if (write_all(fd.get(), text) && ::rename(fresh.c_str(), file.c_str()) == 0 &&
        flush_folder_of(file))
        return {};
    auto error = failed(ErrorCode::kStorage, "write", file);
    ::unlink(fresh.c_str());
    return error;
}

Result<sync::SigningKey> load_key(const fs::path& file) {
    STREETLOG_TRY(const auto pem, read_private(file));
    auto key = sync::SigningKey::from_pem(pem);
    if (!key)
        return fail(key.error().code, fmt::format("{} is {}", file.string(), key.error().message));
    return key;
}

Result<sync::SigningKey> load_or_make_key(const fs::path& file, Random& random) {
    auto there = load_key(file);
    if (there || there.error().code != ErrorCode::kNotFound) return there;
    auto key = sync::SigningKey::make(random);
    STREETLOG_CHECK(write_private(file, key.pem()));
    return key;
}

}  // namespace streetlog::net
