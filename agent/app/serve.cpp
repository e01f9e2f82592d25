#include "agent/app/serve.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <unistd.h>

#include "agent/app/acts.hpp"
#include "agent/app/enrol.hpp"
#include "agent/app/status.hpp"
#include "agent/app/sync_once.hpp"
#include "sync/net/control_socket.hpp"
#include "sync/net/signal_stop.hpp"

namespace streetlog::agent {
namespace {

namespace json = boost::json;
namespace asio = boost::asio;

/// The witness misses a suspend when it is shown readings further apart than 30 s.
constexpr Millis kObserveEvery{20'000};
constexpr int kObservationsPerProbe = 45;  // 15 minutes
constexpr Millis kLookEvery{50};
constexpr int kLooksPerProgress = 20;  // about a second
/// For answers that are being written when the program is told to stop.
constexpr Millis kLastWords{200};
/// A connection attempt that hangs does not hold up the end for longer.
constexpr Millis kStopMost{5'000};

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

std::string_view name_of(SyncState::Phase phase) {
    switch (phase) {
        case SyncState::Phase::kIdle:
            return "idle";
        case SyncState::Phase::kConnecting:
            return "connecting";
        case SyncState::Phase::kLive:
            return "connected";
        case SyncState::Phase::kWaiting:
            return "waiting to try again";
        case SyncState::Phase::kStopped:
            return "stopped";
    }
    return "unknown";
}

class Serving {
  public:
    Serving(Device& device, Logger& log, RunnerOptions options)
        : device_(device),
          log_(log),
          runner_(device.store(),
                  device.witness(),
                  device.clock(),
                  device.random(),
                  log,
                  std::move(options)),
          acts_(device,
                Acts::Hooks{.saved = [this] { runner_.nudge(); },
                            .sync_state = [this] { return sync_state(); }}),
          watch_(io_),
          end_(io_) {}

    Result<void> run(const std::filesystem::path& control,
                     const std::function<void(const std::string&)>& ready);

  private:
    [[nodiscard]] json::object sync_state() const;
    asio::awaitable<void> watch_clock();
    asio::awaitable<void> renew_certificate();
    asio::awaitable<sync::Bytes> answer(sync::Bytes request, net::ControlServer::Progress progress);
    asio::awaitable<Answer> sync_now(net::ControlServer::Progress progress);
    void stop();

    Device& device_;
    Logger& log_;
    asio::io_context io_{1};
    SyncRunner runner_;
    Acts acts_;
    asio::steady_timer watch_;
    asio::steady_timer end_;
    std::exception_ptr broken_;
};

json::object Serving::sync_state() const {
    const SyncState& state = runner_.state();
    return {{"sync", name_of(state.phase)},
            {"sync_in_step", state.in_step},
            {"sync_problem", state.problem},
            {"sync_needs_a_person", state.needs_a_person},
            {"sync_custody_only", state.custody_only},
            {"sync_last_contact",
             state.last_contact.ms == 0 ? json::value{} : shown(state.last_contact)},
            {"sync_sessions", state.sessions}};
}

asio::awaitable<void> Serving::watch_clock() {
    for (int seen = 1;; ++seen) {
        watch_.expires_after(kObserveEvery);
        const auto [error] = co_await watch_.async_wait(kAwait);
        if (error) co_return;
        device_.witness().observe(device_.clock().read());
        if (const auto kept = device_.keep_clock(); !kept)
            log_.event(LogLevel::kError, "clock_not_kept", {{"code", kept.error().code}});
        if (seen % kObservationsPerProbe != 0) continue;
        runner_.on_timer();
        co_await renew_certificate();
    }
}

/// A session that lasts for weeks must not outlive the certificate it began with: without another
/// one the next session could only hand over.
asio::awaitable<void> Serving::renew_certificate() {
    const auto& trust = device_.trust();
    if (!trust) co_return;
    const auto now = trust->judging_time(device_.clock().now(), device_.last_hub_time());
    if (!trust->renewal_due(now)) co_return;
    co_await device_credentials(device_, log_);  // what it comes to is in the log; it tries again
}

asio::awaitable<Answer> Serving::sync_now(net::ControlServer::Progress progress) {
    const auto before = device_.read().status();
    if (!before) co_return std::unexpected(before.error());
    // An attempt that is being made counts as ours: it has not read anything yet.
    const bool connecting = runner_.state().phase == SyncState::Phase::kConnecting;
    const auto ours = runner_.state().attempts + (connecting ? 0 : 1);
    runner_.begin_anew();
    asio::steady_timer timer{io_};
    for (int looks = 1;; ++looks) {
        timer.expires_after(kLookEvery);
        const auto [error] = co_await timer.async_wait(kAwait);
        if (error) co_return std::unexpected(Error{ErrorCode::kInterrupted, "the agent stops", {}});
        const SyncState& state = runner_.state();
        if (state.attempts >= ours && state.in_step) break;
        if (state.attempts >= ours && state.phase == SyncState::Phase::kWaiting)
            co_return std::unexpected(
                Error{state.needs_a_person ? ErrorCode::kNotPermitted : ErrorCode::kUnavailable,
                      state.problem,
                      "Nothing is lost. The agent goes on trying by itself."});
        if (state.phase == SyncState::Phase::kStopped)
            co_return std::unexpected(Error{ErrorCode::kInterrupted, "the agent stops", {}});
        if (looks % kLooksPerProgress == 0) {
            std::string line = sync_progress(device_);
            co_await progress(std::move(line));
        }
    }
    auto done = sync_answer(device_, *before);
    if (!done) co_return std::unexpected(done.error());
    co_return *std::move(done);
}

asio::awaitable<sync::Bytes> Serving::answer(sync::Bytes request,
                                             net::ControlServer::Progress progress) {
    boost::system::error_code failed;
    const auto value =
        json::parse({reinterpret_cast<const char*>(request.data()), request.size()}, failed);
    Answer answer =
        std::unexpected(Error{ErrorCode::kUsage, "the request is not of the expected form", {}});
    const auto* object = failed || !value.is_object() ? nullptr : &value.get_object();
    const auto* command = object == nullptr ? nullptr : object->if_contains("command");
    const auto* arguments = object == nullptr ? nullptr : object->if_contains("arguments");
    if (command != nullptr && command->is_string() && arguments != nullptr &&
        arguments->is_object()) {
        const std::string name{command->get_string()};
        const bool enrolling = name == "enrol";
        const auto accepted =
            enrolling ? accept_code(device_, arguments->get_object()) : Result<void>{};
        if (!accepted) {
            answer = std::unexpected(accepted.error());
        } else if (enrolling || name == "sync") {
            answer = co_await sync_now(progress);
        } else {
            if (name == "rebuild" || name == "verify") {
                std::string line = "reading every record";
                co_await progress(std::move(line));
            }
            answer = acts_.run(name, arguments->get_object());
        }
    }
    const std::string text = encode_answer(answer);
    co_return sync::Bytes{text.begin(), text.end()};
}

void Serving::stop() {
    log_.event(LogLevel::kInfo, "agent_stopping");
    runner_.stop();
    watch_.cancel();
    end_.expires_after(kStopMost);
    end_.async_wait([this](const boost::system::error_code& error) {
        if (!error) io_.stop();
    });
}

Result<void> Serving::run(const std::filesystem::path& control,
                          const std::function<void(const std::string&)>& ready) {
    STREETLOG_TRY(auto controls,
                  net::ControlServer::listen(
                      io_.get_executor(),
                      control,
                      [this](sync::Bytes request, net::ControlServer::Progress progress) {
                          return answer(std::move(request), std::move(progress));
                      },
                      log_,
                      ::getuid()));
    const net::SignalStop stopper{io_.get_executor(), [this] { stop(); }};
    asio::co_spawn(io_, watch_clock(), asio::detached);
    asio::co_spawn(io_, runner_.keep(), [this](const std::exception_ptr& e) {
        broken_ = e;
        end_.expires_after(kLastWords);
        end_.async_wait([this](const boost::system::error_code&) { io_.stop(); });
    });
    ready(json::serialize(json::object{{"serving", device_.directory().string()},
                                       {"device", to_string(device_.settings().self.device)},
                                       {"control", control.string()},
                                       {"process", ::getpid()}}));
    log_.event(LogLevel::kInfo, "agent_started", {{"device", device_.settings().self.device}});
    io_.run();
    controls.reset();
    if (broken_) std::rethrow_exception(broken_);
    log_.event(LogLevel::kInfo, "agent_stopped");
    return {};
}

}  // namespace

Result<void> serve(Device& device,
                   const std::filesystem::path& control,
                   Logger& log,
                   const std::function<void(const std::string&)>& ready) {
    STREETLOG_TRY(auto options, runner_options(device, log));
    Serving serving{device, log, std::move(options)};
    return serving.run(control, ready);
}

}  // namespace streetlog::agent
