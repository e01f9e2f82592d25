#include <fmt/format.h>

#include "sync/store/agent_impl.hpp"
#include "sync/store/agent_reader.hpp"
#include "sync/store/agent_rows.hpp"

/// Lists from the read tables, and how the device stands.
namespace streetlog::store {
namespace {

std::optional<std::int64_t> number_at(const Stmt& stmt, int column) {
    return stmt.is_null(column) ? std::nullopt : std::optional{stmt.integer(column)};
}

EnrollmentRow enrollment_at(const Stmt& stmt) {
    EnrollmentRow row;
    row.id = id_at(stmt, 0);
    row.client = id_at(stmt, 1);
    row.project = id_at(stmt, 2);
    row.entry_date = stmt.text(3);
    row.exit_date = stmt.text(4);
    row.destination = number_at(stmt, 5);
    row.household = id_at(stmt, 6);
    row.relationship = stmt.integer(7);
    return row;
}

std::int64_t one_number(Db& db, const char* sql) {
    auto stmt = db.prepare(sql);
    const auto out = stmt.step() ? stmt.integer(0) : 0;
    stmt.reset();
    return out;
}

}  // namespace

Result<std::vector<EnrollmentRow>> AgentReader::enrollments_of(EntityId client) {
    STREETLOG_TRY(const auto members, profile_of(client));
    return guarded_job([&]() -> Result<std::vector<EnrollmentRow>> {
        std::vector<EnrollmentRow> out;
        auto stmt = impl_->db.prepare(
            "SELECT e.id, c.id, r.project, r.entry_date, r.exit_date, r.destination, r.household, "
            "r.relationship FROM entity c JOIN enrollment_read r ON r.client = c.eno "
            "JOIN entity e ON e.eno = r.eno WHERE c.id = ?1");
        for (const EntityId member : members) {
            stmt.with(BytesView{member.bytes});
            while (stmt.step()) out.push_back(enrollment_at(stmt));
        }
        std::ranges::sort(out, [](const auto& a, const auto& b) {
            return std::tie(b.entry_date, a.id) < std::tie(a.entry_date, b.id);
        });
        return out;
    });
}

Result<EnrollmentRow> AgentReader::enrollment(EntityId id) {
    return guarded_job([&]() -> Result<EnrollmentRow> {
        auto stmt = impl_->db.prepare(
            "SELECT e.id, c.id, r.project, r.entry_date, r.exit_date, r.destination, r.household, "
            "r.relationship FROM entity e JOIN enrollment_read r ON r.eno = e.eno "
            "LEFT JOIN entity c ON c.eno = r.client WHERE e.id = ?1");
        stmt.with(BytesView{id.bytes});
        if (!stmt.step())
            return fail(ErrorCode::kNotFound, "this device does not know the enrollment");
        return enrollment_at(stmt);
    });
}

Result<std::vector<ContactRow>> AgentReader::contacts_of(EntityId enrollment) {
    return guarded_job([&]() -> Result<std::vector<ContactRow>> {
        std::vector<ContactRow> out;
        auto stmt = impl_->db.prepare(
            "SELECT c.id, e.id, r.date, r.situation FROM entity e "
            "JOIN contact_read r ON r.enrollment = e.eno JOIN entity c ON c.eno = r.eno "
            "WHERE e.id = ?1 ORDER BY r.date DESC, c.id");
        stmt.with(BytesView{enrollment.bytes});
        while (stmt.step())
            out.push_back(
                {id_at(stmt, 0), id_at(stmt, 1), std::string{stmt.text(2)}, number_at(stmt, 3)});
        return out;
    });
}

Result<std::vector<EntityId>> AgentReader::children_of(EntityId parent, std::uint16_t table) {
    return guarded_job([&]() -> Result<std::vector<EntityId>> {
        std::vector<EntityId> out;
        auto stmt = impl_->db.prepare(
            "SELECT c.id FROM entity p JOIN entity c ON c.parent = p.eno AND c.tbl = ?2 "
            "WHERE p.id = ?1 ORDER BY c.id");
        stmt.with(BytesView{parent.bytes}, table);
        while (stmt.step()) out.push_back(id_at(stmt, 0));
        return out;
    });
}

Result<std::vector<ProjectRow>> AgentReader::projects() {
    return guarded_job([&]() -> Result<std::vector<ProjectRow>> {
        std::vector<ProjectRow> out;
        auto stmt = impl_->db.prepare(
            "SELECT e.id, p.name, p.type FROM project_read p JOIN entity e ON e.eno = p.eno "
            "ORDER BY p.name, e.id");
        while (stmt.step())
            out.push_back({id_at(stmt, 0), std::string{stmt.text(1)}, number_at(stmt, 2)});
        return out;
    });
}

Result<std::vector<UserRow>> AgentReader::users() {
    return guarded_job([&]() -> Result<std::vector<UserRow>> {
        std::vector<UserRow> out;
        auto stmt = impl_->db.prepare("SELECT number, name, active FROM user_ ORDER BY number");
        while (stmt.step())
            out.push_back({static_cast<std::uint32_t>(stmt.integer(0)),
                           std::string{stmt.text(1)},
                           stmt.integer(2) != 0});
        return out;
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
            if (act == static_cast<std::int64_t>(VerdictAct::kRelease)) continue;
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
        out.saved = me->next_seq - 1;
        out.unsent = out.saved - me->acked;
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

}  // namespace streetlog::store
