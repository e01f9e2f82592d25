#include "hub/admin/doctor.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "hub/admin/verify_log.hpp"
#include "hub/backup/last_backup.hpp"
#include "hub/project/hub_projection.hpp"
#include "hub/trust/check_trust.hpp"
#include "sync/store/hub_watch.hpp"

namespace streetlog::hub {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

/// An hourly backup that failed a day long is noticed, one that is a little late is not.
constexpr Millis kBackupAgeMost = hours{26};
constexpr Millis kSilenceMost = hours{7 * 24};
/// Received times never go back, so a clock this far behind the newest one falsifies what comes in.
constexpr Millis kClockBehindMost{60'000};
/// More records than this take the follower minutes.
constexpr std::uint64_t kLagMost = 100'000;

/// Some file systems do not let the holder of a lock be found out.
std::string running(std::int64_t process) {
    return process == 0 ? "the hub is running"
                        : fmt::format("the hub is running as process {}", process);
}

std::string ago(Instant then, Instant now) { return format_duration(now - then) + " ago"; }

class Examination {
  public:
    Examination(const HubCheckup& options, Checkup& checkup)
        : options_(options), checkup_(checkup) {}

    void run() {
        if (!store::check_directory(options_.data, checkup_)) return;
        store::check_space(options_.data, checkup_);
        check_program();
        check_trust(options_.data, options_.now, checkup_);
        const store::DatabaseFile file{
            .file = options_.data / "hub.db",
            .application = store::kHubLogMark,
            .schema = store::hub_log_schema(),
            .if_damaged =
                "Stop the hub, keep the directory as it is, and restore the last backup "
                "into another; devices send again what came after it."};
        if (!store::check_database(file, options_.depth, checkup_)) return;
        auto log = store::HubLog::open(options_.data, store::Access::kRead);
        if (!log) {
            checkup_.trouble("log", log.error(), file.file.string());
            return;
        }
        each("log", [&] { check_log(*log); });
        each("projection", [&] { check_projection(*log); });
        each("clock", [&] { check_clock(*log); });
        each("backup", [&] { check_backup(*log); });
        each("devices", [&] { check_devices(*log); });
        each("quarantine", [&] { check_set_aside(*log); });
        each("alarms", [&] { check_alarms(*log); });
    }

  private:
    /// One check that cannot be made does not keep the others from being made.
    template <class Job>
    void each(const char* name, Job job) {
        const auto done =
            store::guarded_job([&]() -> Result<void> { return job(), Result<void>{}; });
        if (!done) checkup_.trouble(name, done.error(), (options_.data / "hub.db").string());
    }

    void check_program();
    void check_log(store::HubLog& log);
    void check_projection(store::HubLog& log);
    void check_clock(store::HubLog& log);
    void check_backup(store::HubLog& log);
    void check_devices(store::HubLog& log);
    void check_set_aside(store::HubLog& log);
    void check_alarms(store::HubLog& log);

    const HubCheckup& options_;
    Checkup& checkup_;
    store::HubHead head_;  // of what could be verified
};

void Examination::check_program() {
    const auto holder = store::lock_holder(options_.data);
    if (holder == 0 && !options_.answers) {
        checkup_.fine("program", "no hub is running here");
    } else if (options_.answers) {
        checkup_.fine("program", running(holder));
    } else {
        checkup_.trouble("program",
                         {ErrorCode::kUnavailable,
                          fmt::format("process {} holds the directory and does not answer", holder),
                          "If it is a command, wait for it to end; if it is a hub that hangs, stop "
                          "it and start it again."},
                         (options_.data / "lock").string());
    }
}

void Examination::check_log(store::HubLog& log) {
    const auto found = verify_log(log);
    if (!found) {
        checkup_.trouble("log", found.error(), (options_.data / "hub.db").string());
        return;
    }
    head_ = found->head;
    checkup_.fine("log",
                  fmt::format("{} records in {} runs have the hashes they were taken with",
                              head_.seq.value,
                              found->runs));
}

void Examination::check_projection(store::HubLog& log) {
    const auto file = options_.data / "projection.db";
    const auto anew = [&](const std::string& why) {
        checkup_.attention("projection",
                           why,
                           file.string(),
                           "The hub makes it again from the log when it next starts.");
    };
    std::error_code error;
    if (!fs::exists(file, error)) return anew("there is no projection");
    const auto looked = store::guarded_job([&]() -> Result<void> {
        STREETLOG_TRY(auto db,
                      store::Db::open(
                          file, store::Access::kRead, store::Durability::kNormal, kProjectionMark));
        const auto problems = store::integrity_problems(db, options_.depth);
        if (!problems.empty()) {
            anew(fmt::format("the projection is damaged: {}", problems.front()));
            return {};
        }
        auto row = db.prepare("SELECT hub_seq, hub_hash FROM progress");
        store::HubHead at;
        if (row.step()) {
            at.seq = {static_cast<std::uint64_t>(row.integer(0))};
            const auto hash = row.blob(1);
            if (hash.size() == at.hash.size()) std::ranges::copy(hash, at.hash.begin());
        }
        row.reset();
        const auto head = log.head();
        if (at.seq > head.seq || !log.has(at)) {
            checkup_.trouble("projection",
                             {ErrorCode::kDamaged,
                              fmt::format("the projection has seen {} records, which are not those "
                                          "of the log: the log has lost its end (its WAL?) or is "
                                          "of another time",
                                          at.seq.value),
                              "If somebody moved hub.db-wal, put it back before the hub starts. "
                              "Else start the hub; devices send again what they still have."},
                             file.string());
            return {};
        }
        const auto lag = head.seq.value - at.seq.value;
        const auto words = fmt::format("the projection is {} records behind the log", lag);
        if (lag > kLagMost)
            checkup_.attention("projection", words, file.string(), "It catches up by itself.");
        else
            checkup_.fine("projection", words);
        return {};
    });
    if (!looked) anew(fmt::format("the projection cannot be read: {}", looked.error().message));
}

void Examination::check_clock(store::HubLog& log) {
    Instant newest;
    if (const auto run = log.run_at(log.head().seq)) newest = run->receipt.first.received;
    for (const auto& replica : log.replicas()) newest = std::max(newest, replica.last_seen);
    if (newest - options_.now > kClockBehindMost)
        checkup_.trouble("clock",
                         {ErrorCode::kInvalidInput,
                          fmt::format("the clock says {}, but the newest record was received at {}",
                                      format_instant(options_.now),
                                      format_instant(newest)),
                          "Put the clock right before the hub takes in more: lateness is judged "
                          "by it."},
                         {});
    else
        checkup_.fine("clock", fmt::format("{}", format_instant(options_.now)));
}

void Examination::check_backup(store::HubLog& log) {
    const auto last = last_backup(log);
    const char* const todo = "streetlog-hub backup --out DIR, by a timer, to another disk.";
    if (!last) {
        checkup_.attention("backup", "no verified backup is known", {}, todo);
        return;
    }
    const auto head = log.head().seq.value;
    const auto words =
        fmt::format("the last verified backup is from {} ({}); {} records came in since",
                    format_instant(last->made),
                    ago(last->made, options_.now),
                    head - std::min(head, last->head.seq.value));
    if (!log.has(last->head))
        checkup_.attention("backup", "the last backup is of another log than this one", {}, todo);
    else if (options_.now - last->made > kBackupAgeMost)
        checkup_.attention("backup", words, {}, todo);
    else
        checkup_.fine("backup", words);
}

void Examination::check_devices(store::HubLog& log) {
    const auto devices = log.devices();
    const auto replicas = log.replicas();
    std::size_t never = 0;
    std::vector<std::string> silent;
    for (const auto& device : devices) {
        if (device.state != 1) continue;
        Instant seen;
        for (const auto& replica : replicas)
            if (replica.replica.device == device.id) seen = std::max(seen, replica.last_seen);
        if (seen.ms == 0)
            ++never;
        else if (options_.now - seen > kSilenceMost)
            silent.push_back(
                fmt::format("{} (last records {})", device.name, ago(seen, options_.now)));
    }
    const auto words =
        fmt::format("{} devices, {} of them never sent a record", devices.size(), never);
    if (silent.empty()) {
        checkup_.fine("devices", words);
        return;
    }
    constexpr std::size_t kNamed = 5;
    std::string list;
    for (std::size_t i = 0; i < std::min(kNamed, silent.size()); ++i)
        list += (i == 0 ? "" : ", ") + silent[i];
    checkup_.attention(
        "devices",
        fmt::format("{}; {} sent nothing for a week: {}", words, silent.size(), list),
        {},
        "Ask whoever holds them; they may have records that nobody else has.");
}

void Examination::check_set_aside(store::HubLog& log) {
    std::size_t open = 0;
    std::size_t held = 0;
    for (const auto& row : log.exceptions({1}, log.head().seq)) {
        if (row.status == sync::RecordStatus::kHeld) {
            ++held;
            continue;
        }
        const auto run = log.run_at(row.seq);
        if (!run) continue;
        const sync::RecordKey key{run->replica,
                                  run->first_seq + (row.seq.value - run->first_hub.value)};
        if (!log.verdict_on(key)) ++open;
    }
    const auto words =
        fmt::format("{} records in quarantine wait for a decision, {} for a newer hub", open, held);
    if (open > 0)
        checkup_.attention("quarantine", words, {}, "streetlog-hub quarantine");
    else if (held > 0)
        checkup_.attention("quarantine", words, {}, "Update the hub.");
    else
        checkup_.fine("quarantine", words);
}

void Examination::check_alarms(store::HubLog& log) {
    store::HubWatch watch{log.db()};
    const auto open = watch.open_alarms();
    if (open > 0)
        checkup_.attention(
            "alarms",
            fmt::format("{}; the oldest: {}",
                        open == 1 ? "1 alarm is open" : fmt::format("{} alarms are open", open),
                        watch.alarms().front().detail),
            {},
            "streetlog-hub alarms");
    else
        checkup_.fine("alarms", "no alarm is open");
    const auto gaps = watch.gaps();
    const auto missing =
        std::ranges::count_if(gaps, [](const store::GapRow& gap) { return !gap.closed; });
    if (missing > 0)
        checkup_.attention(
            "recovery",
            missing == 1
                ? "1 device has not brought back yet what this hub lost"
                : fmt::format("{} devices have not brought back yet what this hub lost", missing),
            {},
            "streetlog-hub recovery");
}

}  // namespace

Checkup examine_hub(const HubCheckup& options) {
    Checkup out;
    Examination{options, out}.run();
    return out;
}

}  // namespace streetlog::hub
