#include <algorithm>

#include "sync/store/entity_reader_impl.hpp"
#include "sync/store/id_at.hpp"

/// Lists from the read tables.
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

}  // namespace

Result<std::vector<EnrollmentRow>> EntityReader::enrollments_of(EntityId client) {
    STREETLOG_TRY(const auto members, profile_of(client));
    return guarded_job([&]() -> Result<std::vector<EnrollmentRow>> {
        std::vector<EnrollmentRow> out;
        auto stmt = impl_->db.prepare(
            "SELECT e.id, c.id, r.project, r.entry_date, r.exit_date, r.destination, r.household, "
            "r.relationship FROM entity_id c JOIN enrollment_read r ON r.client = c.eno "
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

Result<EnrollmentRow> EntityReader::enrollment(EntityId id) {
    return guarded_job([&]() -> Result<EnrollmentRow> {
        auto stmt = impl_->db.prepare(
            "SELECT e.id, c.id, r.project, r.entry_date, r.exit_date, r.destination, r.household, "
            "r.relationship FROM entity_id e JOIN enrollment_read r ON r.eno = e.eno "
            "LEFT JOIN entity c ON c.eno = r.client WHERE e.id = ?1");
        stmt.with(BytesView{id.bytes});
        if (!stmt.step())
            return fail(ErrorCode::kNotFound, "nothing is known here of the enrollment");
        return enrollment_at(stmt);
    });
}

Result<std::vector<ContactRow>> EntityReader::contacts_of(EntityId enrollment) {
    return guarded_job([&]() -> Result<std::vector<ContactRow>> {
        std::vector<ContactRow> out;
        auto stmt = impl_->db.prepare(
            "SELECT c.id, e.id, r.date, r.situation FROM entity_id e "
            "JOIN contact_read r ON r.enrollment = e.eno JOIN entity c ON c.eno = r.eno "
            "WHERE e.id = ?1 ORDER BY r.date DESC, c.id");
        stmt.with(BytesView{enrollment.bytes});
        while (stmt.step())
            out.push_back(
                {id_at(stmt, 0), id_at(stmt, 1), std::string{stmt.text(2)}, number_at(stmt, 3)});
        return out;
    });
}

Result<std::vector<EntityId>> EntityReader::children_of(EntityId parent, std::uint16_t table) {
    return guarded_job([&]() -> Result<std::vector<EntityId>> {
        std::vector<EntityId> out;
        auto stmt = impl_->db.prepare(
            "SELECT c.id FROM entity_id p JOIN entity c ON c.parent = p.eno AND c.tbl = ?2 "
            "WHERE p.id = ?1 ORDER BY c.id");
        stmt.with(BytesView{parent.bytes}, table);
        while (stmt.step()) out.push_back(id_at(stmt, 0));
        return out;
    });
}

Result<std::vector<ProjectRow>> EntityReader::projects() {
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

Result<std::vector<UserRow>> EntityReader::users() {
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

}  // namespace streetlog::store
