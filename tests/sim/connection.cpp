#include "tests/sim/connection.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tests/sim/agent.hpp"
#include "tests/sim/hub.hpp"

namespace streetlog::sim {

SimConnection::SimConnection(World& world, SimAgent& agent, std::uint64_t id)
    : world_(world), agent_(agent), id_(id) {}

SimConnection::~SimConnection() = default;

void SimConnection::open() {
    SimHub& hub = *world_.hub;
    hub_life_ = hub.life();
    net::Peer who;  // the certificate is not what is simulated
    who.device = agent_.replica().device;
    who.key = agent_.signing.public_key();
    peer_ = std::make_unique<hub::DevicePeer>(hub.sides(), *this, who);
    hub.act([&] { peer_->start(); });
}

void SimConnection::send(sync::Send&& message) {
    if (world_.hub->dying()) return;
    if (const auto said = sync::decode_message(message.bytes)) {
        world_.truth.hub_said(agent_.replica(), *said);
        count(*said);
        if (lose_ack_ && std::holds_alternative<sync::PushAck>(*said)) {
            lose_ack_ = false;
            ++world_.out.shapes["acks lost"];
            cut(Millis{world_.dice.between(0, 30'000)}, std::nullopt);
        }
    }
    put(To::kDevice, std::move(message));
}

void SimConnection::count(const sync::Message& said) {
    auto& shapes = world_.out.shapes;
    if (const auto* ack = std::get_if<sync::HelloAck>(&said); ack != nullptr && has_read_)
        for (const auto& grant : ack->scopes)
            if (grant.snapshot && grant.resume) ++shapes["snapshots instead of the log"];
    if (const auto* answer = std::get_if<sync::CarryAnswer>(&said)) {
        if (answer->outcome == sync::CarryOutcome::kTaken) ++shapes["bundles handed over"];
        if (answer->outcome == sync::CarryOutcome::kRefused) ++shapes["bundles refused"];
        if (answer->outcome == sync::CarryOutcome::kWaits) ++shapes["bundles that wait"];
    }
}

void SimConnection::close() {
    closing_ = true;
    auto& lanes = way(To::kDevice).lanes;
    for (const auto& lane : lanes)
        if (!lane.empty()) return;
    if (way(To::kDevice).busy) return;
    // Not from inside the peer's own call.
    world_.events.in(Millis{0}, [self = shared_from_this()] {
        self->end_hub_side();
        if (self->device_open_) self->agent_.on_closed(*self, "the hub closed the connection");
    });
}

void SimConnection::submit(hub::PreparedRun run, hub::Writer::Done done) {
    world_.hub->submit(
        std::move(run),
        [self = weak_from_this(), done = std::move(done)](Result<hub::IngestResult> result) {
            const auto here = self.lock();
            if (here && here->peer_) done(std::move(result));
        });
}

void SimConnection::write(std::function<Result<void>(hub::Ledger&)> job,
                          std::function<void(Result<void>)> done) {
    world_.hub->write(std::move(job),
                      [self = weak_from_this(), done = std::move(done)](Result<void> result) {
                          const auto here = self.lock();
                          if (here && here->peer_) done(std::move(result));
                      });
}

void SimConnection::feed(HubSeq head) {
    if (peer_) peer_->on_feed(head);
}

void SimConnection::projected(HubSeq at) {
    if (peer_) peer_->on_projected(at);
}

void SimConnection::snapshot() {
    if (peer_) peer_->on_snapshot();
}

Result<void> SimConnection::send_from_device(sync::Send&& message) {
    if (!device_open_) return fail(ErrorCode::kUnavailable, "the connection is closed");
    if (!std::exchange(said_hello_, true)) {
        const auto said = sync::decode_message(message.bytes);
        const auto* hello = said ? std::get_if<sync::Hello>(&*said) : nullptr;
        has_read_ = hello != nullptr && std::ranges::any_of(hello->scopes, [](const auto& scope) {
                        return scope.cursor.seq.value > 0;
                    });
    }
    put(To::kHub, std::move(message));
    return {};
}

void SimConnection::put(To to, sync::Send&& message) {
    Way& w = way(to);
    if (w.cut) return;
    ++world_.out.messages;
    if (w.held) return w.late.push_back(std::move(message.bytes));
    w.lanes[static_cast<std::size_t>(message.lane)].push_back(std::move(message.bytes));
    pump(to);
}

void SimConnection::pump(To to) {
    Way& w = way(to);
    const Link& link = agent_.link;
    if (w.busy || !link.up) return;
    for (auto& lane : w.lanes) {
        if (lane.empty()) continue;
        auto bytes = std::move(lane.front());
        lane.pop_front();
        w.busy = true;
        const auto ms = static_cast<std::int64_t>(bytes.size()) * 1'000 / link.bytes_per_second;
        world_.events.in(link.latency + Millis{ms},
                         [self = shared_from_this(), to, bytes = std::move(bytes)]() mutable {
                             self->arrive(to, std::move(bytes));
                         });
        return;
    }
    if (to == To::kDevice && closing_ && peer_) close();
}

void SimConnection::arrive(To to, sync::Bytes bytes) {
    Way& w = way(to);
    w.busy = false;
    if (w.held) return w.late.push_back(std::move(bytes));
    if (w.cut) {
        ++world_.out.cut_messages;
        return;
    }
    const auto self = shared_from_this();
    (to == To::kHub ? to_hub(bytes) : to_device(bytes));
    pump(to);
}

void SimConnection::to_hub(const sync::Bytes& bytes) {
    if (!peer_ || hub_life_ != world_.hub->life()) return;
    if (!device_open_) ++world_.out.late_messages;
    world_.trace.note("hub", id_);
    world_.trace.bytes(bytes);
    world_.hub->act([&] { peer_->on_message(bytes); });
    world_.hub->shelf_soon();
}

void SimConnection::to_device(const sync::Bytes& bytes) {
    if (!device_open_) return;
    world_.trace.note("device", id_);
    world_.trace.bytes(bytes);
    agent_.on_message(*this, bytes);
}

void SimConnection::resume() {
    pump(To::kHub);
    pump(To::kDevice);
}

void SimConnection::drop(Way& w) {
    w.cut = true;
    for (auto& lane : w.lanes) {
        world_.out.lost_messages += lane.size();
        lane.clear();
    }
}

void SimConnection::close_from_device() {
    if (!device_open_) return;
    device_open_ = false;
    drop(way(To::kDevice));
    // What was sent before goes out first.
    world_.events.in(agent_.link.latency + Millis{2'000},
                     [self = shared_from_this()] { self->end_hub_side(); });
}

void SimConnection::cut(Millis device_after, std::optional<Millis> hub_after) {
    drop(way(To::kDevice));
    const auto self = shared_from_this();
    world_.events.in(device_after, [self] {
        if (!self->device_open_) return;
        self->device_open_ = false;
        self->agent_.on_closed(*self, "the connection was cut");
    });
    if (!hub_after) {
        drop(way(To::kHub));
        world_.events.in(Millis{world_.dice.between(0, 90'000)}, [self] { self->end_hub_side(); });
        return;
    }
    // Half dead: the hub still believes in it, and what was under way turns up when it may.
    Way& w = way(To::kHub);
    w.held = true;
    for (auto& lane : w.lanes) {
        for (auto& bytes : lane) w.late.push_back(std::move(bytes));
        lane.clear();
    }
    world_.events.in(*hub_after, [self] {
        for (const auto& bytes : std::exchange(self->way(To::kHub).late, {})) self->to_hub(bytes);
        self->end_hub_side();
    });
}

void SimConnection::hub_gone(Millis device_notices) {
    peer_.reset();
    drop(way(To::kDevice));
    drop(way(To::kHub));
    world_.events.in(device_notices, [self = shared_from_this()] {
        if (!self->device_open_) return;
        self->device_open_ = false;
        self->agent_.on_closed(*self, "the hub is gone");
    });
}

void SimConnection::end_hub_side() {
    if (!peer_) return;
    peer_->on_closed();
    peer_.reset();
    drop(way(To::kDevice));
    drop(way(To::kHub));
    world_.hub->forget(*this);
}

}  // namespace streetlog::sim
