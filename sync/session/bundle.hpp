#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "sync/change/sign.hpp"
#include "sync/session/messages.hpp"

/// Records and receipts as files, for devices that meet no network: schema/wire/bundle.capnp.
namespace streetlog::sync {

/// Most a file may hold, so that it can be read whole. What does not fit goes into the next one.
inline constexpr std::size_t kBundleBytesMax = 64 * 1024 * 1024;

/// Whether it says of itself to be a bundle of a device: all that anybody but its hub can tell.
[[nodiscard]] bool looks_like_bundle(BytesView file);

/// Unsent records on their way to the hub.
struct Bundle {
    DeviceId hub;
    Replica author;
    Instant made;
    std::vector<Push> pushes;  // without a gap
};

/// The hub's word on them.
struct BundleReply {
    DeviceId hub;
    Replica author;
    Instant made;
    std::vector<PushAck> acks;
};

/// Signed by the device and sealed to the hub.
[[nodiscard]] Result<Bytes> write_bundle(const Bundle& bundle,
                                         const SigningKey& device,
                                         const PublicKey& hub);

/// The key a device was enrolled with; nothing when there is no such device here.
using KeyOf = std::function<std::optional<PublicKey>(const DeviceId&)>;

/// kMalformed when it is no bundle, was damaged or cut, or is sealed to another hub; kNotPermitted
/// when `hub` is not whom it names, or the device is not known or did not sign it.
[[nodiscard]] Result<Bundle> read_bundle(BytesView file,
                                         const DeviceId& hub,
                                         const SigningKey& key,
                                         const KeyOf& key_of);

/// Signed by the hub; there is nothing in it to hide.
[[nodiscard]] Bytes write_reply(const BundleReply& reply, const SigningKey& hub);

/// kMalformed when it is no reply, was damaged or cut; kNotPermitted when another hub made it, or
/// for another device.
[[nodiscard]] Result<BundleReply> read_reply(BytesView file,
                                             const DeviceId& hub,
                                             const PublicKey& key,
                                             const Replica& self);

}  // namespace streetlog::sync
