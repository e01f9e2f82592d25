#include "hub/backup/private_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace streetlog::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = 1024 * 1024;

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

bool write_all(int fd, sync::BytesView bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) return false;
        if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

/// Hands the file over piece by piece; false from `take` ends it.
template <class Take>
Result<FileDigest> read_all(const fs::path& file, Take take) {
    const Descriptor in{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (in.get() < 0) return failed(ErrorCode::kNotFound, "read", file);
    FileDigest out;
    sync::Sha256Stream sha;
    sync::Bytes piece(kPieceBytes);
    for (;;) {
        const auto got = ::read(in.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed(ErrorCode::kStorage, "read", file);
        if (got == 0) break;
        const auto part = sync::BytesView{piece}.first(static_cast<std::size_t>(got));
        sha.add(part);
        out.bytes += part.size();
        STREETLOG_CHECK(take(part));
    }
    out.sha256 = sha.finish();
    return out;
}

Result<int> make(const fs::path& to) {
    const int fd = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return failed(ErrorCode::kStorage, "make", to);
    return fd;
}

}  // namespace

Result<FileDigest> digest_of(const fs::path& file) {
    return read_all(file, [](sync::BytesView) { return Result<void>{}; });
}

Result<FileDigest> copy_private(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::create_directories(to.parent_path(), error);
    STREETLOG_TRY(const int fd, make(to));
    const Descriptor out{fd};
    auto copied = read_all(from, [&](sync::BytesView part) -> Result<void> {
        if (!write_all(out.get(), part)) return failed(ErrorCode::kStorage, "write", to);
        return {};
    });
    if (copied && ::fsync(out.get()) != 0) return failed(ErrorCode::kStorage, "flush", to);
    return copied;
}

Result<void> write_private(const fs::path& to, std::string_view text) {
    STREETLOG_TRY(const int fd, make(to));
    const Descriptor out{fd};
    const sync::BytesView bytes{reinterpret_cast<const Byte*>(text.data()), text.size()};
    if (!write_all(out.get(), bytes) || ::fsync(out.get()) != 0)
        return failed(ErrorCode::kStorage, "write", to);
    return {};
}

Result<void> flush_folder(const fs::path& folder) {
    const fs::path named = folder.empty() ? fs::path{"."} : folder;
    const Descriptor fd{::open(named.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (fd.get() < 0 || ::fsync(fd.get()) != 0) return failed(ErrorCode::kStorage, "flush", named);
    return {};
}

}  // namespace streetlog::hub
