#include "hub/ingest/ledger.hpp"
#include "schema/planted.hpp"
#include "sync/store/log_records.hpp"

/// What becomes of held records once a version of the hub understands them.
namespace streetlog::hub {

Result<std::size_t> Ledger::release_understood() {
    if (planted(Bug::kHeldForgotten)) return std::size_t{0};
    std::vector<std::pair<sync::Header, std::vector<sync::Op>>> drafts;
    STREETLOG_CHECK(store::guarded_job([&]() -> Result<void> {
        std::optional<store::LogRun> run;
        store::RunRecords records;
        for (const HubSeq at : log_.held()) {
            if (!run || at > run->last_hub()) {
                run = log_.run_at(at);
                if (!run) continue;
                records = store::records_of(*run);
            }
            const std::size_t i = at.value - run->first_hub.value;
            const sync::RecordKey key{run->replica, run->first_seq + i};
            if (i >= records.views.size() || log_.verdict_on(key)) continue;
            PreparedRun one;
            one.replica = key.replica;
            one.first_seq = key.seq;
            one.records.push_back({sync::inspect(records.views[i]), {}, std::nullopt});
            if (check(one, 0) != sync::StatusCode::kNone) continue;
            drafts.emplace_back(sync::Header{},
                                std::vector{sync::verdict_op({key, sync::VerdictAct::kRelease})});
        }
        return {};
    }));
    STREETLOG_TRY(const auto keys, author_all(std::move(drafts)));
    return keys.size();
}

}  // namespace streetlog::hub
