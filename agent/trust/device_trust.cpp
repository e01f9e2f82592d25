#include "agent/trust/device_trust.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/trust/trust_files.hpp"
#include "sync/net/private_file.hpp"

namespace streetlog::agent {
namespace {

namespace fs = std::filesystem;

Result<net::CertificateChain> load_chain(const fs::path& file) {
    STREETLOG_TRY(const auto pem, net::read_private(file));
    auto chain = net::read_chain(pem);
    if (!chain)
        return fail(ErrorCode::kDamaged,
                    fmt::format("{}: {}", file.string(), chain.error().message),
                    "Records are safe. Ask the office for a new code: streetlog-hub device code.");
    return chain;
}

}  // namespace

Result<DeviceTrust> DeviceTrust::open(const fs::path& directory) {
    auto key = net::load_key(device_key_file(directory));
    if (!key)
        return fail(key.error().code,
                    key.error().message,
                    "Records are safe. The office can take another key: streetlog-hub device code "
                    "--new-key, then streetlog-agent enrol.");
    STREETLOG_TRY(const auto root, load_chain(hub_root_file(directory)));
    DeviceTrust out{directory, *std::move(key), root.front()};
    std::error_code error;
    if (fs::exists(device_chain_file(directory), error)) {
        STREETLOG_TRY(out.chain_, load_chain(device_chain_file(directory)));
    }
    if (const auto text = net::read_private(code_file(directory))) {
        const auto end = text->find('\n');
        out.code_ = text->substr(0, end);
        if (end != std::string::npos) {
            const auto time = text->substr(end + 1, text->find('\n', end + 1) - end - 1);
            out.code_given_ = parse_instant(time).value_or(Instant{});
        }
    }
    return out;
}

bool DeviceTrust::renewal_due(Instant now) const {
    return enrolled() && now >= net::renewal_due(certificate());
}

Instant DeviceTrust::judging_time(Instant own_clock, Instant last_hub_time) const {
    const Instant known = std::max(
        {last_hub_time, code_given_, enrolled() ? certificate().not_before() : root_.not_before()});
    return own_clock > root_.not_after() ? known : std::max(own_clock, known);
}

net::DeviceCredentials DeviceTrust::credentials(const DeviceId& hub, Instant now) const {
    net::DeviceCredentials out;
    out.root_fingerprint = root_.fingerprint();
    out.root = root_;
    out.hub = to_string(hub);
    out.now = now;
    if (!enrolled()) return out;
    out.chain = chain_;
    out.key = key_;
    return out;
}

net::TrustQuestion DeviceTrust::question(const DeviceId& device) const {
    net::TrustQuestion out;
    out.request = net::make_request(key_);
    if (enrolled() && code_.empty()) return out;
    out.kind = net::TrustQuestion::Kind::kEnrol;
    out.device = to_string(device);
    out.code = code_;
    return out;
}

Result<void> DeviceTrust::take(const DeviceId& device, const net::TrustAnswer& answer) {
    STREETLOG_TRY(auto chain, net::read_chain(answer.chain));
    if (answer.device != to_string(device) || chain.front().name() != answer.device ||
        chain.front().public_key() != key_.public_key())
        return fail(ErrorCode::kNotPermitted,
                    "the hub's certificate is for another device",
                    "Ask the office for a new code: streetlog-hub device code.");
    STREETLOG_CHECK(net::replace_private(device_chain_file(directory_), net::to_pem(chain)));
    chain_ = std::move(chain);
    code_.clear();
    std::error_code gone;  // a code that stays is of no use to anybody
    fs::remove(code_file(directory_), gone);
    return {};
}

Result<void> DeviceTrust::set_code(const std::string& code, Instant hub_time) {
    STREETLOG_CHECK(net::replace_private(code_file(directory_), format_code_file(code, hub_time)));
    code_ = code;
    code_given_ = hub_time;
    return {};
}

std::string format_code_file(const std::string& code, Instant hub_time) {
    return code + "\n" + format_instant(hub_time) + "\n";
}

}  // namespace streetlog::agent
