#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/ssl/context.hpp>

#include "sync/net/certificate.hpp"
#include "sync/net/peer.hpp"

/// TLS 1.3 between devices and their hub, both sides by certificates of the deployment's own CA:
/// nothing older, nothing renegotiated, no session resumed, no early data.
namespace streetlog::net {

namespace asio = boost::asio;

/// What a connection is for, settled in the first message (RFC 7301). Without certificate only the
/// second can be had.
inline constexpr std::string_view kSyncProtocol = "streetlog-sync";
inline constexpr std::string_view kTrustProtocol = "streetlog-trust/1";

enum class Admission : std::uint8_t {
    kWelcome,
    kUnknown,  // no such device, or with another key
    kSuspended,
    kRevoked,
};

/// Looks a device up while it shakes hands, before it may say anything else. May throw: then it is
/// refused as if the hub were broken.
using Admit = std::function<Admission(const Peer&)>;

/// What a hub shows of itself, and the root it trusts.
struct HubCredentials {
    Certificate root;
    CertificateChain chain;
    sync::SigningKey key;
};

/// What a device shows of itself, and the hub it expects.
struct DeviceCredentials {
    sync::Hash root_fingerprint{};    // pinned at enrolment
    std::optional<Certificate> root;  // none before the first contact: the hub then sends it
    std::string hub;         // name in the hub's certificate; empty before the first contact
    CertificateChain chain;  // none before enrolment
    std::optional<sync::SigningKey> key;  // of the chain's leaf
    Instant now;                          // by which certificates are judged
};

struct HubRules;  // by which a hub judges certificates

/// One handshake of a hub; lives until that is over.
struct HubHandshake {
    std::optional<Peer> peer;  // who it is, once the certificate was found good
    std::string refused;       // why it was not, for the log
    std::shared_ptr<const HubRules> rules;
};

/// The hub's side of every connection. One thread.
class HubTls {
  public:
    HubTls(HubCredentials credentials, Admit admit, std::function<Instant()> now);

    /// For connections that begin from now on.
    void renew(const HubCredentials& credentials);

    /// Keep it as long as the connection.
    [[nodiscard]] std::shared_ptr<asio::ssl::context> context() const { return context_; }

    /// Before the handshake on `stream`, and after it.
    void begin(SSL* stream, HubHandshake& handshake) const;
    static void end(SSL* stream);

  private:
    std::shared_ptr<HubRules> rules_;
    std::shared_ptr<asio::ssl::context> context_;
};

/// The device's side of one connection.
class DeviceTls {
  public:
    /// kInvalidInput when the key is not the one of the chain.
    [[nodiscard]] static Result<DeviceTls> make(DeviceCredentials credentials,
                                                std::string_view protocol);

    [[nodiscard]] asio::ssl::context& context() const;

    /// Why the other side is not the hub; empty when it is or has not shown a certificate yet.
    [[nodiscard]] const std::string& refused() const;

    /// The root the hub stands under, after the handshake.
    [[nodiscard]] const std::optional<Certificate>& root() const;

  private:
    struct State;

    explicit DeviceTls(std::shared_ptr<State> state) : state_(std::move(state)) {}

    std::shared_ptr<State> state_;
};

/// True when the other side went on as `protocol`.
[[nodiscard]] bool speaks(const SSL* stream, std::string_view protocol);

/// What a hub's refusal of our certificate means, from the error that a read met; none when it was
/// something else.
[[nodiscard]] std::optional<Error> refusal_of(const boost::system::error_code& error);

}  // namespace streetlog::net
