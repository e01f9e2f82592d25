#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/error.hpp"
#include "sync/change/hash.hpp"

/// What goes over a connection that was opened for trust: one question of the device's, one answer
/// of the hub's, each four bytes of length (little endian) and that many bytes of text, a line a
/// value. Strangers may ask, so there is little to read.
namespace streetlog::net {

/// Most bytes of a question or an answer.
inline constexpr std::size_t kTrustBytesMax = 16 * 1024;

struct TrustQuestion {
    enum class Kind : std::uint8_t { kEnrol, kRenew };

    Kind kind = Kind::kRenew;
    std::string device;   // of kEnrol: the id it was given; empty when it is to be told
    std::string code;     // of kEnrol
    std::string request;  // for a certificate, in PEM

    friend bool operator==(const TrustQuestion&, const TrustQuestion&) = default;
};

struct TrustAnswer {
    std::string device;
    std::string hub;
    std::string name;   // that the office gave the device
    std::string chain;  // of certificates, in PEM

    friend bool operator==(const TrustAnswer&, const TrustAnswer&) = default;
};

using TrustLength = std::array<Byte, 4>;

[[nodiscard]] std::size_t get_length(const TrustLength& length);
[[nodiscard]] std::string with_length(std::string_view text);

[[nodiscard]] std::string format_question(const TrustQuestion& question);
/// kMalformed for anything else.
[[nodiscard]] Result<TrustQuestion> parse_question(std::string_view text);

[[nodiscard]] std::string format_answer(const Result<TrustAnswer>& answer);
/// The hub's own error when it gave one; kMalformed for anything else.
[[nodiscard]] Result<TrustAnswer> parse_answer(std::string_view text);

}  // namespace streetlog::net
