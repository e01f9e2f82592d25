#pragma once

#include <map>
#include <memory>

#include "tests/bench/device.hpp"
#include "tests/bench/hub_in_process.hpp"
#include "tests/bench/load.hpp"
#include "tests/bench/role.hpp"

namespace streetlog::bench {

/// Streetlog behind the exec protocol: any number of devices, and, for `peer`, a hub.
class DeviceRole final : public Role {
  public:
    [[nodiscard]] Result<boost::json::value> command(std::string_view name,
                                                     const boost::json::value& arg) override;

  private:
    struct Held {
        std::unique_ptr<Device> device;
        std::optional<Load> load;  // of `record` and `writeTimed`
    };

    [[nodiscard]] Result<boost::json::value> open(const boost::json::value& arg);
    [[nodiscard]] Result<boost::json::value> call(const boost::json::value& arg);
    [[nodiscard]] Result<boost::json::value> call_all(const boost::json::value& arg);
    [[nodiscard]] Result<boost::json::value> act(std::uint64_t id,
                                                 const std::string& fn,
                                                 const boost::json::value& arg);
    [[nodiscard]] Result<boost::json::value> record(Held& held, const boost::json::value& arg);
    [[nodiscard]] Result<boost::json::value> watch(const boost::json::value& arg);
    [[nodiscard]] Result<boost::json::value> write_timed(const boost::json::value& arg);
    [[nodiscard]] Result<Held*> held(const boost::json::value& arg);

    std::unique_ptr<HubInProcess> hub_;
    std::map<std::uint64_t, Held> devices_;
};

}  // namespace streetlog::bench
