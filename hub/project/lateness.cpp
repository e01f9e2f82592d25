#include "hub/project/lateness.hpp"

#include <algorithm>

#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/merge/view.hpp"
#include "sync/store/cells.hpp"
#include "sync/store/id_at.hpp"

namespace streetlog::hub {
namespace {

namespace tbl = hud::tbl;
namespace col = hud::col;

/// Cells of a rule op; stored, never renumbered.
constexpr std::uint16_t kRuleCoc = 1;
constexpr std::uint16_t kRuleProjectType = 2;
constexpr std::uint16_t kRuleKind = 3;
constexpr std::uint16_t kRuleLimitMs = 4;
constexpr std::uint16_t kRuleFrom = 5;
constexpr std::uint16_t kRuleTo = 6;

/// Nothing when the cells are not a rule.
std::optional<sync::Rule> rule_in(const std::vector<sync::Cell>& cells) {
    const auto limit = store::number_in(cells, kRuleLimitMs);
    const auto from = parse_date(store::date_in(cells, kRuleFrom));
    if (!limit || *limit <= 0 || !from) return std::nullopt;
    sync::Rule rule;
    rule.coc = store::text_in(cells, kRuleCoc);
    if (const auto type = store::number_in(cells, kRuleProjectType))
        rule.project_type = static_cast<int>(*type);
    rule.kind = static_cast<sync::EventKind>(store::number_in(cells, kRuleKind).value_or(0));
    rule.limit = Millis{*limit};
    rule.from = *from;
    rule.to = parse_date(store::date_in(cells, kRuleTo));
    return rule;
}

/// Which column of a create names the enrollment; 0: none.
std::uint16_t enrollment_column(std::uint16_t table) {
    const hud::Table* found = hud::find_table(table);
    if (found == nullptr) return 0;
    const auto at = std::ranges::find_if(found->columns, [](const hud::Column& column) {
        return column.carried == hud::Carried::kCreate &&
               column.references.starts_with("Enrollment.");
    });
    return at == found->columns.end() ? 0 : at->id;
}

}  // namespace

std::vector<sync::Cell> rule_cells(const sync::Rule& rule) {
    std::vector<sync::Cell> cells;
    if (!rule.coc.empty()) cells.push_back({kRuleCoc, rule.coc});
    if (rule.project_type) cells.push_back({kRuleProjectType, std::int64_t{*rule.project_type}});
    cells.push_back({kRuleKind, static_cast<std::int64_t>(rule.kind)});
    cells.push_back({kRuleLimitMs, std::int64_t{rule.limit.count()}});
    cells.push_back({kRuleFrom, sync::days_of(rule.from)});
    if (rule.to) cells.push_back({kRuleTo, sync::days_of(*rule.to)});
    return cells;
}

Lateness::Lateness(store::Db& db, store::DbReplicaNumbers& numbers, store::EntityStates& states)
    : db_(db),
      numbers_(numbers),
      states_(states),
      // Once more when it comes to light that the record was here earlier, and then for good.
      add_(db.prepare("INSERT OR REPLACE INTO verdict SELECT ?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,"
                      "?12,?13,?14,?15,?16,?17 WHERE NOT EXISTS(SELECT 1 FROM verdict WHERE "
                      "hub_seq = ?1 AND received_ms <= ?8)")),
      list_(db.prepare(
          "SELECT v.hub_seq, v.replica_no, v.seq, v.kind, v.source, v.user, e.id, v.received_ms, "
          "v.occurred_lo, v.occurred_hi, v.saved_lo, v.saved_hi, v.verdict, v.cause, "
          "v.lateness_ms, v.rule, v.flags FROM verdict v LEFT JOIN entity e ON e.eno = v.subject "
          "WHERE v.verdict = ?1 AND v.hub_seq > ?2 ORDER BY v.hub_seq")) {
    load();
}

void Lateness::load() {
    rules_.clear();
    auto all = db_.prepare(
        "SELECT id, coc, project_type, kind, limit_ms, first_day, last_day FROM rule ORDER BY id");
    while (all.step()) {
        sync::Rule rule;
        rule.id = static_cast<std::uint32_t>(all.integer(0));
        rule.coc = all.text(1);
        if (!all.is_null(2)) rule.project_type = static_cast<int>(all.integer(2));
        rule.kind = static_cast<sync::EventKind>(all.integer(3));
        rule.limit = Millis{all.integer(4)};
        rule.from = parse_date(all.text(5)).value_or(Date{});
        if (!all.is_null(6)) rule.to = parse_date(all.text(6));
        rules_.push_back(std::move(rule));
    }
}

void Lateness::clear() {
    db_.exec("DELETE FROM verdict; DELETE FROM rule");
    rules_.clear();
}

void Lateness::learn(const sync::Record& record) {
    for (const sync::Op& op : record.ops) {
        if (op.kind != sync::OpKind::kRule) continue;
        auto rule = rule_in(op.cells);
        if (!rule) continue;
        rule->id = static_cast<std::uint32_t>(rules_.size()) + 2;  // 1 is the default rule
        const std::optional<std::int64_t> type = rule->project_type;
        const std::string from = format_date(rule->from);
        const auto to = rule->to.transform([](Date d) { return format_date(d); });
        auto add = db_.prepare("INSERT INTO rule VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)");
        add.bind(1, std::int64_t{rule->id})
            .bind(2, std::string_view{rule->coc})
            .bind(3, type)
            .bind(4, static_cast<std::int64_t>(rule->kind))
            .bind(5, std::int64_t{rule->limit.count()})
            .bind(6, std::string_view{from});
        if (to)
            add.bind(7, std::string_view{*to});
        else
            add.bind(7, nullptr);
        add.run();
        rules_.push_back(*std::move(rule));
    }
}

void Lateness::take(HubSeq hub_seq,
                    const sync::Record& record,
                    const sync::OccurredTime& interaction,
                    const sync::SaveTime& save,
                    Instant received) {
    const auto& header = record.header;
    if (header.kind == sync::EventKind::kNone || header.kind == sync::EventKind::kImport) return;
    const EntityId subject = subject_of(record);
    const auto j =
        sync::judge(header, interaction, save, received, rule_for(record, subject, interaction));
    add_.with(hub_seq.value,
              numbers_.number_of(header.replica),
              header.seq,
              header.kind,
              header.source,
              header.user,
              subject.is_nil() ? 0 : states_.get(subject).eno,
              received.ms,
              interaction.occurred.lo.ms,
              interaction.occurred.hi.ms,
              save.saved.lo.ms,
              save.saved.hi.ms,
              j.verdict,
              j.cause,
              j.lateness.count(),
              j.rule,
              j.flags)
        .run();
}

/// The first enrollment the record writes to or hangs something on, else its first entity.
EntityId Lateness::subject_of(const sync::Record& record) {
    EntityId first;
    for (const sync::Op& op : record.ops) {
        if (op.entity.is_nil()) continue;
        if (first.is_nil()) first = op.entity;
        if (op.table == tbl::kEnrollment || op.table == tbl::kExit) return op.entity;
        const auto column = enrollment_column(op.table);
        if (column == 0) continue;
        if (const auto named = store::id_in(op.cells, column)) return *named;
        const auto& keys = sync::winner_cells(states_.get(op.entity).state, {op.table, 0});
        if (const auto named = store::id_in(keys, column)) return *named;
    }
    return first;
}

const sync::Rule& Lateness::rule_for(const sync::Record& record,
                                     const EntityId& subject,
                                     const sync::OccurredTime& interaction) {
    if (rules_.empty()) return sync::default_rule();
    const auto& stay = states_.get(subject).state;
    const std::string coc =
        store::text_in(sync::winner_cells(stay, {tbl::kEnrollment, hud::grp::kEnrollmentCoc}),
                       col::enrollment::kEnrollmentCoC);
    sync::RuleQuery query;
    query.coc = coc;
    query.kind = record.header.kind;
    query.day = sync::interaction_day(interaction.occurred, record.header.tz_minutes);
    if (const auto project = store::id_in(sync::winner_cells(stay, {tbl::kEnrollment, 0}),
                                          col::enrollment::kProjectID)) {
        const auto& kind = sync::winner_cells(states_.get(*project).state,
                                              {tbl::kProject, hud::grp::kProjectType});
        if (const auto type = store::number_in(kind, col::project::kProjectType))
            query.project_type = static_cast<int>(*type);
    }
    return *sync::find_rule(rules_, query);
}

LateCounts Lateness::counts() {
    LateCounts out;
    auto all = db_.prepare("SELECT verdict, cause, count(*) FROM verdict GROUP BY verdict, cause");
    while (all.step()) {
        const auto n = static_cast<std::uint64_t>(all.integer(2));
        switch (static_cast<sync::Verdict>(all.integer(0))) {
            case sync::Verdict::kNotApplicable:
                break;
            case sync::Verdict::kOnTime:
                out.on_time += n;
                break;
            case sync::Verdict::kUnproven:
                out.unproven += n;
                break;
            case sync::Verdict::kLate: {
                out.late += n;
                const auto cause = static_cast<sync::Cause>(all.integer(1));
                if (cause == sync::Cause::kEntry || cause == sync::Cause::kPaused)
                    out.late_entry += n;
                if (cause == sync::Cause::kSync) out.late_sync += n;
                break;
            }
        }
    }
    return out;
}

void Lateness::list(sync::Verdict which,
                    HubSeq after,
                    const std::function<bool(const LateRow&)>& take) {
    list_.with(which, after.value);
    while (list_.step()) {
        LateRow row;
        row.hub_seq = {static_cast<std::uint64_t>(list_.integer(0))};
        row.record = {numbers_.replica_of(static_cast<std::uint32_t>(list_.integer(1)))
                          .value_or(sync::Replica{}),
                      static_cast<std::uint64_t>(list_.integer(2))};
        row.kind = static_cast<sync::EventKind>(list_.integer(3));
        row.source = static_cast<sync::TimeSource>(list_.integer(4));
        row.user = static_cast<std::uint32_t>(list_.integer(5));
        row.subject = store::id_at(list_, 6);
        row.received = {list_.integer(7)};
        row.interaction.occurred = {{list_.integer(8)}, {list_.integer(9)}};
        row.saved = {{list_.integer(10)}, {list_.integer(11)}};
        row.judgement.verdict = static_cast<sync::Verdict>(list_.integer(12));
        row.judgement.cause = static_cast<sync::Cause>(list_.integer(13));
        row.judgement.lateness = Millis{list_.integer(14)};
        row.judgement.rule = static_cast<std::uint32_t>(list_.integer(15));
        row.judgement.flags = static_cast<std::uint32_t>(list_.integer(16));
        if (!take(row)) {
            list_.reset();
            return;
        }
    }
}

}  // namespace streetlog::hub
