#include "agent/app/doctor.hpp"

#include <algorithm>
#include <fstream>
#include <memory>

#include <fmt/format.h>

#include "agent/app/carry.hpp"
#include "agent/trust/check_trust.hpp"
#include "sync/net/control_socket.hpp"
#include "sync/net/simulated_clock.hpp"
#include "sync/net/system_clock.hpp"
#include "sync/store/agent_check.hpp"
#include "sync/store/agent_reader.hpp"
#include "sync/store/agent_schema.hpp"
#include "sync/store/agent_store.hpp"

namespace streetlog::agent {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

/// The two clocks may differ, and a receipt may be seconds old; more is a clock that was set back.
constexpr Millis kClockBehindMost{5 * 60'000};
constexpr Millis kUnsentAgeMost = hours{24};
constexpr Millis kSilenceMost = hours{7 * 24};

/// Some file systems do not let the holder of a lock be found out.
std::string running(std::int64_t process) {
    return process == 0 ? "the agent is running"
                        : fmt::format("the agent is running as process {}", process);
}

std::string ago(Instant then, Instant now) { return format_duration(now - then) + " ago"; }

void check_program(const fs::path& data, Checkup& checkup) {
    const auto holder = store::lock_holder(data);
    if (net::control_listens(data / "control")) {
        checkup.fine("program", running(holder));
    } else if (holder == 0) {
        checkup.fine("program", "no agent is running here");
    } else {
        checkup.trouble("program",
                        {ErrorCode::kUnavailable,
                         fmt::format("process {} holds the directory and does not answer", holder),
                         "If it is a command, wait for it to end; if it is an agent that hangs, "
                         "stop it and start it again."},
                        (data / "lock").string());
    }
}

void check_log(store::Db& db, const fs::path& file, Checkup& checkup) {
    const auto records = store::verify_own_log(db);
    if (records)
        checkup.fine("log",
                     fmt::format("{} own records have the hashes they were saved with", *records));
    else
        checkup.trouble("log", records.error(), file.string());
}

/// The device's clock; without the file of a simulated one, the machine's.
Instant clock_now(const fs::path& data, const store::AgentSettings& settings) {
    if (settings.clock == store::ClockMode::kSimulated) {
        if (const auto clock = net::FollowedClock::open(data / "clock")) return (*clock)->now();
    }
    return net::SystemClock{}.now();
}

void check_clock(Instant now, const store::AgentStatus& status, Checkup& checkup) {
    Instant known;
    for (const auto& seen : {status.last_receipt, status.last_pull})
        if (seen) known = std::max(known, *seen);
    if (known - now > kClockBehindMost)
        checkup.trouble(
            "clock",
            {ErrorCode::kInvalidInput,
             fmt::format("the clock says {}, but the hub was heard from at {}",
                         format_instant(now),
                         format_instant(known)),
             "Put the clock right. Nothing is lost; lateness is judged with the hub's time."},
            {});
    else
        checkup.fine("clock", format_instant(now));
    const char* const boot_id = "/proc/sys/kernel/random/boot_id";
    std::string text;
    if (std::ifstream{boot_id} >> text)
        checkup.fine("boot_id", "can be read");
    else
        checkup.attention("boot_id",
                          "cannot be read: every start of the program counts as a start of the "
                          "machine, which weakens the evidence of when things happened",
                          boot_id,
                          "Let the program read it.");
}

void check_hub(Instant now, const store::AgentStatus& status, Checkup& checkup) {
    std::optional<Instant> last = status.last_pull;
    if (status.last_receipt && (!last || *status.last_receipt > *last)) last = status.last_receipt;
    const auto words = last ? fmt::format("the hub was last heard from {}", ago(*last, now))
                            : std::string{"the hub was never heard from"};
    if (!last || now - *last > kSilenceMost)
        checkup.attention("hub", words, {}, "Bring the device where it can reach the hub.");
    else
        checkup.fine("hub", words);
}

void check_unsent(Instant now, const store::AgentStatus& status, Checkup& checkup) {
    if (status.unsent == 0) {
        checkup.fine("unsent", "everything saved here is at the hub");
        return;
    }
    auto words = fmt::format("{} records are not at the hub yet", status.unsent);
    bool old = false;
    if (status.oldest_unsent_occurred) {
        words += fmt::format("; the oldest is of {} ({})",
                             format_instant(*status.oldest_unsent_occurred),
                             ago(*status.oldest_unsent_occurred, now));
        old = now - *status.oldest_unsent_occurred > kUnsentAgeMost;
    }
    if (old)
        checkup.attention("unsent", words, {}, "streetlog-agent sync --once, near the hub.");
    else
        checkup.fine("unsent", words);
}

void check_set_aside(const store::AgentStatus& status, Checkup& checkup) {
    const auto words = fmt::format(
        "the hub set {} own records aside and holds {}; {} of others cannot be read here yet",
        status.quarantined,
        status.held_by_hub,
        status.held_here);
    if (status.quarantined > 0)
        checkup.attention("quarantine", words, {}, "Ask the office what is wrong with them.");
    else if (status.held_by_hub + status.held_here > 0)
        checkup.attention("quarantine", words, {}, "Update the hub, or this device.");
    else
        checkup.fine("quarantine", words);
}

void check_carried(const std::vector<store::CarriedRow>& carried, Checkup& checkup) {
    const auto refused = std::ranges::find(carried, true, &store::CarriedRow::refused);
    if (refused != carried.end())
        checkup.attention(
            "carried",
            fmt::format("the hub refused {}: {}", refused->name, refused->word),
            {},
            "Its records are on the device it is of: let that sync, or export again, and then "
            "streetlog-agent drop-carried " +
                to_hex(refused->digest).substr(0, kCarriedNameDigits) + ".");
    else if (!carried.empty())
        checkup.fine(
            "carried",
            fmt::format("{} bundles of other devices are to be handed over", carried.size()));
}

}  // namespace

Checkup examine_device(const fs::path& data, store::CheckDepth depth) {
    Checkup checkup;
    if (!store::check_directory(data, checkup)) return checkup;
    store::check_space(data, checkup);
    check_program(data, checkup);
    const auto file = data / "agent.db";
    auto db = store::check_database(
        {.file = file,
         .application = store::kAgentApplication,
         .schema = static_cast<int>(store::agent_schema().size()),
         .if_damaged = "Stop the agent and keep the directory as it is: records that are not at "
                       "the hub are in it alone. Call the office."},
        depth,
        checkup);
    if (!db) return checkup;
    check_log(*db, file, checkup);
    auto reader = store::AgentReader::open(file);
    const auto settings = reader ? reader->settings() : std::unexpected(reader.error());
    const auto status = reader ? reader->status() : std::unexpected(reader.error());
    if (!settings || !status) {
        checkup.trouble("status", settings ? status.error() : settings.error(), file.string());
        return checkup;
    }
    const Instant now = clock_now(data, *settings);
    check_clock(now, *status, checkup);
    check_trust(data, now, status->last_receipt.value_or(Instant{}), checkup);
    check_hub(now, *status, checkup);
    check_unsent(now, *status, checkup);
    check_set_aside(*status, checkup);
    if (const auto carried = reader->carried()) check_carried(*carried, checkup);
    return checkup;
}

}  // namespace streetlog::agent
