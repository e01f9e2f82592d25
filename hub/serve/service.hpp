#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>

#include "hub/project/follower_thread.hpp"
#include "hub/serve/connection.hpp"
#include "hub/trust/authority.hpp"
#include "sync/net/beast_server.hpp"
#include "sync/net/system_clock.hpp"

namespace streetlog::hub {

struct ServeOptions {
    std::filesystem::path directory;
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;
    SnapshotRules snapshots;
    std::filesystem::path high_water;  // empty: the log's end is noted nowhere else
};

/// The running hub: one thread that writes the log, one that follows it, one I/O thread (whoever
/// runs the io_context), any number of connections.
class Service {
  public:
    /// Requires: the caller holds the directory's lock. kConflict when the port is taken.
    [[nodiscard]] static Result<std::unique_ptr<Service>> start(net::asio::io_context& io,
                                                                const ServeOptions& options,
                                                                Ledger ledger,
                                                                Clock& clock,
                                                                Random& random,
                                                                Logger& log);
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    ~Service();

    [[nodiscard]] std::uint16_t port() const { return server_->port(); }

    [[nodiscard]] Writer& writer() { return *writer_; }

    [[nodiscard]] FollowerThread& follower() { return *follower_; }

    /// Ends the connections of devices that are not let in any more. On the I/O thread.
    void judge_connections();

    /// Goes on under the issuer in `arguments` (ca_commands.hpp): connections that begin from then
    /// on see its certificates, those there are stay. `done` comes on the writer's thread.
    void take_issuer(const boost::json::object& arguments,
                     std::function<void(Result<boost::json::object>)> done);

    /// Tells every device to come back later, waits for what is under way, at most ten seconds.
    [[nodiscard]] net::asio::awaitable<void> stop();

  private:
    Service(net::asio::io_context& io,
            store::HubLog reader,
            Authority authority,
            Ledger ledger,
            std::unique_ptr<HighWaterFile> high_water,
            Clock& clock,
            Random& random,
            Logger& log);
    [[nodiscard]] std::unique_ptr<FollowerThread> take_follower();
    [[nodiscard]] Result<void> start_following(const std::filesystem::path& directory, Logger& log);

    [[nodiscard]] Result<void> listen(net::asio::io_context& io, const ServeOptions& options);
    [[nodiscard]] net::asio::awaitable<void> serve(std::shared_ptr<net::Channel> channel,
                                                   net::Peer who);
    [[nodiscard]] net::asio::awaitable<std::string> answer(std::string question,
                                                           std::optional<net::Peer> who);
    /// Every now and then: are all who are connected still welcome, is the hub's own certificate
    /// about to end?
    void watch();
    void announce(HubSeq head);
    void announce_projection(HubSeq at);
    void announce_snapshot();

    std::optional<PageReader> pages_;  // until the end begins
    std::mutex mutex_;  // connections_, follower_: changed on the I/O thread, read by the writer's
    std::vector<std::weak_ptr<Connection>> connections_;
    std::unique_ptr<Writer> writer_;
    std::unique_ptr<SnapshotShelf> snapshots_;
    std::unique_ptr<FollowerThread> follower_;  // null until the service is whole
    CarriedIntake carried_;                     // on the writer's thread
    std::unique_ptr<Shared> shared_;
    std::unique_ptr<Authority> authority_;  // on the writer's thread
    net::SystemRandom serials_;             // there, too
    net::asio::steady_timer watching_;
    std::unique_ptr<net::WsServer> server_;
};

}  // namespace streetlog::hub
