#pragma once

#include "hub/ingest/ledger.hpp"
#include "sync/session/bundle.hpp"

namespace streetlog::hub {

/// What became of a bundle.
struct BundleIntake {
    std::uint64_t records = 0;    // in it
    std::uint64_t fresh = 0;      // of them the hub did not have yet
    std::uint64_t set_aside = 0;  // quarantined or held
    std::vector<sync::PushAck> acks;
};

/// What a device sealed for this hub: checked to be whole, and signed by the device it names.
/// kUnavailable when the office does not let that device in; else as sync::read_bundle.
[[nodiscard]] Result<sync::Bundle> open_bundle(Ledger& ledger, sync::BytesView file);

/// One batch of it, as take_bundle().
[[nodiscard]] Result<void> take_batch(Ledger& ledger,
                                      const sync::Bundle& bundle,
                                      std::size_t index,
                                      BundleIntake& out);

/// Takes its batches in as if the device pushed them now: received is when the hub has them, and no
/// probe of a session vouches for the device's clock. Again, or in part known already, is harmless.
/// A batch that cannot be read is taken as it is, like one that was pushed over and over.
/// kNotFound when records before the first one are missing here, kConflict when the hub has others
/// under these numbers; what came before in the bundle is stored then.
[[nodiscard]] Result<BundleIntake> take_bundle(Ledger& ledger, const sync::Bundle& bundle);

}  // namespace streetlog::hub
