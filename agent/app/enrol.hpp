#pragma once

#include <boost/json/object.hpp>

#include "agent/app/device.hpp"
#include "schema/log.hpp"

namespace streetlog::agent {

/// Makes a device by a code alone: asks the hub, which has to be reachable, who it is.
/// `fingerprint` is of the root's certificate. Whatever fails, doing it again goes on from there.
[[nodiscard]] Result<void> make_device_by_code(const std::filesystem::path& directory,
                                               const HubAddress& address,
                                               const std::string& code,
                                               const sync::Hash& fingerprint,
                                               DeviceSetup setup,
                                               Logger& log);

/// Takes a new code for a device that is there: {"document": text of an enrolment file} or
/// {"code": ...}. kConflict for the document of another device.
[[nodiscard]] Result<void> accept_code(Device& device, const boost::json::object& arguments);

/// Fetches the certificate now, and says how the device stands. Blocks.
[[nodiscard]] Result<boost::json::object> enrol_now(Device& device, Logger& log);

/// How it stands with the device's certificate.
[[nodiscard]] boost::json::object trust_state(Device& device);

}  // namespace streetlog::agent
