#include "hub/admin/verify_log.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "schema/hud/fields.hpp"
#include "sync/change/codec.hpp"
#include "sync/change/inspect.hpp"
#include "sync/session/evidence.hpp"
#include "sync/store/log_records.hpp"

namespace streetlog::hub {
namespace {

bool set_aside_unread(store::HubLog& log, const store::LogRun& run) {
    const auto exceptions = log.exceptions(run.first_hub, run.last_hub());
    return exceptions.size() == run.count &&
           std::ranges::all_of(exceptions, [](const store::ExceptionRow& e) {
               return e.code == sync::StatusCode::kMalformed;
           });
}

/// Keys that devices have, or had when they signed: every one the hub ever wrote down.
class Keys {
  public:
    Keys(store::HubLog& log, const std::optional<sync::PublicKey>& hub_key) {
        const auto hub = parse_id<DeviceId>(log.setting("hub").value_or(""));
        if (!hub) return;
        hub_ = *hub;
        if (hub_key) known_[hub_].push_back(*hub_key);
        for (const auto& row : log.replicas_of(hub_))
            for (std::uint64_t seq = 1; seq <= row.acked_seq;) {
                const auto run = log.run_of(row.replica, seq);
                if (!run) break;
                for (const auto& view : store::records_of(*run).views) learn(view);
                seq = run->last_seq() + 1;
            }
    }

    [[nodiscard]] bool checkable(const DeviceId& author) const { return known_.contains(author); }

    [[nodiscard]] bool signed_by_author(const store::LogRun& run) const {
        const auto at = known_.find(run.replica.device);
        return at != known_.end() &&
               std::ranges::any_of(at->second, [&](const sync::PublicKey& key) {
                   return sync::verify_batch(
                       key, run.replica, run.last_seq(), run.head, run.signature);
               });
    }

  private:
    void learn(const sync::EncodedView& view) {
        const auto registers = [](const sync::OpShape& op) {
            return op.group == hud::grp::kHubDeviceRegistration;
        };
        const auto shape = sync::inspect(view);
        if (!shape || std::ranges::none_of(shape->ops, registers)) return;
        const auto record = sync::decode(view);
        if (!record) return;
        for (const sync::Op& op : record->ops) {
            sync::PublicKey key{};
            const auto cell =
                std::ranges::find(op.cells, hud::col::hub_device::kPublicKey, &sync::Cell::column);
            const auto* bytes =
                cell == op.cells.end() ? nullptr : std::get_if<sync::Bytes>(&cell->value);
            if (bytes == nullptr || bytes->size() != key.size()) continue;
            std::ranges::copy(*bytes, key.begin());
            known_[DeviceId{op.entity.bytes}].push_back(key);
        }
    }

    DeviceId hub_;
    std::unordered_map<DeviceId, std::vector<sync::PublicKey>> known_;
};

/// Follows the chains run by run; what it returns is what is wrong.
class Chains {
  public:
    Chains(store::HubLog& log, const std::optional<sync::PublicKey>& hub_key)
        : log_(log), keys_(log, hub_key) {}

    [[nodiscard]] std::string_view take(const store::LogRun& run) {
        if (run.first_hub.value != at.head.seq.value + 1) return "a run is missing";
        auto& [seq, chain] = replicas_[run.replica];
        if (run.first_seq != seq + 1) return "records of a device are missing";
        const auto records = store::records_of(run);
        const bool whole = records.views.size() == run.count;
        if (whole)
            for (const auto& view : records.views)
                chain = sync::chain_hash(chain, sync::hash_of(view));
        // What could not be read, or was not what its hash was made of, was set aside whole.
        if ((!whole || chain != run.head) && !set_aside_unread(log_, run))
            return whole ? "its records do not have the hash they were taken with"
                         : "its records cannot be read";
        seq = run.last_seq();
        chain = run.head;
        if (sync::hub_chain_hash(at.head.hash, run.head) != run.hub_hash)
            return "the hub's chain is broken";
        at.head = {run.last_hub(), run.hub_hash};
        ++at.runs;
        if (!check_signature(run)) return "it is signed, but not by its author";
        return {};
    }

    /// Records that no signature of their author follows.
    [[nodiscard]] std::uint64_t unsigned_records() const {
        std::uint64_t out = 0;
        for (const auto& [replica, records] : unsigned_) out += records;
        return out;
    }

    LogCheck at;

  private:
    [[nodiscard]] bool check_signature(const store::LogRun& run) {
        auto& waiting = unsigned_[run.replica];
        waiting += run.count;
        if (run.signature.empty()) {
            // What was set aside vouches for nobody.
            waiting -= log_.exceptions(run.first_hub, run.last_hub()).size();
            return true;
        }
        if (!keys_.checkable(run.replica.device)) return true;
        if (!keys_.signed_by_author(run)) return false;
        ++at.signed_runs;
        waiting = 0;
        return true;
    }

    store::HubLog& log_;
    Keys keys_;
    std::unordered_map<sync::Replica, std::uint64_t> unsigned_;
    std::unordered_map<sync::Replica, std::pair<std::uint64_t, sync::Hash>> replicas_;
};

}  // namespace

Result<LogCheck> verify_log(store::HubLog& log,
                            const std::function<void(HubSeq)>& progress,
                            const std::optional<sync::PublicKey>& hub_key) {
    return store::guarded_job([&]() -> Result<LogCheck> {
        Chains chains{log, hub_key};
        std::optional<Error> damage;
        log.runs_after({0}, [&](store::LogRun&& run) {
            const auto wrong = chains.take(run);
            if (!wrong.empty()) {
                damage = Error{
                    ErrorCode::kDamaged,
                    fmt::format(
                        "the log is damaged at hub sequence {}: {}", run.first_hub.value, wrong),
                    "Restore the last backup; devices send again what came after it."};
                return false;
            }
            if (progress) progress(chains.at.head.seq);
            return true;
        });
        if (damage) return std::unexpected(*std::move(damage));
        chains.at.unsigned_records = chains.unsigned_records();
        return chains.at;
    });
}

}  // namespace streetlog::hub
