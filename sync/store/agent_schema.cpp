#include "sync/store/agent_schema.hpp"

#include <array>

#include "sync/store/state_schema.hpp"

namespace streetlog::store {
namespace {

/// The log: what nothing else can give back. Ids are 16 bytes, hashes 32, instants milliseconds.
constexpr const char* kLog = R"sql(
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
)sql";

/// What came as states: which scopes hold an entity. A cursor may be beyond the place whose hash it
/// carries.
constexpr const char* kScopes = R"sql(
CREATE TABLE scope_entity(scope INT NOT NULL, id BLOB NOT NULL, PRIMARY KEY(scope, id)) STRICT,
    WITHOUT ROWID;
CREATE INDEX scope_of_entity ON scope_entity(id);
CREATE TABLE scope_swept(one INTEGER PRIMARY KEY CHECK(one = 1), seq INT NOT NULL) STRICT;
ALTER TABLE cursor ADD COLUMN through INT NOT NULL DEFAULT 0;
)sql";

/// A snapshot of the hub on its way into a generation of its own, and the one the states rest upon
/// since.
constexpr const char* kBootstrap = R"sql(
CREATE TABLE bootstrap(one INTEGER PRIMARY KEY CHECK(one = 1), phase INT NOT NULL,
    generation INT NOT NULL, id BLOB NOT NULL, manifest BLOB NOT NULL, chunks INT NOT NULL,
    run INT NOT NULL, own INT NOT NULL, stamped INT NOT NULL, again INT NOT NULL) STRICT;
CREATE TABLE bootstrap_entity(eno INTEGER PRIMARY KEY) STRICT;   -- to be written once more
CREATE TABLE snapshot_piece(id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    -- id: generation * 2^44 + chunk * 2^24 + offset
CREATE TABLE base(one INTEGER PRIMARY KEY CHECK(one = 1), generation INT NOT NULL,
    manifest BLOB NOT NULL) STRICT;   -- part of the log: states are made of its pieces first
)sql";

/// What a device must remember so that it, its copies and its hub can each fall back to an older
/// state and be put right.
constexpr const char* kRecovery = R"sql(
ALTER TABLE me ADD COLUMN hub_key BLOB NOT NULL DEFAULT x'';      -- Ed25519, pinned at enrolment
ALTER TABLE me ADD COLUMN signed_head BLOB NOT NULL DEFAULT x'';  -- newest head of its log the hub signed
ALTER TABLE me ADD COLUMN safe INT NOT NULL DEFAULT 0;            -- own records up to here are in a backup of the hub
ALTER TABLE me ADD COLUMN shared_seq INT;                         -- a copy of this file may hold records up to here
ALTER TABLE me ADD COLUMN install_token BLOB NOT NULL DEFAULT x'';
ALTER TABLE me ADD COLUMN machine BLOB NOT NULL DEFAULT x'';

ALTER TABLE anchor ADD COLUMN wall_set INT NOT NULL DEFAULT 0;
CREATE INDEX run_author ON run(replica_no, first_seq);
UPDATE cursor SET gen = 0;    -- from here on: runs up to this id are of an earlier reading; 0: none

CREATE TABLE own_before(incarnation INT NOT NULL, seq INT NOT NULL, hash BLOB NOT NULL,
    occurred_ms INT NOT NULL, recorded_ms INT NOT NULL, body BLOB NOT NULL,
    status INT NOT NULL,          -- sync/change/record.hpp: RecordStatus
    PRIMARY KEY(incarnation, seq)) STRICT;
CREATE TABLE receipt_before(incarnation INT NOT NULL, first_seq INT NOT NULL, last_seq INT NOT NULL,
    received_ms INT NOT NULL, hub_seq INT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX receipt_before_range ON receipt_before(incarnation, first_seq);
CREATE TABLE branch(incarnation INTEGER PRIMARY KEY, common INT NOT NULL, successor INT NOT NULL) STRICT;
)sql";

/// Receipts that the hub is known to go by, though it gave others later.
constexpr const char* kAdopted = R"sql(
ALTER TABLE receipt ADD COLUMN adopted INT NOT NULL DEFAULT 0;
)sql";

/// A row: the states hold what the hub took back when it fell back.
constexpr const char* kRebuildDue = R"sql(
CREATE TABLE rebuild_due(id INTEGER PRIMARY KEY CHECK(id = 1)) STRICT;
)sql";

/// Bundles of other devices on their way to the hub, in parts of at most a message.
constexpr const char* kCarried = R"sql(
CREATE TABLE carried(digest BLOB PRIMARY KEY, name TEXT NOT NULL, bytes INT NOT NULL,
    since_ms INT NOT NULL, refused INT NOT NULL,
    word TEXT NOT NULL) STRICT, WITHOUT ROWID;    -- word: what the hub said of it last
CREATE TABLE carried_part(digest BLOB NOT NULL, at INT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY(digest, at)) STRICT;
)sql";

/// The client index: who is a client of the CoC, beside the entities this device is told of. Keys
/// as index_reader.hpp numbers them.
constexpr const char* kClientIndex = R"sql(
CREATE TABLE index_row(id INTEGER PRIMARY KEY, root BLOB NOT NULL UNIQUE, hub_seq INT NOT NULL,
    day INT, person BLOB NOT NULL) STRICT;
CREATE TABLE index_member(id BLOB PRIMARY KEY, root BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE index_key(kind INT NOT NULL, key TEXT NOT NULL, root BLOB NOT NULL,
    PRIMARY KEY(kind, key, root)) STRICT, WITHOUT ROWID;
)sql";

constexpr std::array<const char*, 10> kSteps{kLog,
                                             kStateTables,
                                             kScopes,
                                             kLookupTables,
                                             kBootstrap,
                                             kRecovery,
                                             kAdopted,
                                             kRebuildDue,
                                             kCarried,
                                             kClientIndex};

}  // namespace

std::span<const char* const> agent_schema() { return kSteps; }

}  // namespace streetlog::store
