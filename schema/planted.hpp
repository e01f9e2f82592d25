#pragma once

#include <cstdint>

/// Bugs that can be switched on, one at a time, to see that the simulator finds them. Only the
/// simulator's own copies of the sources know how (tests/sim/CMakeLists.txt): in every program
/// `planted` is a constant false, and there is nothing to switch.
namespace streetlog {

enum class Bug : std::uint8_t {
    kNone,
    kAckBeforeFsync,         // a commit returns before it is on the disk
    kMemoryAheadOfDisk,      // the ledger goes on with what a failed commit left in memory
    kAgentAheadOfDisk,       // the same at the agent
    kCursorBeforeData,       // a page's cursor is committed before the page
    kProjectionCursorFirst,  // the same of the hub's projection
    kLastWriterWins,         // concurrent writes: only the later stays
    kNoReceiptOrder,         // names of writes that were received later count
    kLinksForgotten,         // a link that is withdrawn leaves the profile joined
    kHiddenLeftOut,          // pages carry no edges of hidden writes
    kReleaseNotSent,         // devices that passed a record while it was hidden never get it
    kHalfOfHeld,             // of a record with an op nobody understands the others are shown
    kBlockingQuarantine,     // a record that is set aside is not acknowledged
    kRefusedSkewedClock,     // a device whose clock is two minutes fast is turned away
    kIncarnationReused,      // the hub goes on with the incarnation it had
    kReceivedGoesBack,       // received times follow the hub's clock where it is set back
    kForgottenSleep,         // the bracket of a Save counts a sleep as if the device had been awake
    kReceiptsWithheld,       // receipts whose ack was lost never come
    kHalfPage,               // a page leaves out the last op of a run
    kGoneNotShipped,         // snapshots do not say which values were superseded
    kHiddenNotShipped,       // snapshots carry no edges of hidden writes
    kOwnForgotten,           // what was saved while a snapshot was loading is not put on top of it
    kLostAckForgotten,       // receipts of lost acks that a snapshot stands for are not asked for
    kReceiptAnew,            // a record that comes again gets another receipt
    kHeldForgotten,          // what the hub held stays held once it is understood
    kBackWithReceipt,        // what was written outside its scopes comes back with its receipt
    kClientNotEntered,       // a client's first stay in a project does not bring them there
    kCursorWithoutHash,      // a device goes on at its number, whatever the log has there
    kNonceBeforeHeads,       // a nonce is judged as if the hub could not have fallen back
    kBranchDropped,          // of a copy only what both have goes on under the new number
    kRestrictedInIndex,      // the index has clients who are restricted or a victim provider's
    kMergedStaysInIndex,     // the index keeps the row of a client who was joined into another
};

#ifdef STREETLOG_PLANTED
inline namespace with_bugs {
extern Bug planted_bug;  // tests/sim/planted.cpp

inline bool planted(Bug bug) { return planted_bug == bug; }
}  // namespace with_bugs
#else
inline namespace without_bugs {
constexpr bool planted(Bug /*bug*/) { return false; }
}  // namespace without_bugs
#endif

}  // namespace streetlog
