#include <algorithm>

#include <fmt/format.h>

#include "sync/session/bundle.hpp"
#include "sync/store/agent_impl.hpp"

/// Bundles of other devices, from the stick until the hub has them. They are sealed: nothing here
/// looks into one.
namespace streetlog::store {
namespace {

/// Of one part: what a piece may have, so that reading one never reads more than that.
constexpr std::size_t kPartBytes = sync::kCarryPieceBytesMax;

constexpr std::uint64_t kMiB = 1024 * 1024;

CarriedRow row_of(const Stmt& row) {
    CarriedRow out;
    const auto digest = row.blob(0);
    if (digest.size() == out.digest.size()) std::ranges::copy(digest, out.digest.begin());
    out.name = row.text(1);
    out.bytes = static_cast<std::uint64_t>(row.integer(2));
    out.since = {row.integer(3)};
    out.refused = row.integer(4) != 0;
    out.word = row.text(5);
    return out;
}

std::vector<CarriedRow> rows_of(Db& db) {
    std::vector<CarriedRow> out;
    auto rows = db.prepare(
        "SELECT digest, name, bytes, since_ms, refused, word FROM carried ORDER BY since_ms, "
        "digest");
    while (rows.step()) out.push_back(row_of(rows));
    return out;
}

}  // namespace

Result<CarriedRow> AgentStore::carry(std::string_view name, BytesView bundle, Instant now) {
    auto& db = impl_->db;
    if (!sync::looks_like_bundle(bundle))
        return fail(ErrorCode::kMalformed,
                    fmt::format("{} is not a bundle of a device", name),
                    "Take the file that streetlog-agent export-bundle wrote on the other device.");
    if (bundle.size() > sync::kBundleBytesMax)
        return fail(ErrorCode::kTooLarge, fmt::format("{} is too large for a bundle", name));
    CarriedRow out{sync::sha256(bundle), std::string{name}, bundle.size(), now, false, {}};
    STREETLOG_CHECK(impl_->transact([&]() -> Result<void> {
        const auto here = rows_of(db);
        if (const auto known = std::ranges::find(here, out.digest, &CarriedRow::digest);
            known != here.end()) {
            out.since = known->since;
            db.prepare("UPDATE carried SET name = ?2, refused = 0, word = '' WHERE digest = ?1")
                .with(BytesView{out.digest}, out.name)
                .run();
            return {};
        }
        std::uint64_t carried = 0;
        for (const auto& row : here) carried += row.bytes;
        if (carried + out.bytes > kCarriedBytesMax)
            return fail(ErrorCode::kTooLarge,
                        fmt::format("there is no room for {}: {} MiB of at most {} are carried",
                                    name,
                                    (carried + kMiB - 1) / kMiB,
                                    kCarriedBytesMax / kMiB),
                        "Bring this device to the hub first: streetlog-agent sync --once.");
        db.prepare("INSERT INTO carried VALUES(?1, ?2, ?3, ?4, 0, '')")
            .with(BytesView{out.digest}, out.name, out.bytes, now.ms)
            .run();
        auto part = db.prepare("INSERT INTO carried_part VALUES(?1, ?2, ?3)");
        for (std::size_t at = 0; at < bundle.size(); at += kPartBytes)
            part.with(BytesView{out.digest},
                      at,
                      bundle.subspan(at, std::min(kPartBytes, bundle.size() - at)))
                .run();
        return {};
    }));
    return out;
}

void AgentStore::Impl::forget_carried(const Hash& digest) {
    db.prepare("DELETE FROM carried_part WHERE digest = ?1").with(BytesView{digest}).run();
    db.prepare("DELETE FROM carried WHERE digest = ?1").with(BytesView{digest}).run();
}

Result<void> AgentStore::settle_carried(const sync::CarryAnswer& answer) {
    return impl_->transact([&]() -> Result<void> {
        if (answer.outcome == sync::CarryOutcome::kTaken) {
            impl_->forget_carried(answer.digest);
            return {};
        }
        impl_->db.prepare("UPDATE carried SET refused = ?2, word = ?3 WHERE digest = ?1")
            .with(BytesView{answer.digest},
                  answer.outcome == sync::CarryOutcome::kRefused ? 1 : 0,
                  answer.detail)
            .run();
        return {};
    });
}

Result<void> AgentStore::drop_carried(const Hash& digest) {
    return impl_->transact([&]() -> Result<void> {
        impl_->forget_carried(digest);
        if (impl_->db.changes() == 0)
            return fail(ErrorCode::kNotFound, "no such bundle is carried here");
        return {};
    });
}

Result<std::optional<sync::CarriedBundle>> AgentStore::Impl::next_carried(const Hash& after) {
    return guarded_job([&]() -> Result<std::optional<sync::CarriedBundle>> {
        auto later = db.prepare(
            "SELECT digest, name, bytes, since_ms, refused, word FROM carried "
            "WHERE digest > ?1 AND refused = 0 ORDER BY digest LIMIT 1");
        later.with(BytesView{after});
        if (!later.step()) return std::nullopt;
        const auto row = row_of(later);
        later.reset();
        return sync::CarriedBundle{row.digest, row.bytes};
    });
}

Result<Bytes> AgentStore::Impl::read_carried(const Hash& digest,
                                             std::uint64_t offset,
                                             std::size_t max_bytes) {
    return guarded_job([&]() -> Result<Bytes> {
        auto part = db.prepare(
            "SELECT substr(body, ?3, ?4) FROM carried_part "
            "WHERE digest = ?1 AND at = ?2");
        const std::uint64_t within = offset % kPartBytes;
        part.with(BytesView{digest}, offset - within, within + 1, max_bytes);
        if (!part.step() || part.blob(0).empty())
            return fail(ErrorCode::kDamaged, "a carried bundle lacks a part");
        Bytes out{part.blob(0).begin(), part.blob(0).end()};
        part.reset();
        return out;
    });
}

Result<std::vector<CarriedRow>> AgentReader::carried() {
    return guarded_job([&]() -> Result<std::vector<CarriedRow>> { return rows_of(impl_->db); });
}

}  // namespace streetlog::store
