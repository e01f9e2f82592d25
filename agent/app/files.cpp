#include "agent/app/files.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace streetlog::agent {
namespace {

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}

    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    ~Descriptor() {
        if (fd_ > STDIN_FILENO) ::close(fd_);
    }

    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

std::unexpected<Error> storage(const char* what, const std::filesystem::path& file) {
    return fail(ErrorCode::kStorage,
                fmt::format("cannot {} {}: {}", what, file.string(), std::strerror(errno)),
                "Check that you may write there and that the disk is not full.");
}

}  // namespace

Result<std::string> read_text(const std::filesystem::path& file, std::size_t bytes_max) {
    const bool input = file == "-";
    const Descriptor fd{input ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    const auto unreadable = [&] {
        return fail(ErrorCode::kNotFound,
                    fmt::format("cannot read {}: {}", file.string(), std::strerror(errno)));
    };
    if (fd.get() < 0) return unreadable();
    std::string text;
    std::array<char, 65536> buffer{};
    for (;;) {
        const auto got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return unreadable();
        if (got == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(got));
        if (text.size() > bytes_max) {
            return fail(ErrorCode::kTooLarge,
                        fmt::format("{} is larger than {} KiB",
                                    input ? "standard input" : file.string(),
                                    bytes_max / 1024));
        }
    }
}

Result<void> replace_file(const std::filesystem::path& file, std::string_view text) {
    std::filesystem::path fresh = file;
    fresh += ".new";
    const Descriptor fd{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (fd.get() < 0) return storage("make", fresh);
    const bool written =
        ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
        ::fsync(fd.get()) == 0;
    if (!written || ::rename(fresh.c_str(), file.c_str()) != 0) {
        auto failed = storage("write", file);
        ::unlink(fresh.c_str());
        return failed;
    }
    return {};
}

}  // namespace streetlog::agent
