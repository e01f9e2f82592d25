#include "sync/store/agent_schema.hpp"

#include <array>

namespace streetlog::store {
namespace {

/// Three layers. The log (me, own, run, receipt, own_exception, verdict, held, cursor) is what
/// nothing else can give back. States (replica, entity, state) and read tables (from client_read
/// on) are made from it. Ids are 16 bytes, hashes 32, instants milliseconds, dates text.
constexpr const char* kStep1 = R"sql(
CREATE TABLE me(
    one INTEGER PRIMARY KEY CHECK(one = 1),
    device BLOB NOT NULL, incarnation INT NOT NULL, secret BLOB NOT NULL,
    hub BLOB NOT NULL, hub_address TEXT NOT NULL, device_name TEXT NOT NULL,
    project BLOB NOT NULL, coc TEXT NOT NULL, bundle INT NOT NULL, policy INT NOT NULL,
    simulated INT NOT NULL,
    next_seq INT NOT NULL, head_hash BLOB NOT NULL, hlc INT NOT NULL,
    acked INT NOT NULL,           -- newest own record on the hub's disk
    stamped INT NOT NULL,         -- states know the receipts up to here
    newest_hub INT NOT NULL,      -- newest hub sequence applied
    last_receipt_ms INT, last_pull_ms INT,
    session_nonce BLOB NOT NULL) STRICT;

CREATE TABLE own(seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, occurred_ms INT NOT NULL,
    recorded_ms INT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE run(id INTEGER PRIMARY KEY, hub_seq INT NOT NULL, n INT NOT NULL,
    replica_no INT NOT NULL, first_seq INT NOT NULL, receipt BLOB NOT NULL,
    encoding INT NOT NULL, raw_bytes INT NOT NULL, body BLOB NOT NULL,
    hidden BLOB NOT NULL) STRICT;  -- empty: no record of it is hidden
CREATE UNIQUE INDEX run_place ON run(hub_seq, n);
CREATE TABLE receipt(id INTEGER PRIMARY KEY, first_seq INT NOT NULL, last_seq INT NOT NULL,
    received_ms INT NOT NULL, hub_seq INT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX receipt_range ON receipt(first_seq, last_seq, received_ms, hub_seq);
CREATE TABLE own_exception(seq INTEGER PRIMARY KEY, status INT NOT NULL, code INT NOT NULL) STRICT;
CREATE TABLE own_refused(eno INT NOT NULL, seq INT NOT NULL, PRIMARY KEY(eno, seq)) STRICT,
    WITHOUT ROWID;                -- entities an own record not accepted writes to
CREATE TABLE verdict(replica_no INT NOT NULL, seq INT NOT NULL, act INT NOT NULL,
    PRIMARY KEY(replica_no, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE held(hub_seq INTEGER PRIMARY KEY, replica_no INT NOT NULL, seq INT NOT NULL,
    received_ms INT NOT NULL, place_seq INT NOT NULL, hlc_hub INT NOT NULL, lo INT NOT NULL,
    hi INT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE cursor(scope INTEGER PRIMARY KEY, hub_seq INT NOT NULL, hub_hash BLOB NOT NULL,
    gen INT NOT NULL) STRICT;
CREATE TABLE anchor(one INTEGER PRIMARY KEY CHECK(one = 1), boot_id INT NOT NULL,
    boot_ms INT NOT NULL, suspended_ms INT NOT NULL, suspends INT NOT NULL, wall_ms INT NOT NULL,
    hub_ms INT NOT NULL, error_ms INT NOT NULL) STRICT;

CREATE TABLE replica(no INTEGER PRIMARY KEY, device BLOB NOT NULL, incarnation INT NOT NULL,
    UNIQUE(device, incarnation)) STRICT;
CREATE TABLE entity(eno INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, tbl INT NOT NULL, parent INT,
    first_ms INT, first_seq INT) STRICT;
CREATE INDEX entity_parent ON entity(parent, tbl) WHERE parent IS NOT NULL;
CREATE TABLE state(eno INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;

CREATE TABLE link(eno INT NOT NULL, replica_no INT NOT NULL, seq INT NOT NULL, op INT NOT NULL,
    a BLOB NOT NULL, b BLOB NOT NULL, verdict INT NOT NULL, strength INT NOT NULL,
    millibits INT NOT NULL, PRIMARY KEY(eno, replica_no, seq, op)) STRICT, WITHOUT ROWID;
CREATE INDEX link_a ON link(a);
CREATE INDEX link_b ON link(b);
CREATE TABLE canon(eno INTEGER PRIMARY KEY, root INT NOT NULL) STRICT;
CREATE INDEX canon_root ON canon(root);

CREATE TABLE client_read(eno INTEGER PRIMARY KEY, first_key TEXT NOT NULL, last_key TEXT NOT NULL,
    first_name TEXT NOT NULL, middle_name TEXT NOT NULL, last_name TEXT NOT NULL,
    name_suffix TEXT NOT NULL, name_quality INT NOT NULL, ssn TEXT NOT NULL,
    ssn4 TEXT NOT NULL, ssn_quality INT NOT NULL, dob TEXT NOT NULL, dob_quality INT NOT NULL,
    sex INT NOT NULL, unsent INT NOT NULL) STRICT;
CREATE INDEX client_last ON client_read(last_key, first_key);
CREATE INDEX client_first ON client_read(first_key, last_key);
CREATE INDEX client_ssn ON client_read(ssn) WHERE ssn <> '';
CREATE INDEX client_ssn4 ON client_read(ssn4) WHERE ssn4 <> '';
CREATE INDEX client_dob ON client_read(dob) WHERE dob <> '';
CREATE TABLE enrollment_read(eno INTEGER PRIMARY KEY, client INT NOT NULL, project BLOB,
    entry_date TEXT NOT NULL, exit_date TEXT NOT NULL, destination INT, household BLOB,
    relationship INT NOT NULL) STRICT;
CREATE INDEX enrollment_client ON enrollment_read(client);
CREATE TABLE contact_read(eno INTEGER PRIMARY KEY, enrollment INT NOT NULL, date TEXT NOT NULL,
    situation INT) STRICT;
CREATE INDEX contact_enrollment ON contact_read(enrollment, date);
CREATE TABLE project_read(eno INTEGER PRIMARY KEY, name TEXT NOT NULL, type INT) STRICT;
CREATE TABLE user_(eno INTEGER PRIMARY KEY, number INT NOT NULL, name TEXT NOT NULL,
    active INT NOT NULL) STRICT;
)sql";

constexpr std::array<const char*, 1> kSteps{kStep1};

}  // namespace

std::span<const char* const> agent_schema() { return kSteps; }

}  // namespace streetlog::store
