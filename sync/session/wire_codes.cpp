#include "sync/session/wire_codes.hpp"

namespace streetlog::sync {

ErrorClass class_of(WireCode code) {
    switch (code) {
        case WireCode::kNone:
            return ErrorClass::kNone;
        case WireCode::kBusy:
        case WireCode::kInternal:
        case WireCode::kMaintenance:
            return ErrorClass::kRetry;
        case WireCode::kGap:
        case WireCode::kDamaged:
            return ErrorClass::kRewind;
        case WireCode::kTokenExpired:
        case WireCode::kUserUnknown:
            return ErrorClass::kReauth;
        case WireCode::kProtocolTooOld:
            return ErrorClass::kUpgrade;
        case WireCode::kForked:
        case WireCode::kRolledBack:
            return ErrorClass::kReidentify;
        case WireCode::kCursorUnknown:
        case WireCode::kCursorExpired:
        case WireCode::kScopeRebuilt:
            return ErrorClass::kResnapshot;
        case WireCode::kRecordMalformed:
        case WireCode::kRecordUnauthorised:
        case WireCode::kRecordIdTaken:
        case WireCode::kRecordHeld:
            return ErrorClass::kRecord;
        case WireCode::kRevoked:
        case WireCode::kWipe:
        case WireCode::kUnknownDevice:
        case WireCode::kRefused:
            return ErrorClass::kStop;
        case WireCode::kProtocolViolation:
        case WireCode::kUnknownCritical:
            return ErrorClass::kProtocol;
    }
    return ErrorClass::kNone;
}

std::string_view name_of(WireCode code) {
    switch (code) {
        case WireCode::kNone:
            return "NONE";
        case WireCode::kBusy:
            return "BUSY";
        case WireCode::kInternal:
            return "INTERNAL";
        case WireCode::kMaintenance:
            return "MAINTENANCE";
        case WireCode::kGap:
            return "GAP";
        case WireCode::kDamaged:
            return "DAMAGED";
        case WireCode::kTokenExpired:
            return "TOKEN_EXPIRED";
        case WireCode::kUserUnknown:
            return "USER_UNKNOWN";
        case WireCode::kProtocolTooOld:
            return "PROTOCOL_TOO_OLD";
        case WireCode::kForked:
            return "FORKED";
        case WireCode::kRolledBack:
            return "ROLLED_BACK";
        case WireCode::kCursorUnknown:
            return "CURSOR_UNKNOWN";
        case WireCode::kCursorExpired:
            return "CURSOR_EXPIRED";
        case WireCode::kScopeRebuilt:
            return "SCOPE_REBUILT";
        case WireCode::kRecordMalformed:
            return "Q_MALFORMED";
        case WireCode::kRecordUnauthorised:
            return "Q_UNAUTHORISED";
        case WireCode::kRecordIdTaken:
            return "Q_ID_TAKEN";
        case WireCode::kRecordHeld:
            return "HELD_NEWER_SCHEMA";
        case WireCode::kRevoked:
            return "REVOKED";
        case WireCode::kWipe:
            return "WIPE";
        case WireCode::kUnknownDevice:
            return "UNKNOWN_DEVICE";
        case WireCode::kRefused:
            return "REFUSED";
        case WireCode::kProtocolViolation:
            return "PROTOCOL_VIOLATION";
        case WireCode::kUnknownCritical:
            return "UNKNOWN_CRITICAL";
    }
    return "UNKNOWN_CODE";
}

std::string_view name_of(HelloVerdict verdict) {
    switch (verdict) {
        case HelloVerdict::kOk:
            return "OK";
        case HelloVerdict::kCustodyOnly:
            return "CUSTODY_ONLY";
        case HelloVerdict::kUnknownDevice:
            return "UNKNOWN_DEVICE";
        case HelloVerdict::kRefused:
            return "REFUSED";
        case HelloVerdict::kRevoked:
            return "REVOKED";
        case HelloVerdict::kRolledBack:
            return "ROLLED_BACK";
        case HelloVerdict::kForked:
            return "FORKED";
        case HelloVerdict::kTooOld:
            return "TOO_OLD";
    }
    return "UNKNOWN_VERDICT";
}

}  // namespace streetlog::sync
