#include "tests/property/history.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <stdexcept>

#include <boost/json.hpp>

#include "schema/hud/fields.hpp"
#include "sync/change/verdict.hpp"
#include "sync/identity/partition.hpp"
#include "tests/support/writes.hpp"

namespace streetlog::sync::testing {
namespace {

namespace json = boost::json;

std::int64_t number(const json::value& v) { return v.to_number<std::int64_t>(); }

std::uint64_t natural(const json::value& v) { return v.to_number<std::uint64_t>(); }

std::uint64_t natural(std::string_view text) {
    std::uint64_t out = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), out).ec != std::errc{})
        throw std::runtime_error("a key of the history is not a number");
    return out;
}

Replica read_replica(const json::value& v) {
    const auto& parts = v.as_array();
    return replica(natural(parts.at(0)), parts.at(1).to_number<std::uint32_t>());
}

Dot read_dot(const json::value& v) {
    const auto& parts = v.as_array();
    return {read_replica(v), natural(parts.at(2)), parts.at(3).to_number<std::uint16_t>()};
}

std::vector<Dot> read_dots(const json::value& v) {
    std::vector<Dot> out;
    for (const auto& dot : v.as_array()) out.push_back(read_dot(dot));
    return out;
}

/// The model's LATEST stands for no receipt.
std::optional<Place> read_place(const json::value& v) {
    const auto& parts = v.as_array();
    if (number(parts.at(0)) == std::int64_t{1} << 60) return std::nullopt;
    return Place{{number(parts.at(0))}, {natural(parts.at(1))}};
}

RegisterId register_of(std::string_view group) {
    if (group == "name") return {hud::tbl::kClient, hud::grp::kClientName};
    if (group == "ssn") return {hud::tbl::kIncomeBenefits, hud::grp::kIncomeIncome};
    throw std::runtime_error("a group the model does not have");
}

/// The entity of the link that `dot` asserts: no client has a number that large.
EntityId link_entity(const Dot& dot) {
    EntityId id = entity(dot.seq << 16 | dot.op);
    id.bytes[0] = 0xff;
    for (unsigned i = 0; i < 4; ++i)
        id.bytes[1 + i] = static_cast<Byte>(dot.replica.incarnation >> (8 * i));
    return id;
}

std::vector<Cell> cells_of(const json::object& op, RegisterId id) {
    const auto value = op.at("value").as_string();
    const auto answer = natural(op.at("class"));
    std::vector<Cell> cells;
    if (id.group == hud::grp::kClientName) {
        constexpr std::int64_t quality[] = {99, 8, 2, 1};
        cells = {{hud::col::client::kFirstName, std::string{value.c_str()}},
                 {hud::col::client::kNameDataQuality, quality[answer]}};
        if (op.at("redacted").as_bool()) cells.push_back({hud::col::client::kLastName, Redacted{}});
    } else {
        // "Yes" without an amount in all is partial, "No" is a full answer.
        constexpr std::int64_t from_any_source[] = {99, 8, 1, 0};
        namespace income = hud::col::income_benefits;
        cells = {{income::kIncomeFromAnySource, from_any_source[answer]},
                 {income::kEarnedAmount, std::int64_t{value.front()}}};
        if (op.at("redacted").as_bool())
            cells.push_back({income::kOtherIncomeSourceIdentify, Redacted{}});
    }
    std::ranges::sort(cells, {}, &Cell::column);
    return cells;
}

/// Stamps and brackets are plain numbers in the model, so the stamp is cut here and not by
/// clamp_hlc, which works in milliseconds.
Receipt read_receipt(const json::value& v, std::uint64_t hlc) {
    const auto& parts = v.as_array();
    const auto lo = number(parts.at(2));
    const auto hi = number(parts.at(3));
    const auto cut = std::min(std::max(static_cast<std::int64_t>(hlc), lo), hi);
    return {*read_place(v), {static_cast<std::uint64_t>(cut)}, {{lo}, {hi}}};
}

Op read_op(const json::object& in, const Dot& dot) {
    Op op;
    if (in.contains("entity")) {
        const RegisterId id = register_of(in.at("group").as_string());
        op.entity = entity(natural(in.at("entity")));
        op.table = id.table;
        op.group = id.group;
        op.cells = cells_of(in, id);
        for (const auto& member : in.at("profile").as_array())
            op.profile.push_back(entity(natural(member)));
    } else if (in.contains("link")) {
        const auto& ends = in.at("link").as_array();
        op = link_op(link_entity(dot),
                     {dot,
                      entity(natural(ends.at(0))),
                      entity(natural(ends.at(1))),
                      in.at("same").as_bool() ? LinkVerdict::kSame : LinkVerdict::kDifferent,
                      static_cast<LinkStrength>(natural(in.at("strength"))),
                      number(in.at("millibits"))});
    } else if (in.contains("unlink")) {
        op.kind = OpKind::kUnlink;
        op.entity = link_entity(read_dot(in.at("supersedes").as_array().at(0)));
        op.table = kLinkRegister.table;
        op.group = kLinkRegister.group;
    } else {
        const auto act =
            in.at("verdict").as_string() == "release" ? VerdictAct::kRelease : VerdictAct::kReject;
        const auto& of = in.at("of").as_array();
        return verdict_op({{read_replica(in.at("of")), natural(of.at(2))}, act});
    }
    op.supersedes = read_dots(in.at("supersedes"));
    return op;
}

HistoryRecord read_record(const json::object& in, const std::set<RecordKey>& released) {
    HistoryRecord out;
    Record& record = out.record;
    record.header.replica = read_replica(in.at("replica"));
    record.header.seq = natural(in.at("seq"));
    for (const auto& v : in.at("ops").as_array()) {
        const auto& op = v.as_object();
        const Dot dot{record.header.replica,
                      record.header.seq,
                      static_cast<std::uint16_t>(record.ops.size())};
        if (natural(op.at("op")) != dot.op) throw std::runtime_error("ops are not numbered from 0");
        if (op.contains("hlc")) {
            record.header.hlc = {natural(op.at("hlc"))};
            out.answers.push_back(static_cast<hud::AnswerClass>(natural(op.at("class"))));
        }
        record.ops.push_back(read_op(op, dot));
    }
    out.receipt = read_receipt(in.at("receipt"), record.header.hlc.value);
    out.hidden = in.at("hidden").as_bool();
    out.released = !out.hidden && released.contains(record.header.key());
    return out;
}

std::set<RecordKey> released_in(const json::array& records) {
    std::set<RecordKey> out;
    for (const auto& record : records) {
        for (const auto& op : record.as_object().at("ops").as_array()) {
            const auto* verdict = op.as_object().if_contains("verdict");
            if (verdict == nullptr || verdict->as_string() != "release") continue;
            const auto& of = op.as_object().at("of");
            out.insert({read_replica(of), natural(of.as_array().at(2))});
        }
    }
    return out;
}

std::map<std::pair<EntityId, RegisterId>, ExpectedView> read_views(const json::value& in) {
    std::map<std::pair<EntityId, RegisterId>, ExpectedView> out;
    for (const auto& [key, view] : in.as_object()) {
        const std::string_view text{key.data(), key.size()};
        const auto slash = text.find('/');
        ExpectedView expected;
        expected.siblings = read_dots(view.at("siblings"));
        if (!view.at("winner").is_null()) expected.winner = read_dot(view.at("winner"));
        expected.review = view.at("review").as_bool();
        out.emplace(
            std::pair{entity(natural(text.substr(0, slash))), register_of(text.substr(slash + 1))},
            std::move(expected));
    }
    return out;
}

}  // namespace

History parse_history(std::string_view line) {
    const auto root = json::parse({line.data(), line.size()});
    History out;
    out.id = number(root.at("id"));
    for (const auto& [key, place] : root.at("first").as_object())
        out.first.emplace(entity(natural(std::string_view{key.data(), key.size()})),
                          read_place(place));
    const auto& records = root.at("records").as_array();
    const auto released = released_in(records);
    for (const auto& record : records)
        out.records.push_back(read_record(record.as_object(), released));
    const auto& expect = root.at("expect");
    out.own = read_views(expect.at("own"));
    out.merged = read_views(expect.at("merged"));
    for (const auto& [key, canon] : expect.at("canon").as_object())
        out.canon.emplace(entity(natural(std::string_view{key.data(), key.size()})),
                          entity(natural(canon)));
    out.contradictions = read_dots(expect.at("contradictions"));
    return out;
}

ExpectedView view_from(std::span<const Seen> seen, RegisterId id) {
    ExpectedView out;
    for (const Seen& one : seen) out.siblings.push_back(one.sibling->dot);
    std::ranges::sort(out.siblings);
    const Siblings siblings = siblings_of(seen);
    if (const Sibling* best = winner(siblings, id)) out.winner = best->dot;
    out.review = needs_review(seen, id);
    return out;
}

std::string describe(const ExpectedView& view) {
    std::string out;
    for (const Dot& dot : view.siblings) out += to_string(dot) + ' ';
    out += "winner " + (view.winner ? to_string(*view.winner) : "none");
    return out + (view.review ? " for review" : "");
}

}  // namespace streetlog::sync::testing
