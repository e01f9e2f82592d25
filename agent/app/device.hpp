#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "agent/trust/device_trust.hpp"
#include "schema/ports.hpp"
#include "sync/net/system_clock.hpp"
#include "sync/store/agent_store.hpp"
#include "sync/timeliness/evidence.hpp"

namespace streetlog::agent {

/// What the hub hands out for one device (`streetlog-hub device add --out`).
struct Enrolment {
    DeviceId device;
    std::string name;
    DeviceId hub;
    std::string host;
    std::uint16_t port = 0;
    std::string code;           // empty: used already
    std::string root;           // certificate of the root, in PEM
    sync::PublicKey hub_key{};  // what the hub signs with; zeros: the hub did not say
    Instant time;               // of the hub, when it was written
};

/// kInvalidInput naming the field that is missing or malformed. The code never appears in a
/// message. `where` is what the text was read from.
[[nodiscard]] Result<Enrolment> parse_enrolment(std::string_view text, std::string_view where);

/// The same for a file. kNotFound when it cannot be read.
[[nodiscard]] Result<Enrolment> read_enrolment(const std::filesystem::path& file);

struct DeviceSetup {
    Enrolment enrolment;
    EntityId project;  // where new clients are enrolled unless a form says otherwise; nil: nowhere
    std::string coc;   // the same for the CoC of a head of household
    std::filesystem::path simulated_clock;  // empty: the machine's own clocks
};

/// Makes the device's key and agent.db in `directory`, which may be new. kConflict when it holds a
/// device already, kInvalidInput for a CoC that HUD does not list, kNotPermitted for a
/// demonstration clock with a hub that is not on this machine. A simulated clock is copied to
/// `directory`/clock, so that the directory stands by itself and can be moved: from then on that
/// copy is what the device lives by.
[[nodiscard]] Result<void> make_device(const std::filesystem::path& directory,
                                       const DeviceSetup& setup,
                                       Random& random);

struct HubAddress {
    std::string host;
    std::uint16_t port = 0;
};

/// Of AgentSettings::hub_address.
[[nodiscard]] std::string format_address(const HubAddress& address);
[[nodiscard]] Result<HubAddress> parse_address(std::string_view text);

/// Minutes east of Greenwich on this machine at `t`.
[[nodiscard]] std::int16_t offset_minutes(Instant t);

/// One field device and all it consists of: its directory, held by a lock, its store, its clocks
/// and their witness. One thread.
class Device {
  public:
    /// kNotFound when `directory` holds no device, kLocked when another process has it open.
    [[nodiscard]] static Result<std::unique_ptr<Device>> open(
        const std::filesystem::path& directory);

    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    ~Device();

    [[nodiscard]] store::AgentStore& store() { return store_; }

    [[nodiscard]] store::AgentReader& read() { return store_.read(); }

    [[nodiscard]] const store::AgentSettings& settings() const { return store_.settings(); }

    /// The machine's clock, or a simulated one that follows `directory`/clock as it is changed.
    [[nodiscard]] Clock& clock() { return *clock_; }

    [[nodiscard]] sync::ClockWitness& witness() { return witness_; }

    /// Stores what the witness saw that must outlive this boot.
    [[nodiscard]] Result<void> keep_clock();

    [[nodiscard]] Random& random() { return random_; }

    /// Its key and certificates, or why there are none; recording does not need them.
    [[nodiscard]] Result<DeviceTrust>& trust() { return trust_; }

    /// Reads them again.
    void renew_trust() { trust_ = DeviceTrust::open(directory_); }

    /// The latest moment it knows from the hub; 0: it never heard from it.
    [[nodiscard]] Instant last_hub_time();

    [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

    /// Number of the user who holds the device; 0: nobody said.
    [[nodiscard]] std::uint32_t user() const { return user_; }

    /// Remembered in `directory`/user.
    [[nodiscard]] Result<void> set_user(std::uint32_t number);

  private:
    Device(std::filesystem::path directory,
           store::DirectoryLock lock,
           store::AgentStore store,
           std::unique_ptr<Clock> clock,
           std::uint32_t user);

    std::filesystem::path directory_;
    store::DirectoryLock lock_;
    store::AgentStore store_;
    std::unique_ptr<Clock> clock_;
    net::SystemRandom random_;
    sync::ClockWitness witness_;
    Result<DeviceTrust> trust_;
    std::uint32_t user_ = 0;
};

}  // namespace streetlog::agent
