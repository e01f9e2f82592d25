#include "sync/store/agent_impl.hpp"

/// Projections made again from the log, and the canonical dump.
namespace streetlog::store {

Result<void> AgentStore::rebuild_read() {
    return impl_->transact([&] { return impl_->rebuild_read(); });
}

Result<void> AgentStore::Impl::rebuild_read() {
    flush();
    live.projection.clear_read();
    std::size_t done = 0;
    for (const EntityId id : live.projection.with_state()) {
        live.projection.states.touch(id);
        flush_in_steps(done);
    }
    flush();
    return {};
}

Result<void> AgentStore::rebuild_state() {
    STREETLOG_TRY(const bool done, impl_->rebuild_from_base());
    return impl_->transact([&]() -> Result<void> {
        if (!done) return impl_->rebuild_state();
        impl_->rebuilt();
        return {};
    });
}

bool is_rebuild_due(Db& db) {
    auto row = db.prepare("SELECT 1 FROM rebuild_due");
    return row.step();
}

void AgentStore::Impl::rebuilt() {
    db.exec("DELETE FROM rebuild_due");
    rebuild_due = false;
}

Result<sync::PageRun> run_at(const Stmt& row) {
    sync::PageRun run;
    STREETLOG_TRY(run.hidden, decode_hidden(row.blob(5)));
    STREETLOG_TRY(run.receipt, decode_receipt(row.blob(0)));
    run.encoding = static_cast<sync::Encoding>(row.integer(1));
    run.raw_bytes = static_cast<std::uint32_t>(row.integer(2));
    const auto body = row.blob(3);
    run.body.assign(body.begin(), body.end());
    run.hub_seq = {static_cast<std::uint64_t>(row.integer(4))};
    return run;
}

Result<void> AgentStore::Impl::rebuild_state() {
    flush();
    const auto scoped = scoped_states();
    live.projection.clear();
    db.exec("DELETE FROM own_refused; DELETE FROM verdict; DELETE FROM held");
    // First, because some of them may be here without the receipt that a page brings.
    put_before(live, Before::kAll);
    std::size_t done = 0;
    // As they came: of two receipts of a record the one that came last is the earlier.
    auto runs = db.prepare(
        "SELECT receipt, encoding, raw_bytes, body, hub_seq, hidden FROM run ORDER BY id");
    while (runs.step()) {
        STREETLOG_TRY(const auto run, run_at(runs));
        STREETLOG_CHECK(merge_run(live, run));
        flush_in_steps(done);
    }
    put_before(live, Before::kReleased);
    for (const auto& [id, body] : scoped) {
        STREETLOG_TRY(live.projection.states.touch(id).state,
                      sync::decode_state(body, live.projection.numbers));
        flush_in_steps(done);
    }
    me.stamped = 0;
    for (std::uint64_t seq = 1; seq < me.next_seq; ++seq) {
        const bool stamped = stamp_one(live, seq);
        if (!stamped) live.projection.put(own_record(seq), std::nullopt);
        if (stamped && me.stamped + 1 == seq) me.stamped = seq;
        flush_in_steps(done);
    }
    db.exec("DELETE FROM scope_swept");
    sweep();
    flush();
    rebuilt();
    return {};
}

Result<void> AgentStore::dump(const std::function<void(std::string_view)>& sink) {
    while (!fully_stamped()) STREETLOG_CHECK(stamp_receipts(2'000));
    return read().dump(sink);
}

Result<Hash> AgentStore::dump_hash() {
    while (!fully_stamped()) STREETLOG_CHECK(stamp_receipts(2'000));
    return read().dump_hash();
}

}  // namespace streetlog::store
