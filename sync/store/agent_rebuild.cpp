#include <fmt/format.h>

#include "sync/merge/canonical.hpp"
#include "sync/store/agent_impl.hpp"

/// Projections made again from the log, and the canonical dump.
namespace streetlog::store {
namespace {

std::vector<std::pair<std::int64_t, EntityId>> all_entities(Db& db, const char* sql) {
    std::vector<std::pair<std::int64_t, EntityId>> out;
    auto stmt = db.prepare(sql);
    while (stmt.step()) {
        EntityId id;
        const auto bytes = stmt.blob(1);
        if (bytes.size() == id.bytes.size())
            std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
        out.emplace_back(stmt.integer(0), id);
    }
    return out;
}

}  // namespace

Result<void> AgentStore::rebuild_read() {
    return impl_->transact([&] { return impl_->rebuild_read(); });
}

Result<void> AgentStore::Impl::rebuild_read() {
    flush();
    tables.clear(db);
    links.clear(db);
    std::size_t done = 0;
    for (const auto& [eno, id] :
         all_entities(db, "SELECT e.eno, e.id FROM entity e JOIN state s ON s.eno = e.eno")) {
        states.touch(id);
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
    tables.clear(db);
    links.clear(db);
    db.exec(
        "DELETE FROM state; DELETE FROM entity; DELETE FROM own_refused; DELETE FROM verdict;"
        "DELETE FROM held");
    states.forget();
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
    me.stamped = 0;
    for (std::uint64_t seq = 1; seq < me.next_seq; ++seq) {
        const bool stamped = stamp_one(seq);
        if (!stamped) put_ops(own_record(seq), std::nullopt);
        if (stamped && me.stamped + 1 == seq) me.stamped = seq;
        flush_in_steps(done);
    }
    flush();
    return {};
}

Result<void> AgentStore::dump(const std::function<void(std::string_view)>& sink) {
    while (!fully_stamped()) STREETLOG_CHECK(stamp_receipts(2'000));
    return guarded_job([&]() -> Result<void> {
        std::string text;
        for (const auto& [eno, id] :
             all_entities(impl_->db, "SELECT eno, id FROM entity ORDER BY id")) {
            STREETLOG_TRY(const auto state, read().load(id));
            if (state == sync::EntityState{}) continue;
            text.clear();
            sync::append_canonical(text, id, state);
            sink(text);
        }
        for (const auto& [eno, id] :
             all_entities(impl_->db,
                          "SELECT e.eno, e.id FROM canon c JOIN entity e ON e.eno = c.eno "
                          "WHERE c.root <> c.eno ORDER BY e.id")) {
            STREETLOG_TRY(const auto root, read().canon_of(id));
            sink(fmt::format("canon {} {}\n", to_string(id), to_string(root)));
        }
        return {};
    });
}

Result<Hash> AgentStore::dump_hash() {
    while (!fully_stamped()) STREETLOG_CHECK(stamp_receipts(2'000));
    return guarded_job([&]() -> Result<Hash> {
        sync::CanonicalHash hash;
        for (const auto& [eno, id] :
             all_entities(impl_->db, "SELECT eno, id FROM entity ORDER BY id")) {
            STREETLOG_TRY(const auto state, read().load(id));
            if (!(state == sync::EntityState{})) hash.add(id, state);
        }
        for (const auto& [eno, id] :
             all_entities(impl_->db,
                          "SELECT e.eno, e.id FROM canon c JOIN entity e ON e.eno = c.eno "
                          "WHERE c.root <> c.eno ORDER BY e.id")) {
            STREETLOG_TRY(const auto root, read().canon_of(id));
            hash.add_canon(id, root);
        }
        return hash.finish();
    });
}

}  // namespace streetlog::store
