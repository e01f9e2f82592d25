#pragma once

#include <memory>

#include <boost/asio/steady_timer.hpp>

#include "hub/feed/page_reader.hpp"
#include "hub/ingest/writer.hpp"
#include "schema/log.hpp"
#include "schema/ports.hpp"
#include "sync/net/channel.hpp"
#include "sync/session/hub_session.hpp"
#include "sync/timeliness/probes.hpp"

namespace streetlog::hub {

/// What every connection of the hub shares. The pages are read on the I/O thread: a page is at most
/// one message, and the log lies in the page cache.
struct Shared {
    Writer& writer;
    PageReader& pages;
    Clock& clock;
    Random& random;
    Logger& log;
    DeviceId hub;
};

/// One device's connection: carries out what its HubSession decides. Lives on the channel's strand;
/// the writer's answers are posted to it.
class Connection : public std::enable_shared_from_this<Connection>, private sync::HubLog {
  public:
    Connection(Shared& shared,
               std::shared_ptr<net::Channel> channel,
               const net::asio::any_io_executor& executor);

    /// Runs until the connection ends.
    [[nodiscard]] net::asio::awaitable<void> run();

    /// The log has grown. Any thread.
    void feed(HubSeq head);

    /// The device's authority was withdrawn or the hub stops. Any thread.
    void close(sync::WireCode code, std::string detail);

  private:
    std::optional<sync::Hash> hash_at(const sync::Replica& replica, std::uint64_t seq) override;

    /// Ends the connection of a peer that does not say who it is: an open WebSocket alone, pings or
    /// a message without end hold a place for nobody.
    void expect_hello();

    void act();
    void authenticate(const sync::Hello& hello);
    void submit(std::shared_ptr<const sync::IncomingRun> run);
    void read_page(const sync::ReadPage& request);

    Shared& shared_;
    std::shared_ptr<net::Channel> channel_;
    net::asio::any_io_executor executor_;
    net::asio::steady_timer hello_due_;
    sync::HubSession session_;
};

}  // namespace streetlog::hub
