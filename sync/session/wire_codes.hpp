#pragma once

#include <cstdint>
#include <string_view>

/// What hub and agent say of each other and of what went wrong, in numbers.
namespace streetlog::sync {

/// On the wire; never renumbered.
enum class HelloVerdict : std::uint16_t {
    kOk = 0,
    kCustodyOnly = 1,    // records are taken, nothing is handed out
    kUnknownDevice = 2,  // no such device is enrolled
    kRefused = 3,        // the certificate it showed is not this device's
    kRevoked = 4,        // the administrator withdrew the device
    kRolledBack = 5,     // the device lacks records the hub has from it: an older copy of itself
    kForked = 6,         // the device has other records under the same numbers: a copy exists
    kTooOld = 7,         // this version of the protocol is no longer spoken
};

/// What the receiver of an Error does. On the wire; never renumbered.
enum class ErrorClass : std::uint16_t {
    kNone = 0,
    kRetry = 1,       // back off, keep everything
    kRewind = 2,      // push again from `expected_seq`
    kReauth = 3,      // ask to sign in; recording goes on
    kUpgrade = 4,     // ask to update
    kReidentify = 5,  // the device is a copy, or an old image of itself
    kResnapshot = 6,  // load the scope anew
    kRecord = 7,      // custody was taken; show a notice
    kStop = 8,        // the device may not go on
    kProtocol = 9,    // the sender broke the protocol; a bug of one of the two
};

/// On the wire; never renumbered.
enum class WireCode : std::uint16_t {
    kNone = 0,
    kBusy = 1,
    kInternal = 2,
    kMaintenance = 3,
    kGap = 16,      // a batch did not start at `expected_seq`
    kDamaged = 17,  // a batch did not fit its hashes
    kTokenExpired = 32,
    kUserUnknown = 33,
    kProtocolTooOld = 48,
    kForked = 64,
    kRolledBack = 65,
    kCursorUnknown = 80,
    kCursorExpired = 81,
    kScopeRebuilt = 82,
    kRecordMalformed = 96,
    kRecordUnauthorised = 97,
    kRecordIdTaken = 98,
    kRecordHeld = 99,
    kRevoked = 112,
    kWipe = 113,
    kUnknownDevice = 114,
    kRefused = 115,
    kProtocolViolation = 128,
    kUnknownCritical = 129,
};

[[nodiscard]] ErrorClass class_of(WireCode code);
[[nodiscard]] std::string_view name_of(WireCode code);
[[nodiscard]] std::string_view name_of(HelloVerdict verdict);

}  // namespace streetlog::sync
