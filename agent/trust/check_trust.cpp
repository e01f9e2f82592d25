#include "agent/trust/check_trust.hpp"

#include <fmt/format.h>

#include "agent/trust/device_trust.hpp"
#include "agent/trust/trust_files.hpp"

namespace streetlog::agent {

void check_trust(const std::filesystem::path& data,
                 Instant own_clock,
                 Instant last_hub_time,
                 Checkup& checkup) {
    const char* const code =
        "Ask the office for a code (streetlog-hub device code), then "
        "streetlog-agent enrol.";
    const auto trust = DeviceTrust::open(data);
    if (!trust) {
        checkup.trouble("keys", trust.error(), data.string());
        return;
    }
    if (!trust->enrolled()) {
        checkup.attention(
            "certificate",
            trust->code().empty() ? "the device has not enrolled with its hub"
                                  : "the device enrols when it meets its hub",
            device_chain_file(data).string(),
            trust->code().empty() ? code : "Bring the device where it can reach the hub.");
        return;
    }
    const auto& certificate = trust->certificate();
    if (certificate.public_key() != trust->key().public_key()) {
        checkup.trouble("certificate",
                        {ErrorCode::kDamaged, "the certificate is not of the device's key", code},
                        device_chain_file(data).string());
        return;
    }
    const Instant now = trust->judging_time(own_clock, last_hub_time);
    const auto words =
        fmt::format("the certificate is good until {}", format_instant(certificate.not_after()));
    if (now > certificate.not_after())
        checkup.attention("certificate",
                          fmt::format("the certificate ended on {}: records are still handed over, "
                                      "nothing comes back",
                                      format_instant(certificate.not_after())),
                          device_chain_file(data).string(),
                          "Ask the office to approve the device: streetlog-hub device approve.");
    else if (trust->renewal_due(now))
        checkup.attention("certificate",
                          words,
                          device_chain_file(data).string(),
                          "It renews itself: bring the device where it can reach the hub.");
    else
        checkup.fine("certificate", words);
}

}  // namespace streetlog::agent
