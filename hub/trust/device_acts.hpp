#pragma once

#include <boost/json/object.hpp>

#include "hub/trust/device_records.hpp"

namespace streetlog::hub {

/// `streetlog-hub device ...`: whom the administrator lets in. Runs where the log is written.
class DeviceActs {
  public:
    DeviceActs(Ledger& ledger, Random& random) : ledger_(ledger), random_(random) {}

    [[nodiscard]] static bool knows(std::string_view command);

    /// Requires: knows(command).
    [[nodiscard]] Result<boost::json::object> run(std::string_view command,
                                                  const boost::json::object& arguments);

  private:
    [[nodiscard]] Result<boost::json::object> add(const boost::json::object& arguments);
    [[nodiscard]] Result<boost::json::object> code(const boost::json::object& arguments);
    [[nodiscard]] Result<boost::json::object> list();
    [[nodiscard]] Result<boost::json::object> show(const boost::json::object& arguments);
    [[nodiscard]] Result<boost::json::object> set_state(const boost::json::object& arguments,
                                                        DeviceState state);
    [[nodiscard]] Result<boost::json::object> approve(const boost::json::object& arguments);
    [[nodiscard]] boost::json::object shown(const store::DeviceRow& device);
    /// A new code, and all that the device's enrolment document says beside the hub's address.
    [[nodiscard]] boost::json::object enrolment(const store::DeviceRow& device);

    Ledger& ledger_;
    Random& random_;
};

}  // namespace streetlog::hub
