#include "agent/app/device.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "agent/app/files.hpp"
#include "agent/app/install.hpp"
#include "agent/trust/trust_files.hpp"
#include "schema/hud/catalogue.hpp"
#include "sync/net/endpoint.hpp"
#include "sync/net/private_file.hpp"
#include "sync/net/simulated_clock.hpp"

namespace streetlog::agent {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kFileBytesMax = 64 * 1024;
constexpr std::size_t kCodeLengthMax = 100;

fs::path database_of(const fs::path& directory) { return directory / "agent.db"; }

fs::path clock_of(const fs::path& directory) { return directory / "clock"; }

fs::path user_of(const fs::path& directory) { return directory / "user"; }

Result<std::unique_ptr<Clock>> clock_for(const fs::path& directory, store::ClockMode mode) {
    if (mode == store::ClockMode::kReal) return std::make_unique<net::SystemClock>();
    return net::FollowedClock::open(clock_of(directory));
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::uint32_t remembered_user(const fs::path& directory) {
    const auto text = read_text(user_of(directory), kFileBytesMax);
    if (!text) return 0;
    return number_in<std::uint32_t>(text->substr(0, text->find('\n'))).value_or(0);
}

class EnrolmentReader {
  public:
    EnrolmentReader(const json::object& object, std::string_view where)
        : object_(object), where_(where) {}

    [[nodiscard]] Result<std::string> text(std::string_view key) const {
        const auto* value = object_.if_contains(key);
        if (value == nullptr || !value->is_string()) return wrong(key);
        return std::string{value->get_string()};
    }

    [[nodiscard]] Result<DeviceId> id(std::string_view key) const {
        STREETLOG_TRY(const auto hex, text(key));
        const auto id = parse_id<DeviceId>(hex);
        if (!id || id->is_nil()) return wrong(key);
        return *id;
    }

    [[nodiscard]] std::unexpected<Error> wrong(std::string_view key) const {
        return fail(ErrorCode::kInvalidInput,
                    fmt::format("{}: '{}' is missing or malformed", where_, key),
                    "Use the file that streetlog-hub device add --out wrote for this device.");
    }

  private:
    const json::object& object_;
    std::string_view where_;
};

}  // namespace

Result<Enrolment> parse_enrolment(std::string_view text, std::string_view where) {
    boost::system::error_code failed;
    const auto value = json::parse(text, failed);
    if (failed || !value.is_object()) {
        return fail(ErrorCode::kInvalidInput,
                    fmt::format("{} is not an enrolment file", where),
                    "Use the file that streetlog-hub device add --out wrote for this device.");
    }
    const EnrolmentReader read{value.get_object(), where};
    Enrolment out;
    STREETLOG_TRY(out.device, read.id("device"));
    STREETLOG_TRY(out.hub, read.id("hub"));
    STREETLOG_TRY(out.name, read.text("name"));
    STREETLOG_TRY(out.host, read.text("host"));
    STREETLOG_TRY(out.code, read.text("code"));
    if (out.code.empty() || out.code.size() > kCodeLengthMax) return read.wrong("code");
    STREETLOG_TRY(out.root, read.text("root"));
    if (!net::Certificate::from_pem(out.root)) return read.wrong("root");
    if (value.get_object().contains("hub_key")) {
        STREETLOG_TRY(const auto key, read.text("hub_key"));
        if (key.size() != 2 * out.hub_key.size() || !from_hex(key, out.hub_key))
            return read.wrong("hub_key");
    }
    STREETLOG_TRY(const auto time, read.text("time"));
    const auto instant = parse_instant(time);
    if (!instant) return read.wrong("time");
    out.time = *instant;
    const auto* port = value.get_object().if_contains("port");
    if (port == nullptr || !port->is_int64() || port->get_int64() < 1 || port->get_int64() > 65535)
        return read.wrong("port");
    out.port = static_cast<std::uint16_t>(port->get_int64());
    return out;
}

Result<Enrolment> read_enrolment(const fs::path& file) {
    STREETLOG_TRY(const auto text, read_text(file, kFileBytesMax));
    return parse_enrolment(text, file.string());
}

std::string format_address(const HubAddress& address) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return v6 ? fmt::format("[{}]:{}", address.host, address.port)
              : fmt::format("{}:{}", address.host, address.port);
}

Result<HubAddress> parse_address(std::string_view text) {
    const auto colon = text.rfind(':');
    const auto port = colon == std::string_view::npos
                          ? std::nullopt
                          : number_in<std::uint16_t>(text.substr(colon + 1));
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (!port || host.empty())
        return fail(ErrorCode::kDamaged, "the stored address of the hub cannot be read");
    return HubAddress{std::string{host}, *port};
}

std::int16_t offset_minutes(Instant t) {
    const std::time_t seconds = t.ms / 1000;
    std::tm local{};
    if (::localtime_r(&seconds, &local) == nullptr) return 0;
    return static_cast<std::int16_t>(local.tm_gmtoff / 60);
}

Result<void> make_device(const fs::path& directory, const DeviceSetup& setup, Random& random) {
    const Enrolment& enrolment = setup.enrolment;
    STREETLOG_TRY(const auto endpoints, net::endpoints_of(enrolment.host, enrolment.port));
    if (!setup.simulated_clock.empty() && !endpoints.front().address().is_loopback())
        return fail(ErrorCode::kNotPermitted,
                    "a demonstration clock is for hubs on this machine only");
    if (!setup.coc.empty() && !hud::is_coc_code(setup.coc))
        return fail(ErrorCode::kInvalidInput,
                    "--coc is not in HUD's list of CoCs",
                    "Write it as in CA-600.");
    std::string clock;
    if (!setup.simulated_clock.empty()) {
        STREETLOG_CHECK(net::read_clock_shift(setup.simulated_clock));
        STREETLOG_TRY(clock, read_text(setup.simulated_clock, kFileBytesMax));
    }
    std::error_code error;
    const bool fresh = fs::create_directories(directory, error);
    if (error)
        return fail(ErrorCode::kStorage,
                    fmt::format("cannot make {}: {}", directory.string(), error.message()));
    if (fresh) fs::permissions(directory, fs::perms::owner_all, error);
    STREETLOG_TRY(const auto lock, store::DirectoryLock::take(directory));
    store::AgentSettings settings;
    settings.self.device = enrolment.device;
    while (settings.self.incarnation == 0) {
        std::array<Byte, 4> bytes{};
        random.fill(bytes);
        for (const Byte b : bytes) settings.self.incarnation = settings.self.incarnation << 8 | b;
    }
    settings.hub = enrolment.hub;
    settings.hub_key = enrolment.hub_key;
    settings.hub_address = format_address({enrolment.host, enrolment.port});
    settings.device_name = enrolment.name;
    settings.project = setup.project;
    settings.coc = setup.coc;
    settings.clock =
        setup.simulated_clock.empty() ? store::ClockMode::kReal : store::ClockMode::kSimulated;
    const bool had_file = fs::exists(database_of(directory), error);
    if (!had_file && settings.clock == store::ClockMode::kSimulated)
        STREETLOG_CHECK(replace_file(clock_of(directory), clock));
    // Before the database, which makes the directory a device: one without a key could not sign.
    STREETLOG_CHECK(net::load_or_make_key(device_key_file(directory), random));
    STREETLOG_CHECK(net::replace_private(hub_root_file(directory), enrolment.root));
    if (!enrolment.code.empty())
        STREETLOG_CHECK(net::replace_private(code_file(directory),
                                             format_code_file(enrolment.code, enrolment.time)));
    STREETLOG_TRY(const auto store, store::AgentStore::create(database_of(directory), settings));
    if (had_file && settings.clock == store::ClockMode::kSimulated)
        STREETLOG_CHECK(replace_file(clock_of(directory), clock));
    return {};
}

Result<std::unique_ptr<Device>> Device::open(const fs::path& directory) {
    std::error_code error;
    if (!fs::exists(database_of(directory), error) && !error) {
        return fail(
            ErrorCode::kNotFound,
            fmt::format("{} holds no device", directory.string()),
            "Make it one with streetlog-agent init, or name another directory with --data.");
    }
    STREETLOG_TRY(auto lock, store::DirectoryLock::take(directory));
    STREETLOG_TRY(auto store, store::AgentStore::open(database_of(directory)));
    STREETLOG_TRY(auto clock, clock_for(directory, store.settings().clock));
    net::SystemRandom random;
    STREETLOG_CHECK(check_install(directory, store, random));
    return std::unique_ptr<Device>(new Device{directory,
                                              std::move(lock),
                                              std::move(store),
                                              std::move(clock),
                                              remembered_user(directory)});
}

Device::Device(fs::path directory,
               store::DirectoryLock lock,
               store::AgentStore store,
               std::unique_ptr<Clock> clock,
               std::uint32_t user)
    : directory_(std::move(directory)),
      lock_(std::move(lock)),
      store_(std::move(store)),
      clock_(std::move(clock)),
      witness_(store_.anchor(),
               store_.settings().clock == store::ClockMode::kSimulated ? sync::ClockKind::kSimulated
                                                                       : sync::ClockKind::kReal),
      trust_(DeviceTrust::open(directory_)),
      user_(user) {}

Device::~Device() = default;

Result<void> Device::keep_clock() {
    if (!witness_.anchor_is_news()) return {};
    STREETLOG_CHECK(store_.set_anchor(*witness_.anchor()));
    witness_.anchor_stored();
    return {};
}

Instant Device::last_hub_time() {
    Instant last;
    if (const auto anchor = store_.anchor()) last = anchor->hub;
    if (const auto status = read().status(); status && status->last_receipt)
        last = std::max(last, *status->last_receipt);
    return last;
}

Result<void> Device::set_user(std::uint32_t number) {
    STREETLOG_CHECK(replace_file(user_of(directory_), fmt::format("{}\n", number)));
    user_ = number;
    return {};
}

}  // namespace streetlog::agent
