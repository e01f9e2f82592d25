#include "sync/store/agent_reader.hpp"

#include <fmt/format.h>

#include "schema/hud/fields.hpp"
#include "sync/store/agent_impl.hpp"
#include "sync/store/agent_schema.hpp"
#include "sync/store/cells.hpp"
#include "sync/store/id_at.hpp"

namespace streetlog::store {
namespace {

std::optional<std::int64_t> number_at(const Stmt& stmt, int column) {
    return stmt.is_null(column) ? std::nullopt : std::optional{stmt.integer(column)};
}

std::int64_t one_number(Db& db, const char* sql) {
    auto stmt = db.prepare(sql);
    const auto out = stmt.step() ? stmt.integer(0) : 0;
    stmt.reset();
    return out;
}

}  // namespace

AgentReader::AgentReader(std::unique_ptr<Impl> impl)
    : EntityReader(impl->db,
                   impl->self,
                   [raw = impl.get()](std::int64_t eno, EntityId id, sync::EntityState& state) {
                       raw->show(eno, id, state);
                   }),
      impl_(std::move(impl)) {}

AgentReader::AgentReader(AgentReader&&) noexcept = default;
AgentReader& AgentReader::operator=(AgentReader&&) noexcept = default;
AgentReader::~AgentReader() = default;

AgentReader::Impl::Impl(Db& connection, std::unique_ptr<Db> keep, sync::Replica replica)
    : owned(std::move(keep)),
      db(connection),
      overlay(db),
      numbers(db),
      index(db, numbers),
      self(replica) {}

void AgentReader::Impl::show(std::int64_t eno, EntityId id, sync::EntityState& state) {
    const auto refused = overlay.refused_on(eno);
    if (!refused.empty()) overlay.put_back(refused, id, state);
    index.show(id, state);
}

Result<AgentReader> AgentReader::open(const std::filesystem::path& file) {
    return guarded_job([&]() -> Result<AgentReader> {
        STREETLOG_TRY(auto opened,
                      Db::open(file, Access::kRead, Durability::kFull, kAgentApplication));
        auto db = std::make_unique<Db>(std::move(opened));
        if (db->user_version() != static_cast<int>(agent_schema().size()))
            return fail(ErrorCode::kWrongDatabase,
                        fmt::format("{} is of another version", file.string()),
                        "Start the agent of this version once; it brings the file up to date.");
        const auto me = read_me(*db);
        if (!me)
            return fail(ErrorCode::kNotFound,
                        fmt::format("{} is not set up", file.string()),
                        "Enroll this device with its hub first.");
        Db& connection = *db;
        return AgentReader{std::make_unique<Impl>(connection, std::move(db), me->settings.self)};
    });
}

Result<AgentSettings> AgentReader::settings() {
    return guarded_job([&]() -> Result<AgentSettings> {
        auto me = read_me(impl_->db);
        if (!me) return fail(ErrorCode::kNotFound, "this device is not set up");
        return std::move(me->settings);
    });
}

Result<sync::Record> AgentReader::own_record(std::uint64_t seq) {
    return guarded_job([&]() -> Result<sync::Record> {
        auto stmt = impl_->db.prepare("SELECT body FROM own WHERE seq = ?1");
        stmt.with(seq);
        if (!stmt.step())
            return fail(ErrorCode::kNotFound, fmt::format("there is no own record {}", seq));
        return decode_own(stmt.blob(0));
    });
}

Result<std::vector<RefusedRecord>> AgentReader::refused() {
    return guarded_job([&]() -> Result<std::vector<RefusedRecord>> {
        std::vector<RefusedRecord> out;
        auto stmt = impl_->db.prepare(
            "SELECT x.seq, x.status, x.code, v.act FROM own_exception x "
            "LEFT JOIN replica r ON r.device = ?1 AND r.incarnation = ?2 "
            "LEFT JOIN verdict v ON v.replica_no = r.no AND v.seq = x.seq ORDER BY x.seq");
        stmt.with(BytesView{impl_->self.device.bytes}, impl_->self.incarnation);
        while (stmt.step()) {
            const auto act = number_at(stmt, 3);
            if (act == static_cast<std::int64_t>(sync::VerdictAct::kRelease)) continue;
            RefusedRecord row;
            row.seq = static_cast<std::uint64_t>(stmt.integer(0));
            row.status = static_cast<sync::RecordStatus>(stmt.integer(1));
            row.code = static_cast<sync::StatusCode>(stmt.integer(2));
            row.rejected = act.has_value();
            STREETLOG_TRY(const auto record, own_record(row.seq));
            for (const auto& op : record.ops) row.entities.push_back(op.entity);
            out.push_back(std::move(row));
        }
        return out;
    });
}

Result<AgentStatus> AgentReader::status() {
    return guarded_job([&]() -> Result<AgentStatus> {
        const auto me = read_me(impl_->db);
        if (!me) return fail(ErrorCode::kNotFound, "this device is not set up");
        AgentStatus out;
        out.unsent = me->next_seq - 1 - me->acked;
        out.saved =
            me->next_seq - 1 +
            static_cast<std::uint64_t>(one_number(impl_->db, "SELECT count(*) FROM own_before"));
        out.safe = me->safe;
        out.suspected_copy = me->shared_seq.has_value();
        if (out.unsent > 0) {
            out.oldest_unsent_seq = me->acked + 1;
            STREETLOG_TRY(const auto oldest, own_record(out.oldest_unsent_seq));
            out.oldest_unsent_occurred = oldest.header.occurred;
        }
        if (me->last_receipt_ms) out.last_receipt = Instant{*me->last_receipt_ms};
        if (me->last_pull_ms) out.last_pull = Instant{*me->last_pull_ms};
        out.newest_hub = me->newest_hub;
        STREETLOG_TRY(const auto not_accepted, refused());
        for (const auto& row : not_accepted) {
            if (row.rejected) continue;
            ++(row.status == sync::RecordStatus::kHeld ? out.held_by_hub : out.quarantined);
        }
        out.held_here =
            static_cast<std::uint64_t>(one_number(impl_->db, "SELECT count(*) FROM held"));
        out.clients =
            static_cast<std::uint64_t>(one_number(impl_->db, "SELECT count(*) FROM client_read"));
        return out;
    });
}

Result<EntityRow> AgentReader::entity_of(EntityId id) {
    auto row = EntityReader::entity_of(id);
    if ((row && row->table != 0) || (!row && row.error().code != ErrorCode::kNotFound)) return row;
    STREETLOG_TRY(const auto entry, index_entry(id));
    if (!entry) return row;
    EntityRow client;
    client.table = hud::tbl::kClient;
    return client;
}

Result<std::optional<IndexEntry>> AgentReader::index_entry(EntityId id) {
    return guarded_job(
        [&]() -> Result<std::optional<IndexEntry>> { return impl_->index.entry(id); });
}

Result<FindResult> AgentReader::find(const FindQuery& query) {
    STREETLOG_TRY(const auto key, ssn_key());
    STREETLOG_TRY(auto found, find_with(query, [&](const FindTerms& terms, People& people) {
                      impl_->index.find(terms, key, people);
                  }));
    return guarded_job([&]() -> Result<FindResult> {
        if (const auto me = read_me(impl_->db); me && me->last_pull_ms)
            found.last_pull = Instant{*me->last_pull_ms};
        return std::move(found);
    });
}

/// Empty when the site's policy needs none.
Result<Bytes> AgentReader::ssn_key() {
    STREETLOG_TRY(const auto mine, settings());
    STREETLOG_TRY(const auto site, load(EntityId{mine.hub.bytes}));
    const auto& cells = sync::winner_cells(site, {hud::tbl::kSitePolicy, hud::grp::kSitePolicySsn});
    const auto* key = find_value(cells, hud::col::site_policy::kSSNKey);
    const auto* bytes = key == nullptr ? nullptr : std::get_if<Bytes>(key);
    return bytes == nullptr ? Bytes{} : *bytes;
}

}  // namespace streetlog::store
