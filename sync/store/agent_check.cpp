#include "sync/store/agent_check.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sync/change/codec.hpp"
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

}  // namespace

Result<std::uint64_t> verify_own_log(Db& db) {
    // One read transaction, because the agent may save while this looks.
    db.exec("BEGIN");
    auto result = guarded_job([&] { return verify_in_snapshot(db); });
    db.exec("ROLLBACK");
    return result;
}

}  // namespace streetlog::store
