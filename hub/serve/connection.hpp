#pragma once

#include <memory>

#include <boost/asio/steady_timer.hpp>

#include "hub/serve/device_peer.hpp"
#include "sync/net/channel.hpp"

namespace streetlog::hub {

/// What every connection of the hub shares.
struct Shared {
    PeerSides sides;
    Writer& writer;
};

/// One device's connection: a DevicePeer on a channel. Lives on the channel's strand; the writer's
/// answers are posted to it.
class Connection : public std::enable_shared_from_this<Connection>, private PeerPort {
  public:
    Connection(Shared& shared,
               std::shared_ptr<net::Channel> channel,
               const net::Peer& who,
               const net::asio::any_io_executor& executor);

    /// Runs until the connection ends.
    [[nodiscard]] net::asio::awaitable<void> run();

    /// The log has grown. Any thread.
    void feed(HubSeq head);
    /// The shelf of snapshots has news. Any thread.
    void snapshot();

    /// The projection has taken the log in up to here. Any thread.
    void projected(HubSeq at);

    /// The device's authority was withdrawn or the hub stops. Any thread.
    void close(sync::WireCode code, std::string detail);

    [[nodiscard]] const net::Peer& who() const { return who_; }

  private:
    void send(sync::Send&& message) override;
    void close() override;
    void submit(PreparedRun run, Writer::Done done) override;
    void write(std::function<Result<void>(Ledger&)> job,
               std::function<void(Result<void>)> done) override;
    [[nodiscard]] bool pressed() const override;

    /// Ends the connection of a peer that does not say who it is: an open WebSocket alone, pings or
    /// a message without end hold a place for nobody.
    void expect_hello();

    Shared& shared_;
    std::shared_ptr<net::Channel> channel_;
    net::Peer who_;
    net::asio::any_io_executor executor_;
    net::asio::steady_timer hello_due_;
    DevicePeer peer_;
};

}  // namespace streetlog::hub
