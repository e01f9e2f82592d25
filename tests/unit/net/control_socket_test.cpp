#include "sync/net/control_socket.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sync/net/control_frame.hpp"
#include "tests/support/net_fixture.hpp"
#include "tests/support/temp_dir.hpp"

namespace streetlog::net {
namespace {

using test::bytes_of;

asio::awaitable<Bytes> repeat(Bytes request, ControlServer::Progress) {
    Bytes twice = request;
    twice.insert(twice.end(), request.begin(), request.end());
    co_return twice;
}

class ControlSocketTest : public testing::Test {
  protected:
    Result<std::unique_ptr<ControlServer>> listen(ControlServer::Handler handler = repeat,
                                                  uid_t user = geteuid()) {
        return ControlServer::listen(io_.executor(), path_, std::move(handler), log_, user);
    }

    /// A socket that listens here without being a ControlServer.
    [[nodiscard]] int raw_listener() const {
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string text = path_.string();
        std::copy(text.begin(), text.end(), address.sun_path);
        EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(fd, 4), 0);
        return fd;
    }

    test::TempDir directory_;
    std::filesystem::path path_ = directory_.path() / "control.sock";
    NullLogger log_;
    test::IoThreads io_;
};

constexpr Millis kPatience{10'000};

TEST_F(ControlSocketTest, ARequestGetsItsResult) {
    const auto server = listen();
    ASSERT_TRUE(server);
    for (const Bytes& request : {Bytes{}, bytes_of("status"), Bytes(1'000'000, Byte{3})}) {
        const auto result = control_request(path_, request, kPatience);
        ASSERT_TRUE(result) << result.error().message;
        EXPECT_EQ(result->size(), 2 * request.size());
    }
    EXPECT_EQ(control_request(path_, bytes_of("ab"), kPatience), bytes_of("abab"));
}

TEST_F(ControlSocketTest, ProgressArrivesInOrderBeforeTheResult) {
    const auto server =
        listen([](Bytes request, ControlServer::Progress progress) -> asio::awaitable<Bytes> {
            for (int i = 1; i <= 3; ++i) co_await progress("step " + std::to_string(i));
            co_return request;
        });
    ASSERT_TRUE(server);
    std::vector<std::string> lines;
    const auto result = control_request(
        path_, bytes_of("x"), kPatience, [&](std::string_view line) { lines.emplace_back(line); });
    EXPECT_EQ(result, bytes_of("x"));
    EXPECT_EQ(lines, (std::vector<std::string>{"step 1", "step 2", "step 3"}));
}

TEST_F(ControlSocketTest, TheSocketIsForItsOwnerOnlyAndGoesWithTheServer) {
    {
        const auto server = listen();
        ASSERT_TRUE(server);
        struct stat found{};
        ASSERT_EQ(stat(path_.c_str(), &found), 0);
        EXPECT_EQ(found.st_mode & 07777, 0600U);
    }
    EXPECT_FALSE(std::filesystem::exists(path_));
    EXPECT_EQ(control_request(path_, {}, kPatience).error().code, ErrorCode::kUnavailable);
}

TEST_F(ControlSocketTest, TheSocketFileOfADeadProcessIsReplaced) {
    close(raw_listener());
    ASSERT_TRUE(std::filesystem::exists(path_));
    EXPECT_EQ(control_request(path_, {}, kPatience).error().code, ErrorCode::kUnavailable);
    const auto server = listen();
    ASSERT_TRUE(server) << server.error().message;
    EXPECT_EQ(control_request(path_, bytes_of("a"), kPatience), bytes_of("aa"));
}

TEST_F(ControlSocketTest, ALiveProcessIsNotDisplaced) {
    const auto first = listen();
    ASSERT_TRUE(first);
    const auto second = listen();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kLocked);
    EXPECT_EQ(control_request(path_, bytes_of("a"), kPatience), bytes_of("aa"));
}

TEST_F(ControlSocketTest, AFileThatIsNoSocketIsLeftAlone) {
    std::ofstream(path_) << "precious";
    const auto server = listen();
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, ErrorCode::kConflict);
    EXPECT_EQ(std::filesystem::file_size(path_), 8U);
}

TEST_F(ControlSocketTest, APathTheSystemCannotTakeIsRefusedClearly) {
    path_ = directory_.path() / std::string(108, 'x');
    const auto server = listen();
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, ErrorCode::kInvalidInput);
    EXPECT_NE(server.error().message.find("the system allows 1 to 107"), std::string::npos)
        << server.error().message;
    EXPECT_EQ(control_request(path_, {}, kPatience).error().code, ErrorCode::kInvalidInput);

    const std::string longest = directory_.path().string() + "/" +
                                std::string(106 - directory_.path().string().size(), 'x');
    ASSERT_EQ(longest.size(), 107U);
    path_ = longest;
    const auto fits = listen();
    ASSERT_TRUE(fits) << fits.error().message;
    EXPECT_EQ(control_request(path_, bytes_of("a"), kPatience), bytes_of("aa"));
}

TEST_F(ControlSocketTest, AProcessOfAnotherUserIsNotAnswered) {
    std::atomic<int> handled{0};
    const auto server = listen(
        [&handled](Bytes request, ControlServer::Progress) -> asio::awaitable<Bytes> {
            ++handled;
            co_return request;
        },
        geteuid() + 1);
    ASSERT_TRUE(server);
    EXPECT_EQ(control_request(path_, bytes_of("a"), kPatience).error().code,
              ErrorCode::kUnavailable);
    EXPECT_EQ(handled, 0);
}

TEST_F(ControlSocketTest, ARequestOverTheLimitIsRefusedOnBothSides) {
    EXPECT_EQ(control_request(path_, Bytes(kControlBytesMax + 1), kPatience).error().code,
              ErrorCode::kTooLarge);
    const auto server = listen();
    ASSERT_TRUE(server);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path_.string(), address.sun_path);
    ASSERT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const auto claimed = encode_length(kControlBytesMax + 1);
    ASSERT_EQ(write(fd, claimed.data(), claimed.size()), 4);
    Byte byte = 0;
    EXPECT_EQ(read(fd, &byte, 1), 0);
    close(fd);
}

TEST_F(ControlSocketTest, AHandlerThatThrowsEndsTheRequestAndNotTheServer) {
    const auto server =
        listen([](Bytes request, ControlServer::Progress) -> asio::awaitable<Bytes> {
            if (request.empty()) throw std::runtime_error("as asked");
            co_return request;
        });
    ASSERT_TRUE(server);
    const auto failed = control_request(path_, {}, kPatience);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(control_request(path_, bytes_of("a"), kPatience), bytes_of("a"));
}

TEST_F(ControlSocketTest, AProgramThatNeverAnswersIsGivenUp) {
    const int silent = raw_listener();
    const auto result = control_request(path_, bytes_of("a"), Millis{50});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "the running program does not answer");
    close(silent);
}

}  // namespace
}  // namespace streetlog::net
