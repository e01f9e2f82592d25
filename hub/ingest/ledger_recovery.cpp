#include <algorithm>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

#include "hub/ingest/ledger.hpp"
#include "schema/planted.hpp"

/// The part of Ledger that knows that it, or a device, may be an older image of itself.
namespace streetlog::hub {
namespace {

std::uint64_t number_in(const std::optional<std::string>& text) {
    return text ? std::strtoull(text->c_str(), nullptr, 10) : 0;
}

}  // namespace

/// One transaction; when it fails memory is read anew, as after a failed group.
template <class Job>
Result<void> Ledger::in_one(Job&& job) {
    try {
        store::Txn txn{log_.db()};
        STREETLOG_CHECK(job());
        txn.commit();
        return {};
    } catch (const store::StorageFailure& failure) {
        reload();
        return std::unexpected(failure.to_error());
    }
}

/// At the start: whether the log is what it was, and who the hub is this time. It takes a new
/// incarnation at every start, so that neither a backup nor a copied disk makes it use a dot twice.
void Ledger::notice_loss(const LedgerSetup& setup) {
    epoch_ = number_in(log_.setting(kEpochSetting));
    const auto& mark = setup.high_water;
    const bool own = mark && mark->hub == self_.device;
    if (own) last_received_ = std::max(last_received_, mark->received);
    const bool fell_back = own && !log_.has(mark->head);
    const std::uint64_t restored = number_in(log_.setting(kUnseenRestoreSetting));

    const std::int64_t seconds = std::max(clock_->now(), last_received_).ms / 1000;
    std::uint64_t next =
        static_cast<std::uint64_t>(std::clamp<std::int64_t>(seconds, 0, 0xf000'0000));
    // The hub that was lost may have started in this very second.
    next += restored % 0x10000;
    std::uint64_t last = 0;
    for (const auto& row : log_.replicas_of(self_.device))
        last = std::max<std::uint64_t>(last, row.replica.incarnation);
    next = std::max(next, last + 1);
    STREETLOG_ASSERT(next <= std::numeric_limits<std::uint32_t>::max());
    if (planted(Bug::kIncarnationReused) && last > 0) next = last;
    self_.incarnation = static_cast<std::uint32_t>(next);

    if (!fell_back && restored == 0) return;
    store::Txn txn{log_.db()};
    begin_epoch(
        restored != 0 ? "restored from a backup" : "its log ends before its high-water mark",
        fell_back ? mark->head.seq : HubSeq{});
    log_.put_setting(kUnseenRestoreSetting, "");
    txn.commit();
}

/// Inside a transaction.
void Ledger::begin_epoch(std::string_view how, HubSeq lost) {
    const Instant now = std::max(clock_->now(), last_received_);
    ++epoch_;
    log_.put_setting(kEpochSetting, std::to_string(epoch_));
    store::HubWatch watch{log_.db()};
    watch.add_loss({epoch_, now, std::string{how}, lost, head_.seq});
    watch.raise(store::AlarmKind::kHubFellBack,
                {},
                fmt::format("{}; it ends at {}{}",
                            how,
                            head_.seq.value,
                            lost.value > 0 ? fmt::format(" and was at {}", lost.value) : ""),
                now);
}

Result<void> Ledger::note(const HelloFindings& found) {
    return in_one([&]() -> Result<void> {
        const Instant now = clock_->now();
        store::HubWatch watch{log_.db()};
        // What a device brings from before a loss that is known is part of that loss.
        const bool of_this_epoch =
            found.head ? found.head->epoch == epoch_ : watch.losses().empty();
        if (found.hub_fell_back && of_this_epoch)
            begin_epoch("a device knows more of this log than it has",
                        found.head ? found.head->head.seq : HubSeq{});
        if (found.receipt != 0) {
            watch.open_gap({found.replica, found.receipt, epoch_, now, {}, {}});
            gap_open_ = true;
        }
        if (!found.copy.empty())
            watch.raise(store::AlarmKind::kPossibleCopy, found.replica.device, found.copy, now);
        if (found.nonce == 0) return {};
        store::ReplicaRow& row = row_of(found.replica);
        row.nonce = std::max(row.nonce, found.nonce);
        log_.put_replica(row);
        return {};
    });
}

Result<void> Ledger::keep_nonce(const sync::Replica& replica, std::uint64_t number) {
    return in_one([&]() -> Result<void> {
        store::ReplicaRow& row = row_of(replica);
        row.nonce = std::max(row.nonce, number);
        log_.put_replica(row);
        return {};
    });
}

Result<std::uint32_t> Ledger::grant_incarnation(const sync::Replica& from, std::uint64_t common) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
    std::uint64_t highest = from.incarnation;
    const auto taken = [&](std::uint64_t incarnation) {
        return replicas_.contains({from.device, static_cast<std::uint32_t>(incarnation)});
    };
    for (const auto& [replica, row] : replicas_)
        if (replica.device == from.device)
            highest = std::max<std::uint64_t>(highest, replica.incarnation);
    std::uint64_t next = highest + 1;
    // The first was drawn at random and may have been the last there is.
    if (next > kMost)
        for (next = 1; taken(next) || next == from.incarnation;) ++next;
    const sync::Replica fresh{from.device, static_cast<std::uint32_t>(next)};
    STREETLOG_CHECK(in_one([&]() -> Result<void> {
        log_.put_replica(row_of(fresh));
        store::HubWatch{log_.db()}.raise(
            store::AlarmKind::kPossibleCopy,
            from.device,
            fmt::format("one of two goes on as incarnation {} after record {} of incarnation {}",
                        next,
                        common,
                        from.incarnation),
            clock_->now());
        return {};
    }));
    return fresh.incarnation;
}

Result<void> Ledger::raise(store::AlarmKind kind, const DeviceId& device, std::string_view detail) {
    return in_one([&]() -> Result<void> {
        store::HubWatch{log_.db()}.raise(kind, device, detail, clock_->now());
        return {};
    });
}

Result<void> Ledger::raise_once(store::AlarmKind kind,
                                const DeviceId& device,
                                std::string_view detail) {
    return in_one([&]() -> Result<void> {
        store::HubWatch watch{log_.db()};
        if (!watch.heard(kind, device, detail)) watch.raise(kind, device, detail, clock_->now());
        return {};
    });
}

Result<void> Ledger::close_alarm(std::int64_t id, std::string_view note) {
    return in_one([&]() -> Result<void> {
        if (store::HubWatch{log_.db()}.close_alarm(id, note, clock_->now())) return {};
        return fail(ErrorCode::kNotFound,
                    fmt::format("there is no open alarm {}", id),
                    "See streetlog-hub alarms");
    });
}

Result<void> Ledger::write_off(const sync::Replica& replica, std::string_view why) {
    return in_one([&]() -> Result<void> {
        store::HubWatch watch{log_.db()};
        if (!watch.write_off(replica, why, clock_->now()))
            return fail(ErrorCode::kNotFound,
                        "nothing is missing of that device and incarnation",
                        "See streetlog-hub recovery");
        gap_open_ = watch.any_gap_open();
        return {};
    });
}

}  // namespace streetlog::hub
