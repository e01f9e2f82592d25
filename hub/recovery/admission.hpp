#pragma once

#include "hub/feed/page_reader.hpp"
#include "sync/net/peer.hpp"
#include "sync/session/hub_session.hpp"
#include "sync/store/hub_log.hpp"

namespace streetlog::hub {

/// What a Hello brought to light that must be on disk before it is answered.
struct HelloFindings {
    sync::Replica replica;
    std::uint64_t nonce = 0;    // the replica has a newer one than the log says; 0: it has not
    std::uint64_t receipt = 0;  // and a receipt for this record, which the log lacks; 0: it has not
    std::optional<sync::SignedHead> head;  // the hub signed it, and the log lacks it
    bool hub_fell_back = false;            // so much is certain from the above
    std::string copy;                      // why the device may be one of two; empty: it is not

    [[nodiscard]] bool any() const { return nonce != 0 || receipt != 0 || head || !copy.empty(); }
};

struct Admission {
    sync::DeviceGrant grant;
    HelloFindings findings;
    bool later = false;  // the hub cannot say yet what the device may read
};

/// Whether a device may come in, and what its first words say about it and about this hub. Heads
/// are compared before the nonce is asked for: a hub that lost its end would take every device for
/// a copy. Only reads; throws StorageFailure.
///
/// `key` is the hub's; without one nothing is signed and no nonce is given out. `chain` answers as
/// the session's port. `who` is whose certificate the connection was opened with; one that has
/// lapsed hands over its records and reads nothing.
[[nodiscard]] Admission admit(PageReader& pages,
                              sync::HubLog& chain,
                              const std::optional<sync::SigningKey>& key,
                              const DeviceId& hub,
                              const net::Peer& who,
                              const sync::Hello& hello,
                              sync::BytesView challenge);

/// h(seq) of a replica's chain as sync::HubLog wants it. Throws StorageFailure.
[[nodiscard]] std::optional<sync::Hash> chain_hash_at(store::HubLog& log,
                                                      const sync::Replica& replica,
                                                      std::uint64_t seq);

}  // namespace streetlog::hub
