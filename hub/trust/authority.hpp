#pragma once

#include <filesystem>
#include <functional>

#include "schema/ports.hpp"
#include "sync/net/tls.hpp"

namespace streetlog::hub {

/// Takes the root's key out of the hub's hands: nothing is made before it says that it has it.
using KeepRootKey = std::function<Result<void>(std::string_view pem)>;

/// The deployment's authority, as far as a hub needs it every day: an issuing key under a root
/// whose own key is kept elsewhere, since whoever has that can be anybody.
class Authority {
  public:
    /// Makes root, issuer and the hub's certificate in the hub's directory. Overwrites: for a hub
    /// that has none.
    [[nodiscard]] static Result<void> make(const std::filesystem::path& data,
                                           const DeviceId& hub,
                                           Instant now,
                                           Random& random,
                                           const KeepRootKey& keep);

    /// kNotFound when the directory holds none, kDamaged when its files do not belong together.
    [[nodiscard]] static Result<Authority> open(const std::filesystem::path& data);

    /// A new issuer under the root whose key this is, for a year. kInvalidInput when it is the key
    /// of another root.
    [[nodiscard]] Result<net::Signer> new_issuer(const sync::SigningKey& root_key,
                                                 Instant now,
                                                 Random& random) const;
    /// Signs with that one from here on, the hub's own certificate first. What the old one signed
    /// stays good. kNotPermitted when it does not stand under the root, kInvalidInput when key and
    /// certificate do not belong together.
    [[nodiscard]] Result<void> take_issuer(net::Signer issuer, Instant now, Random& random);

    [[nodiscard]] const net::Certificate& root() const { return root_; }

    [[nodiscard]] const net::Certificate& issuer() const { return issuer_.certificate; }

    [[nodiscard]] const net::Certificate& hub() const { return hub_; }

    /// For a device whose right to it the caller has seen to.
    [[nodiscard]] net::CertificateChain issue(const DeviceId& device,
                                              const sync::PublicKey& key,
                                              Instant now,
                                              Random& random) const;

    /// A new certificate of the hub when the last third of its life has begun; false when it has
    /// not.
    [[nodiscard]] Result<bool> renew_hub(Instant now, Random& random);

    [[nodiscard]] net::HubCredentials credentials() const;

  private:
    Authority(std::filesystem::path data,
              net::Certificate root,
              net::Signer issuer,
              net::Certificate hub,
              sync::SigningKey hub_key)
        : data_(std::move(data)),
          root_(std::move(root)),
          issuer_(std::move(issuer)),
          hub_(std::move(hub)),
          hub_key_(std::move(hub_key)) {}

    std::filesystem::path data_;
    net::Certificate root_;
    net::Signer issuer_;
    net::Certificate hub_;
    sync::SigningKey hub_key_;
};

}  // namespace streetlog::hub
