#include "hub/trust/device_acts.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/trust/enrol.hpp"
#include "hub/trust/enrolment_code.hpp"
#include "sync/store/enrolment_codes.hpp"

namespace streetlog::hub {
namespace {

namespace json = boost::json;

constexpr std::size_t kNameMax = 100;
/// A device that is approved again has so long to come by.
constexpr Millis kApprovalLife = std::chrono::days{30};

constexpr std::array<std::string_view, 8> kCommands{"device add",
                                                    "device code",
                                                    "device list",
                                                    "device show",
                                                    "device suspend",
                                                    "device resume",
                                                    "device approve",
                                                    "device revoke"};

std::string_view in_words(std::int64_t state) {
    switch (static_cast<DeviceState>(state)) {
        case DeviceState::kActive:
            return "active";
        case DeviceState::kSuspended:
            return "suspended";
        case DeviceState::kRevoked:
            return "revoked";
    }
    return "unknown";
}

Result<std::string> text_argument(const json::object& arguments, std::string_view name) {
    const auto* value = arguments.if_contains(name);
    if (value == nullptr || !value->is_string() || value->get_string().empty())
        return fail(ErrorCode::kUsage, fmt::format("{} is missing", name));
    if (value->get_string().size() > kNameMax)
        return fail(ErrorCode::kInvalidInput,
                    fmt::format("{} is longer than {} characters", name, kNameMax));
    return std::string{value->get_string()};
}

bool flag(const json::object& arguments, std::string_view name) {
    const auto* value = arguments.if_contains(name);
    return value != nullptr && value->is_bool() && value->get_bool();
}

json::value shown_time(Instant t) {
    return t.ms == 0 ? json::value{} : json::value(format_instant(t));
}

}  // namespace

bool DeviceActs::knows(std::string_view command) {
    return std::ranges::find(kCommands, command) != kCommands.end();
}

Result<json::object> DeviceActs::run(std::string_view command, const json::object& arguments) {
    if (command == "device add") return add(arguments);
    if (command == "device code") return code(arguments);
    if (command == "device list") return list();
    if (command == "device show") return show(arguments);
    if (command == "device suspend") return set_state(arguments, DeviceState::kSuspended);
    if (command == "device resume") return set_state(arguments, DeviceState::kActive);
    if (command == "device approve") return approve(arguments);
    return set_state(arguments, DeviceState::kRevoked);
}

Result<json::object> DeviceActs::add(const json::object& arguments) {
    STREETLOG_TRY(auto name, text_argument(arguments, "name"));
    for (const auto& d : ledger_.log().devices()) {
        if (d.name == name)
            return fail(ErrorCode::kConflict,
                        fmt::format("there is a device named '{}' already", name));
    }
    store::DeviceRow device;
    device.id = random_.id<DeviceId>();
    device.name = std::move(name);
    STREETLOG_CHECK(write_device(ledger_, device));
    return enrolment(device);
}

Result<json::object> DeviceActs::code(const json::object& arguments) {
    STREETLOG_TRY(const auto who, text_argument(arguments, "DEVICE"));
    STREETLOG_TRY(auto device, find_device(ledger_.log(), who));
    if (is(device, DeviceState::kRevoked))
        return fail(ErrorCode::kConflict,
                    "a revoked device gets no code",
                    "Add the device anew: streetlog-hub device add.");
    if (flag(arguments, "new_key") && device.public_key != sync::PublicKey{}) {
        device.public_key = {};
        STREETLOG_CHECK(write_device(ledger_, device));
    }
    return enrolment(device);
}

Result<json::object> DeviceActs::list() {
    json::array list;
    for (const auto& d : ledger_.log().devices()) list.push_back(shown(d));
    return json::object{{"devices", std::move(list)}};
}

Result<json::object> DeviceActs::show(const json::object& arguments) {
    STREETLOG_TRY(const auto who, text_argument(arguments, "DEVICE"));
    STREETLOG_TRY(const auto device, find_device(ledger_.log(), who));
    auto out = shown(device);
    out["public_key"] = device.public_key == sync::PublicKey{}
                            ? json::value{}
                            : json::value(to_hex(device.public_key));
    out["approved_until"] = shown_time(device.approved_until);
    const auto code = store::code_of(ledger_.log().db(), device.id);
    const bool open = code && code->used_by == sync::PublicKey{} &&
                      code->failures < kCodeFailuresMost && ledger_.now() <= code->ends;
    out["code_open_until"] = open ? shown_time(code->ends) : json::value{};
    out["code_wrong_tries"] = code ? code->failures : 0;
    return out;
}

Result<json::object> DeviceActs::set_state(const json::object& arguments, DeviceState state) {
    STREETLOG_TRY(const auto who, text_argument(arguments, "DEVICE"));
    STREETLOG_TRY(auto device, find_device(ledger_.log(), who));
    if (is(device, DeviceState::kRevoked) && state != DeviceState::kRevoked)
        return fail(ErrorCode::kConflict,
                    "a revoked device stays revoked",
                    "Add the device anew: streetlog-hub device add.");
    if (!is(device, state)) {
        device.state = static_cast<std::int64_t>(state);
        STREETLOG_CHECK(write_device(ledger_, device));
    }
    if (state == DeviceState::kRevoked) {
        store::Txn txn{ledger_.log().db()};
        store::drop_code_of(ledger_.log().db(), device.id);
        txn.commit();
    }
    return shown(device);
}

Result<json::object> DeviceActs::approve(const json::object& arguments) {
    STREETLOG_TRY(const auto who, text_argument(arguments, "DEVICE"));
    STREETLOG_TRY(auto device, find_device(ledger_.log(), who));
    if (!is(device, DeviceState::kActive))
        return fail(ErrorCode::kConflict,
                    fmt::format("the device is {}", in_words(device.state)),
                    "A suspended one: streetlog-hub device resume.");
    device.approved_until = ledger_.now() + kApprovalLife;
    STREETLOG_CHECK(write_device(ledger_, device));
    auto out = shown(device);
    out["approved_until"] = shown_time(device.approved_until);
    return out;
}

json::object DeviceActs::shown(const store::DeviceRow& device) {
    std::uint64_t records = 0;
    Instant seen;
    for (const auto& r : ledger_.log().replicas()) {
        if (r.replica.device != device.id) continue;
        records += r.acked_seq;
        seen = std::max(seen, r.last_seen);
    }
    return {{"device", to_string(device.id)},
            {"name", device.name},
            {"state", in_words(device.state)},
            {"enrolled", device.public_key != sync::PublicKey{}},
            {"records", records},
            {"last_received", shown_time(seen)}};
}

json::object DeviceActs::enrolment(const store::DeviceRow& device) {
    const auto parts = make_code(random_);
    store::EnrolmentCode code;
    code.selector = parts.selector;
    code.device = device.id;
    code.digest = digest_of_secret(parts.secret);
    code.ends = ledger_.now() + kCodeLife;
    store::Txn txn{ledger_.log().db()};
    store::put_code(ledger_.log().db(), code);
    txn.commit();
    return {{"device", to_string(device.id)},
            {"name", device.name},
            {"code", format_code(parts)},
            {"code_ends", format_instant(code.ends)},
            {"time", format_instant(ledger_.now())},
            {"hub", to_string(ledger_.self().device)}};
}

}  // namespace streetlog::hub
