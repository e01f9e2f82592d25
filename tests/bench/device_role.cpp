#include "tests/bench/device_role.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "schema/hud/fields.hpp"
#include "tests/bench/peer_record.hpp"

namespace streetlog::bench {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

/// Saves held in memory at a time while recording.
constexpr std::size_t kSaveStep = 5'000;

/// Records of a load are made up to now.
constexpr std::int64_t kMeanStepMs = 20'000;

json::value to_json(const Device::Transfer& t) {
    return json::object{
        {"seconds", t.seconds}, {"sent", t.bytes.sent}, {"received", t.bytes.received}};
}

}  // namespace

Result<json::value> DeviceRole::command(std::string_view name, const json::value& arg) {
    if (name == "open") return open(arg);
    if (name == "call") return call(arg);
    if (name == "callAll") return call_all(arg);
    if (name == "watch") return watch(arg);
    if (name == "writeTimed") return write_timed(arg);
    if (name == "server") {
        STREETLOG_TRY(const auto directory, text_of(arg, "dir"));
        STREETLOG_TRY(const auto port, number_of(arg, "port"));
        STREETLOG_TRY(hub_, HubInProcess::start(directory, static_cast<std::uint16_t>(port)));
        return json::object{};
    }
    if (hub_ && name == "bytes") {
        const WireBytes bytes = hub_->bytes();
        return json::object{{"rx", bytes.received}, {"tx", bytes.sent}};
    }
    if (hub_ && name == "waitDurable" && arg.is_number()) {
        hub_->wait_durable(arg.to_number<std::uint64_t>());
        return json::object{};
    }
    return fail(ErrorCode::kUsage, fmt::format("no command '{}'", name));
}

Result<json::value> DeviceRole::open(const json::value& arg) {
    STREETLOG_TRY(const auto directory, text_of(arg, "dir"));
    STREETLOG_TRY(const auto port, number_of(arg, "port"));
    STREETLOG_TRY(const auto id, number_of(arg, "id"));
    Enrolment enrolment = derived_enrolment(id);
    if (find(arg, "enrolment") != nullptr) {
        STREETLOG_TRY(const auto file, text_of(arg, "enrolment"));
        STREETLOG_TRY(enrolment, read_enrolment(file));
    }
    enrolment.port = static_cast<std::uint16_t>(port);
    Held& held = devices_[id];
    STREETLOG_TRY(held.device, Device::open(directory, enrolment));
    return json::object{};
}

Result<DeviceRole::Held*> DeviceRole::held(const json::value& arg) {
    STREETLOG_TRY(const auto id, number_of(arg, "id"));
    const auto at = devices_.find(id);
    if (at == devices_.end() || !at->second.device)
        return fail(ErrorCode::kUsage, fmt::format("device {} is not open", id));
    return &at->second;
}

Result<json::value> DeviceRole::call(const json::value& arg) {
    STREETLOG_TRY(const auto fn, text_of(arg, "fn"));
    STREETLOG_TRY(const auto id, number_of(arg, "id"));
    if (fn == "close") {
        devices_.erase(id);
        return json::object{};
    }
    STREETLOG_CHECK(held(arg));
    return act(id, fn, arg);
}

/// One thread a device.
Result<json::value> DeviceRole::call_all(const json::value& arg) {
    STREETLOG_TRY(const auto fn, text_of(arg, "fn"));
    if (fn == "close") {
        devices_.clear();
        return json::object{};
    }
    std::vector<std::thread> threads;
    std::vector<Result<json::value>> results(devices_.size(), json::value{});
    std::size_t i = 0;
    for (const auto& entry : devices_) {
        threads.emplace_back([this, &arg, &fn, &result = results[i++], id = entry.first] {
            result = act(id, fn, arg);
        });
    }
    for (auto& thread : threads) thread.join();
    for (auto& result : results)
        if (!result) return std::unexpected(std::move(result).error());
    return json::object{};
}

Result<json::value> DeviceRole::act(std::uint64_t id,
                                    const std::string& fn,
                                    const json::value& arg) {
    Held& held = devices_.at(id);
    Device& device = *held.device;
    const bool only_one = devices_.size() == 1;
    if (fn == "record") return record(held, arg);
    if (fn == "push") {
        STREETLOG_TRY(const auto pushed, device.push(only_one));
        return to_json(pushed);
    }
    if (fn == "settle") {
        STREETLOG_CHECK(device.settle());
        return json::object{};
    }
    if (fn == "pull") {
        STREETLOG_TRY(const auto pulled, device.pull(only_one));
        return to_json(pulled);
    }
    if (fn == "firstSync") {
        STREETLOG_TRY(const auto seed, number_of(arg, "seed"));
        net::SystemClock clock;
        Load load{seed, device.store().settings().self, clock.now()};
        STREETLOG_TRY(auto synced, device.first_sync([&] { return load.intake_of_one().first; }));
        STREETLOG_TRY(const auto status, device.store().read().status());
        auto& saves = synced.saves_ms;
        std::ranges::sort(saves);
        auto out = to_json(synced.transfer).as_object();
        out["live_seconds"] = synced.live_seconds;
        out["clients"] = status.clients;
        out["saves"] = saves.size();
        out["save_p50_ms"] = saves.empty() ? 0.0 : saves[saves.size() / 2];
        out["save_max_ms"] = saves.empty() ? 0.0 : saves.back();
        return out;
    }
    if (fn == "dump_hash") {
        STREETLOG_TRY(const auto hash, device.store().dump_hash());
        return json::object{{"dump_hash", to_hex(hash)}};
    }
    return fail(ErrorCode::kUsage, fmt::format("no function '{}'", fn));
}

/// Stores the records of `file`, or `records` of the load with `seed`.
Result<json::value> DeviceRole::record(Held& held, const json::value& arg) {
    auto& store = held.device->store();
    std::vector<store::SaveRequest> step;
    const auto save = [&]() -> Result<void> {
        STREETLOG_CHECK(store.save_many(step));
        step.clear();
        return {};
    };
    if (find(arg, "file") != nullptr) {
        STREETLOG_TRY(const auto file, text_of(arg, "file"));
        std::ifstream in{file};
        for (std::string line; std::getline(in, line);) {
            STREETLOG_TRY(step.emplace_back(), read_peer_record(line));
            if (step.size() == kSaveStep) STREETLOG_CHECK(save());
        }
        STREETLOG_CHECK(save());
        return json::object{};
    }
    STREETLOG_TRY(const auto records, number_of(arg, "records"));
    STREETLOG_TRY(const auto seed, number_of(arg, "seed"));
    net::SystemClock clock;
    const Instant start{clock.now().ms - static_cast<std::int64_t>(records) * kMeanStepMs};
    held.load.emplace(seed, store.settings().self, start);
    for (std::uint64_t i = 0; i < records; ++i) {
        step.push_back(held.load->next());
        if (step.size() == kSaveStep) STREETLOG_CHECK(save());
    }
    STREETLOG_CHECK(save());
    return json::object{{"value_bytes", held.load->value_bytes()}};
}

Result<json::value> DeviceRole::watch(const json::value& arg) {
    STREETLOG_TRY(auto* const held, this->held(arg));
    held->device->watch(hud::tbl::kClient);
    return json::object{};
}

/// Writes `rec`, or one intake of the load with `seed`.
Result<json::value> DeviceRole::write_timed(const json::value& arg) {
    STREETLOG_TRY(auto* const held, this->held(arg));
    store::SaveRequest request;
    json::object answer;
    if (const auto* rec = find(arg, "rec"); rec != nullptr) {
        STREETLOG_TRY(request, read_peer_record(*rec));
    } else {
        STREETLOG_TRY(const auto seed, number_of(arg, "seed"));
        net::SystemClock clock;
        if (!held->load)
            held->load.emplace(seed, held->device->store().settings().self, clock.now());
        EntityId client;
        std::tie(request, client) = held->load->intake_of_one();
        answer["client"] = client_id_text(client);
    }
    STREETLOG_TRY(const auto start, held->device->write_timed(request));
    answer["t"] = std::to_string(start);
    return answer;
}

}  // namespace streetlog::bench
