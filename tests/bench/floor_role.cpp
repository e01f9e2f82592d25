#include "tests/bench/floor_role.hpp"

#include <chrono>
#include <fstream>
#include <map>
#include <thread>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "tests/bench/floor_device.hpp"
#include "tests/bench/floor_hub.hpp"

namespace streetlog::bench {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using floor::FloorDevice;
using floor::FloorHub;
using floor::Row;

constexpr std::array<std::string_view, floor::kFields> kNames{"clientId",
                                                              "first",
                                                              "last",
                                                              "dob",
                                                              "ssn4",
                                                              "projectId",
                                                              "entryDate",
                                                              "interactionAt",
                                                              "livingSituation",
                                                              "note",
                                                              "userId",
                                                              "updatedAt"};

Result<Row> row_from(const json::value& record) {
    Row row;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        STREETLOG_TRY(row[i], text_of(record, kNames[i]));
    }
    return row;
}

class FloorRole final : public Role {
  public:
    [[nodiscard]] Result<json::value> command(std::string_view name,
                                              const json::value& arg) override {
        try {
            return act(name, arg);
        } catch (const std::exception& broken) {
            return fail(ErrorCode::kUnavailable, broken.what());
        }
    }

  private:
    Result<json::value> act(std::string_view name, const json::value& arg) {
        if (name == "server") {
            STREETLOG_TRY(const auto directory, text_of(arg, "dir"));
            STREETLOG_TRY(const auto port, number_of(arg, "port"));
            hub_ = std::make_unique<FloorHub>(directory, static_cast<std::uint16_t>(port));
            return json::object{{"port", hub_->port()}};
        }
        if (hub_ && name == "bytes") {
            const WireBytes bytes = hub_->bytes();
            return json::object{{"rx", bytes.received}, {"tx", bytes.sent}};
        }
        if (hub_ && name == "waitDurable" && arg.is_number()) {
            while (hub_->count() < arg.to_number<std::uint64_t>()) std::this_thread::sleep_for(2ms);
            return json::object{};
        }
        if (name == "open") {
            STREETLOG_TRY(const auto directory, text_of(arg, "dir"));
            STREETLOG_TRY(const auto port, number_of(arg, "port"));
            STREETLOG_TRY(const auto id, number_of(arg, "id"));
            std::filesystem::create_directories(directory);
            devices_[id] =
                std::make_unique<FloorDevice>(directory, static_cast<std::uint16_t>(port));
            return json::object{};
        }
        if (name == "call") return call(arg);
        if (name == "callAll") return call_all(arg);
        if (name == "watch") {
            STREETLOG_TRY(auto* const device, of(arg));
            device->listen([](const std::string& id) {
                say({{"seen", id}, {"t", std::to_string(monotonic_ns())}});
            });
            return json::object{};
        }
        if (name == "writeTimed") return write_timed(arg);
        return fail(ErrorCode::kUsage, fmt::format("no command '{}'", name));
    }

    Result<FloorDevice*> of(const json::value& arg) {
        STREETLOG_TRY(const auto id, number_of(arg, "id"));
        const auto at = devices_.find(id);
        if (at == devices_.end())
            return fail(ErrorCode::kUsage, fmt::format("device {} is not open", id));
        return at->second.get();
    }

    Result<json::value> call(const json::value& arg) {
        STREETLOG_TRY(const auto fn, text_of(arg, "fn"));
        STREETLOG_TRY(const auto id, number_of(arg, "id"));
        if (fn == "close") {
            devices_.erase(id);
            return json::object{};
        }
        STREETLOG_TRY(auto* const device, of(arg));
        if (fn == "record") return record(*device, arg);
        return run(*device, fn);
    }

    Result<json::value> call_all(const json::value& arg) {
        STREETLOG_TRY(const auto fn, text_of(arg, "fn"));
        if (fn == "close") {
            devices_.clear();
            return json::object{};
        }
        std::vector<std::thread> threads;
        for (const auto& entry : devices_)
            threads.emplace_back(
                [&fn, device = entry.second.get()] { static_cast<void>(run(*device, fn)); });
        for (auto& thread : threads) thread.join();
        return json::object{};
    }

    static Result<json::value> run(FloorDevice& device, const std::string& fn) {
        const std::uint64_t start = monotonic_ns();
        if (fn == "push") {
            device.push();
        } else if (fn == "pull") {
            device.pull();
        } else {
            return fail(ErrorCode::kUsage, fmt::format("no function '{}'", fn));
        }
        const double seconds = static_cast<double>(monotonic_ns() - start) / 1e9;
        return json::object{{"seconds", seconds}, {"count", device.table().count()}};
    }

    /// Stores the records of `file`, or `records` of `bytes` each, made from `seed`.
    static Result<json::value> record(FloorDevice& device, const json::value& arg) {
        std::vector<Row> batch;
        const auto store = [&] {
            device.table().insert(batch);
            batch.clear();
        };
        if (find(arg, "file") != nullptr) {
            STREETLOG_TRY(const auto file, text_of(arg, "file"));
            std::ifstream in{file};
            for (std::string line; std::getline(in, line);) {
                STREETLOG_TRY(batch.emplace_back(), row_from(json::parse(line)));
                if (batch.size() == floor::kBatch) store();
            }
        } else {
            STREETLOG_TRY(const auto records, number_of(arg, "records"));
            STREETLOG_TRY(const auto bytes, number_of(arg, "bytes"));
            STREETLOG_TRY(const auto seed, number_of(arg, "seed"));
            Dice dice{seed};
            for (std::uint64_t i = 0; i < records; ++i) {
                batch.push_back(floor::make_row(dice, bytes));
                if (batch.size() == floor::kBatch) store();
            }
        }
        store();
        return json::object{};
    }

    Result<json::value> write_timed(const json::value& arg) {
        STREETLOG_TRY(auto* const device, of(arg));
        Row row;
        if (const auto* rec = find(arg, "rec"); rec != nullptr) {
            STREETLOG_TRY(row, row_from(*rec));
        } else {
            STREETLOG_TRY(const auto bytes, number_of(arg, "bytes"));
            row = floor::make_row(dice_, bytes);
        }
        const std::uint64_t start = monotonic_ns();
        device->write(row);
        return json::object{{"client", row[0]}, {"t", std::to_string(start)}};
    }

    std::unique_ptr<FloorHub> hub_;
    std::map<std::uint64_t, std::unique_ptr<FloorDevice>> devices_;
    Dice dice_{1};
};

}  // namespace

std::unique_ptr<Role> make_floor_role() { return std::make_unique<FloorRole>(); }

}  // namespace streetlog::bench
