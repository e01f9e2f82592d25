#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/sync/device_session.hpp"
#include "schema/log.hpp"
#include "schema/ports.hpp"
#include "sync/net/backoff.hpp"
#include "sync/net/channel.hpp"
#include "sync/net/tls.hpp"
#include "sync/net/wake.hpp"

namespace streetlog::agent {

/// What the last attempt to reach the hub came to, for `status`.
struct SyncState {
    enum class Phase : std::uint8_t { kIdle, kConnecting, kLive, kWaiting, kStopped };

    Phase phase = Phase::kIdle;
    std::string problem;          // of the last attempt; empty when it went well
    bool needs_a_person = false;  // trying again will not help
    bool custody_only = false;    // the certificate has lapsed: records are taken, none handed out
    Instant last_contact;         // the hub was reached and let us in; 0: never
    std::uint64_t sessions = 0;   // that the hub let us into
    std::uint64_t attempts = 0;   // begun, whatever became of them
    bool in_step = false;         // in this session: clocks compared, everything pushed and pulled
};

struct RunnerOptions {
    std::string host;
    std::uint16_t port = 0;
    /// What the device shows of itself in the next session, got anew for each: a certificate may
    /// have to be fetched first.
    std::function<net::asio::awaitable<Result<net::DeviceCredentials>>()> credentials;
    std::string app_version;
    bool reads = true;  // every scope the hub grants; false: only pushes
};

/// Keeps the device and the hub in step: connects, runs a DeviceSession over the connection, and
/// after any outage finds the hub again by itself. Everything runs on the one thread of the
/// executor, on which the store is used, too.
class SyncRunner {
  public:
    SyncRunner(store::AgentStore& store,
               sync::ClockWitness& witness,
               Clock& clock,
               Random& random,
               Logger& log,
               RunnerOptions options);

    /// One session: until the clocks are compared and everything is pushed and pulled, or it
    /// failed. Does not retry.
    [[nodiscard]] net::asio::awaitable<Result<void>> once();

    /// Sessions one after the other until stop(); between them waits with jittered back-off.
    [[nodiscard]] net::asio::awaitable<void> keep();

    /// There are new records: do not wait any longer.
    void nudge();
    /// A person asks for a sync: begins a new session at once, ending the one that is running.
    void begin_anew();
    /// Call every 15 minutes: has the running session compare the clocks again.
    void on_timer();
    void stop();

    [[nodiscard]] const SyncState& state() const { return state_; }

  private:
    enum class Until : std::uint8_t { kCaughtUp, kStopped };

    [[nodiscard]] net::asio::awaitable<Result<std::shared_ptr<net::Channel>>> connect();
    [[nodiscard]] net::asio::awaitable<Result<void>> session(Until until);
    /// Carries out what the session decided and takes note of it. False when the session is over.
    [[nodiscard]] bool act();
    /// Lets everything else that waits for this thread go first.
    [[nodiscard]] net::asio::awaitable<void> others();
    /// Loads what is there of a snapshot, and clears away what one left behind.
    [[nodiscard]] net::asio::awaitable<Result<void>> finish_work();
    /// Until the time for the next attempt has come or somebody asks for one earlier. An attempt
    /// that was asked for does not put off the one that is due, nor lengthen the waits after it:
    /// else a worker who saves much while the hub is away would be the last to find it again.
    [[nodiscard]] net::asio::awaitable<void> pause();
    /// Carries out what an event from outside a session's own loop made it decide.
    void act_now();
    [[nodiscard]] bool goes_on_at_once() const;

    store::AgentStore& store_;
    sync::ClockWitness& witness_;
    Clock& clock_;
    Random& random_;
    Logger& log_;
    RunnerOptions options_;
    SyncState state_;
    net::Backoff backoff_;
    std::optional<Millis> retry_after_;
    std::shared_ptr<net::Channel> channel_;
    DeviceSession* live_ = nullptr;  // while a session runs
    std::unique_ptr<net::asio::steady_timer> sleeping_;
    net::asio::steady_timer::time_point next_try_{};
    bool stopping_ = false;
    std::optional<sync::SigningKey> key_;  // of the certificate that opened the connection
    std::uint32_t again_ = 0;              // sessions in a row that only set something right
    bool anew_ = false;                    // the next session follows without a pause
};

}  // namespace streetlog::agent
