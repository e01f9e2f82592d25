#include "hub/trust/ca_commands.hpp"

#include <fmt/format.h>

#include "hub/admin/hub_clock.hpp"
#include "hub/ingest/ledger.hpp"
#include "hub/trust/trust_files.hpp"
#include "sync/net/private_file.hpp"
#include "sync/net/system_clock.hpp"

namespace streetlog::hub {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

Result<store::DirectoryLock> lock_of(const fs::path& data) {
    auto lock = store::DirectoryLock::take(data);
    if (!lock && lock.error().code == ErrorCode::kLocked)
        return fail(ErrorCode::kLocked, "the hub is running", "Stop it first.");
    return lock;
}

constexpr std::string_view kIssuerKey = "issuer_key";
constexpr std::string_view kIssuerCertificate = "issuer_certificate";

std::string text_in(const json::object& arguments, std::string_view name) {
    const auto* value = arguments.if_contains(name);
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

}  // namespace

json::object shown_authority(const Authority& authority) {
    return {{"root_fingerprint", to_hex(authority.root().fingerprint())},
            {"root_ends", format_instant(authority.root().not_after())},
            {"issuer_ends", format_instant(authority.issuer().not_after())}};
}

Result<net::Signer> issuer_in(const json::object& arguments) {
    STREETLOG_TRY(auto key, sync::SigningKey::from_pem(text_in(arguments, kIssuerKey)));
    STREETLOG_TRY(auto certificate,
                  net::Certificate::from_pem(text_in(arguments, kIssuerCertificate)));
    return net::Signer{std::move(certificate), std::move(key)};
}

fs::path default_root_key(const fs::path& data) {
    auto whole = fs::absolute(data).lexically_normal();
    if (!whole.has_filename()) whole = whole.parent_path();
    return whole.parent_path() / (whole.filename().string() + "-root.key");
}

Result<KeepRootKey> keep_root_key_in(const fs::path& file, const fs::path& data) {
    std::error_code error;
    const auto way = fs::weakly_canonical(fs::absolute(file), error)
                         .lexically_relative(fs::weakly_canonical(fs::absolute(data), error));
    if (error || (!way.empty() && *way.begin() != ".."))
        return fail(ErrorCode::kInvalidInput,
                    "the root's key must not lie in the hub's directory",
                    "Name another file with --root-key, best on a stick.");
    if (fs::exists(file, error))
        return fail(ErrorCode::kConflict,
                    fmt::format("{} exists already", file.string()),
                    "It may be the root's key of another hub. Name another file with --root-key.");
    return KeepRootKey{[file](std::string_view pem) { return net::write_private(file, pem); }};
}

std::string what_to_do_with(const fs::path& root_key) {
    return fmt::format(
        "Take {} off this machine now, to two places that are locked: who has it can make a hub or "
        "a device that all of yours believe. The hub works without it. You need it again in a "
        "year: streetlog-hub ca renew.",
        root_key.string());
}

Result<json::object> ca_init(const fs::path& data, const fs::path& root_key) {
    STREETLOG_TRY(const auto lock, lock_of(data));
    STREETLOG_TRY(const auto clock, open_clock(data));
    STREETLOG_TRY(const auto ledger, Ledger::open(data, *clock));
    std::error_code error;
    if (fs::exists(root_certificate_file(data), error))
        return fail(ErrorCode::kConflict,
                    "this hub has an authority already",
                    "Another one would lock every device out. A new issuer: streetlog-hub ca "
                    "renew.");
    STREETLOG_TRY(const auto keep, keep_root_key_in(root_key, data));
    net::SystemRandom random;
    STREETLOG_CHECK(Authority::make(data, ledger.self().device, clock->now(), random, keep));
    STREETLOG_TRY(const auto made, Authority::open(data));
    auto out = shown_authority(made);
    out["root_key"] = root_key.string();
    out["next"] = what_to_do_with(root_key);
    return out;
}

Result<json::object> ca_renew(const fs::path& data, const fs::path& root_key, const AskHub& ask) {
    const auto lock = store::DirectoryLock::take(data);
    const bool running = !lock && lock.error().code == ErrorCode::kLocked;
    if (!lock && !running) return std::unexpected(lock.error());
    STREETLOG_TRY(const auto clock, open_clock(data));
    STREETLOG_TRY(const auto key, net::load_key(root_key));
    STREETLOG_TRY(auto authority, Authority::open(data));
    net::SystemRandom random;
    STREETLOG_TRY(auto issuer, authority.new_issuer(key, clock->now(), random));
    if (running)
        return ask(
            {{kIssuerKey, issuer.key.pem()}, {kIssuerCertificate, issuer.certificate.pem()}});
    STREETLOG_CHECK(authority.take_issuer(std::move(issuer), clock->now(), random));
    return shown_authority(authority);
}

}  // namespace streetlog::hub
