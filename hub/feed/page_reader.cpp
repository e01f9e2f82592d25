#include "hub/feed/page_reader.hpp"

#include <algorithm>
#include <cstdlib>

#include "hub/feed/page_weight.hpp"
#include "hub/recovery/high_water.hpp"
#include "schema/planted.hpp"
#include "sync/store/log_records.hpp"

namespace streetlog::hub {
namespace {

/// Runs looked up for one page of the office's scope; more follow in the next.
constexpr std::size_t kOfficeRunsMax = 1'000;
/// About what a state takes that is everybody's: a link, a user.
constexpr std::size_t kStateBytes = 512;

/// About what a run takes in a page (schema/wire/protocol.capnp).
std::size_t bytes_of(const sync::PageRun& run) {
    std::size_t bytes = 200 + run.body.size() + 24 * run.receipt.times.size();
    for (const auto& hidden : run.hidden) bytes += sync::bytes_of(hidden.writes);
    return bytes;
}

}  // namespace

sync::RunReceipt wire_receipt(const sync::Replica& replica,
                              std::uint64_t first_seq,
                              const sync::Hash& last_hash,
                              const sync::ReceiptSpan& receipt) {
    sync::RunReceipt out;
    out.replica = replica;
    out.first_seq = first_seq;
    out.last_seq = first_seq + receipt.times.size() - 1;
    out.last_hash = last_hash;
    out.received = receipt.first.received;
    out.first_hub_seq = receipt.first.seq;
    out.times.reserve(receipt.times.size());
    for (const auto& t : receipt.times) out.times.push_back({t.hlc_hub, t.saved});
    return out;
}

Result<sync::Page> PageReader::read(std::uint32_t scope,
                                    const sync::Position& cursor,
                                    std::size_t max_bytes,
                                    const sync::Replica& reader) {
    return store::guarded_job([&]() -> Result<sync::Page> {
        if (!log_.has({cursor.seq, cursor.hash}))
            return fail(ErrorCode::kNotFound, "the hub's log does not have this cursor");
        sync::Page page;
        page.scope = scope;
        page.next = cursor;
        page.caught_up = true;
        std::size_t bytes = 0;
        log_.runs_after(cursor.seq, [&](store::LogRun&& run) {
            const sync::Position end{run.last_hub(), run.hub_hash};
            auto more = released_by(run, reader);
            std::ranges::move(earlier_by(run, reader), std::back_inserter(more));
            sync::PageRun out = as_sent(std::move(run), reader);
            std::size_t cost = bytes_of(out);
            for (const auto& one : more) cost += bytes_of(one);
            if (!page.runs.empty() && bytes + cost > max_bytes) {
                page.caught_up = false;
                return false;
            }
            bytes += cost;
            page.next = end;
            page.runs.push_back(std::move(out));
            std::ranges::move(more, std::back_inserter(page.runs));
            return true;
        });
        return page;
    });
}

Result<StatePages::Read> PageReader::read(const sync::ReadPage& request,
                                          const sync::Replica& reader) {
    if (request.scope != kScopeAll && !states_)
        return fail(ErrorCode::kUnavailable, "the hub is still reading its own log");
    if (request.scope == kScopeIndex)
        return states_->read_index(log_, request.cursor, request.max_bytes, request.within);
    if (request.scope >= kScopeFirstProject)
        return states_->read(
            log_, request.scope, request.cursor, request.max_bytes, request.within);
    STREETLOG_TRY(auto page,
                  request.scope == kScopeOffice
                      ? read_office(request.cursor, request.max_bytes, reader)
                      : read(request.scope, request.cursor, request.max_bytes, reader));
    return StatePages::Read{std::move(page), std::nullopt, 0};
}

void PageReader::follow(StatePages states) {
    followed_from_ = log_.head().seq;
    states_.emplace(std::move(states));
}

Result<std::vector<std::uint32_t>> PageReader::scopes_of(std::span<const EntityId> projects) {
    if (!states_) return fail(ErrorCode::kUnavailable, "the hub is still reading its own log");
    std::vector<std::uint32_t> out{kScopeOffice};
    STREETLOG_TRY(const auto scopes, states_->scopes_of(projects, followed_from_));
    out.insert(out.end(), scopes.begin(), scopes.end());
    return out;
}

Result<sync::Page> PageReader::read_office(const sync::Position& cursor,
                                           std::size_t max_bytes,
                                           const sync::Replica& reader) {
    STREETLOG_TRY(auto office, states_->office_runs(log_, cursor, kOfficeRunsMax));
    return store::guarded_job([&]() -> Result<sync::Page> {
        sync::Page page;
        page.scope = kScopeOffice;
        const bool all = office.runs.size() < kOfficeRunsMax;
        const HubSeq end = all ? office.stands.seq : office.runs.back();
        for (const HubSeq own : log_.runs_of(reader, cursor.seq))
            if (own <= end) office.runs.push_back(own);
        std::ranges::sort(office.runs);
        std::size_t bytes = 0;
        std::vector<EntityId> anew;
        page.caught_up = all;
        for (const HubSeq first : office.runs) {
            auto run = log_.run_at(first);
            if (!run || run->first_hub != first)
                return fail(ErrorCode::kDamaged, "the log lacks a run the projection has");
            const sync::Position next{run->last_hub(), run->hub_hash, {}};
            const auto more = anew_to_all(*run, reader);
            sync::PageRun out = as_sent(*std::move(run), reader);
            bytes += bytes_of(out) + more.size() * kStateBytes;
            if (!page.runs.empty() && bytes > max_bytes) {
                page.caught_up = false;
                break;
            }
            page.next = next;
            page.runs.push_back(std::move(out));
            anew.insert(anew.end(), more.begin(), more.end());
        }
        if (page.caught_up) page.next = {office.stands.seq, office.stands.hash, {}};
        if (anew.empty()) return page;
        STREETLOG_TRY(auto states, states_->states_of(anew));
        page.as_of = office.stands.seq;
        page.encoding = states.encoding;
        page.raw_bytes = states.raw_bytes;
        page.states = std::move(states.body);
        return page;
    });
}

Result<sync::OwnRecords> PageReader::own_records(const sync::Replica& author,
                                                 std::uint64_t from,
                                                 std::size_t max_bytes) {
    return store::guarded_job([&]() -> Result<sync::OwnRecords> {
        sync::OwnRecords out;
        std::size_t bytes = 0;
        for (auto run = log_.run_of(author, from); run; run = log_.run_of(author, from)) {
            sync::PageRun own;
            own.receipt = wire_receipt(run->replica, run->first_seq, run->head, run->receipt);
            own.hub_seq = run->first_hub;
            own.encoding = run->encoding;
            own.raw_bytes = run->raw_bytes;
            for (const auto& e : log_.exceptions(run->first_hub, run->last_hub()))
                own.hidden.push_back(
                    {run->first_seq + (e.seq.value - run->first_hub.value), e.status, e.code, {}});
            own.body = std::move(run->body);
            const std::size_t cost = bytes_of(own);
            if (!out.runs.empty() && bytes + cost > max_bytes) {
                out.more = true;
                break;
            }
            bytes += cost;
            from = run->last_seq() + 1;
            out.runs.push_back(std::move(own));
        }
        return out;
    });
}

std::uint64_t PageReader::epoch() {
    const auto text = store::guarded_job(
        [&]() -> Result<std::optional<std::string>> { return log_.setting(kEpochSetting); });
    return text && *text ? std::strtoull((*text)->c_str(), nullptr, 10) : 0;
}

/// These records may hold more than is everybody's, so they do not travel themselves.
std::vector<EntityId> PageReader::anew_to_all(const store::LogRun& run,
                                              const sync::Replica& reader) {
    std::vector<EntityId> out;
    const auto add = [&out](const sync::Record& record) {
        for (const sync::Op& op : record.ops)
            if (!op.entity.is_nil() && for_everybody({&op, 1})) out.push_back(op.entity);
    };
    for (const auto& [verdict, at] : log_.verdicts(run.first_hub, run.last_hub())) {
        if (verdict.act != sync::VerdictAct::kRelease || verdict.record.replica == reader) continue;
        const auto record = store::find_set_aside(log_, verdict.record);
        if (!record) continue;
        if (const auto content = sync::decode(record->view())) add(*content);
    }
    for (const auto& row : log_.earlier().at(run.first_hub, run.last_hub())) {
        if (row.replica == reader) continue;
        for (const auto& part : store::runs_again(log_, row))
            for (const auto& view : store::records_of(part).views)
                if (const auto content = sync::decode(view)) add(*content);
    }
    return out;
}

/// A device's own receipts are in the hub's record itself.
std::vector<sync::PageRun> PageReader::earlier_by(const store::LogRun& run,
                                                  const sync::Replica& reader) {
    std::vector<sync::PageRun> out;
    for (const auto& row : log_.earlier().at(run.first_hub, run.last_hub())) {
        if (row.replica == reader) continue;
        for (auto& part : store::runs_again(log_, row))
            out.push_back(as_sent(std::move(part), reader, row.at));
    }
    return out;
}

std::vector<sync::PageRun> PageReader::released_by(const store::LogRun& run,
                                                   const sync::Replica& reader) {
    std::vector<sync::PageRun> out;
    if (planted(Bug::kReleaseNotSent)) return out;
    for (const auto& [verdict, at] : log_.verdicts(run.first_hub, run.last_hub())) {
        if (verdict.act != sync::VerdictAct::kRelease || verdict.record.replica == reader) continue;
        const auto record = store::find_set_aside(log_, verdict.record);
        if (!record || record->at >= at) continue;  // not here yet: it will come as released
        const auto counts =
            log_.earlier().smallest(verdict.record, record->at, record->receipt, at);
        const sync::ReceiptSpan receipt{counts.place, {{counts.hlc_hub, counts.saved}}};
        auto& one = out.emplace_back();
        one.receipt =
            wire_receipt(verdict.record.replica, verdict.record.seq, record->head, receipt);
        one.hub_seq = record->at;
        auto packed = sync::pack(sync::encode_batch({&record->view(), 1}));
        one.encoding = packed.encoding;
        one.raw_bytes = packed.raw_bytes;
        one.body = std::move(packed.body);
    }
    return out;
}

Result<bool> PageReader::read_own(std::uint64_t first_seq,
                                  std::size_t max_bytes,
                                  const sync::Replica& reader,
                                  std::vector<sync::PageRun>& out) {
    return store::guarded_job([&]() -> Result<bool> {
        std::size_t bytes = 0;
        for (std::uint64_t seq = first_seq;;) {
            auto run = log_.run_of(reader, seq);
            if (!run) return true;
            seq = run->last_seq() + 1;
            auto one = as_sent(*std::move(run), reader);
            bytes += bytes_of(one);
            if (!out.empty() && bytes > max_bytes) return false;
            out.push_back(std::move(one));
        }
    });
}

sync::PageRun PageReader::as_sent(store::LogRun&& run,
                                  const sync::Replica& reader,
                                  std::optional<HubSeq> told_at) {
    sync::PageRun out;
    out.receipt = wire_receipt(run.replica, run.first_seq, run.head, run.receipt);
    out.hub_seq = run.first_hub;
    const bool own = run.replica == reader;
    auto exceptions = log_.exceptions(run.first_hub, run.last_hub());
    // A release that came first, as after a restore: the author still learns of the exception.
    if (!own)
        std::erase_if(exceptions, [&](const store::ExceptionRow& e) {
            const sync::RecordKey key{run.replica,
                                      run.first_seq + (e.seq.value - run.first_hub.value)};
            return store::released_before(log_, key, told_at.value_or(e.seq));
        });
    if (planted(Bug::kHalfPage) && !own && run.count > 2) {
        auto part = store::records_of(run);
        part.views.back().ops.pop_back();
        auto packed = sync::pack(sync::encode_batch(part.views));
        run.encoding = packed.encoding;
        run.raw_bytes = packed.raw_bytes;
        run.body = std::move(packed.body);
    }
    if (exceptions.empty() && !own) {
        out.encoding = run.encoding;
        out.raw_bytes = run.raw_bytes;
        out.body = std::move(run.body);
        return out;
    }
    out.encoding = sync::Encoding::kNone;
    if (exceptions.empty()) return out;
    auto records = store::records_of(run);
    auto& views = records.views;
    views.resize(run.count);
    const bool edges = shows_edges(views);
    for (const auto& e : exceptions) {
        const std::size_t i = e.seq.value - run.first_hub.value;
        sync::HiddenRecord hidden{run.first_seq + i, e.status, e.code, {}};
        if (edges && !planted(Bug::kHiddenLeftOut)) hidden.writes = sync::edges_of(views[i]);
        out.hidden.push_back(std::move(hidden));
        views[i] = {};
    }
    if (own) return out;
    auto packed = sync::pack(sync::encode_batch(views));
    out.encoding = packed.encoding;
    out.raw_bytes = packed.raw_bytes;
    out.body = std::move(packed.body);
    return out;
}

}  // namespace streetlog::hub
