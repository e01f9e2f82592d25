#pragma once

#include <array>
#include <deque>
#include <memory>

#include "hub/serve/device_peer.hpp"
#include "tests/sim/world.hpp"

namespace streetlog::sim {

/// How messages travel between one device and the hub, while there is a way.
struct Link {
    bool up = true;
    Millis latency{40};
    std::int64_t bytes_per_second = 1'000'000;
};

/// One WebSocket as its two ends see it: messages come whole and in order, those of a higher lane
/// first; one end may believe in it long after the other has given it up.
class SimConnection final : public hub::PeerPort,
                            public std::enable_shared_from_this<SimConnection> {
  public:
    SimConnection(World& world, SimAgent& agent, std::uint64_t id);
    ~SimConnection() override;

    /// The hub accepts it. Needs a hub that runs.
    void open();

    // The hub's end.
    void send(sync::Send&& message) override;
    void close() override;
    void submit(hub::PreparedRun run, hub::Writer::Done done) override;
    void write(std::function<Result<void>(hub::Ledger&)> job,
               std::function<void(Result<void>)> done) override;

    [[nodiscard]] bool pressed() const override { return false; }

    void feed(HubSeq head);
    void projected(HubSeq at);
    void snapshot();

    // The device's end.
    [[nodiscard]] Result<void> send_from_device(sync::Send&& message);
    void close_from_device();

    /// The way is there again.
    void resume();

    /// Breaks it. The device notices after `device_after`; what it had sent before is lost, or
    /// comes to the hub after `hub_after`, whole but for the message that was under way.
    void cut(Millis device_after, std::optional<Millis> hub_after);

    /// Breaks it at the next acknowledgement, which is lost.
    void lose_next_ack() { lose_ack_ = true; }

    /// A program at the hub died, and with it this end.
    void hub_gone(Millis device_notices);

    [[nodiscard]] std::uint64_t id() const { return id_; }

    [[nodiscard]] bool hub_open() const { return peer_ != nullptr; }

  private:
    struct Way {
        std::array<std::deque<sync::Bytes>, 3> lanes;
        bool busy = false;
        bool cut = false;
        bool held = false;              // nothing arrives until somebody lets it
        std::vector<sync::Bytes> late;  // what would have arrived
    };

    enum class To : std::uint8_t { kHub, kDevice };

    Way& way(To to) { return ways_[static_cast<std::size_t>(to)]; }

    void put(To to, sync::Send&& message);
    void count(const sync::Message& said);
    void pump(To to);
    void arrive(To to, sync::Bytes bytes);
    void to_hub(const sync::Bytes& bytes);
    void to_device(const sync::Bytes& bytes);
    void end_hub_side();
    void drop(Way& way);

    World& world_;
    SimAgent& agent_;
    std::uint64_t id_;
    std::uint64_t hub_life_ = 0;
    std::unique_ptr<hub::DevicePeer> peer_;
    std::array<Way, 2> ways_;
    bool device_open_ = true;
    bool lose_ack_ = false;
    bool said_hello_ = false;
    bool has_read_ = false;  // some of the log before this session
    bool closing_ = false;   // the hub ends it once everything is out
};

}  // namespace streetlog::sim
