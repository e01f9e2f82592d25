#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace streetlog {

using Byte = std::uint8_t;

/// A 128-bit random identifier, minted offline. `Tag` keeps ids of different things from
/// interchanging. Never derive meaning or order from the value; the order below is only for
/// containers and canonical output. All zero means "none".
template <class Tag>
struct Id {
    std::array<Byte, 16> bytes{};

    friend auto operator<=>(const Id&, const Id&) = default;

    [[nodiscard]] bool is_nil() const { return *this == Id{}; }
};

using DeviceId = Id<struct DeviceTag>;  // a device, or the hub as an author
using EntityId = Id<struct EntityTag>;  // a client, an enrollment, a contact, ...

/// A position in the one order of the hub's log, from 1. Zero: nothing yet.
struct HubSeq {
    std::uint64_t value = 0;

    friend auto operator<=>(HubSeq, HubSeq) = default;
};

/// 32 lower-case hex digits, which is what HUD's id columns hold.
[[nodiscard]] std::string to_hex(std::span<const Byte> bytes);

/// Exactly 2 * out.size() hex digits of either case; false otherwise, `out` then unspecified.
[[nodiscard]] bool from_hex(std::string_view text, std::span<Byte> out);

template <class Tag>
[[nodiscard]] std::string to_string(const Id<Tag>& id) {
    return to_hex(id.bytes);
}

template <class IdType>
[[nodiscard]] std::optional<IdType> parse_id(std::string_view text) {
    IdType id;
    if (!from_hex(text, id.bytes)) return std::nullopt;
    return id;
}

}  // namespace streetlog

template <class Tag>
struct std::hash<streetlog::Id<Tag>> {
    std::size_t operator()(const streetlog::Id<Tag>& id) const noexcept {
        std::size_t h = 0;  // ids are random, so any eight bytes are a good hash
        std::memcpy(&h, id.bytes.data(), sizeof h);
        return h;
    }
};
