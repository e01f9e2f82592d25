#include "sync/store/agent_check.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sync/change/codec.hpp"
#include "sync/session/evidence.hpp"
#include "sync/store/agent_impl.hpp"

namespace streetlog::store {
namespace {

Result<std::uint64_t> verify_in_snapshot(Db& db) {
    const auto me = read_me(db);
    if (!me) return fail(ErrorCode::kNotFound, "this device is not set up");
    std::uint64_t last = 0;
    Hash chain{};
    const auto broken = [&](std::string_view what) {
        return fail(
            ErrorCode::kDamaged,
            fmt::format("the log of this device is damaged after record {}: {}", last, what),
            "Keep the directory as it is; the hub has what was acknowledged.");
    };
    auto rows = db.prepare("SELECT seq, hash, body FROM own ORDER BY seq");
    while (rows.step()) {
        if (static_cast<std::uint64_t>(rows.integer(0)) != last + 1)
            return broken("a record is missing");
        const auto body = rows.blob(2);
        const Bytes aligned{body.begin(), body.end()};
        const auto views = sync::decode_batch(aligned);
        if (!views || views->size() != 1) return broken("the next cannot be read");
        chain = sync::chain_hash(chain, sync::hash_of(views->front()));
        if (!std::ranges::equal(rows.blob(1), chain))
            return broken("the next is not what was saved");
        ++last;
    }
    if (last + 1 != me->next_seq) return broken("the newest records are missing");
    if (chain != me->head) return broken("the log does not end in its head");
    return last;
}

/// h(seq) of one incarnation's chain.
std::optional<Hash> own_hash(Db& db, const AgentSettings& me, std::uint32_t no, std::uint64_t seq) {
    auto row = db.prepare(no == me.self.incarnation
                              ? "SELECT hash FROM own WHERE seq = ?1"
                              : "SELECT hash FROM own_before WHERE seq = ?1 AND incarnation = ?2");
    if (no == me.self.incarnation)
        row.with(seq);
    else
        row.with(seq, no);
    if (!row.step()) return std::nullopt;
    Hash out{};
    if (row.blob(0).size() == out.size()) std::ranges::copy(row.blob(0), out.begin());
    row.reset();
    return out;
}

Result<EvidenceCheck> verify_evidence_in_snapshot(Db& db) {
    const auto state = read_me(db);
    if (!state) return fail(ErrorCode::kNotFound, "this device is not set up");
    const AgentSettings& me = state->settings;
    EvidenceCheck out;
    auto rows = db.prepare(
        "SELECT ?1 AS incarnation, first_seq, body FROM receipt UNION ALL "
        "SELECT incarnation, first_seq, body FROM receipt_before ORDER BY 1, 2");
    rows.with(me.self.incarnation);
    while (rows.step()) {
        const auto no = static_cast<std::uint32_t>(rows.integer(0));
        const auto receipt = decode_receipt(rows.blob(2));
        const auto bad = [&](std::string_view why) {
            return fail(ErrorCode::kDamaged,
                        fmt::format("the receipt for records from {} of incarnation {} is not "
                                    "good: {}",
                                    rows.integer(1),
                                    no,
                                    why),
                        "Keep the directory as it is, and ask the hub what it has of this device.");
        };
        if (!receipt) return bad("it cannot be read");
        if (receipt->replica != sync::Replica{me.self.device, no})
            return bad("it is of another device");
        // What was stamped anew since has no record under the old number any more.
        const auto own = own_hash(db, me, no, receipt->last_seq);
        if (own && *own != receipt->last_hash) return bad("it is for other records");
        if (!own && no == me.self.incarnation) return bad("its records are not here");
        ++out.receipts;
        if (receipt->signature.empty())
            ++out.unsigned_receipts;
        else if (me.hub_key == sync::PublicKey{} || !sync::verify_receipt(me.hub_key, *receipt))
            return bad("the hub did not sign it");
    }
    return out;
}

}  // namespace

Result<EvidenceCheck> verify_evidence(Db& db) {
    db.exec("BEGIN");
    auto result = guarded_job([&] { return verify_evidence_in_snapshot(db); });
    db.exec("ROLLBACK");
    return result;
}

Result<EvidenceCheck> AgentStore::verify_evidence() { return store::verify_evidence(impl_->db); }

Result<std::uint64_t> verify_own_log(Db& db) {
    // One read transaction, because the agent may save while this looks.
    db.exec("BEGIN");
    auto result = guarded_job([&] { return verify_in_snapshot(db); });
    db.exec("ROLLBACK");
    return result;
}

}  // namespace streetlog::store
