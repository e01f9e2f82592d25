#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "agent/sync/runner.hpp"
#include "sync/net/json_logger.hpp"
#include "sync/net/system_clock.hpp"
#include "sync/store/agent_store.hpp"
#include "sync/timeliness/evidence.hpp"
#include "tests/bench/wire_bytes.hpp"

namespace streetlog::bench {

/// Who a device is to the hub.
struct Enrolment {
    DeviceId device;
    net::DeviceCredentials credentials;
    DeviceId hub;  // nil: not known
    std::uint16_t port = 0;
};

/// Enrols the device of a file of `streetlog-hub device add --out` with its hub, which serves at
/// `port`; key and certificate go beside the file.
[[nodiscard]] Result<void> enrol(const std::filesystem::path& file, std::uint16_t port);

/// From such a file, after enrol().
[[nodiscard]] Result<Enrolment> read_enrolment(const std::filesystem::path& file);

/// The same for device `number` of a hub that knows the devices of this program (hub_role).
[[nodiscard]] Enrolment derived_enrolment(std::uint64_t number);

/// A field agent without its command line: the product's store and its sync runner, driven step by
/// step. One thread at a time, but while it watches only write_timed() may be called.
class Device {
  public:
    /// Opens the store in `directory`, or makes it.
    [[nodiscard]] static Result<std::unique_ptr<Device>> open(
        const std::filesystem::path& directory, const Enrolment& enrolment);
    ~Device();

    [[nodiscard]] store::AgentStore& store() { return store_; }

    struct Transfer {
        double seconds = 0;
        WireBytes bytes;
    };

    /// Connects and pushes until the acknowledgement of the last record is stored; reads nothing,
    /// and the session goes on. `count_bytes` only where this is the process's one device.
    [[nodiscard]] Result<Transfer> push(bool count_bytes);

    /// One acknowledgement that was stored.
    struct Ack {
        std::uint64_t at_ns = 0;  // monotonic_ns()
        std::uint64_t records = 0;
    };

    struct Drained {
        std::vector<Ack> acks;
        std::uint64_t attempts = 0;
    };

    /// Pushes like the product, through refusals and outages, until everything is acknowledged;
    /// reads nothing. The session goes on.
    [[nodiscard]] Result<Drained> drain(Millis patience);
    /// Ends that session: receipts are put to the records.
    [[nodiscard]] Result<void> settle();
    /// Connects and pulls until caught up; everything received is stored.
    [[nodiscard]] Result<Transfer> pull(bool count_bytes);

    struct FirstSync {
        Transfer transfer;
        double live_seconds = 0;  // until the clients can be found
        std::vector<double> saves_ms;
    };

    /// Like pull(), while a person saves what `next` gives every 20 ms, until the snapshot is
    /// loaded or all is pulled.
    [[nodiscard]] Result<FirstSync> first_sync(const std::function<store::SaveRequest()>& next);

    /// Stays connected from now on. Returns when the device has everything the hub has, and then
    /// says
    /// {"seen": id, "t": ns} of every entity of `table` that comes to stand in the store.
    void watch(std::uint16_t table);
    /// Saves now and sends; returns the time before the Save.
    [[nodiscard]] Result<std::uint64_t> write_timed(const store::SaveRequest& request);

  private:
    Device(store::AgentStore store, std::filesystem::path file, const Enrolment& enrolment);

    void start(agent::RunnerOptions options);
    void run_one();

    net::SystemClock clock_;
    net::SystemRandom random_;
    net::JsonLogger log_{clock_, LogLevel::kWarning};
    store::AgentStore store_;
    std::filesystem::path file_;
    sync::ClockWitness witness_;
    net::asio::io_context io_{1};
    agent::RunnerOptions options_;
    std::unique_ptr<agent::SyncRunner> runner_;  // of the newest session
    std::optional<Result<void>> ended_;          // of a session that ends by itself
    bool count_bytes_ = false;
    std::uint64_t looked_ns_ = 0;
    WireCounter wire_;
    std::thread watcher_;
};

}  // namespace streetlog::bench
