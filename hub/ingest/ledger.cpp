#include "hub/ingest/ledger.hpp"

#include <algorithm>
#include <ranges>
#include <unordered_set>

#include "hub/feed/audience.hpp"
#include "hub/feed/page_weight.hpp"
#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "schema/planted.hpp"
#include "sync/session/earlier.hpp"
#include "sync/session/evidence.hpp"
#include "sync/store/log_records.hpp"
#include "sync/store/run_times.hpp"

namespace streetlog::hub {
namespace {

constexpr std::uint32_t kSchemaBundle = 1;

/// Acts that only the hub may author.
bool hub_only(const sync::OpShape& op) {
    if (static_cast<std::uint16_t>(op.kind) >= static_cast<std::uint16_t>(sync::OpKind::kDevice))
        return true;
    if (op.kind == sync::OpKind::kLink || op.kind == sync::OpKind::kUnlink ||
        op.kind == sync::OpKind::kResolve)
        return true;
    const auto* group = hud::find_group(op.group);
    if (group == nullptr) return false;
    return group->writer == hud::Writer::kHub || group->scope == hud::Scope::kHub ||
           group->scope == hud::Scope::kReference;
}

/// The part of a run from record `from`, framed anew. Only for runs that overlap what is known, or
/// come back after a restore.
PreparedRun part_of(const PreparedRun& run, std::size_t from, std::size_t to) {
    PreparedRun part;
    part.replica = run.replica;
    part.first_seq = run.first_seq + from;
    part.prev = from == 0 ? run.prev : run.records[from - 1].chain;
    part.session = run.session;
    part.authored_here = run.authored_here;
    part.unproven = run.unproven;
    if (to == run.records.size()) part.signature = run.signature;
    part.records.assign(run.records.begin() + static_cast<std::ptrdiff_t>(from),
                        run.records.begin() + static_cast<std::ptrdiff_t>(to));
    const auto views = std::span{run.views}.subspan(from, to - from);
    part.raw = std::make_shared<const sync::Bytes>(sync::encode_batch(views));
    auto packed = sync::pack(*part.raw);
    part.encoding = packed.encoding;
    part.raw_bytes = packed.raw_bytes;
    part.body = std::move(packed.body);
    auto decoded = sync::decode_batch(*part.raw);
    STREETLOG_ASSERT(decoded.has_value());
    part.views = *std::move(decoded);
    return part;
}

std::size_t weight_of(const PreparedRun& run, std::size_t i) {
    const auto& shape = run.records[i].shape;
    return page_weight(run.views[i],
                       shape ? shape->edge_bytes : sync::bytes_of(sync::edges_of(run.views[i])));
}

/// End of the stretch from `from` that becomes one run of the log: whose receipts are consecutive,
/// or of records without one, and which fits into a page whatever of it is set aside.
std::size_t stretch_end(const PreparedRun& run, std::size_t from) {
    const auto& first = run.records[from].receipt;
    std::size_t weight = weight_of(run, from);
    std::size_t to = from + 1;
    for (; to < run.records.size(); ++to) {
        const auto& r = run.records[to].receipt;
        if (r.has_value() != first.has_value()) break;
        if (r && (r->place.received != first->place.received ||
                  r->place.seq.value != first->place.seq.value + (to - from)))
            break;
        weight += weight_of(run, to);
        if (weight > kRunWeightMax) break;
    }
    return to;
}

/// Most records, and bytes of them, in one run of the hub's own: a run travels whole, so it must
/// fit a message like any device's.
constexpr std::size_t kOwnRunRecordsMax = 500;
constexpr std::size_t kOwnRunBytesMax = 128 * 1024;

/// End of the run that begins at `from`; at least one record. What every device is told and what
/// only some are never share one, since runs travel whole.
std::size_t run_end(std::span<const sync::EncodedRecord> records,
                    const std::vector<bool>& for_all,
                    std::size_t from) {
    std::size_t bytes = 0;
    std::size_t to = from;
    while (to < records.size() && to - from < kOwnRunRecordsMax && for_all[to] == for_all[from]) {
        bytes += records[to].header.size();
        for (const auto& op : records[to].ops) bytes += op.size();
        if (to > from && bytes > kOwnRunBytesMax) break;
        ++to;
    }
    return to;
}

/// The cells of an op by column; an absent one reads as the type's zero.
struct CellsOf {
    const std::vector<sync::Cell>& cells;

    template <class T>
    [[nodiscard]] T get(std::uint16_t column) const {
        for (const auto& cell : cells) {
            if (cell.column != column) continue;
            if (const T* value = std::get_if<T>(&cell.value)) return *value;
        }
        return T{};
    }
};

}  // namespace

Result<Ledger> Ledger::open(const std::filesystem::path& directory,
                            Clock& clock,
                            const LedgerSetup& setup) {
    STREETLOG_TRY(auto log, store::HubLog::open(directory, store::Access::kWrite));
    return store::guarded_job([&]() -> Result<Ledger> {
        Ledger ledger{std::move(log), clock};
        const auto id = ledger.log_.setting("hub");
        if (!id)
            return fail(ErrorCode::kNotFound,
                        "this directory holds no hub",
                        "Make one with: streetlog-hub init");
        const auto device = parse_id<DeviceId>(*id);
        if (!device)
            return fail(ErrorCode::kDamaged, "the hub's id in its database cannot be read");
        ledger.self_.device = *device;
        ledger.reload();
        ledger.key_ = setup.key;
        ledger.notice_loss(setup);
        return ledger;
    });
}

void Ledger::reload() {
    log_.forget();
    EntityIndex entities;
    const auto count = static_cast<std::size_t>(log_.entity_count());
    entities.reserve(count + count / 4 + 4096);
    log_.scan_entities([&](std::int64_t eno, const EntityId& id) {
        const auto number = entities.add(id);
        STREETLOG_ASSERT(number == eno);
    });
    auto replicas = log_.replicas();
    head_ = log_.head();
    gap_open_ = store::HubWatch{log_.db()}.any_gap_open();
    if (head_.seq.value > 0) {
        if (const auto run = log_.run_at(head_.seq))
            last_received_ = std::max(last_received_, run->receipt.first.received);
    }
    entities_ = std::move(entities);
    replicas_.clear();
    clocks_.clear();
    for (auto& row : replicas) {
        if (auto clock = store::decode_clock(row.clock)) clocks_[row.replica] = *clock;
        replicas_.emplace(row.replica, std::move(row));
    }
}

Result<void> Ledger::read_again() {
    if (!stale_) return {};
    STREETLOG_CHECK(store::guarded_job([&]() -> Result<void> {
        reload();
        return {};
    }));
    stale_ = false;
    return {};
}

std::optional<store::ReplicaRow> Ledger::replica(const sync::Replica& replica) const {
    const auto at = replicas_.find(replica);
    if (at == replicas_.end()) return std::nullopt;
    return at->second;
}

store::ReplicaRow& Ledger::row_of(const sync::Replica& replica) {
    auto [at, fresh] = replicas_.try_emplace(replica);
    if (fresh) {
        // Not as many as there are: one that brought nothing to keep has its number here alone.
        const auto highest =
            std::ranges::max(replicas_ | std::views::values, {}, &store::ReplicaRow::no).no;
        at->second.no = highest + 1;
        at->second.replica = replica;
    }
    return at->second;
}

Result<std::vector<IngestResult>> Ledger::ingest(std::vector<PreparedRun>& group) {
    STREETLOG_CHECK(read_again());
    std::vector<IngestResult> results(group.size());
    const store::HubHead before = head_;
    try {
        // Stamped once a group, never going back.
        const Instant received = planted(Bug::kReceivedGoesBack)
                                     ? clock_->now()
                                     : std::max(clock_->now(), last_received_);
        {
            store::Txn txn{log_.db()};
            for (std::size_t i = 0; i < group.size(); ++i) take_run(group[i], received, results[i]);
            txn.commit();
        }
        last_received_ = received;
        for (std::size_t i = 0; i < group.size(); ++i) {
            results[i].acked_seq = row_of(group[i].replica).acked_seq;
            results[i].head = head_;
        }
        constexpr int kWalPages =
            2000;  // longer WALs make single commits stall (sync/store/DESIGN.md)
        // What is committed is stored, whatever becomes of the checkpoint; the next commit tries it
        // again.
        if (log_.db().wal_pages() > kWalPages)
            (void)store::guarded_job([&]() -> Result<int> { return log_.db().checkpoint(); });
        return results;
    } catch (const store::StorageFailure& failure) {
        if (planted(Bug::kMemoryAheadOfDisk)) return std::unexpected(failure.to_error());
        head_ = before;
        stale_ = true;
        (void)read_again();
        return std::unexpected(failure.to_error());
    }
}

void Ledger::take_run(PreparedRun& whole, Instant received, IngestResult& result) {
    store::ReplicaRow& row = row_of(whole.replica);
    if (whole.records.empty()) return;
    if (whole.first_seq > row.acked_seq + 1) {
        result.outcome = IngestResult::Outcome::kGap;
        return;
    }
    if (planted(Bug::kRefusedSkewedClock) && whole.records.front().shape &&
        whole.records.front().shape->header.recorded > received + Millis{120'000}) {
        result.outcome = IngestResult::Outcome::kGap;
        return;
    }
    if (whole.first_seq <= row.acked_seq && !cut_known(whole, row, result)) return;
    if (whole.prev != row.acked_hash) {
        result.outcome = IngestResult::Outcome::kForked;
        return;
    }
    if (planted(Bug::kBlockingQuarantine))
        for (std::size_t i = 0; i < whole.records.size(); ++i)
            if (check(whole, i) != sync::StatusCode::kNone) {
                result.outcome = IngestResult::Outcome::kGap;
                return;
            }
    for (std::size_t from = 0; from < whole.records.size();) {
        const std::size_t to = stretch_end(whole, from);
        if (from == 0 && to == whole.records.size()) {
            append_run(whole, row, received, result);
        } else {
            PreparedRun part = part_of(whole, from, to);
            append_run(part, row, received, result);
        }
        from = to;
    }
}

bool Ledger::cut_known(PreparedRun& run, const store::ReplicaRow& row, IngestResult& result) {
    const std::uint64_t last_known = std::min(row.acked_seq, run.last_seq());
    // In the middle of a run that could not be read there is nothing to compare with: what the hub
    // took custody of stays, and counts as the same.
    const auto mine = store::chain_at(log_, run.replica, last_known);
    if (mine && *mine != run.records[last_known - run.first_seq].chain) {
        result.outcome = IngestResult::Outcome::kForked;
        return false;
    }
    add_known_receipts(run.replica, run.first_seq, last_known, result);
    if (last_known == run.last_seq()) return false;
    run = part_of(run, last_known + 1 - run.first_seq, run.records.size());
    return true;
}

void Ledger::add_known_receipts(const sync::Replica& replica,
                                std::uint64_t first,
                                std::uint64_t last,
                                IngestResult& result) {
    for (std::uint64_t seq = first; seq <= last;) {
        auto run = log_.run_of(replica, seq);
        if (!run) throw store::StorageFailure("the log has a hole", 11);
        if (planted(Bug::kReceiptAnew)) run->receipt.first.received = clock_->now();
        result.receipts.push_back({run->first_seq, run->head, run->receipt});
        for (const auto& e : log_.exceptions(run->first_hub, run->last_hub()))
            result.exceptions.push_back(
                {run->first_seq + (e.seq.value - run->first_hub.value), e.status, e.code});
        seq = run->last_seq() + 1;
    }
}

sync::StatusCode Ledger::check(const PreparedRun& run, std::size_t i) {
    const auto& shape = run.records[i].shape;
    if (!shape) return sync::StatusCode::kMalformed;
    const auto& header = shape->header;
    if (header.replica != run.replica || header.seq != run.first_seq + i)
        return sync::StatusCode::kMalformed;
    if (run.unproven) return sync::StatusCode::kUnauthorised;
    if (!run.authored_here && run.replica.device != self_.device &&
        std::ranges::any_of(shape->ops, hub_only))
        return sync::StatusCode::kUnauthorised;
    if (admit_) {
        if (const auto code = admit_(run, *shape); code != sync::StatusCode::kNone) return code;
    }
    if (!shape->known()) return sync::StatusCode::kNewerSchema;
    for (std::size_t k = 0; k < shape->ops.size(); ++k) {
        const auto& op = shape->ops[k];
        if (op.kind != sync::OpKind::kCreate && op.kind != sync::OpKind::kLink) continue;
        const bool twice = std::ranges::any_of(
            std::span{shape->ops}.first(k),
            [&](const sync::OpShape& o) { return o.entity == op.entity && o.kind == op.kind; });
        if (twice || entities_.find(op.entity) != 0) return sync::StatusCode::kIdTaken;
    }
    return sync::StatusCode::kNone;
}

void Ledger::append_run(PreparedRun& run,
                        store::ReplicaRow& row,
                        Instant received,
                        IngestResult& result) {
    store::LogRun out;
    out.first_hub = {head_.seq.value + 1};
    out.count = static_cast<std::uint32_t>(run.records.size());
    out.replica = run.replica;
    out.first_seq = run.first_seq;
    const auto& known = run.records.front().receipt;
    out.receipt.first = known ? known->place : sync::Place{received, out.first_hub};
    out.receipt.times.reserve(run.records.size());
    std::vector<store::RecordTimes> times;
    times.reserve(run.records.size());
    sync::ReplicaClock& clock = clocks_[run.replica];
    for (std::size_t i = 0; i < run.records.size(); ++i) {
        auto& record = run.records[i];
        const HubSeq at{out.first_hub.value + i};
        const auto code = check(run, i);
        if (code != sync::StatusCode::kNone) {
            const auto status = code == sync::StatusCode::kNewerSchema
                                    ? sync::RecordStatus::kHeld
                                    : sync::RecordStatus::kQuarantined;
            log_.add_exception({at, status, code});
            result.exceptions.push_back({run.first_seq + i, status, code});
            // After a restore the release may be here before the record.
            if (record.shape && store::released_before(log_, {run.replica, run.first_seq + i}, at))
                take_ids(*record.shape, at);
        } else {
            take_ids(*record.shape, at);
            if (run.replica.device == self_.device) learn(run.views[i], at);
        }
        static const sync::Header kUnreadable{};
        const sync::Header& header = record.shape ? record.shape->header : kUnreadable;
        sync::SaveTime save;
        if (record.receipt) {
            save = {record.receipt->saved, sync::TimeFlags::kFromWall};
        } else if (run.authored_here) {
            save = {{received, received}, 0};
        } else {
            save = sync::locate_save(header, received, run.session, clock);
        }
        const auto interaction =
            sync::locate_interaction(header, received, run.session, clock, save);
        clock = sync::remember(clock, header, save);
        const auto hlc =
            record.receipt ? record.receipt->hlc_hub : sync::clamp_hlc(header.hlc, save.saved);
        out.receipt.times.push_back({hlc, save.saved});
        times.push_back({interaction, save.flags});
    }
    out.times = store::encode_times(times, out.receipt.first.received);
    out.head = run.records.back().chain;
    out.hub_hash = sync::hub_chain_hash(head_.hash, out.head);
    out.encoding = run.encoding;
    out.raw_bytes = run.raw_bytes;
    out.body = std::move(run.body);
    out.signature = std::move(run.signature);
    if (key_ && run.replica.device == self_.device)
        out.signature = sync::sign_batch(*key_, run.replica, run.last_seq(), out.head);
    row.acked_seq = run.last_seq();
    row.acked_hash = out.head;
    row.clock = store::encode_clock(clock);
    row.last_seen = received;
    log_.put_replica(row);
    if (gap_open_) store::HubWatch{log_.db()}.fill_gaps(run.replica, row.acked_seq, received);
    log_.append(out, row.no);
    head_ = {out.last_hub(), out.hub_hash};
    result.receipts.push_back({out.first_seq, out.head, std::move(out.receipt)});
}

void Ledger::take_ids(const sync::RecordShape& shape, HubSeq at) {
    for (const auto& op : shape.ops) {
        if (op.kind != sync::OpKind::kCreate && op.kind != sync::OpKind::kLink) continue;
        if (entities_.find(op.entity) != 0) continue;
        log_.add_entity(entities_.add(op.entity), op.entity, op.table, at);
    }
}

void Ledger::learn_verdict(const sync::RecordVerdict& verdict, HubSeq at) {
    log_.add_verdict({verdict, at});
    if (verdict.act != sync::VerdictAct::kRelease) return;
    const auto record = store::find_set_aside(log_, verdict.record);
    if (!record) return;
    if (const auto shape = sync::inspect(record->view())) take_ids(*shape, record->at);
}

void Ledger::learn(const sync::EncodedView& view, HubSeq at) {
    const auto record = sync::decode(view);
    if (!record) return;
    for (std::size_t i = 0; i < record->ops.size(); ++i) {
        const auto& op = record->ops[i];
        const CellsOf cells{op.cells};
        if (const auto verdict = sync::verdict_of(op)) {
            learn_verdict(*verdict, at);
        } else if (const auto earlier = sync::earlier_of(op)) {
            learn_earlier(*earlier, at);
        } else if (op.group == hud::grp::kHubDeviceRegistration) {
            namespace col = hud::col::hub_device;
            store::DeviceRow row;
            row.id = {op.entity.bytes};
            row.name = cells.get<std::string>(col::kName);
            row.state = cells.get<std::int64_t>(col::kState);
            const auto key = cells.get<sync::Bytes>(col::kPublicKey);
            if (key.size() == row.public_key.size()) std::ranges::copy(key, row.public_key.begin());
            row.approved_until = {cells.get<std::int64_t>(col::kApprovedUntil)};
            row.written = {
                record->header.replica, record->header.seq, static_cast<std::uint16_t>(i)};
            log_.put_device(row);
            constexpr std::int64_t kRevoked = 3;
            if (row.state == kRevoked)
                store::HubWatch{log_.db()}.close_alarms_of(row.id, "revoked", clock_->now());
        } else if (op.group == hud::grp::kHubDeviceProjects) {
            log_.put_projects({op.entity.bytes},
                              cells.get<sync::Bytes>(hud::col::hub_device::kProjects));
        } else if (op.table == hud::tbl::kHubUser && op.group != 0) {
            namespace col = hud::col::hub_user;
            log_.put_user({.id = op.entity,
                           .number = cells.get<std::int64_t>(col::kUserNumber),
                           .name = cells.get<std::string>(col::kDisplayName),
                           .email = cells.get<std::string>(col::kEmail),
                           .active = cells.get<std::int64_t>(col::kActive) != 0});
        }
    }
}

Result<sync::RecordKey> Ledger::author(const sync::Header& draft, std::vector<sync::Op> ops) {
    std::vector<std::pair<sync::Header, std::vector<sync::Op>>> one;
    one.emplace_back(draft, std::move(ops));
    STREETLOG_TRY(auto keys, author_all(std::move(one)));
    return keys.front();
}

Result<std::vector<sync::RecordKey>> Ledger::author_all(
    std::vector<std::pair<sync::Header, std::vector<sync::Op>>> drafts) {
    std::vector<sync::RecordKey> keys;
    if (drafts.empty()) return keys;
    STREETLOG_CHECK(read_again());
    const store::ReplicaRow& row = row_of(self_);
    std::vector<sync::EncodedRecord> encoded;
    encoded.reserve(drafts.size());
    std::vector<bool> for_all;
    for_all.reserve(drafts.size());
    std::uint64_t seq = row.acked_seq;
    for (auto& [draft, ops] : drafts) {
        for_all.push_back(for_everybody(ops));
        sync::Record record{draft, std::move(ops)};
        record.header.replica = self_;
        record.header.seq = ++seq;
        record.header.schema = kSchemaBundle;
        record.header.recorded = clock_->now();
        record.header.hlc = hlc_.tick(record.header.recorded);
        record.header.base = head_.seq;
        encoded.push_back(sync::encode(record));
        keys.push_back(record.header.key());
    }
    std::vector<PreparedRun> group;
    sync::Hash prev = row.acked_hash;
    for (std::size_t from = 0; from < encoded.size();) {
        const std::size_t to = run_end(encoded, for_all, from);
        group.push_back(prepare_own(
            self_, row.acked_seq + 1 + from, prev, std::span{encoded}.subspan(from, to - from)));
        prev = group.back().records.back().chain;
        from = to;
    }
    STREETLOG_TRY(auto results, ingest(group));
    for (const auto& result : results) {
        if (result.outcome != IngestResult::Outcome::kStored)
            return fail(ErrorCode::kInternal, "the hub's own record does not continue its chain");
        if (!result.exceptions.empty())
            return fail(ErrorCode::kConflict,
                        result.exceptions.front().code == sync::StatusCode::kIdTaken
                            ? "the hub's own record was set aside: the entity exists already"
                            : "the hub's own record was set aside");
    }
    return keys;
}

}  // namespace streetlog::hub
