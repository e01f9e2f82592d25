#include "hub/recovery/admission.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "hub/backup/last_backup.hpp"
#include "hub/feed/audience.hpp"
#include "schema/planted.hpp"
#include "sync/store/log_records.hpp"

namespace streetlog::hub {
namespace {

constexpr std::int64_t kActive = 1;
constexpr int kSqliteError = 1;

/// The certificate said who it is; its key must have signed the Hello as well.
sync::HelloVerdict identity_of(const std::optional<store::DeviceRow>& device,
                               const net::Peer& who,
                               const sync::Hello& hello,
                               sync::BytesView challenge) {
    if (hello.replica.device != who.device) return sync::HelloVerdict::kRefused;
    if (!device) return sync::HelloVerdict::kUnknownDevice;
    if (device->state != kActive) return sync::HelloVerdict::kRevoked;
    if (!sync::verify_hello(device->public_key, challenge, hello))
        return sync::HelloVerdict::kRefused;
    return who.validity == net::Validity::kLapsed ? sync::HelloVerdict::kCustodyOnly
                                                  : sync::HelloVerdict::kOk;
}

sync::OlderReplica older_of(const store::ReplicaRow& row) {
    return {row.replica.incarnation, row.acked_seq, row.acked_hash};
}

/// What the device may read, and whether from where it stopped.
Result<std::vector<sync::ScopeGrant>> scopes_for(PageReader& pages, const sync::Hello& hello) {
    store::HubLog& log = pages.log();
    std::vector<std::uint32_t> scopes{kScopeAll};
    if (const auto projects = log.projects_of(hello.replica.device); !projects.empty()) {
        STREETLOG_TRY(scopes, pages.scopes_of(projects));
        if ((hello.features & sync::kFeatureIndex) != 0) scopes.push_back(kScopeIndex);
    }
    std::vector<sync::ScopeGrant> out;
    for (const auto scope : scopes) {
        const auto cursor = std::ranges::find(hello.scopes, scope, &sync::ScopeCursor::scope);
        out.push_back({.scope = scope,
                       .resume = cursor == hello.scopes.end() ||
                                 log.has({cursor->cursor.seq, cursor->cursor.hash})});
    }
    return out;
}

/// What the device's log and the hub's say about each other.
void compare_logs(store::HubLog& log,
                  const std::optional<sync::SigningKey>& key,
                  const sync::Hello& hello,
                  Admission& out) {
    HelloFindings& found = out.findings;
    if (hello.last_receipt_seq > out.grant.acked_seq) {
        found.receipt = hello.last_receipt_seq;
        found.hub_fell_back = true;
    }
    if (!key) return;
    const auto head = sync::verified_head(key->public_key(), hello.signed_head);
    if (head && !log.has({head->head.seq, head->head.hash})) {
        found.head = head;
        found.hub_fell_back = true;
    }
}

/// Two holders of one database show the same nonce once, and only one of them the next.
void judge_nonce(const sync::SigningKey& key,
                 const sync::Hello& hello,
                 std::uint64_t stored,
                 Admission& out) {
    const auto shown = sync::number_of_nonce(key, hello.replica, hello.session_nonce);
    if (!shown) {
        out.findings.copy = "it shows a nonce that this hub never gave it";
    } else if (*shown < stored) {
        out.findings.copy = fmt::format(
            "it was last here in session {}, and somebody else was here as this device "
            "since, up to session {}",
            *shown,
            stored);
    } else if (planted(Bug::kNonceBeforeHeads) && *shown > stored + 1) {
        out.findings.copy = "it shows another nonce than it was given";
    } else if (*shown > stored) {
        // One ahead: what it said when it had kept the last one was lost on the way. More: this hub
        // does not remember the sessions in between.
        out.findings.nonce = *shown;
        out.findings.hub_fell_back = out.findings.hub_fell_back || *shown > stored + 1;
    }
    out.grant.next_nonce =
        sync::make_nonce(key, hello.replica, std::max(shown.value_or(0), stored) + 1);
}

}  // namespace

std::optional<sync::Hash> chain_hash_at(store::HubLog& log,
                                        const sync::Replica& replica,
                                        std::uint64_t seq) {
    if (seq == 0) return sync::Hash{};
    const auto run = log.run_of(replica, seq);
    if (!run) return std::nullopt;
    return run->last_seq() == seq ? std::optional{run->head} : store::chain_at(log, replica, seq);
}

Admission admit(PageReader& pages,
                sync::HubLog& chain,
                const std::optional<sync::SigningKey>& key,
                const DeviceId& hub,
                const net::Peer& who,
                const sync::Hello& hello,
                sync::BytesView challenge) {
    Admission out;
    store::HubLog& log = pages.log();
    auto& grant = out.grant;
    out.findings.replica = hello.replica;
    const auto device = log.device(hello.replica.device);
    grant.verdict = identity_of(device, who, hello, challenge);
    const bool custody_only = grant.verdict == sync::HelloVerdict::kCustodyOnly;
    if (grant.verdict != sync::HelloVerdict::kOk && !custody_only) return out;
    grant.key = device->public_key;
    std::uint64_t nonce = 0;
    for (const auto& row : log.replicas_of(hello.replica.device)) {
        if (row.replica != hello.replica) {
            grant.older.push_back(older_of(row));
            continue;
        }
        grant.acked_seq = row.acked_seq;
        grant.acked_hash = row.acked_hash;
        nonce = row.nonce;
    }
    if (const auto backup = last_backup(log))
        grant.safe_seq = log.newest_before(hello.replica, backup->head.seq);
    compare_logs(log, key, hello, out);
    grant.verdict = sync::judge_heads(hello, grant.acked_seq, grant.acked_hash, chain);
    if (grant.verdict == sync::HelloVerdict::kForked) {
        out.findings.copy = "it has other records than this hub under the same numbers";
        return out;
    }
    if (key) judge_nonce(*key, hello, nonce, out);
    if (grant.verdict == sync::HelloVerdict::kRolledBack) {
        out.findings.copy =
            fmt::format("it lacks records from {} on that came from it", hello.last_seq + 1);
        return out;
    }
    if (custody_only) {
        grant.verdict = sync::HelloVerdict::kCustodyOnly;
        return out;
    }
    auto scopes = scopes_for(pages, hello);
    if (!scopes && scopes.error().code != ErrorCode::kUnavailable)
        throw store::StorageFailure(scopes.error().message, kSqliteError);
    if (!scopes) {
        out.later = true;
        return out;
    }
    grant.scopes = *std::move(scopes);
    const bool all_known = std::ranges::all_of(grant.scopes, &sync::ScopeGrant::resume);
    if (!all_known)
        for (const auto& row : log.replicas_of(hub)) grant.hubs.push_back(older_of(row));
    return out;
}

}  // namespace streetlog::hub
