#include "hub/cli.hpp"

#include <filesystem>
#include <functional>
#include <future>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "hub/admin/admin.hpp"
#include "hub/serve/service.hpp"
#include "sync/net/control_socket.hpp"
#include "sync/net/json_logger.hpp"
#include "sync/net/signal_stop.hpp"
#include "sync/net/system_clock.hpp"
#include "sync/net/terminal.hpp"

namespace streetlog::hub {
namespace {

namespace json = boost::json;
namespace asio = boost::asio;
namespace fs = std::filesystem;
using net::OutputForm;

constexpr Millis kControlSilence{60'000};

struct Options {
    fs::path data = "hub-data";
    bool json = false;
    std::uint16_t port = 4180;
    std::string address = "127.0.0.1";
    std::string name;
    std::string email;
    fs::path out;

    [[nodiscard]] OutputForm form() const { return json ? OutputForm::kJson : OutputForm::kText; }

    [[nodiscard]] fs::path control() const { return data / "control"; }
};

/// Writes a file that only its owner may read, whole or not at all.
Result<void> write_private(const fs::path& file, std::string_view text) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(ErrorCode::kStorage,
                    fmt::format("cannot make {}: {}", file.string(), std::strerror(errno)),
                    "Name a file that does not exist yet.");
    const bool good = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                      ::fsync(fd) == 0;
    ::close(fd);
    if (!good) return fail(ErrorCode::kStorage, fmt::format("cannot write {}", file.string()));
    return {};
}

/// In the running hub when there is one, else here under the lock.
Result<json::object> administer(const Options& options,
                                std::string_view command,
                                const json::object& arguments) {
    auto lock = store::DirectoryLock::take(options.data);
    if (lock) {
        net::SystemClock clock;
        net::SystemRandom random;
        STREETLOG_TRY(auto ledger, Ledger::open(options.data, clock));
        return Admin{ledger, random}.run(command, arguments);
    }
    if (lock.error().code != ErrorCode::kLocked) return std::unexpected(lock.error());
    const std::string request =
        json::serialize(json::object{{"command", command}, {"arguments", arguments}});
    STREETLOG_TRY(
        const auto reply,
        net::control_request(options.control(),
                             sync::Bytes{request.begin(), request.end()},
                             kControlSilence,
                             [](std::string_view line) { fmt::print(stderr, "{}\n", line); }));
    return net::decode_answer({reinterpret_cast<const char*>(reply.data()), reply.size()});
}

Result<json::object> add_device(const Options& options) {
    STREETLOG_TRY(auto device, administer(options, "device add", {{"name", options.name}}));
    if (options.out.empty()) return device;
    device["host"] = options.address;
    device["port"] = options.port;
    STREETLOG_CHECK(write_private(options.out, json::serialize(device) + "\n"));
    device.erase("secret");
    device["enrolment_file"] = options.out.string();
    return device;
}

Result<json::object> init(const Options& options) {
    net::SystemRandom random;
    STREETLOG_TRY(const auto id, init_hub(options.data, random));
    return json::object{{"hub", to_string(id)}, {"data", options.data.string()}};
}

/// Answers one request of the control socket with what Admin says, on the writer's thread.
asio::awaitable<sync::Bytes> control(Writer& writer, Random& random, sync::Bytes request) {
    boost::system::error_code failed;
    const auto value =
        json::parse({reinterpret_cast<const char*>(request.data()), request.size()}, failed);
    Result<json::object> result =
        fail(ErrorCode::kUsage, "the request is not of the expected form");
    if (!failed && value.is_object()) {
        const auto* command = value.get_object().if_contains("command");
        const auto* arguments = value.get_object().if_contains("arguments");
        if (command != nullptr && command->is_string() && arguments != nullptr &&
            arguments->is_object()) {
            const std::string name{command->get_string()};
            const json::object args = arguments->get_object();
            result =
                writer.run([&](Ledger& ledger) { return Admin{ledger, random}.run(name, args); });
        }
    }
    const std::string text = net::encode_answer(result);
    co_return sync::Bytes{text.begin(), text.end()};
}

Result<json::object> serve(const Options& options) {
    STREETLOG_TRY(const auto lock, store::DirectoryLock::take(options.data));
    net::SystemClock clock;
    net::SystemRandom random;
    net::JsonLogger log{clock};
    STREETLOG_TRY(auto ledger, Ledger::open(options.data, clock));
    asio::io_context io{1};
    ServeOptions serving;
    serving.directory = options.data;
    serving.address = options.address;
    serving.port = options.port;
    STREETLOG_TRY(auto service, Service::start(io, serving, std::move(ledger), clock, random, log));
    STREETLOG_TRY(auto controls,
                  net::ControlServer::listen(
                      io.get_executor(),
                      options.control(),
                      [&](sync::Bytes request, net::ControlServer::Progress) {
                          return control(service->writer(), random, std::move(request));
                      },
                      log,
                      ::getuid()));
    const net::SignalStop stop{
        io.get_executor(), [&] {
            asio::co_spawn(io, service->stop(), [&](const std::exception_ptr&) { io.stop(); });
        }};
    // For people and for scripts alike: the port may have been chosen by the system.
    fmt::print("{}\n",
               json::serialize(json::object{
                   {"listening", fmt::format("{}:{}", options.address, service->port())},
                   {"port", service->port()}}));
    std::fflush(stdout);
    log.event(LogLevel::kInfo, "hub_started", {{"port", service->port()}});
    io.run();
    controls.reset();
    service.reset();
    log.event(LogLevel::kInfo, "hub_stopped");
    return json::object{};
}

}  // namespace

int run_command_line(int argc, char** argv) {
    Options options;
    CLI::App app{
        "The Streetlog hub: takes in what the field agents recorded, keeps it, and says what came "
        "late."};
    app.set_version_flag("--version", "streetlog-hub 0.1.0");
    app.add_option("--data", options.data, "Data directory")->capture_default_str();
    app.add_flag("--json", options.json, "Answer as one JSON object");
    app.require_subcommand(1);
    app.fallthrough();
    std::function<Result<json::object>()> job;
    const auto command = [&](CLI::App& parent, const char* name, const char* help, auto what) {
        auto* sub = parent.add_subcommand(name, help);
        sub->callback([&job, what] { job = what; });
        return sub;
    };
    command(app, "init", "Make a new hub in the data directory", [&] { return init(options); });
    auto* serving = command(app, "serve", "Run until stopped", [&] { return serve(options); });
    serving->add_option("--port", options.port, "Port; 0: any free one")->capture_default_str();
    serving->add_option("--address", options.address, "Loopback address to listen on")
        ->capture_default_str();

    auto* device = app.add_subcommand("device", "The devices that may hand over records");
    device->require_subcommand(1);
    auto* adding = command(*device, "add", "Let a device in", [&] { return add_device(options); });
    adding->add_option("--name", options.name, "Name of the device")->required();
    adding->add_option(
        "--out", options.out, "Write its enrolment file there, readable only by you");
    adding->add_option("--address", options.address, "Where the device will find the hub")
        ->capture_default_str();
    adding->add_option("--port", options.port, "and at which port")->capture_default_str();
    command(*device, "list", "Every device and what came from it", [&] {
        return administer(options, "device list", {});
    });

    auto* user = app.add_subcommand("user", "The people who hold the devices");
    user->require_subcommand(1);
    auto* person = command(*user, "add", "Add a user", [&] {
        return administer(options, "user add", {{"name", options.name}, {"email", options.email}});
    });
    person->add_option("--name", options.name, "Name")->required();
    person->add_option("--email", options.email, "E-mail address");
    command(*user, "list", "Every user", [&] { return administer(options, "user list", {}); });

    command(app, "status", "What the hub holds", [&] { return administer(options, "status", {}); });
    command(app, "verify", "Check every record of the log against its hashes", [&] {
        return administer(options, "verify", {});
    });
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        const int code = app.exit(e);
        return code == 0 ? 0 : exit_code(ErrorCode::kUsage);
    }
    const auto result = job();
    if (result && result->empty()) return 0;
    return net::answer(result, options.form());
}

}  // namespace streetlog::hub
