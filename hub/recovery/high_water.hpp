#pragma once

#include <chrono>
#include <filesystem>
#include <optional>

#include "schema/log.hpp"
#include "sync/store/hub_log.hpp"

/// How far the hub's log has been, in a file of its own that no backup holds and no restore brings
/// back; best on another disk. A log that does not have that head any more fell back.
namespace streetlog::hub {

struct HighWater {
    DeviceId hub;
    store::HubHead head;
    Instant received;               // newest; time at the hub never goes back behind it
    std::uint32_t incarnation = 0;  // under which the hub writes; 0: not known

    friend bool operator==(const HighWater&, const HighWater&) = default;
};

inline constexpr std::string_view kHighWaterSetting = "high_water";
inline constexpr std::string_view kHighWaterName = "highwater";

/// Number of times the log is known to have lost its end.
inline constexpr std::string_view kEpochSetting = "epoch";

/// Set by a restore, to a random number, until the hub has started and taken note.
inline constexpr std::string_view kUnseenRestoreSetting = "unseen_restore";

/// The path in the log's settings, else `highwater` in the hub's directory.
[[nodiscard]] std::filesystem::path high_water_path(store::HubLog& log,
                                                    const std::filesystem::path& directory);

/// None when there is no such file, or nothing in it that this hub wrote: it is the witness of a
/// loss, so its own loss must not keep the hub from starting.
[[nodiscard]] std::optional<HighWater> read_high_water(const std::filesystem::path& file);

/// Writes it at most once a second, because each time costs two flushes. One thread.
class HighWaterFile {
  public:
    using SteadyClock = std::chrono::steady_clock;

    HighWaterFile(std::filesystem::path file, Logger& log) : file_(std::move(file)), log_(log) {}

    /// Writes it, or remembers that it is to be written.
    void note(const HighWater& mark);

    /// Something is to be written, in `wait_left`.
    [[nodiscard]] bool waits() const { return waiting_; }

    [[nodiscard]] SteadyClock::duration wait_left() const;

    /// At once. A failure is logged, and does not keep the hub from taking records in.
    void write();

  private:
    std::filesystem::path file_;
    Logger& log_;
    HighWater mark_;
    bool waiting_ = false;
    std::optional<SteadyClock::time_point> written_;
};

}  // namespace streetlog::hub
