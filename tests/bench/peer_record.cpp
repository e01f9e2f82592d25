#include "tests/bench/peer_record.hpp"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "tests/bench/role.hpp"

namespace streetlog::bench {
namespace {

namespace json = boost::json;
namespace tbl = hud::tbl;
namespace grp = hud::grp;

/// An id of its own for everything else the record makes.
EntityId other_id(const EntityId& client, Byte kind) {
    EntityId out = client;
    out.bytes[0] = static_cast<Byte>(out.bytes[0] ^ kind);
    return out;
}

sync::Op op_of(EntityId entity,
               sync::OpKind kind,
               std::uint16_t table,
               std::uint16_t group,
               std::vector<sync::Cell> cells) {
    std::ranges::sort(cells, {}, &sync::Cell::column);
    sync::Op op;
    op.entity = entity;
    op.kind = kind;
    op.table = table;
    op.group = group;
    op.cells = std::move(cells);
    return op;
}

Result<sync::Cell> cell(std::uint16_t column, const std::string& text) {
    return sync::make_cell(*hud::find_column(column), text, hud::CodeCheck::kAny);
}

}  // namespace

Result<store::SaveRequest> read_peer_record(std::string_view line) {
    boost::system::error_code failed;
    const json::value value = json::parse(line, failed);
    if (failed) return fail(ErrorCode::kMalformed, "a record is not JSON");
    return read_peer_record(value);
}

Result<store::SaveRequest> read_peer_record(const json::value& record) {
    namespace client = hud::col::client;
    namespace enrollment = hud::col::enrollment;
    namespace cls = hud::col::current_living_situation;
    namespace note = hud::col::case_note;
    STREETLOG_TRY(auto id_text, text_of(record, "clientId"));
    std::erase(id_text, '-');
    const auto id = parse_id<EntityId>(id_text);
    STREETLOG_TRY(const auto occurred_text, text_of(record, "interactionAt"));
    const auto occurred = parse_instant(occurred_text);
    STREETLOG_TRY(const auto recorded_text, text_of(record, "updatedAt"));
    const auto recorded = parse_instant(recorded_text);
    if (!id || !occurred || !recorded)
        return fail(ErrorCode::kMalformed, "a record without its id or its times");
    STREETLOG_TRY(const auto first, text_of(record, "first"));
    STREETLOG_TRY(const auto last, text_of(record, "last"));
    STREETLOG_TRY(const auto dob, text_of(record, "dob"));
    STREETLOG_TRY(const auto ssn4, text_of(record, "ssn4"));
    STREETLOG_TRY(const auto project, text_of(record, "projectId"));
    STREETLOG_TRY(const auto entry, text_of(record, "entryDate"));
    STREETLOG_TRY(const auto situation, text_of(record, "livingSituation"));
    STREETLOG_TRY(const auto text, text_of(record, "note"));
    STREETLOG_TRY(const auto user, text_of(record, "userId"));

    STREETLOG_TRY(const auto dob_cell, cell(client::kDOB, dob));
    STREETLOG_TRY(const auto entry_cell, cell(enrollment::kEntryDate, entry));
    STREETLOG_TRY(const auto date_cell, cell(cls::kInformationDate, entry));
    STREETLOG_TRY(const auto situation_cell, cell(cls::kCurrentLivingSituation, situation));
    const auto reference = [](std::uint16_t column, EntityId to) {
        return sync::make_cell(*hud::find_column(column), to);
    };
    const EntityId stay = other_id(*id, 0x11);
    store::SaveRequest out;
    out.header.kind = sync::EventKind::kIntake;
    out.header.source = sync::TimeSource::kTyped;
    out.header.occurred = *occurred;
    out.header.recorded = *recorded;
    out.header.user = 1;
    out.ops = {op_of(*id,
                     sync::OpKind::kCreate,
                     tbl::kClient,
                     grp::kClientName,
                     {{client::kFirstName, first},
                      {client::kLastName, last},
                      {client::kNameDataQuality, std::int64_t{1}}}),
               op_of(*id,
                     sync::OpKind::kSetGroup,
                     tbl::kClient,
                     grp::kClientDob,
                     {dob_cell, {client::kDOBDataQuality, std::int64_t{1}}}),
               op_of(*id,
                     sync::OpKind::kSetGroup,
                     tbl::kClient,
                     grp::kClientSsn,
                     {{client::kSSN, "xxxxx" + ssn4}, {client::kSSNDataQuality, std::int64_t{2}}}),
               op_of(stay,
                     sync::OpKind::kCreate,
                     tbl::kEnrollment,
                     grp::kEnrollmentEntry,
                     {reference(enrollment::kPersonalID, *id), entry_cell}),
               op_of(other_id(*id, 0x22),
                     sync::OpKind::kCreate,
                     tbl::kCurrentLivingSituation,
                     grp::kContactContact,
                     {reference(cls::kEnrollmentID, stay), date_cell, situation_cell}),
               op_of(other_id(*id, 0x33),
                     sync::OpKind::kCreate,
                     tbl::kCaseNote,
                     grp::kNoteText,
                     {reference(note::kEnrollmentID, stay),
                      {note::kText, fmt::format("{} {} {}", text, project, user)}})};
    return out;
}

std::string client_id_text(const EntityId& id) {
    std::string out = to_string(id);
    for (const std::size_t at : {20U, 16U, 12U, 8U}) out.insert(at, 1, '-');
    return out;
}

}  // namespace streetlog::bench
