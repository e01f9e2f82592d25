#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "schema/ports.hpp"
#include "sync/net/tls.hpp"
#include "sync/net/trust_frame.hpp"

namespace streetlog::agent {

/// A device's key, its certificate and the root of its hub, as they lie in its directory. Without
/// certificate it has a one-time code, or waits for a new one; recording needs neither.
class DeviceTrust {
  public:
    /// kNotFound without key or root, kDamaged when a file cannot be read as what it should be.
    [[nodiscard]] static Result<DeviceTrust> open(const std::filesystem::path& directory);

    [[nodiscard]] bool enrolled() const { return !chain_.empty(); }

    [[nodiscard]] const std::string& code() const { return code_; }

    [[nodiscard]] const sync::SigningKey& key() const { return key_; }

    [[nodiscard]] const net::Certificate& root() const { return root_; }

    /// Requires: enrolled().
    [[nodiscard]] const net::Certificate& certificate() const { return chain_.front(); }

    /// The last third of the certificate's life has begun.
    [[nodiscard]] bool renewal_due(Instant now) const;

    /// The time by which certificates are judged: the device's own clock when it is possible, else
    /// the last time it knows from the hub. A clock from before that, or from after the end of the
    /// root, is not possible: so a tablet that woke in 1970 still connects.
    [[nodiscard]] Instant judging_time(Instant own_clock, Instant last_hub_time) const;

    [[nodiscard]] net::DeviceCredentials credentials(const DeviceId& hub, Instant now) const;

    /// The question that gets this device a certificate: by its code, or by the one it has.
    [[nodiscard]] net::TrustQuestion question(const DeviceId& device) const;

    /// Keeps the certificate that the hub granted, and forgets the code. kNotPermitted when it is
    /// not for this device and its key.
    [[nodiscard]] Result<void> take(const DeviceId& device, const net::TrustAnswer& answer);

    /// For the next enrolment.
    [[nodiscard]] Result<void> set_code(const std::string& code, Instant hub_time);

  private:
    DeviceTrust(std::filesystem::path directory, sync::SigningKey key, net::Certificate root)
        : directory_(std::move(directory)), key_(std::move(key)), root_(std::move(root)) {}

    std::filesystem::path directory_;
    sync::SigningKey key_;
    net::Certificate root_;
    net::CertificateChain chain_;
    std::string code_;
    Instant code_given_;
};

/// What code_file holds.
[[nodiscard]] std::string format_code_file(const std::string& code, Instant hub_time);

}  // namespace streetlog::agent
