#pragma once

#include <functional>
#include <optional>

#include "schema/log.hpp"
#include "schema/ports.hpp"
#include "sync/session/agent_session.hpp"
#include "sync/store/agent_store.hpp"
#include "sync/timeliness/evidence.hpp"

namespace streetlog::agent {

/// One session of the device with its hub, without the connection: carries out what AgentSession
/// decides on the store and the clock witness, and hands over what is to be sent. Feed it what
/// happens, then call act(). One thread, the store's.
class DeviceSession {
  public:
    struct Sides {
        store::AgentStore& store;
        sync::ClockWitness& witness;
        Clock& clock;
        Logger& log;
    };

    using SendTo = std::function<Result<void>(sync::Send&&)>;

    /// Loading a snapshot takes seconds. kAtOnce: act() does it as far as it can. kInSteps: the
    /// caller does it by work(), a few milliseconds each time, and lets people save in between.
    enum class Work : std::uint8_t { kAtOnce, kInSteps };

    DeviceSession(const Sides& sides,
                  const sync::AgentSessionConfig& config,
                  SendTo send,
                  Work work = Work::kAtOnce);

    void on_message(sync::BytesView message);
    void on_closed(const Error& why);
    /// There are new records.
    void on_saved();
    /// Call every 15 minutes: has the clocks compared again.
    void on_timer();
    /// Says goodbye.
    void stop();

    /// Carries out everything decided so far. False when the session is over; outcome() then says
    /// how.
    [[nodiscard]] bool act();

    [[nodiscard]] bool work_due() const;
    /// One step of it; then call act(). False when the session is over.
    [[nodiscard]] bool work();

    /// Finishes loading, tells the states which receipts came and writes the WAL back. Call once,
    /// after the end.
    [[nodiscard]] Result<void> settle();

    [[nodiscard]] bool done() const { return session_.done(); }

    /// Clocks compared, everything pushed and pulled, and what is carried handed over.
    [[nodiscard]] bool in_step() const;

    /// What the hub answered when it let us in.
    [[nodiscard]] const std::optional<sync::HelloAck>& let_in() const { return let_in_; }

    /// Why it ended: an error, unless stop() ended it.
    [[nodiscard]] const Result<void>& outcome() const { return outcome_; }

    /// The hub said when to come again.
    [[nodiscard]] std::optional<Millis> retry_after() const { return retry_after_; }

    /// It set something right; what it was for needs another session, which may begin at once.
    [[nodiscard]] bool again_at_once() const { return at_once_; }

    /// Trying again will not help.
    [[nodiscard]] bool needs_a_person() const { return needs_a_person_; }

  private:
    /// False when the session is over.
    [[nodiscard]] bool carry_out(sync::AgentAction& action);
    [[nodiscard]] bool end(Error error);
    [[nodiscard]] bool act_once();
    [[nodiscard]] bool tell_earlier();

    Sides sides_;
    SendTo send_;
    Work work_;
    sync::AgentSession session_;
    std::optional<sync::HelloAck> let_in_;
    std::optional<Millis> retry_after_;
    Result<void> outcome_;
    bool needs_a_person_ = false;
    bool at_once_ = false;
    bool looked_for_earlier_ = false;
    bool compared_ = false;  // the first round of time probes is over
};

}  // namespace streetlog::agent
