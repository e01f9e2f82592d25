#pragma once

#include <functional>
#include <vector>

#include "sync/store/entity_states.hpp"
#include "sync/timeliness/verdict.hpp"

namespace streetlog::hub {

/// One judged record, as the table `verdict` has it.
struct LateRow {
    HubSeq hub_seq;
    sync::RecordKey record;
    sync::EventKind kind = sync::EventKind::kNone;
    sync::TimeSource source = sync::TimeSource::kNone;
    std::uint32_t user = 0;
    EntityId subject;  // the enrollment or client the record is about; nil: unknown
    Instant received;
    sync::OccurredTime interaction;
    Interval saved;
    sync::Judgement judgement;  // without the lags, which follow from the times
};

/// Numbers of a time span. Unproven is never counted as anything else.
struct LateCounts {
    std::uint64_t on_time = 0;
    std::uint64_t late = 0;
    std::uint64_t unproven = 0;
    std::uint64_t late_entry = 0;  // of the late ones, by cause
    std::uint64_t late_sync = 0;
};

/// The verdicts, given in the log's order under the rules the log held by then: so they come out
/// the same however often they are made again. Writes inside the caller's transaction.
class Lateness {
  public:
    Lateness(store::Db& db, store::DbReplicaNumbers& numbers, store::EntityStates& states);

    /// Judges a record that the log just gave; one without an interaction gets no row.
    void take(HubSeq hub_seq,
              const sync::Record& record,
              const sync::OccurredTime& interaction,
              const sync::SaveTime& save,
              Instant received);
    /// Rules that a record of the hub sets down.
    void learn(const sync::Record& record);
    void clear();
    /// Reads the rules anew; after a rollback.
    void load();

    [[nodiscard]] const std::vector<sync::Rule>& rules() const { return rules_; }

    [[nodiscard]] LateCounts counts();
    /// Verdicts of one sort in the log's order, after `after`; `take` says false to stop.
    void list(sync::Verdict which, HubSeq after, const std::function<bool(const LateRow&)>& take);

  private:
    [[nodiscard]] EntityId subject_of(const sync::Record& record);
    [[nodiscard]] const sync::Rule& rule_for(const sync::Record& record,
                                             const EntityId& subject,
                                             const sync::OccurredTime& interaction);

    store::Db& db_;
    store::DbReplicaNumbers& numbers_;
    store::EntityStates& states_;
    std::vector<sync::Rule> rules_;
    store::Stmt add_, list_;
};

/// Cells of a rule op, in column order; the id is the place of the rule in the list, from 2.
[[nodiscard]] std::vector<sync::Cell> rule_cells(const sync::Rule& rule);

}  // namespace streetlog::hub
