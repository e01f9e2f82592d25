#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sync/change/record.hpp"
#include "sync/store/sqlite.hpp"

namespace streetlog::store {

/// What a person must hear of. Stored; never renumbered.
enum class AlarmKind : std::uint8_t {
    kPossibleCopy = 1,     // two holders of one device's database
    kHubFellBack = 2,      // this hub's log lost its end
    kForgery = 3,          // something was signed by nobody it should be signed by
    kEarlierReceipts = 4,  // records were here earlier than this log says
};

[[nodiscard]] std::string_view name_of(AlarmKind kind);

struct AlarmRow {
    std::int64_t id = 0;
    AlarmKind kind = AlarmKind::kPossibleCopy;
    DeviceId device;  // nil: the hub itself
    Instant first;
    Instant last;
    std::int64_t times = 1;
    std::string detail;  // of the last time
    std::optional<Instant> closed;
    std::string note;  // by whoever closed it
};

/// The log lost its end: records up to `lost` were there once, now it ends in `head`.
struct LossRow {
    std::uint64_t epoch = 0;
    Instant noticed;
    std::string how;
    HubSeq lost;
    HubSeq head;
};

/// Up to `seq` the hub gave this replica receipts for records that it does not have now.
struct GapRow {
    sync::Replica replica;
    std::uint64_t seq = 0;
    std::uint64_t epoch = 0;
    Instant opened;
    std::optional<Instant> closed;
    std::string how;  // it closed: filled, or why it was written off
};

/// Alarms and losses, in hub.db beside the log. They are this hub's own memory, not records: what a
/// backup does not have of them is noticed again. All calls throw StorageFailure; those that write
/// want a transaction of the caller.
class HubWatch {
  public:
    explicit HubWatch(Db& db) : db_(db) {}

    /// One alarm a kind and device is open at a time; the next one is counted in it.
    void raise(AlarmKind kind, const DeviceId& device, std::string_view detail, Instant now);
    [[nodiscard]] std::vector<AlarmRow> alarms();
    /// False when there is no such open alarm.
    [[nodiscard]] bool close_alarm(std::int64_t id, std::string_view note, Instant now);
    void close_alarms_of(const DeviceId& device, std::string_view note, Instant now);
    [[nodiscard]] std::int64_t open_alarms();

    [[nodiscard]] std::vector<LossRow> losses();
    void add_loss(const LossRow& loss);

    [[nodiscard]] std::vector<GapRow> gaps();
    [[nodiscard]] bool any_gap_open();
    /// Opens the gap, or widens it.
    void open_gap(const GapRow& gap);
    /// The replica's records are here up to `seq`.
    void fill_gaps(const sync::Replica& replica, std::uint64_t seq, Instant now);
    /// False when the replica has no open gap.
    [[nodiscard]] bool write_off(const sync::Replica& replica, std::string_view why, Instant now);

  private:
    Db& db_;
};

}  // namespace streetlog::store
