#include "sync/store/hub_log_schema.hpp"

#include <array>

#include "sync/store/hub_log.hpp"

namespace streetlog::store {
namespace {

constexpr std::array<const char*, 9> kSteps{R"sql(
CREATE TABLE log_run(           -- append only; a row is what one replica pushed in one commit
    first_hub   INTEGER PRIMARY KEY,
    n           INTEGER NOT NULL,
    replica     INTEGER NOT NULL,
    first_seq   INTEGER NOT NULL,
    receipt     BLOB NOT NULL,
    head        BLOB NOT NULL,
    hub_hash    BLOB NOT NULL,
    times  BLOB NOT NULL,
    encoding    INTEGER NOT NULL,
    raw_bytes   INTEGER NOT NULL,
    body        BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX run_of ON log_run(replica, first_seq);
CREATE TABLE exception_(        -- quarantined and held records; what is not here was accepted
    hub_seq INTEGER PRIMARY KEY, status INTEGER NOT NULL, code INTEGER NOT NULL) STRICT;
CREATE TABLE entity(            -- append only; who was created first, and by which record
    eno INTEGER PRIMARY KEY, id BLOB NOT NULL, kind INTEGER NOT NULL, scope INTEGER NOT NULL,
    parent INTEGER NOT NULL, first_hub INTEGER NOT NULL) STRICT;
CREATE TABLE replica(
    no INTEGER PRIMARY KEY, device BLOB NOT NULL, incarnation INTEGER NOT NULL, acked_seq INTEGER NOT NULL,
    acked_hash BLOB NOT NULL, clock BLOB NOT NULL, last_seen_ms INTEGER NOT NULL,
    UNIQUE(device, incarnation)) STRICT;
CREATE TABLE device(
    id BLOB PRIMARY KEY, name TEXT NOT NULL, state INTEGER NOT NULL, secret_digest BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE hub_user(
    id BLOB PRIMARY KEY, number INTEGER NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL,
    active INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
)sql",
                                            R"sql(
CREATE TABLE verdict(           -- reviewers' words on quarantined records, from the hub's own records
    device BLOB NOT NULL, incarnation INTEGER NOT NULL, seq INTEGER NOT NULL, act INTEGER NOT NULL,
    hub_seq INTEGER NOT NULL, PRIMARY KEY(device, incarnation, seq, act)) STRICT, WITHOUT ROWID;
CREATE INDEX verdict_at ON verdict(hub_seq);
)sql",
                                            R"sql(
ALTER TABLE device ADD COLUMN public_key BLOB NOT NULL DEFAULT x'';
ALTER TABLE device ADD COLUMN approved_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN author BLOB NOT NULL DEFAULT x'';  -- with the next three: the dot that says all this
ALTER TABLE device ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN op INTEGER NOT NULL DEFAULT 0;
)sql",
                                            R"sql(
CREATE TABLE device_scope(      -- from the hub's own records: the projects a device is told of
    device BLOB PRIMARY KEY, projects BLOB NOT NULL) STRICT, WITHOUT ROWID;
)sql",
                                            R"sql(
CREATE TABLE enrolment_code(    -- of devices that may come for their first certificate; in no record
    selector TEXT PRIMARY KEY, device BLOB NOT NULL UNIQUE, digest BLOB NOT NULL,
    ends_ms INTEGER NOT NULL, failures INTEGER NOT NULL, used_by BLOB NOT NULL) STRICT, WITHOUT ROWID;
)sql",
                                            R"sql(
ALTER TABLE log_run ADD COLUMN signature BLOB NOT NULL DEFAULT x'';
ALTER TABLE replica ADD COLUMN nonce INTEGER NOT NULL DEFAULT 0;
CREATE TABLE alarm(             -- what a person must hear of; the columns are in hub_watch.hpp
    id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, device BLOB NOT NULL, first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL, times INTEGER NOT NULL, detail TEXT NOT NULL,
    closed_ms INTEGER, note TEXT NOT NULL DEFAULT '') STRICT;
CREATE UNIQUE INDEX alarm_open ON alarm(kind, device) WHERE closed_ms IS NULL;
CREATE TABLE loss(              -- times this log lost its end
    epoch INTEGER PRIMARY KEY, noticed_ms INTEGER NOT NULL, how TEXT NOT NULL,
    lost_seq INTEGER NOT NULL, head_seq INTEGER NOT NULL) STRICT;
CREATE TABLE gap(               -- records the hub gave a receipt for and does not have
    device BLOB NOT NULL, incarnation INTEGER NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL,
    opened_ms INTEGER NOT NULL, closed_ms INTEGER, how TEXT NOT NULL DEFAULT '',
    PRIMARY KEY(device, incarnation, epoch)) STRICT, WITHOUT ROWID;
)sql",
                                            R"sql(
CREATE TABLE earlier(           -- receipts from before those in log_run, from the hub's own records
    hub_seq INTEGER NOT NULL, device BLOB NOT NULL, incarnation INTEGER NOT NULL, first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL, receipt BLOB NOT NULL) STRICT;
CREATE INDEX earlier_at ON earlier(hub_seq);
CREATE INDEX earlier_of ON earlier(device, incarnation, last_seq);
)sql",
                                            R"sql(
CREATE TABLE carried(           -- bundles that devices bring for others; taken: only remembered
    digest BLOB PRIMARY KEY, bytes INTEGER NOT NULL, have INTEGER NOT NULL, touched_ms INTEGER NOT NULL,
    taken INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE carried_piece(
    digest BLOB NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(digest, at)) STRICT;
)sql",
                                            R"sql(
CREATE TABLE log_mark(          -- what the runs before this one weigh: log_weight.hpp
    first_hub INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;
INSERT INTO log_mark SELECT first_hub, before FROM (
    SELECT first_hub, before, lag(before / 262144, 1, 0) OVER (ORDER BY first_hub) AS mark_before FROM (
        SELECT first_hub, sum(bytes) OVER (ORDER BY first_hub) - bytes AS before FROM (
            SELECT first_hub, length(body) + 24 * n + 240 AS bytes FROM log_run)))
    WHERE before / 262144 > mark_before;
)sql"};

}  // namespace

std::span<const char* const> hub_log_steps() { return kSteps; }

int hub_log_schema() { return static_cast<int>(kSteps.size()); }

}  // namespace streetlog::store
