#pragma once

#include "sync/change/codec.hpp"
#include "sync/store/hub_log.hpp"

/// Records inside the runs of the hub's log. All calls throw StorageFailure as the log's own do.
namespace streetlog::store {

/// The records of a run; the views point into `raw`.
struct RunRecords {
    Bytes raw;
    std::vector<sync::EncodedView> views;  // none when the run cannot be read
};

[[nodiscard]] RunRecords records_of(const LogRun& run);

/// One record where the log has it.
struct LoggedRecord {
    HubSeq at;
    sync::Receipt receipt;
    Hash head{};  // chain of its replica after it
    RunRecords run;
    std::size_t index = 0;  // in the run

    [[nodiscard]] const sync::EncodedView& view() const { return run.views[index]; }
};

/// None when the log does not have it, or its run cannot be read.
[[nodiscard]] std::optional<LoggedRecord> find_record(HubLog& log, const sync::RecordKey& key);

/// The record, if it was set aside and can be read: what a release puts in force. Of held ones the
/// hub itself says so, when a version of it understands them.
[[nodiscard]] std::optional<LoggedRecord> find_set_aside(HubLog& log, const sync::RecordKey& key);

/// The records that earlier receipts are of, again, with these: parts of the log's runs, whose
/// places stay. Not those of a run that cannot be read.
[[nodiscard]] std::vector<LogRun> runs_again(HubLog& log, const EarlierRow& earlier);

/// Whether a release of the record stands in the log before `at`.
[[nodiscard]] bool released_before(HubLog& log, const sync::RecordKey& key, HubSeq at);

/// The chain of `replica` after its record `seq`: zeros when the log does not have it, none inside
/// a run that was set aside unread.
[[nodiscard]] std::optional<Hash> chain_at(HubLog& log, const Replica& replica, std::uint64_t seq);

}  // namespace streetlog::store
