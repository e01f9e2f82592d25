#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <thread>

#include <boost/asio/io_context.hpp>

#include "hub/serve/service.hpp"
#include "sync/net/json_logger.hpp"
#include "sync/net/system_clock.hpp"
#include "sync/store/sqlite.hpp"
#include "tests/bench/wire_bytes.hpp"

namespace streetlog::bench {

/// The product's hub in this process, for `peer`: a driver of the exec protocol measures the
/// process it speaks to. It knows the devices of derived_enrolment(). `sync` runs streetlog-hub
/// itself.
class HubInProcess {
  public:
    /// Opens the hub in `directory`, or makes one; serves on 127.0.0.1:`port` when it returns.
    [[nodiscard]] static Result<std::unique_ptr<HubInProcess>> start(
        const std::filesystem::path& directory, std::uint16_t port);
    ~HubInProcess();

    /// Returns when that many records of devices are on the hub's disk.
    void wait_durable(std::uint64_t records);

    /// What the connections carried so far, closed ones included. A connection is looked at every
    /// few milliseconds, so its last bytes may be missing.
    [[nodiscard]] WireBytes bytes();

  private:
    explicit HubInProcess(store::DirectoryLock lock) : lock_(std::move(lock)) {}

    void watch_connections();

    store::DirectoryLock lock_;
    net::SystemClock clock_;
    net::SystemRandom random_;
    net::JsonLogger log_{clock_, LogLevel::kWarning};
    net::asio::io_context io_{1};
    std::unique_ptr<hub::Service> service_;
    std::thread io_thread_;
    std::mutex mutex_;
    WireCounter counter_;
    std::atomic<bool> stopping_ = false;
    std::thread watcher_;
};

}  // namespace streetlog::bench
