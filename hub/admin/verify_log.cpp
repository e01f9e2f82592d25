#include "hub/admin/verify_log.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "sync/change/codec.hpp"
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

/// Follows the chains run by run; what it returns is what is wrong.
class Chains {
  public:
    explicit Chains(store::HubLog& log) : log_(log) {}

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
        return {};
    }

    LogCheck at;

  private:
    store::HubLog& log_;
    std::unordered_map<sync::Replica, std::pair<std::uint64_t, sync::Hash>> replicas_;
};

}  // namespace

Result<LogCheck> verify_log(store::HubLog& log, const std::function<void(HubSeq)>& progress) {
    return store::guarded_job([&]() -> Result<LogCheck> {
        Chains chains{log};
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
        return chains.at;
    });
}

}  // namespace streetlog::hub
