#include <boost/json/serialize.hpp>

#include "hub/cli/command_line.hpp"
#include "hub/commands.hpp"
#include "hub/trust/ca_commands.hpp"
#include "hub/trust/trust_files.hpp"
#include "sync/net/certificate.hpp"
#include "sync/net/private_file.hpp"

namespace streetlog::hub::cli {
namespace {

namespace json = boost::json;

/// What a device needs for its first contact: where the hub is, whose certificate it will show,
/// and the code. With --out it goes to a file, without to whoever asked.
Result<json::object> with_enrolment(const Options& options, Result<json::object> said) {
    if (!said) return said;
    auto device = *std::move(said);
    STREETLOG_TRY(const auto pem, net::read_private(root_certificate_file(options.data)));
    STREETLOG_TRY(const auto root, net::Certificate::from_pem(pem));
    device["host"] = options.address;
    device["port"] = options.port;
    device["root_fingerprint"] = to_hex(root.fingerprint());
    if (options.out.empty()) return device;
    auto document = device;
    STREETLOG_TRY(const auto key, net::load_key(hub_key_file(options.data)));
    document["root"] = pem;
    document["hub_key"] = to_hex(key.public_key());  // for bundles, where there is no handshake
    auto written = net::write_private(options.out, json::serialize(document) + "\n");
    if (!written) {
        auto error = std::move(written).error();
        error.hint = "Name a file that does not exist yet, with streetlog-hub device code.";
        return std::unexpected(std::move(error));
    }
    device.erase("code");
    device["enrolment_file"] = options.out.string();
    return device;
}

Result<json::object> add_device(const Options& options) {
    return with_enrolment(options, perform(options.data, "device add", {{"name", options.name}}));
}

Result<json::object> new_code(const Options& options) {
    return with_enrolment(options,
                          perform(options.data,
                                  "device code",
                                  {{"DEVICE", options.device}, {"new_key", options.new_key}}));
}

void add_device_commands(CLI::App& app, const Command& command, Options& options) {
    auto* device = app.add_subcommand("device", "The devices that may hand over records");
    device->require_subcommand(1);
    const auto to_document = [&](CLI::App* sub) {
        sub->add_option("--out",
                        options.out,
                        "Write the device's enrolment document there, readable only by you");
        sub->add_option("--address", options.address, "Where the device will find the hub")
            ->capture_default_str();
        sub->add_option("--port", options.port, "and at which port")->capture_default_str();
    };
    auto* adding = command(*device, "add", "Let a device in: makes its one-time code", [&] {
        return add_device(options);
    });
    adding->add_option("--name", options.name, "Name of the device")->required();
    to_document(adding);
    const auto on_one = [&](const char* name, const char* help, auto what) {
        auto* sub = command(*device, name, help, what);
        sub->add_option("DEVICE", options.device, "Its name or id")->required();
        return sub;
    };
    auto* coding = on_one("code", "A new one-time code; the one before is worth nothing", [&] {
        return new_code(options);
    });
    coding->add_flag("--new-key", options.new_key, "The device has lost its key: take another");
    to_document(coding);
    command(*device, "list", "Every device and what came from it", [&] {
        return perform(options.data, "device list", {});
    });
    const auto act = [&](const char* name, const char* help) {
        on_one(name, help, [&options, name] {
            return perform(
                options.data, std::string{"device "} + name, {{"DEVICE", options.device}});
        });
    };
    act("show", "One device: state, key, code, approval");
    act("suspend", "Shut a device out for now, at once");
    act("resume", "Let a suspended device in again");
    act("approve", "Let a device whose certificate has lapsed renew it, within 30 days");
    act("revoke", "Shut a device out for good, at once");
}

void add_ca_commands(CLI::App& app, const Command& command, Options& options) {
    auto* ca = app.add_subcommand("ca", "The deployment's own authority for certificates");
    ca->require_subcommand(1);
    auto* making =
        command(*ca, "init", "Make one for a hub that has none; the hub is stopped", [&] {
            return ca_init(options.data, root_key_of(options));
        });
    making->add_option("--root-key", options.root_key, "Where to write the root's key");
    auto* renewing =
        command(*ca, "renew", "A new issuer for another year; the hub may be running", [&] {
            return ca_renew(options.data, root_key_of(options), [&](const json::object& issuer) {
                return perform(options.data, kTakeIssuer, issuer);
            });
        });
    renewing->add_option("--root-key", options.root_key, "The root's key, which init wrote");
}

}  // namespace

std::filesystem::path root_key_of(const Options& options) {
    return options.root_key.empty() ? default_root_key(options.data) : options.root_key;
}

void add_trust_commands(CLI::App& app, const Command& command, Options& options) {
    add_device_commands(app, command, options);
    add_ca_commands(app, command, options);
}

}  // namespace streetlog::hub::cli
