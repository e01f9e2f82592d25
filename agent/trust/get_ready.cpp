#include "agent/trust/get_ready.hpp"

namespace streetlog::agent {

net::asio::awaitable<Result<void>> get_ready(
    DeviceTrust& trust, HubPlace place, DeviceId device, Instant now, Logger& log) {
    if (trust.code().empty() && trust.enrolled() && !trust.renewal_due(now))
        co_return Result<void>{};
    if (trust.code().empty() && !trust.enrolled())
        co_return fail(ErrorCode::kNotPermitted,
                       "this device has not enrolled with its hub",
                       "Ask the office for a code (streetlog-hub device code), then "
                       "streetlog-agent enrol. Recording goes on.");
    net::ConnectOptions options;
    options.host = std::move(place.host);
    options.port = place.port;
    options.credentials = trust.credentials(place.hub, now);
    const auto question = trust.question(device);
    if (question.kind == net::TrustQuestion::Kind::kEnrol) {
        options.credentials.chain.clear();
        options.credentials.key.reset();
    }
    auto granted = co_await net::ask_trust(std::move(options), question);
    auto taken = granted ? trust.take(device, granted->answer)
                         : Result<void>{std::unexpected(granted.error())};
    if (taken) {
        log.event(LogLevel::kInfo,
                  "certificate_granted",
                  {{"until", trust.certificate().not_after().ms}});
        co_return taken;
    }
    log.event(LogLevel::kWarning, "no_certificate_granted", {{"code", taken.error().code}});
    if (trust.enrolled()) co_return Result<void>{};
    co_return taken;
}

}  // namespace streetlog::agent
