#include "hub/trust/check_trust.hpp"

#include <chrono>

#include <fmt/format.h>

#include "hub/trust/ca_commands.hpp"
#include "hub/trust/trust_files.hpp"

namespace streetlog::hub {
namespace {

/// A new issuer needs somebody to fetch the root's key from its safe.
constexpr Millis kIssuerNotice = std::chrono::days{90};

}  // namespace

void check_trust(const std::filesystem::path& data, Instant now, Checkup& checkup) {
    const auto authority = Authority::open(data);
    if (!authority) {
        checkup.trouble("keys", authority.error(), data.string());
        return;
    }
    checkup.fine("keys", "root, issuer and hub have certificates that are of their keys");
    const auto ends = authority->issuer().not_after();
    const auto words =
        fmt::format("the issuer's certificate is good until {}", format_instant(ends));
    const char* const renew = "streetlog-hub ca renew --root-key FILE.";
    if (now > ends)
        checkup.trouble("issuer",
                        {ErrorCode::kNotPermitted,
                         fmt::format("the issuer's certificate ended on {}: no device gets in",
                                     format_instant(ends)),
                         renew},
                        issuer_certificate_file(data).string());
    else if (ends - now < kIssuerNotice)
        checkup.attention("issuer", words, issuer_certificate_file(data).string(), renew);
    else
        checkup.fine("issuer", words);
    const auto hub_ends = authority->hub().not_after();
    const auto hub_words = fmt::format("the hub's is good until {}", format_instant(hub_ends));
    if (now > hub_ends)
        checkup.attention("hub_certificate",
                          hub_words,
                          hub_certificate_file(data).string(),
                          "The hub makes the next one when it runs.");
    else
        checkup.fine("hub_certificate", hub_words);
    std::error_code error;
    const auto root_key = default_root_key(data);
    if (std::filesystem::exists(root_key, error))
        checkup.attention("root_key",
                          "the key of the root is still on this machine",
                          root_key.string(),
                          "Take it off, to two places that are locked.");
}

}  // namespace streetlog::hub
