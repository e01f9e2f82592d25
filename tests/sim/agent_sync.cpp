#include <fmt/format.h>

#include "tests/sim/agent.hpp"
#include "tests/sim/hub.hpp"

/// The device and its hub: sessions one after the other, as agent/sync/runner.cpp has them.
namespace streetlog::sim {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr int kSessionsAnHour = 400;

}  // namespace

void SimAgent::set_link(const Link& next) {
    const bool was_up = link.up;
    link = next;
    if (!link.up) return;
    if (connection_) connection_->resume();
    if (!was_up && !session_) sync_when(Millis{dice_.between(0, 5'000)});
}

void SimAgent::sync_when(Millis wait) {
    waiting_ = true;
    world_.events.in(wait, [this, wait_number = ++wait_, life = life_] {
        if (wait_number != wait_ || life != life_) return;
        waiting_ = false;
        connect();
    });
}

void SimAgent::sync_now() {
    if (awake() && !session_) sync_when(Millis{0});
}

void SimAgent::retry() {
    if (running() && !waiting_) sync_when(backoff_.next());
}

void SimAgent::connect() {
    if (session_ || !running()) return;
    if (!awake() || !link.up || !world_.hub->running()) return retry();
    if (store_->bootstrap_due()) return work_soon(), retry();  // first what was begun
    watch();
    if (!running()) return;
    ++world_.out.sessions;
    count_session();
    const auto connection = std::make_shared<SimConnection>(world_, *this, world_.out.sessions);
    connection_ = connection;
    sync::AgentSessionConfig config;
    config.bundle = 1;
    config.app_version = "sim";
    config.key = signing;
    config.hub_key = store_->settings().hub_key;
    config.features = sync::kFeatureIndex;
    if (world_.extras.snapshots) {
        if (store_->loads_snapshots()) config.features |= sync::kFeatureSnapshots;
        slow_steps_ = dice_.chance(300);
    }
    if (dice_.chance(300))
        config.batch_records_max = static_cast<std::uint32_t>(dice_.between(1, 4));
    if (dice_.chance(300))
        config.pull_window_bytes = static_cast<std::uint64_t>(dice_.between(512, 16 * 1024));
    session_ = std::make_unique<agent::DeviceSession>(
        agent::DeviceSession::Sides{*store_, *witness_, clock, world_.log},
        config,
        [this, connection](sync::Send&& message) -> Result<void> {
            if (disk.crashed()) return fail(ErrorCode::kUnavailable, "the device is down");
            return connection->send_from_device(std::move(message));
        },
        world_.extras.snapshots ? agent::DeviceSession::Work::kInSteps
                                : agent::DeviceSession::Work::kAtOnce);
    world_.hub->adopt(connection);
    connection->open();
}

void SimAgent::count_session() {
    if (world_.now() - busy_since_ > Millis{kHourMs}) {
        busy_since_ = world_.now();
        sessions_ = 0;
    }
    if (++sessions_ > kSessionsAnHour)
        Truth::broken(
            fmt::format("{} connects again and again, {} times in an hour", name_, sessions_));
}

void SimAgent::step_session() {
    if (!session_) return;
    const bool goes_on = session_->act();
    if (session_ && session_->let_in()) backoff_.reset();
    if (!goes_on || session_->done()) return end_session();
    work_soon();
}

void SimAgent::end_session() {
    if (!session_) return;
    const auto ended = std::move(session_);
    const auto connection = std::exchange(connection_, nullptr);
    if (connection) connection->close_from_device();
    if (!ended->outcome())
        world_.say(fmt::format("{}: {}", name_, ended->outcome().error().message));
    if (disk.crashed()) return;
    (void)ended->settle();
    if (!ended->outcome() && !disk.crashed()) check_memory();
    if (ended->again_at_once() && !disk.crashed()) return sync_when(Millis{0});
    const auto after = ended->retry_after();
    if (!disk.crashed()) sync_when(after && after->count() > 0 ? *after : backoff_.next());
}

void SimAgent::on_message(SimConnection& from, sync::BytesView bytes) {
    if (&from != connection_.get() || !running()) return;
    if (clock.suspended()) resume();  // the radio wakes it
    watch();
    act([&] {
        session_->on_message(bytes);
        step_session();
    });
}

void SimAgent::on_closed(SimConnection& from, std::string_view why) {
    if (&from != connection_.get() || !running()) return;
    watch();
    act([&] {
        session_->on_closed({ErrorCode::kUnavailable, std::string{why}, {}});
        step_session();
    });
}

}  // namespace streetlog::sim
