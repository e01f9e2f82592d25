#include "sync/net/control_frame.hpp"

#include <sys/socket.h>
#include <sys/un.h>

namespace streetlog::net {

Result<void> check_socket_path(const std::filesystem::path& path) {
    constexpr std::size_t kMost = sizeof(sockaddr_un::sun_path) - 1;
    const std::string text = path.string();
    if (text.empty() || text.size() > kMost || text.find('\0') != std::string::npos) {
        return fail(ErrorCode::kInvalidInput,
                    "the socket path " + text + " has " + std::to_string(text.size()) +
                        " bytes; the system allows 1 to " + std::to_string(kMost),
                    "Choose a data directory with a shorter path.");
    }
    return {};
}

std::int64_t peer_user(int fd) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return -1;
    return std::int64_t{credentials.uid};
}

}  // namespace streetlog::net
