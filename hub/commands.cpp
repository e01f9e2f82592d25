#include "hub/commands.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "hub/admin/admin.hpp"
#include "hub/admin/hub_clock.hpp"
#include "hub/desk/desk.hpp"
#include "hub/recovery/open_hub.hpp"
#include "hub/serve/elsewhere.hpp"
#include "sync/net/json_logger.hpp"
#include "sync/net/system_clock.hpp"
#include "sync/net/terminal.hpp"

namespace streetlog::hub {
namespace {

namespace json = boost::json;
namespace asio = boost::asio;

using Answer = Result<json::object>;

/// A step of long work says something at least this often.
constexpr Millis kSilenceMax{600'000};

void say_here(std::string line) { fmt::print(stderr, "{}\n", line); }

Answer perform_on(const std::filesystem::path& data,
                  Ledger& ledger,
                  Random& random,
                  std::string_view command,
                  const json::object& arguments) {
    if (!Desk::knows(command)) return Admin{ledger, random}.run(command, arguments);
    STREETLOG_TRY(auto log, store::HubLog::open(data, store::Access::kRead));
    STREETLOG_TRY(auto projection, HubProjection::open(data, ledger.self().device));
    Follower follower{std::move(projection), std::move(log), [&](Drafts drafts) {
                          return ledger.author_all(std::move(drafts));
                      }};
    return Desk{follower, random, say_here}.run(command, arguments);
}

Answer perform_here(const std::filesystem::path& data,
                    std::string_view command,
                    const json::object& arguments) {
    STREETLOG_TRY(const auto clock, open_clock(data));
    net::SystemRandom random;
    STREETLOG_TRY(auto hub, open_hub(data, *clock));
    Ledger& ledger = hub.ledger;
    net::JsonLogger log_here{*clock};
    HighWaterFile high_water{hub.high_water, log_here};
    const auto answer = perform_on(data, ledger, random, command, arguments);
    high_water.note(
        {ledger.self().device, ledger.head(), ledger.last_received(), ledger.self().incarnation});
    return answer;
}

struct Request {
    std::string command;
    json::object arguments;
};

std::optional<Request> read_request(const sync::Bytes& bytes) {
    boost::system::error_code failed;
    const auto value =
        json::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, failed);
    if (failed || !value.is_object()) return std::nullopt;
    const auto* command = value.get_object().if_contains("command");
    const auto* arguments = value.get_object().if_contains("arguments");
    if (command == nullptr || !command->is_string() || arguments == nullptr ||
        !arguments->is_object())
        return std::nullopt;
    return Request{std::string{command->get_string()}, arguments->get_object()};
}

}  // namespace

std::filesystem::path control_socket(const std::filesystem::path& data) { return data / "control"; }

Result<json::object> perform(const std::filesystem::path& data,
                             std::string_view command,
                             const json::object& arguments) {
    auto lock = store::DirectoryLock::take(data);
    if (lock) return perform_here(data, command, arguments);
    if (lock.error().code != ErrorCode::kLocked) return std::unexpected(lock.error());
    const std::string request =
        json::serialize(json::object{{"command", command}, {"arguments", arguments}});
    STREETLOG_TRY(const auto reply,
                  net::control_request(control_socket(data),
                                       sync::Bytes{request.begin(), request.end()},
                                       kSilenceMax,
                                       [](std::string_view line) { say_here(std::string{line}); }));
    return net::decode_answer({reinterpret_cast<const char*>(reply.data()), reply.size()});
}

asio::awaitable<sync::Bytes> answer_request(Service& service,
                                            Random& random,
                                            sync::Bytes bytes,
                                            net::ControlServer::Progress progress) {
    const auto executor = co_await asio::this_coro::executor;
    Answer result = fail(ErrorCode::kUsage, "the request is not of the expected form");
    if (const auto request = read_request(bytes)) {
        const auto say = [executor, progress](std::string line) {
            asio::co_spawn(executor, progress(std::move(line)), asio::detached);
        };
        auto at_the_desk = [&](auto done) {
            service.follower().post([&random, say, request = *request, done](Follower& follower) {
                done(Desk{follower, random, say}.run(request.command, request.arguments));
            });
        };
        auto at_the_log = [&](auto done) {
            service.writer().post([&random, request = *request, done](Ledger& ledger) {
                done(Admin{ledger, random}.run(request.command, request.arguments));
            });
        };
        auto at_the_authority = [&](auto done) { service.take_issuer(request->arguments, done); };
        if (request->command == kTakeIssuer)
            result = co_await elsewhere<Answer>(std::move(at_the_authority));
        else if (Desk::knows(request->command))
            result = co_await elsewhere<Answer>(std::move(at_the_desk));
        else
            result = co_await elsewhere<Answer>(std::move(at_the_log));
        // A device that was suspended or revoked is not let talk on.
        if (request->command.starts_with("device ")) service.judge_connections();
    }
    const std::string text = net::encode_answer(result);
    co_return sync::Bytes{text.begin(), text.end()};
}

}  // namespace streetlog::hub
