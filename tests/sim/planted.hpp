#pragma once

#include <array>
#include <string_view>

#include "schema/planted.hpp"

namespace streetlog::sim {

struct PlantedBug {
    Bug bug;
    std::string_view name;
};

/// Every bug there is, by the name the command line knows it by.
inline constexpr std::array kBugs{
    PlantedBug{Bug::kAckBeforeFsync, "ack-before-fsync"},
    PlantedBug{Bug::kMemoryAheadOfDisk, "memory-ahead-of-disk"},
    PlantedBug{Bug::kAgentAheadOfDisk, "agent-ahead-of-disk"},
    PlantedBug{Bug::kCursorBeforeData, "cursor-before-data"},
    PlantedBug{Bug::kProjectionCursorFirst, "projection-cursor-first"},
    PlantedBug{Bug::kLastWriterWins, "last-writer-wins"},
    PlantedBug{Bug::kNoReceiptOrder, "no-receipt-order"},
    PlantedBug{Bug::kLinksForgotten, "links-forgotten"},
    PlantedBug{Bug::kHiddenLeftOut, "hidden-left-out"},
    PlantedBug{Bug::kReleaseNotSent, "release-not-sent"},
    PlantedBug{Bug::kHalfOfHeld, "half-of-held"},
    PlantedBug{Bug::kBlockingQuarantine, "blocking-quarantine"},
    PlantedBug{Bug::kRefusedSkewedClock, "refused-skewed-clock"},
    PlantedBug{Bug::kIncarnationReused, "incarnation-reused"},
    PlantedBug{Bug::kReceivedGoesBack, "received-goes-back"},
    PlantedBug{Bug::kForgottenSleep, "forgotten-sleep"},
    PlantedBug{Bug::kReceiptsWithheld, "receipts-withheld"},
    PlantedBug{Bug::kHalfPage, "half-page"},
    PlantedBug{Bug::kGoneNotShipped, "gone-not-shipped"},
    PlantedBug{Bug::kHiddenNotShipped, "hidden-not-shipped"},
    PlantedBug{Bug::kOwnForgotten, "own-forgotten"},
    PlantedBug{Bug::kLostAckForgotten, "lost-ack-forgotten"},
    PlantedBug{Bug::kReceiptAnew, "receipt-anew"},
    PlantedBug{Bug::kHeldForgotten, "held-forgotten"},
    PlantedBug{Bug::kBackWithReceipt, "back-with-receipt"},
    PlantedBug{Bug::kClientNotEntered, "client-not-entered"},
    PlantedBug{Bug::kCursorWithoutHash, "cursor-without-hash"},
    PlantedBug{Bug::kNonceBeforeHeads, "nonce-before-heads"},
    PlantedBug{Bug::kBranchDropped, "branch-dropped"},
    PlantedBug{Bug::kRestrictedInIndex, "restricted-in-index"},
    PlantedBug{Bug::kMergedStaysInIndex, "merged-stays-in-index"},
};

}  // namespace streetlog::sim
