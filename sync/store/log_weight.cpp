#include "sync/store/log_weight.hpp"

namespace streetlog::store {
namespace {

/// Bytes between two marks; the step of hub_log_schema.cpp that weighs older logs has the same.
constexpr std::uint64_t kMarkEvery = 256 * 1024;

/// What a run and a record take in a page beside the body: receipt, signature and framing; three
/// times a record.
constexpr std::uint64_t kRunBytes = 240;
constexpr std::uint64_t kRecordBytes = 24;

std::uint64_t natural(std::int64_t n) { return static_cast<std::uint64_t>(n); }

}  // namespace

LogWeight::LogWeight(Db& db)
    : mark_(db.prepare("SELECT first_hub, bytes FROM log_mark WHERE first_hub <= ?1 "
                       "ORDER BY first_hub DESC LIMIT 1")),
      sum_(db.prepare("SELECT coalesce(sum(length(body) + ?3 * n + ?4), 0) FROM log_run "
                      "WHERE first_hub >= ?1 AND first_hub <= ?2")),
      add_mark_(db.prepare("INSERT INTO log_mark VALUES(?1, ?2)")) {}

LogWeight::End LogWeight::behind(HubSeq seq) {
    End out;
    std::int64_t first = 0;
    mark_.with(seq.value);
    if (mark_.step()) {
        first = mark_.integer(0);
        out.before_mark = natural(mark_.integer(1));
        mark_.reset();
    }
    sum_.with(first, seq.value, kRecordBytes, kRunBytes);
    if (sum_.step()) out.since_mark = natural(sum_.integer(0));
    sum_.reset();
    return out;
}

std::uint64_t LogWeight::up_to(HubSeq seq) {
    const End at = behind(seq);
    return at.before_mark + at.since_mark;
}

void LogWeight::add(HubSeq first, std::uint32_t count, std::size_t body_bytes) {
    if (!end_) end_ = behind({first.value - 1});
    if (end_->since_mark >= kMarkEvery) {
        *end_ = {end_->before_mark + end_->since_mark, 0};
        add_mark_.with(first.value, end_->before_mark).run();
    }
    end_->since_mark += body_bytes + kRecordBytes * count + kRunBytes;
}

}  // namespace streetlog::store
