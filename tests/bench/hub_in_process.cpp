#include "tests/bench/hub_in_process.hpp"

#include <chrono>

#include "hub/admin/admin.hpp"
#include "hub/recovery/open_hub.hpp"
#include "schema/hud/fields.hpp"
#include "tests/bench/derived_trust.hpp"
#include "tests/bench/device.hpp"

namespace streetlog::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kDevices = 256;

/// The registration that `streetlog-hub device add` writes.
std::pair<sync::Header, std::vector<sync::Op>> registration(std::uint64_t number) {
    namespace col = hud::col::hub_device;
    const Enrolment device = derived_enrolment(number);
    const auto key = device.credentials.key->public_key();
    sync::Op op;
    op.entity = {device.device.bytes};
    op.kind = sync::OpKind::kCreate;
    op.table = hud::tbl::kHubDevice;
    op.group = hud::grp::kHubDeviceRegistration;
    op.cells = {{col::kName, "device " + std::to_string(number)},
                {col::kState, std::int64_t{1}},
                {col::kPublicKey, sync::Bytes{key.begin(), key.end()}}};
    return {sync::Header{}, {std::move(op)}};
}

}  // namespace

Result<std::unique_ptr<HubInProcess>> HubInProcess::start(const std::filesystem::path& directory,
                                                          std::uint16_t port) {
    net::SystemRandom random;
    const bool fresh = !std::filesystem::exists(directory / "hub.db");
    if (fresh) {
        const auto nobody_needs_it = [](std::string_view) { return Result<void>{}; };
        STREETLOG_CHECK(hub::init_hub(directory, random, nobody_needs_it));
        STREETLOG_CHECK(write_derived_authority(directory));
    }
    STREETLOG_TRY(auto lock, store::DirectoryLock::take(directory));
    std::unique_ptr<HubInProcess> out{new HubInProcess{std::move(lock)}};
    STREETLOG_TRY(auto opened, hub::open_hub(directory, out->clock_));
    hub::Ledger& ledger = opened.ledger;
    if (fresh) {
        std::vector<std::pair<sync::Header, std::vector<sync::Op>>> devices;
        for (std::uint64_t i = 0; i < kDevices; ++i) devices.push_back(registration(i));
        STREETLOG_CHECK(ledger.author_all(std::move(devices)));
    }
    hub::ServeOptions options;
    options.directory = directory;
    options.port = port;
    STREETLOG_TRY(out->service_,
                  hub::Service::start(
                      out->io_, options, std::move(ledger), out->clock_, out->random_, out->log_));
    auto* hub = out.get();
    out->io_thread_ = std::thread{[hub] { hub->io_.run(); }};
    out->watcher_ = std::thread{[hub] { hub->watch_connections(); }};
    return out;
}

HubInProcess::~HubInProcess() {
    stopping_ = true;
    if (watcher_.joinable()) watcher_.join();
    io_.stop();
    if (io_thread_.joinable()) io_thread_.join();
    service_.reset();
}

void HubInProcess::wait_durable(std::uint64_t records) {
    for (;;) {
        const auto stored = service_->writer().run([](hub::Ledger& ledger) {
            std::uint64_t n = 0;
            for (const auto& row : ledger.log().replicas())
                if (row.replica.device != ledger.self().device) n += row.acked_seq;
            return n;
        });
        if (stored >= records) return;
        std::this_thread::sleep_for(2ms);
    }
}

void HubInProcess::watch_connections() {
    while (!stopping_) {
        {
            const std::lock_guard lock{mutex_};
            counter_.look();
        }
        std::this_thread::sleep_for(5ms);
    }
}

WireBytes HubInProcess::bytes() {
    const std::lock_guard lock{mutex_};
    counter_.look();
    return counter_.total();
}

}  // namespace streetlog::bench
