#include <algorithm>

#include <fmt/format.h>

#include "schema/planted.hpp"
#include "sync/change/hlc.hpp"
#include "sync/store/agent_impl.hpp"
#include "sync/store/cells.hpp"

/// The pull side: pages of the hub's log into states, in one transaction with the cursor.
namespace streetlog::store {
namespace {

Bytes one_record_body(const sync::EncodedView& bytes) { return sync::encode_batch({&bytes, 1}); }

}  // namespace

Result<void> AgentStore::apply_page(const sync::Page& page, Instant now) {
    if (planted(Bug::kCursorBeforeData))
        STREETLOG_CHECK(impl_->transact([&]() -> Result<void> {
            impl_->cursor_set_
                .with(page.scope,
                      page.next.seq.value,
                      BytesView{page.next.hash},
                      page.next.through.value,
                      impl_->older_runs(page.scope))
                .run();
            return {};
        }));
    return impl_->transact([&]() -> Result<void> {
        auto& me = impl_->me;
        const auto older = impl_->older_runs(page.scope);
        for (const sync::PageRun& run : page.runs) STREETLOG_CHECK(impl_->apply_run(run, older));
        STREETLOG_CHECK(impl_->apply_scope(page));
        impl_->cursor_set_
            .with(page.scope,
                  page.next.seq.value,
                  BytesView{page.next.hash},
                  page.next.through.value,
                  older)
            .run();
        if (page.caught_up) impl_->sweep();
        me.newest_hub = std::max(me.newest_hub, page.next.reach());
        me.last_pull_ms = now.ms;
        if (!page.signed_head.empty()) me.signed_head = page.signed_head;
        if (page.caught_up) STREETLOG_CHECK(impl_->drop_older_runs(page.scope));
        return {};
    });
}

Result<void> AgentStore::Impl::apply_run(const sync::PageRun& run, std::int64_t older) {
    const sync::RunReceipt& receipt = run.receipt;
    if (receipt.replica == me.settings.self) {
        STREETLOG_CHECK(check_own(receipt));
        std::vector<sync::RecordException> exceptions;
        exceptions.reserve(run.hidden.size());
        for (const auto& hidden : run.hidden)
            exceptions.push_back({hidden.seq, hidden.status, hidden.code});
        keep_word(receipt, exceptions);
        return {};
    }
    const std::uint64_t count = receipt.last_seq - receipt.first_seq + 1;
    if (receipt.first_seq == 0 || receipt.last_seq < receipt.first_seq ||
        receipt.times.size() != count || run.encoding == sync::Encoding::kNone)
        return fail(ErrorCode::kMalformed, "a run that does not fit its receipt");
    keep_run(live, run, older);
    return merge_run(live, run);
}

void AgentStore::Impl::keep_run(StateTables& into, const sync::PageRun& run, std::int64_t older) {
    const sync::RunReceipt& receipt = run.receipt;
    const Bytes stored = encode_receipt(receipt);
    const Bytes hidden = run.hidden.empty() ? Bytes{} : encode_hidden(run.hidden);
    // Under its number the earlier log had another.
    if (older > 0) into.run_drop.with(run.hub_seq.value, receipt.times.size(), older).run();
    into.run_add
        .with(run.hub_seq.value,
              receipt.times.size(),
              numbers.number_of(receipt.replica),
              receipt.first_seq,
              BytesView{stored},
              run.encoding,
              run.raw_bytes,
              BytesView{run.body},
              BytesView{hidden},
              older)
        .run();
}

Result<void> AgentStore::Impl::merge_run(StateTables& into, const sync::PageRun& run) {
    const sync::RunReceipt& receipt = run.receipt;
    STREETLOG_TRY(const Bytes raw, sync::unpack(run.encoding, run.raw_bytes, run.body));
    STREETLOG_TRY(const auto records, sync::decode_batch(raw));
    if (records.size() != receipt.times.size())
        return fail(ErrorCode::kMalformed, "a run with another number of records than its receipt");
    sync::Hlc clock{me.hlc};
    for (std::size_t i = 0; i < records.size(); ++i) {
        const sync::RecordKey key{receipt.replica, receipt.first_seq + i};
        const sync::Receipt word = receipt.of(key.seq);
        clock.absorb(word.hlc_hub);
        const auto hidden = std::ranges::find(run.hidden, key.seq, &sync::HiddenRecord::seq);
        if (hidden != run.hidden.end()) {
            into.projection.hide(key, hidden->writes, word.place);
        } else if (!records[i].header.empty()) {
            STREETLOG_CHECK(merge_bytes(into, records[i], key, word, {run.hub_seq.value + i}));
        }
    }
    me.hlc = clock.last();
    return {};
}

Result<void> AgentStore::Impl::merge_bytes(StateTables& into,
                                           const sync::EncodedView& bytes,
                                           const sync::RecordKey& key,
                                           const sync::Receipt& receipt,
                                           HubSeq hub_seq) {
    const auto record = sync::decode(bytes);
    // What cannot be read is held, not refused: one record must never stop all that follow it.
    if (!record || record->header.key() != key || !std::ranges::all_of(record->ops, understands)) {
        if (planted(Bug::kHalfOfHeld) && record) into.projection.put(*record, receipt);
        hold(into, bytes, key, receipt, hub_seq);
        return {};
    }
    into.projection.put(*record, receipt);
    if (key.replica.device == me.settings.hub) take_words(*record);
    return {};
}

void AgentStore::Impl::hold(StateTables& into,
                            const sync::EncodedView& bytes,
                            const sync::RecordKey& key,
                            const sync::Receipt& receipt,
                            HubSeq hub_seq) {
    const Bytes body = one_record_body(bytes);
    into.held_add
        .with(hub_seq.value,
              numbers.number_of(key.replica),
              key.seq,
              receipt.place.received.ms,
              receipt.place.seq.value,
              receipt.hlc_hub.value,
              receipt.saved.lo.ms,
              receipt.saved.hi.ms,
              BytesView{body})
        .run();
    into.projection.hide(key, sync::edges_of(bytes), receipt.place);
}

Result<void> AgentStore::Impl::replay_held() {
    struct Row {
        std::int64_t hub_seq;
        sync::Record record;
        sync::Receipt receipt;
    };

    return transact([&]() -> Result<void> {
        std::vector<Row> ready;
        auto all = db.prepare(
            "SELECT hub_seq, replica_no, seq, received_ms, place_seq, hlc_hub, "
            "lo, hi, body FROM held ORDER BY hub_seq");
        while (all.step()) {
            auto record = decode_own(all.blob(8));
            const auto replica = numbers.replica_of(static_cast<std::uint32_t>(all.integer(1)));
            const auto seq = static_cast<std::uint64_t>(all.integer(2));
            if (!record || !replica || record->header.key() != sync::RecordKey{*replica, seq} ||
                !std::ranges::all_of(record->ops, understands))
                continue;
            const sync::Receipt receipt{
                {{all.integer(3)}, {static_cast<std::uint64_t>(all.integer(4))}},
                {static_cast<std::uint64_t>(all.integer(5))},
                {{all.integer(6)}, {all.integer(7)}}};
            ready.push_back({all.integer(0), *std::move(record), receipt});
        }
        auto gone = db.prepare("DELETE FROM held WHERE hub_seq = ?1");
        for (const Row& row : ready) {
            live.projection.put(row.record, row.receipt);
            gone.with(row.hub_seq).run();
            if (row.record.header.replica.device == me.settings.hub) take_words(row.record);
        }
        return {};
    });
}

/// What a record of the hub says about others' records.
void AgentStore::Impl::take_words(const sync::Record& record) {
    for (const sync::Op& op : record.ops) {
        if (const auto verdict = sync::verdict_of(op)) take_verdict(*verdict);
        if (const auto earlier = sync::earlier_of(op)) take_earlier(*earlier);
    }
}

/// Those of others come with their records.
void AgentStore::Impl::take_earlier(const sync::RunReceipt& receipt) {
    if (receipt.replica != me.settings.self || !check_own(receipt) ||
        receipt.last_seq >= me.next_seq)
        return;
    const auto mine = hash_at(receipt.last_seq);
    if (!mine || *mine != std::optional{receipt.last_hash})
        return;  // of a copy that wrote something else
    keep_receipt(receipt);
    db.prepare(
          "UPDATE receipt SET adopted = 1 WHERE first_seq = ?1 AND last_seq = ?2 AND received_ms = "
          "?3 AND hub_seq = ?4")
        .with(receipt.first_seq, receipt.last_seq, receipt.received.ms, receipt.first_hub_seq.value)
        .run();
}

/// Only this device's own records wait for it: of others the hub sends a released record again.
void AgentStore::Impl::take_verdict(const sync::RecordVerdict& verdict) {
    verdict_add_.with(numbers.number_of(verdict.record.replica), verdict.record.seq, verdict.act)
        .run();
    if (verdict.record.replica == me.settings.self) news_of(verdict.record.seq);
}

Result<std::optional<sync::Position>> AgentStore::cursor(std::uint32_t scope) {
    STREETLOG_TRY(const auto all, impl_->cursors());
    const auto at = std::ranges::find(all, scope, &sync::ScopeCursor::scope);
    if (at == all.end()) return std::optional<sync::Position>{};
    return std::optional{at->cursor};
}

Bytes AgentStore::session_nonce() const {
    auto stmt = impl_->db.prepare("SELECT session_nonce FROM me");
    Bytes out;
    if (stmt.step()) out.assign(stmt.blob(0).begin(), stmt.blob(0).end());
    stmt.reset();
    return out;
}

Result<void> AgentStore::set_session_nonce(BytesView nonce) {
    return impl_->transact([&]() -> Result<void> {
        impl_->db.prepare("UPDATE me SET session_nonce = ?1").with(nonce).run();
        return {};
    });
}

std::optional<Anchor> AgentStore::anchor() const {
    auto stmt = impl_->db.prepare(
        "SELECT boot_id, boot_ms, suspended_ms, suspends, wall_ms, hub_ms, error_ms, wall_set FROM "
        "anchor");
    if (!stmt.step()) return std::nullopt;
    Anchor out;
    out.boot_id = static_cast<std::uint64_t>(stmt.integer(0));
    out.boot_ms = static_cast<std::uint64_t>(stmt.integer(1));
    out.suspended_ms = static_cast<std::uint64_t>(stmt.integer(2));
    out.suspends = static_cast<std::uint32_t>(stmt.integer(3));
    out.wall = {stmt.integer(4)};
    out.hub = {stmt.integer(5)};
    out.err_ms = static_cast<std::uint32_t>(stmt.integer(6));
    out.wall_set = stmt.integer(7) != 0;
    stmt.reset();
    return out;
}

Result<void> AgentStore::set_anchor(const Anchor& a) {
    return impl_->transact([&]() -> Result<void> {
        impl_->db.prepare("INSERT OR REPLACE INTO anchor VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
            .with(a.boot_id,
                  a.boot_ms,
                  a.suspended_ms,
                  a.suspends,
                  a.wall.ms,
                  a.hub.ms,
                  a.err_ms,
                  a.wall_set ? 1 : 0)
            .run();
        return {};
    });
}

}  // namespace streetlog::store
