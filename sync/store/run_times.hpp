#pragma once

#include <vector>

#include "schema/error.hpp"
#include "sync/timeliness/interval.hpp"

namespace streetlog::store {

/// What the hub found out once, at first ingest, about when a record happened; its receipt holds
/// when it was saved. Kept beside the run, because it leans on the session's probes, which are gone
/// later.
struct RecordTimes {
    sync::OccurredTime interaction;
    std::uint32_t save_flags = 0;

    friend bool operator==(const RecordTimes&, const RecordTimes&) = default;
};

/// `base` is the run's received time: the intervals are near it.
[[nodiscard]] sync::Bytes encode_times(const std::vector<RecordTimes>& times, Instant base);
[[nodiscard]] Result<std::vector<RecordTimes>> decode_times(sync::BytesView bytes, Instant base);

[[nodiscard]] sync::Bytes encode_clock(const sync::ReplicaClock& clock);
/// Empty bytes are a clock never seen.
[[nodiscard]] Result<sync::ReplicaClock> decode_clock(sync::BytesView bytes);

}  // namespace streetlog::store
