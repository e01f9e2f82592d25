#pragma once

#include <filesystem>
#include <functional>

#include "hub/project/lateness.hpp"
#include "hub/project/matcher.hpp"
#include "hub/project/scopes.hpp"
#include "sync/store/entity_reader.hpp"
#include "sync/store/hub_log.hpp"
#include "sync/store/projection.hpp"

namespace streetlog::hub {

/// Raised with every change of what the projection holds: a file with another mark is made anew.
inline constexpr std::int32_t kProjectionMark = 0x534c5033;  // "SLP3"

/// projection.db: everything the hub makes from its log, in a file of its own that may be thrown
/// away at any time. It follows the log with a cursor of its own, so the writer of the log never
/// waits for it. One thread at a time.
class HubProjection {
  public:
    /// Records taken in so far, and how many there are.
    using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

    /// Opens or makes it; one that cannot be used (damaged, or of another version) is made anew.
    [[nodiscard]] static Result<HubProjection> open(const std::filesystem::path& directory,
                                                    DeviceId hub);
    HubProjection(HubProjection&&) noexcept;
    HubProjection& operator=(HubProjection&&) noexcept;
    ~HubProjection();

    /// Takes in what the log has beyond the cursor, in bounded transactions. Starts over when the
    /// log does not have the cursor's hash there (the log was restored from a backup).
    [[nodiscard]] Result<void> catch_up(store::HubLog& log, const Progress& progress = {});
    /// Throws everything away and makes it again from the log.
    [[nodiscard]] Result<void> rebuild(store::HubLog& log, const Progress& progress = {});

    [[nodiscard]] HubSeq at() const;
    [[nodiscard]] DeviceId hub() const;

    [[nodiscard]] store::EntityReader& read();
    [[nodiscard]] Lateness& lateness();
    [[nodiscard]] Matcher& matcher();
    [[nodiscard]] store::Db& db();

    /// Runs `job` in a transaction of this file.
    [[nodiscard]] Result<void> transact(const std::function<Result<void>()>& job);

  private:
    struct Impl;
    explicit HubProjection(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace streetlog::hub
