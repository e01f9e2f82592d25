#include "sync/store/agent_impl.hpp"

/// Projections made again from the log, and the canonical dump.
namespace streetlog::store {

Result<void> AgentStore::rebuild_read() {
    return impl_->transact([&] { return impl_->rebuild_read(); });
}

Result<void> AgentStore::Impl::rebuild_read() {
    flush();
    projection.clear_read();
    std::size_t done = 0;
    for (const EntityId id : projection.with_state()) {
        projection.states.touch(id);
        flush_in_steps(done);
    }
    flush();
    return {};
}

Result<void> AgentStore::rebuild_state() {
    return impl_->transact([&] { return impl_->rebuild_state(); });
}

Result<void> AgentStore::Impl::rebuild_state() {
    flush();
    const auto scoped = scoped_states();
    projection.clear();
    db.exec("DELETE FROM own_refused; DELETE FROM verdict; DELETE FROM held");
    std::size_t done = 0;
    auto runs = db.prepare(
        "SELECT receipt, encoding, raw_bytes, body, hub_seq, hidden FROM run ORDER BY hub_seq, n");
    while (runs.step()) {
        STREETLOG_TRY(auto hidden, decode_hidden(runs.blob(5)));
        STREETLOG_TRY(auto receipt, decode_receipt(runs.blob(0)));
        sync::PageRun run;
        run.receipt = std::move(receipt);
        run.encoding = static_cast<sync::Encoding>(runs.integer(1));
        run.raw_bytes = static_cast<std::uint32_t>(runs.integer(2));
        const auto body = runs.blob(3);
        run.body.assign(body.begin(), body.end());
        run.hub_seq = {static_cast<std::uint64_t>(runs.integer(4))};
        run.hidden = std::move(hidden);
        STREETLOG_CHECK(merge_run(run));
        flush_in_steps(done);
    }
    for (const auto& [id, body] : scoped) {
        STREETLOG_TRY(projection.states.touch(id).state,
                      sync::decode_state(body, projection.numbers));
        flush_in_steps(done);
    }
    me.stamped = 0;
    for (std::uint64_t seq = 1; seq < me.next_seq; ++seq) {
        const bool stamped = stamp_one(seq);
        if (!stamped) projection.put(own_record(seq), std::nullopt);
        if (stamped && me.stamped + 1 == seq) me.stamped = seq;
        flush_in_steps(done);
    }
    flush();
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
