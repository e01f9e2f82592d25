#include "agent/app/enrol.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include "agent/app/status.hpp"
#include "agent/app/sync_once.hpp"
#include "agent/trust/get_ready.hpp"
#include "agent/trust/trust_files.hpp"
#include "sync/net/private_file.hpp"

namespace streetlog::agent {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
namespace asio = boost::asio;

/// Runs `coroutine` to its end.
template <class T>
Result<T> run(asio::awaitable<Result<T>> coroutine) {
    asio::io_context io{1};
    std::optional<Result<T>> outcome;
    std::exception_ptr broken;
    asio::co_spawn(io, std::move(coroutine), [&](const std::exception_ptr& e, Result<T> result) {
        broken = e;
        outcome = std::move(result);
    });
    io.run();
    if (broken) std::rethrow_exception(broken);
    return *std::move(outcome);
}

std::string text_of(const json::object& arguments, std::string_view name) {
    const auto* value = arguments.if_contains(name);
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

}  // namespace

Result<void> make_device_by_code(const fs::path& directory,
                                 const HubAddress& address,
                                 const std::string& code,
                                 const sync::Hash& fingerprint,
                                 DeviceSetup setup,
                                 Logger& log) {
    net::SystemRandom random;
    net::SystemClock clock;
    net::TrustAnswer answer;
    {
        std::error_code error;
        if (fs::create_directories(directory, error))
            fs::permissions(directory, fs::perms::owner_all, error);
        STREETLOG_TRY(const auto lock, store::DirectoryLock::take(directory));
        // The code is good for one key, so the key has to be on the disk before the code is used.
        STREETLOG_TRY(const auto key, net::load_or_make_key(device_key_file(directory), random));
        net::ConnectOptions options;
        options.host = address.host;
        options.port = address.port;
        options.credentials.root_fingerprint = fingerprint;
        options.credentials.now = clock.now();
        net::TrustQuestion question;
        question.kind = net::TrustQuestion::Kind::kEnrol;
        question.code = code;
        question.request = net::make_request(key);
        STREETLOG_TRY(auto granted, run(net::ask_trust(std::move(options), std::move(question))));
        answer = std::move(granted.answer);
        setup.enrolment.root = granted.root;
    }
    const auto device = parse_id<DeviceId>(answer.device);
    const auto hub = parse_id<DeviceId>(answer.hub);
    if (!device || !hub) return fail(ErrorCode::kMalformed, "the hub's answer cannot be read");
    setup.enrolment.device = *device;
    setup.enrolment.hub = *hub;
    setup.enrolment.name = answer.name;
    setup.enrolment.host = address.host;
    setup.enrolment.port = address.port;
    STREETLOG_CHECK(make_device(directory, setup, random));
    STREETLOG_TRY(auto trust, DeviceTrust::open(directory));
    log.event(LogLevel::kInfo, "device_enrolled", {{"device", *device}});
    return trust.take(*device, answer);
}

Result<void> accept_code(Device& device, const json::object& arguments) {
    const auto document = text_of(arguments, "document");
    auto code = text_of(arguments, "code");
    Instant time = device.last_hub_time();
    if (!document.empty()) {
        STREETLOG_TRY(auto enrolment, parse_enrolment(document, "the document"));
        auto settings = device.settings();
        if (enrolment.device != settings.self.device || enrolment.hub != settings.hub)
            return fail(ErrorCode::kConflict,
                        "the document is for another device",
                        "Use the file that streetlog-hub device code --out wrote for this one.");
        settings.hub_address = format_address({enrolment.host, enrolment.port});
        if (enrolment.hub_key != sync::PublicKey{}) settings.hub_key = enrolment.hub_key;
        STREETLOG_CHECK(device.store().change_settings(settings));
        STREETLOG_CHECK(
            net::load_or_make_key(device_key_file(device.directory()), device.random()));
        STREETLOG_CHECK(net::replace_private(hub_root_file(device.directory()), enrolment.root));
        code = enrolment.code;
        time = std::max(time, enrolment.time);
        device.renew_trust();
    }
    if (code.empty()) return fail(ErrorCode::kUsage, "say --enrolment FILE or --code CODE");
    if (!device.trust()) return std::unexpected(device.trust().error());
    return device.trust()->set_code(code, time);
}

Result<json::object> enrol_now(Device& device, Logger& log) {
    STREETLOG_CHECK(run(device_credentials(device, log)));
    auto out = trust_state(device);
    if (!device.trust()->code().empty())
        return fail(ErrorCode::kNotPermitted,
                    "the hub does not take that code",
                    "Ask the office for a new one: streetlog-hub device code.");
    return out;
}

json::object trust_state(Device& device) {
    const auto& trust = device.trust();
    const bool enrolled = trust && trust->enrolled();
    json::object out{
        {"enrolled", enrolled},
        {"certificate_until", enrolled ? shown(trust->certificate().not_after()) : json::value{}}};
    if (!trust) out["trust_problem"] = trust.error().message;
    return out;
}

}  // namespace streetlog::agent
