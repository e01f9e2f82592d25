#include "sync/store/hub_watch.hpp"

#include "sync/store/id_at.hpp"

namespace streetlog::store {
namespace {

std::optional<Instant> instant_at(const Stmt& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return Instant{row.integer(column)};
}

std::uint64_t natural(std::int64_t n) { return static_cast<std::uint64_t>(n); }

DeviceId device_at(const Stmt& row, int column) {
    DeviceId out;
    if (const auto blob = row.blob(column); blob.size() == out.bytes.size())
        std::ranges::copy(blob, out.bytes.begin());
    return out;
}

std::int64_t one(Db& db, const char* sql) {
    auto row = db.prepare(sql);
    const auto out = row.step() ? row.integer(0) : 0;
    row.reset();
    return out;
}

}  // namespace

std::string_view name_of(AlarmKind kind) {
    switch (kind) {
        case AlarmKind::kPossibleCopy:
            return "possible_copy";
        case AlarmKind::kHubFellBack:
            return "hub_fell_back";
        case AlarmKind::kForgery:
            return "forgery";
        case AlarmKind::kEarlierReceipts:
            return "earlier_receipts";
    }
    return "unknown";
}

void HubWatch::raise(AlarmKind kind, const DeviceId& device, std::string_view detail, Instant now) {
    db_.prepare(
           "INSERT INTO alarm(kind, device, first_ms, last_ms, times, detail) "
           "VALUES(?1, ?2, ?3, ?3, 1, ?4) ON CONFLICT(kind, device) WHERE closed_ms IS NULL "
           "DO UPDATE SET last_ms = ?3, times = times + 1, detail = ?4")
        .with(kind, BytesView{device.bytes}, now.ms, detail)
        .run();
}

std::vector<AlarmRow> HubWatch::alarms() {
    std::vector<AlarmRow> out;
    auto rows = db_.prepare(
        "SELECT id, kind, device, first_ms, last_ms, times, detail, closed_ms, note FROM alarm "
        "ORDER BY closed_ms IS NOT NULL, id");
    while (rows.step()) {
        AlarmRow& alarm = out.emplace_back();
        alarm.id = rows.integer(0);
        alarm.kind = static_cast<AlarmKind>(rows.integer(1));
        alarm.device = device_at(rows, 2);
        alarm.first = {rows.integer(3)};
        alarm.last = {rows.integer(4)};
        alarm.times = rows.integer(5);
        alarm.detail = rows.text(6);
        alarm.closed = instant_at(rows, 7);
        alarm.note = rows.text(8);
    }
    return out;
}

bool HubWatch::close_alarm(std::int64_t id, std::string_view note, Instant now) {
    db_.prepare("UPDATE alarm SET closed_ms = ?2, note = ?3 WHERE id = ?1 AND closed_ms IS NULL")
        .with(id, now.ms, note)
        .run();
    return db_.changes() > 0;
}

void HubWatch::close_alarms_of(const DeviceId& device, std::string_view note, Instant now) {
    db_.prepare(
           "UPDATE alarm SET closed_ms = ?2, note = ?3 WHERE device = ?1 AND closed_ms IS NULL")
        .with(BytesView{device.bytes}, now.ms, note)
        .run();
}

std::int64_t HubWatch::open_alarms() {
    return one(db_, "SELECT count(*) FROM alarm WHERE closed_ms IS NULL");
}

std::vector<LossRow> HubWatch::losses() {
    std::vector<LossRow> out;
    auto rows =
        db_.prepare("SELECT epoch, noticed_ms, how, lost_seq, head_seq FROM loss ORDER BY epoch");
    while (rows.step())
        out.push_back({natural(rows.integer(0)),
                       {rows.integer(1)},
                       std::string{rows.text(2)},
                       {natural(rows.integer(3))},
                       {natural(rows.integer(4))}});
    return out;
}

void HubWatch::add_loss(const LossRow& loss) {
    db_.prepare("INSERT INTO loss VALUES(?1, ?2, ?3, ?4, ?5)")
        .with(loss.epoch, loss.noticed.ms, loss.how, loss.lost.value, loss.head.value)
        .run();
}

std::vector<GapRow> HubWatch::gaps() {
    std::vector<GapRow> out;
    auto rows = db_.prepare(
        "SELECT device, incarnation, seq, epoch, opened_ms, closed_ms, how FROM gap "
        "ORDER BY closed_ms IS NOT NULL, opened_ms, device, incarnation");
    while (rows.step()) {
        GapRow& gap = out.emplace_back();
        gap.replica = {device_at(rows, 0), static_cast<std::uint32_t>(rows.integer(1))};
        gap.seq = natural(rows.integer(2));
        gap.epoch = natural(rows.integer(3));
        gap.opened = {rows.integer(4)};
        gap.closed = instant_at(rows, 5);
        gap.how = rows.text(6);
    }
    return out;
}

bool HubWatch::any_gap_open() {
    return one(db_, "SELECT EXISTS(SELECT 1 FROM gap WHERE closed_ms IS NULL)") != 0;
}

void HubWatch::open_gap(const GapRow& gap) {
    db_.prepare(
           "INSERT INTO gap(device, incarnation, seq, epoch, opened_ms) VALUES(?1, ?2, ?3, ?4, ?5) "
           "ON CONFLICT DO UPDATE SET seq = max(seq, ?3), closed_ms = NULL, how = ''")
        .with(BytesView{gap.replica.device.bytes},
              gap.replica.incarnation,
              gap.seq,
              gap.epoch,
              gap.opened.ms)
        .run();
}

void HubWatch::fill_gaps(const sync::Replica& replica, std::uint64_t seq, Instant now) {
    db_.prepare(
           "UPDATE gap SET closed_ms = ?4, how = 'filled' WHERE device = ?1 AND incarnation = ?2 "
           "AND "
           "seq <= ?3 AND closed_ms IS NULL")
        .with(BytesView{replica.device.bytes}, replica.incarnation, seq, now.ms)
        .run();
}

bool HubWatch::write_off(const sync::Replica& replica, std::string_view why, Instant now) {
    db_.prepare(
           "UPDATE gap SET closed_ms = ?4, how = ?3 WHERE device = ?1 AND incarnation = ?2 AND "
           "closed_ms IS NULL")
        .with(BytesView{replica.device.bytes}, replica.incarnation, why, now.ms)
        .run();
    return db_.changes() > 0;
}

}  // namespace streetlog::store
