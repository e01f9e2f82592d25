#include <algorithm>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

#include "hub/ingest/ledger.hpp"
#include "schema/planted.hpp"
#include "sync/session/earlier.hpp"
#include "sync/store/log_records.hpp"

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
    STREETLOG_CHECK(read_again());
    try {
        store::Txn txn{log_.db()};
        STREETLOG_CHECK(job());
        txn.commit();
        return {};
    } catch (const store::StorageFailure& failure) {
        stale_ = true;
        (void)read_again();
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
    if (own) next = std::max<std::uint64_t>(next, std::uint64_t{mark->incarnation} + 1);
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
    STREETLOG_CHECK(read_again());
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

/// Whether the receipt is before what the log goes by, for any of its records.
bool Ledger::is_earlier(const sync::RunReceipt& receipt) {
    const auto last = store::chain_at(log_, receipt.replica, receipt.last_seq);
    if (!last || *last != receipt.last_hash) return false;
    for (std::uint64_t seq = receipt.first_seq; seq <= receipt.last_seq;) {
        const auto run = log_.run_of(receipt.replica, seq);
        if (!run) return false;
        for (; seq <= std::min(run->last_seq(), receipt.last_seq); ++seq) {
            const std::size_t i = seq - run->first_seq;
            const auto counts = log_.earlier().smallest({receipt.replica, seq},
                                                        {run->first_hub.value + i},
                                                        run->receipt.of(i),
                                                        {head_.seq.value + 1});
            if (receipt.of(seq).place < counts.place) return true;
        }
    }
    return false;
}

/// After another loss it may come back before the records it is of, or where others have their
/// numbers: then it says nothing, and whoever has the receipt brings it again.
void Ledger::learn_earlier(const sync::RunReceipt& receipt, HubSeq at) {
    const auto last = store::chain_at(log_, receipt.replica, receipt.last_seq);
    if (last && *last == receipt.last_hash)
        log_.earlier().add({receipt.replica, receipt.first_seq, sync::span_of(receipt), at});
}

Result<std::size_t> Ledger::adopt_earlier(std::span<const sync::RunReceipt> receipts) {
    std::size_t adopted = 0;
    for (const sync::RunReceipt& receipt : receipts) {
        STREETLOG_TRY(const bool counts,
                      store::guarded_job([&]() -> Result<bool> { return is_earlier(receipt); }));
        if (!counts) continue;
        // One at a time, so that no run of the hub's own has more to bring again than fits a page.
        STREETLOG_TRY([[maybe_unused]] const auto key, author({}, {sync::earlier_op(receipt)}));
        ++adopted;
    }
    return adopted;
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
