#include "tests/bench/office.hpp"

#include <fmt/format.h>

#include "tests/bench/device.hpp"
#include "tests/bench/preload.hpp"
#include "tests/bench/role.hpp"

namespace streetlog::bench {

namespace fs = std::filesystem;

std::vector<std::string> Office::hub(const fs::path& directory,
                                     std::vector<std::string> words) const {
    std::vector<std::string> out{options_.hub_program, "--data", directory, "--json"};
    for (auto& word : words) out.push_back(std::move(word));
    return out;
}

Result<Office> Office::set_up(OfficeOptions options) {
    Office office{std::move(options)};
    const fs::path model = office.options_.directory / "model";
    fs::create_directories(model);
    STREETLOG_CHECK(run_program(office.hub(model, {"init"})));
    {
        STREETLOG_TRY(auto open, office.serve(model));
        for (std::size_t i = 0; i < office.options_.devices; ++i) {
            STREETLOG_CHECK(run_program(office.hub(model,
                                                   {"device",
                                                    "add",
                                                    "--name",
                                                    fmt::format("device {}", i),
                                                    "--out",
                                                    office.enrolment(i)})));
            STREETLOG_CHECK(enrol(office.enrolment(i), open.port));
        }
        if (office.options_.preload > 0) {
            // The last device is the one that filled the hub.
            // One record of the mix is an intake in ten, of three clients on average.
            const auto wanted = office.options_.preload;
            const bool town = office.options_.preload_of == PreloadOf::kTown;
            STREETLOG_CHECK(preload(office.enrolment(office.options_.devices - 1),
                                    open.port,
                                    town ? wanted * 20 / 13 : wanted,
                                    office.options_.preload_of));
        }
        open.hub.stop();
    }
    STREETLOG_CHECK(office.verify(model));
    return office;
}

fs::path Office::enrolment(std::size_t device) const {
    return options_.directory / fmt::format("device-{}.json", device);
}

Result<Office::Open> Office::serve(const fs::path& directory) const {
    STREETLOG_TRY(auto process,
                  Process::start(hub(directory,
                                     {"serve",
                                      "--port",
                                      "0",
                                      "--snapshot-after",
                                      std::to_string(options_.snapshot_after)}),
                                 directory / "log"));
    STREETLOG_TRY(const auto up, process.news());
    STREETLOG_TRY(const auto port, number_of(up, "port"));
    return Open{std::move(process), static_cast<std::uint16_t>(port), directory};
}

Result<Office::Open> Office::open(const fs::path& directory) const {
    fs::create_directories(directory);
    for (const auto& file : fs::directory_iterator{options_.directory / "model"})
        if (file.is_regular_file()) fs::copy(file.path(), directory / file.path().filename());
    return serve(directory);
}

Result<Office::Verified> Office::verify(const fs::path& directory) const {
    STREETLOG_TRY(const auto said, run_program(hub(directory, {"verify", "--dump-hash"})));
    STREETLOG_TRY(const auto list, run_program(hub(directory, {"device", "list"})));
    Verified out;
    STREETLOG_TRY(out.records, number_of(said, "records"));
    STREETLOG_TRY(out.dump_hash, text_of(said, "dump_hash"));
    const auto* devices = find(list, "devices");
    if (devices == nullptr || !devices->is_array())
        return fail(ErrorCode::kMalformed, "the hub does not list its devices");
    for (const auto& device : devices->get_array()) {
        STREETLOG_TRY(const auto records, number_of(device, "records"));
        out.device_records += records;
    }
    return out;
}

}  // namespace streetlog::bench
