#include "hub/trust/enrol.hpp"

#include <fmt/format.h>

#include "hub/trust/device_records.hpp"
#include "hub/trust/enrolment_code.hpp"
#include "sync/store/enrolment_codes.hpp"

namespace streetlog::hub {
namespace {

const char* const kNewCode = "Ask the office for a new one: streetlog-hub device code.";

std::unexpected<Error> refused(const char* why) {
    return fail(ErrorCode::kNotPermitted, why, kNewCode);
}

/// Constant time, because a wrong secret must not say how wrong it was.
bool equal(const sync::Hash& a, const sync::Hash& b) {
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
    return difference == 0;
}

class Office {
  public:
    Office(Ledger& ledger, const Authority& authority, Random& random)
        : ledger_(ledger), authority_(authority), random_(random) {}

    Result<net::TrustAnswer> enrol(const net::TrustQuestion& question) {
        const auto parts = parse_code(question.code);
        if (!parts)
            return fail(ErrorCode::kInvalidInput,
                        "that is no enrolment code: it has 24 letters and digits",
                        "Type it as the office gave it.");
        auto code = store::find_code(ledger_.log().db(), parts->selector);
        if (!code) return refused("there is no such enrolment code");
        if (code->failures >= kCodeFailuresMost)
            return refused("the enrolment code was burnt by wrong tries");
        if (ledger_.now() > code->ends) return refused("the enrolment code has ended");
        const bool other_device =
            !question.device.empty() && question.device != to_string(code->device);
        if (!equal(code->digest, digest_of_secret(parts->secret)) || other_device) {
            ++code->failures;
            put(*code);
            return refused(other_device ? "the enrolment code is another device's"
                                        : "the enrolment code is wrong");
        }
        STREETLOG_TRY(const auto key, net::read_request(question.request));
        return enter(*code, key);
    }

    Result<net::TrustAnswer> renew(const net::TrustQuestion& question,
                                   const std::optional<net::Peer>& peer) {
        if (!peer) return fail(ErrorCode::kNotPermitted, "who renews has to show a certificate");
        const auto device = ledger_.log().device(peer->device);
        if (!device || !is(*device, DeviceState::kActive) || device->public_key != peer->key)
            return fail(ErrorCode::kNotPermitted, "the hub does not let this device in");
        STREETLOG_TRY(const auto key, net::read_request(question.request));
        if (key != peer->key)
            return fail(ErrorCode::kNotPermitted, "the request is for another key");
        if (peer->validity == net::Validity::kLapsed && ledger_.now() > device->approved_until)
            return fail(ErrorCode::kNotPermitted,
                        "the certificate has lapsed; the office has to approve the device again",
                        "Records are handed over all the same. Ask the office: streetlog-hub "
                        "device approve.");
        return granted(*device);
    }

  private:
    /// The code is right. It is used up by one key, which may come again: its answer can get lost.
    Result<net::TrustAnswer> enter(store::EnrolmentCode code, const sync::PublicKey& key) {
        constexpr sync::PublicKey kNobody{};
        if (code.used_by != kNobody && code.used_by != key)
            return refused("the enrolment code was used already");
        auto device = ledger_.log().device(code.device);
        if (!device || is(*device, DeviceState::kRevoked))
            return refused("the device of this code is not let in");
        if (device->public_key != kNobody && device->public_key != key)
            return fail(ErrorCode::kConflict,
                        "the device of this code has enrolled with another key",
                        "If that key is lost: streetlog-hub device code --new-key.");
        if (device->public_key != key) {
            device->public_key = key;
            STREETLOG_CHECK(write_device(ledger_, *device));
        }
        if (code.used_by != key) {
            code.used_by = key;
            put(code);
        }
        return granted(*device);
    }

    Result<net::TrustAnswer> granted(const store::DeviceRow& device) {
        const auto chain = authority_.issue(device.id, device.public_key, ledger_.now(), random_);
        return net::TrustAnswer{.device = to_string(device.id),
                                .hub = to_string(ledger_.self().device),
                                .name = device.name,
                                .chain = net::to_pem(chain)};
    }

    void put(const store::EnrolmentCode& code) {
        store::Txn txn{ledger_.log().db()};
        store::put_code(ledger_.log().db(), code);
        txn.commit();
    }

    Ledger& ledger_;
    const Authority& authority_;
    Random& random_;
};

}  // namespace

net::Admission admit(store::HubLog& log, const net::Peer& peer) {
    const auto device = log.device(peer.device);
    if (!device || device->public_key != peer.key) return net::Admission::kUnknown;
    if (is(*device, DeviceState::kRevoked)) return net::Admission::kRevoked;
    return is(*device, DeviceState::kActive) ? net::Admission::kWelcome
                                             : net::Admission::kSuspended;
}

Result<net::TrustAnswer> answer_question(Ledger& ledger,
                                         const Authority& authority,
                                         Random& random,
                                         std::string_view question,
                                         const std::optional<net::Peer>& peer) {
    const auto parsed = net::parse_question(question);
    if (!parsed) return std::unexpected(parsed.error());
    return store::guarded_job([&]() -> Result<net::TrustAnswer> {
        Office office{ledger, authority, random};
        return parsed->kind == net::TrustQuestion::Kind::kEnrol ? office.enrol(*parsed)
                                                                : office.renew(*parsed, peer);
    });
}

}  // namespace streetlog::hub
