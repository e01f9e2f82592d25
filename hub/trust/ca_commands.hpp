#pragma once

#include <filesystem>

#include <boost/json/object.hpp>

#include "hub/trust/authority.hpp"

/// `streetlog-hub ca ...` and the root's key.
namespace streetlog::hub {

/// Where the root's key goes unless somebody says: beside the data directory, never inside.
[[nodiscard]] std::filesystem::path default_root_key(const std::filesystem::path& data);

/// Writes it to `file`, which must be new and not lie in `data`.
[[nodiscard]] Result<KeepRootKey> keep_root_key_in(const std::filesystem::path& file,
                                                   const std::filesystem::path& data);

/// What whoever made a hub has to do with that file.
[[nodiscard]] std::string what_to_do_with(const std::filesystem::path& root_key);

/// An authority for a hub that has none, because it is older or its keys are lost. The hub must not
/// be running.
[[nodiscard]] Result<boost::json::object> ca_init(const std::filesystem::path& data,
                                                  const std::filesystem::path& root_key);

/// Gives the hub that is running the issuer that is in `arguments`.
using AskHub = std::function<Result<boost::json::object>(const boost::json::object& arguments)>;

/// The next issuer under the root whose key that file holds. It is made here, so that a hub that is
/// running never sees the root's key; that hub goes on with what it has open.
[[nodiscard]] Result<boost::json::object> ca_renew(const std::filesystem::path& data,
                                                   const std::filesystem::path& root_key,
                                                   const AskHub& ask);

/// What the hub asked is given, and what it answers.
[[nodiscard]] Result<net::Signer> issuer_in(const boost::json::object& arguments);
[[nodiscard]] boost::json::object shown_authority(const Authority& authority);

}  // namespace streetlog::hub
