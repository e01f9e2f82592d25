#include <array>
#include <barrier>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/json/array.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include "tests/bench/device.hpp"
#include "tests/bench/herd.hpp"
#include "tests/bench/load.hpp"

namespace streetlog::bench {
namespace {

namespace json = boost::json;

constexpr std::int64_t kMeanStepMs = 20'000;
/// Stores made and filled at a time; the disk is the same for all.
constexpr std::size_t kRecordersAtATime = 4;
constexpr Millis kPatience{300'000};

/// A device has some ten files and sockets open.
void allow_many_files() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

class HerdRole final : public Role {
  public:
    HerdRole() { allow_many_files(); }

    [[nodiscard]] Result<json::value> command(std::string_view name,
                                              const json::value& arg) override {
        if (name == "record") return record(arg);
        if (name == "drain") return drain();
        return fail(ErrorCode::kUsage, fmt::format("no command '{}'", name));
    }

  private:
    [[nodiscard]] Result<json::value> record(const json::value& arg);
    [[nodiscard]] Result<void> record_one(std::size_t i,
                                          const json::value& arg,
                                          std::uint64_t records,
                                          std::uint16_t port);
    [[nodiscard]] Result<json::value> drain();

    std::vector<std::unique_ptr<Device>> devices_;
};

/// Opens device `i` of "enrolments" in "dir"/i and has it record offline.
Result<void> HerdRole::record_one(std::size_t i,
                                  const json::value& arg,
                                  std::uint64_t records,
                                  std::uint16_t port) {
    STREETLOG_TRY(const auto directory, text_of(arg, "dir"));
    const auto& file = arg.at("enrolments").as_array()[i].as_string();
    STREETLOG_TRY(auto enrolment, read_enrolment(std::string{file}));
    enrolment.port = port;
    STREETLOG_TRY(auto device,
                  Device::open(std::filesystem::path{directory} / std::to_string(i), enrolment));
    net::SystemClock clock;
    const Instant start{clock.now().ms - static_cast<std::int64_t>(records) * kMeanStepMs};
    Load load{i + 1, device->store().settings().self, start};
    std::vector<store::SaveRequest> saves;
    for (std::uint64_t n = 0; n < records; ++n) saves.push_back(load.next());
    STREETLOG_CHECK(device->store().save_many(saves));
    devices_[i] = std::move(device);
    return {};
}

Result<json::value> HerdRole::record(const json::value& arg) {
    STREETLOG_TRY(const auto records, number_of(arg, "records"));
    STREETLOG_TRY(const auto port, number_of(arg, "port"));
    const auto* files = find(arg, "enrolments");
    if (files == nullptr || !files->is_array())
        return fail(ErrorCode::kUsage, "the enrolments are missing");
    devices_.resize(files->get_array().size());
    std::array<std::thread, kRecordersAtATime> threads;
    std::array<Result<void>, kRecordersAtATime> results{};
    for (std::size_t t = 0; t < threads.size(); ++t) {
        threads[t] = std::thread{[&, t] {
            for (std::size_t i = t; i < devices_.size() && results[t]; i += threads.size())
                results[t] = record_one(i, arg, records, static_cast<std::uint16_t>(port));
        }};
    }
    for (auto& thread : threads) thread.join();
    for (auto& result : results) STREETLOG_CHECK(std::move(result));
    return json::object{};
}

/// Everybody at once. Answers, for each device, when how many more of its records were
/// acknowledged, in milliseconds since the start, and how often it connected.
Result<json::value> HerdRole::drain() {
    std::vector<Result<Device::Drained>> results(devices_.size(), Device::Drained{});
    std::vector<std::thread> threads;
    std::uint64_t began = 0;
    std::barrier gate{std::ssize(devices_), [&]() noexcept { began = monotonic_ns(); }};
    for (std::size_t i = 0; i < devices_.size(); ++i) {
        threads.emplace_back([&, i] {
            gate.arrive_and_wait();
            results[i] = devices_[i]->drain(kPatience);
        });
    }
    for (auto& thread : threads) thread.join();
    json::array out;
    for (const auto& result : results) {
        if (!result) return std::unexpected(result.error());
        json::array acks;
        for (const auto& ack : result->acks)
            acks.push_back(json::array{static_cast<double>(ack.at_ns - began) / 1e6, ack.records});
        out.push_back(json::object{{"acks", std::move(acks)}, {"attempts", result->attempts}});
    }
    for (auto& device : devices_) STREETLOG_CHECK(device->settle());
    return json::object{{"devices", std::move(out)}};
}

}  // namespace

std::unique_ptr<Role> make_herd_role() { return std::make_unique<HerdRole>(); }

}  // namespace streetlog::bench
