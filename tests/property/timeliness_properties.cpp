// A device lives through a random script of work, sleep, clock setting, reboots and meetings with
// the hub, and the truth is known to the microsecond. Whatever the wall clock shows, an honest boot
// clock must bracket the truth and no verdict may contradict it.

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "sync/change/hlc.hpp"
#include "sync/timeliness/evidence.hpp"
#include "sync/timeliness/verdict.hpp"

namespace streetlog::sync {
namespace {

constexpr std::int64_t kSecond = 1'000'000;  // microseconds, as all times of the simulation
constexpr std::int64_t kHour = 3600 * kSecond;
constexpr std::int64_t kStart = 1'795'420'800 * kSecond;

enum class Act : std::uint8_t { kWork, kSleep, kSetWall, kReboot, kRestart, kNow, kSave, kMeet };

struct Step {
    Act act = Act::kWork;
    std::int64_t amount = 0;  // 0 .. 999'999, scaled by the act
    std::int64_t error = 0;   // -1000 .. 1000: of the clock, in thousandths of what is allowed
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
    return out << '{' << static_cast<int>(step.act) << ", " << step.amount << ", " << step.error
               << '}';
}

struct Pending {
    Header header;
    std::int64_t saved = 0;
    std::optional<std::int64_t> pressed;  // when "Now" was
};

struct Tally {
    int by_boot_clock = 0;
    int by_wall = 0;
    std::array<int, 4> verdicts{};
};

class Device {
  public:
    void run(const Step& step) {
        switch (step.act) {
            case Act::kWork:
                return pass(step.amount * kHour / 50'000, step.error);  // to 20 h
            case Act::kSleep:
                return sleep(step);
            case Act::kSetWall:
                wall_offset_ += (step.error * 3650 * 24 / 1000) * kHour;
                return;
            case Act::kReboot:
                return reboot(step);
            case Act::kRestart:
                witness_ = ClockWitness(witness_.anchor());
                return;
            case Act::kNow:
                pressed_ = Pressed{read(), witness_.witness(read()), truth_};
                return;
            case Act::kSave:
                return save();
            case Act::kMeet:
                return meet(step);
        }
    }

    [[nodiscard]] const Tally& tally() const { return tally_; }

  private:
    struct Pressed {
        ClockReading reading;
        ClockEvidence clock;
        std::int64_t truth = 0;
    };

    ClockReading read() const {
        return {Instant{(truth_ + wall_offset_) / 1000},
                boot_id_,
                static_cast<std::uint64_t>(boot_ / 1000),
                static_cast<std::uint64_t>(suspended_ / 1000)};
    }

    /// `measured` passes by the boot clock, which is off by up to 100 ppm.
    void pass(std::int64_t measured, std::int64_t error) {
        boot_ += measured;
        truth_ += measured + measured / 10'000 * error / 1000;
    }

    /// Up to 14 hours; off by up to 0.1 % and two seconds. The program may be down meanwhile.
    void sleep(const Step& step) {
        const std::int64_t measured = 62 * kSecond + step.amount * kHour / 71'000;
        const bool watching = step.amount % 3 != 0;
        if (watching) witness_.observe(read());
        boot_ += measured;
        suspended_ += measured;
        truth_ += measured + (measured / 1000 + 2 * kSecond) * step.error / 1000;
        if (!watching) witness_ = ClockWitness(witness_.anchor());
        witness_.observe(read());
    }

    void reboot(const Step& step) {
        truth_ += step.amount * kHour / 100'000;
        ++boot_id_;
        boot_ = step.amount;
        suspended_ = 0;
        if (step.error > 700) wall_offset_ = -truth_;  // a flat battery: 1970
        witness_ = ClockWitness(witness_.anchor());
        witness_.observe(read());
    }

    void save() {
        const ClockReading now = read();
        Pending out;
        out.header.seq = ++seq_;
        out.header.kind = EventKind::kContact;
        out.header.recorded = now.wall;
        out.header.clock = witness_.witness(now);
        if (pressed_) {
            out.header.source = TimeSource::kLive;
            out.header.occurred = pressed_->reading.wall;
            out.header.occurred_clock = pressed_->clock;
            out.pressed = pressed_->truth;
            pressed_.reset();
        }
        out.saved = truth_;
        pending_.push_back(std::move(out));
    }

    /// Four probes with one-way delays of up to two seconds, then everything unsent.
    void meet(const Step& step) {
        std::vector<TimeProbe> probes;
        std::vector<HubProbe> at_hub;
        std::int64_t answered = truth_;
        std::int64_t delay = step.amount;
        const auto travel = [&] {
            delay = (delay * 48'271 + 11) % 2'000'003;
            pass(delay, step.error);
        };
        travel();  // the hub's greeting
        for (int i = 0; i < 4; ++i) {
            TimeProbe probe;
            probe.sent_boot_ms = read().boottime_ms;
            travel();
            probe.hub_ms = truth_ / 1000;
            at_hub.push_back({Instant{answered / 1000}, probe.sent_boot_ms, Instant{probe.hub_ms}});
            answered = truth_;
            travel();
            probe.received_boot_ms = read().boottime_ms;
            probes.push_back(probe);
        }
        const ClockEvidence clock = witness_.witness(read());
        std::optional<SessionClock> session;
        if (step.amount % 2 == 0)
            session =
                session_clock_from_probes(at_hub, boot_id_, clock.suspended_ms, clock.suspends);
        for (const Pending& record : pending_) check(record, session);
        pending_.clear();
        RC_ASSERT(witness_.learn(probes, read()));
    }

    static bool by_boot_clock(const ClockEvidence& clock,
                              const std::optional<SessionClock>& session) {
        return (session && session->boot_id == clock.boot_id) ||
               (clock.anchor_hub_ms > 0 && clock.anchor_boot_id == clock.boot_id);
    }

    static void assert_inside(const Interval& bracket, std::int64_t truth) {
        RC_ASSERT(bracket.lo.ms * 1000 <= truth);
        RC_ASSERT(truth / 1000 <= bracket.hi.ms);
    }

    void check(const Pending& record, const std::optional<SessionClock>& session) {
        const Header& header = record.header;
        const Instant received{truth_ / 1000};
        const SaveTime save = locate_save(header, received, session, known_);
        const OccurredTime interaction =
            locate_interaction(header, received, session, known_, save);
        if (by_boot_clock(header.clock, session)) {
            ++tally_.by_boot_clock;
            RC_ASSERT((save.flags & TimeFlags::kContradiction) == 0U);
            assert_inside(save.saved, record.saved);
        } else {
            ++tally_.by_wall;
        }
        known_ = remember(known_, header, save);
        RC_ASSERT(known_.floor.ms * 1000 <= record.saved);

        const bool proven_save =
            (save.flags & TimeFlags::kFromWall) == 0U || by_boot_clock(header.clock, session);
        if (!record.pressed || !proven_save || !by_boot_clock(*header.occurred_clock, session))
            return;
        assert_inside(interaction.occurred, *record.pressed);
        const Judgement out = judge(header, interaction, save, received, default_rule());
        ++tally_.verdicts.at(static_cast<std::size_t>(out.verdict));
        const bool late = received.ms * 1000 - *record.pressed > 24 * kHour;
        if (out.verdict == Verdict::kOnTime) RC_ASSERT(!late);
        if (out.verdict == Verdict::kLate) RC_ASSERT(late);
    }

    std::int64_t truth_ = kStart;
    std::int64_t boot_ = 0;
    std::int64_t suspended_ = 0;
    std::int64_t wall_offset_ = 0;
    std::uint64_t boot_id_ = 1;
    std::uint64_t seq_ = 0;
    ClockWitness witness_{std::nullopt};
    std::optional<Pressed> pressed_;
    std::vector<Pending> pending_;
    ReplicaClock known_;
    Tally tally_;
};

rc::Gen<Step> any_step() {
    const auto act = rc::gen::weightedElement<Act>({{6, Act::kWork},
                                                    {3, Act::kSleep},
                                                    {1, Act::kSetWall},
                                                    {1, Act::kReboot},
                                                    {1, Act::kRestart},
                                                    {5, Act::kNow},
                                                    {6, Act::kSave},
                                                    {3, Act::kMeet}});
    return rc::gen::build<Step>(rc::gen::set(&Step::act, act),
                                rc::gen::set(&Step::amount, rc::gen::inRange(0, 1'000'000)),
                                rc::gen::set(&Step::error, rc::gen::inRange(-1000, 1001)));
}

TEST(TimelinessProperties, AnHonestBootClockBracketsTheTruthAndNoVerdictContradictsIt) {
    Tally all;
    const bool held = rc::check("truth inside, verdict right", [&all] {
        const auto script =
            *rc::gen::resize(200, rc::gen::container<std::vector<Step>>(any_step()));
        Device device;
        for (const Step& step : script) device.run(step);
        device.run({Act::kMeet, *rc::gen::inRange(0, 1'000'000), 0});
        all.by_boot_clock += device.tally().by_boot_clock;
        all.by_wall += device.tally().by_wall;
        for (std::size_t i = 0; i < all.verdicts.size(); ++i)
            all.verdicts.at(i) += device.tally().verdicts.at(i);
    });
    EXPECT_TRUE(held);
    // The scripts reach what the property is about.
    EXPECT_GT(all.by_boot_clock, 100);
    EXPECT_GT(all.by_wall, 20);
    EXPECT_GT(all.verdicts.at(static_cast<std::size_t>(Verdict::kOnTime)), 50);
    EXPECT_GT(all.verdicts.at(static_cast<std::size_t>(Verdict::kLate)), 20);
}

TEST(TimelinessProperties, TheHubsStampNeverPutsAnEarlierSaveAfterALaterOne) {
    EXPECT_TRUE(rc::check("clamp is monotone", [] {
        const auto stamp = [] { return HlcStamp{*rc::gen::arbitrary<std::uint64_t>()}; };
        std::array<std::int64_t, 4> ends{};
        for (std::int64_t& end : ends) end = *rc::gen::inRange<std::int64_t>(-5, 1LL << 41);
        std::ranges::sort(ends);
        const Interval earlier{Instant{ends[0]}, Instant{ends[1]}};
        const Interval later{Instant{ends[2]}, Instant{ends[3]}};
        const HlcStamp a = stamp();
        const HlcStamp b = stamp();
        RC_ASSERT(clamp_hlc(std::min(a, b), earlier) <= clamp_hlc(std::max(a, b), earlier));
        if (earlier.hi < later.lo && later.lo.ms > 0)
            RC_ASSERT(clamp_hlc(a, earlier) < clamp_hlc(b, later));
        const Interval overlapping{earlier.lo, later.hi};
        RC_ASSERT(clamp_hlc(a, earlier) <= clamp_hlc(a, {later.lo, later.hi}));
        RC_ASSERT(clamp_hlc(a, overlapping) <= clamp_hlc(a, {later.lo, later.hi}));
    }));
}

TEST(TimelinessProperties, AVerdictNeverGetsBetterByArrivingLater) {
    EXPECT_TRUE(rc::check("later arrival, no better verdict", [] {
        const auto time = [] { return *rc::gen::inRange<std::int64_t>(0, 400'000'000); };
        const auto bracket = [&] {
            const std::int64_t lo = time();
            return Interval{Instant{lo}, Instant{lo + time() / 8}};
        };
        Header header;
        header.kind = EventKind::kContact;
        header.source = TimeSource::kLive;
        const OccurredTime interaction{
            bracket(), *rc::gen::element(0U, TimeFlags::kContradiction, TimeFlags::kFuture)};
        const SaveTime save{bracket(), 0};
        const auto rank = [&](Instant received) {
            switch (judge(header, interaction, save, received, default_rule()).verdict) {
                case Verdict::kOnTime:
                    return 0;
                case Verdict::kUnproven:
                    return 1;
                default:
                    return 2;
            }
        };
        const Instant received{time()};
        RC_ASSERT(rank(received) <= rank(received + Millis{time()}));
    }));
}

}  // namespace
}  // namespace streetlog::sync
