#pragma once

#include <filesystem>

#include <boost/json/object.hpp>

#include "agent/app/device.hpp"

namespace streetlog::agent {

/// `export-bundle`: what is not sent yet, sealed to the hub. Nothing counts as sent by it: that the
/// hub has it is known only by its receipts. kNotFound when there is nothing to send, kConflict
/// when the file exists.
[[nodiscard]] Result<boost::json::object> export_bundle(Device& device,
                                                        const std::filesystem::path& file);

/// `import-bundle`: the receipts of the hub's reply.
[[nodiscard]] Result<boost::json::object> import_reply(Device& device,
                                                       const std::filesystem::path& file);

}  // namespace streetlog::agent
