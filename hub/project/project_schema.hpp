#pragma once

namespace streetlog::hub {

/// What the hub makes from its log beside the tables every store has (sync/store/state_schema.hpp).
/// Ids of entities are the projection's own numbers (eno); times are milliseconds of hub time.
inline constexpr const char* kProjectTables = R"sql(
CREATE TABLE progress(one INTEGER PRIMARY KEY CHECK(one = 1), hub_seq INT NOT NULL,
    hub_hash BLOB NOT NULL) STRICT;          -- everything up to there is in this file

CREATE TABLE verdict(hub_seq INTEGER PRIMARY KEY, replica_no INT NOT NULL, seq INT NOT NULL,
    kind INT NOT NULL, source INT NOT NULL, user INT NOT NULL, subject INT NOT NULL,
    received_ms INT NOT NULL, occurred_lo INT NOT NULL, occurred_hi INT NOT NULL,
    saved_lo INT NOT NULL, saved_hi INT NOT NULL, verdict INT NOT NULL, cause INT NOT NULL,
    lateness_ms INT NOT NULL, rule INT NOT NULL, flags INT NOT NULL) STRICT;
CREATE INDEX verdict_open ON verdict(verdict, hub_seq) WHERE verdict > 1;
CREATE TABLE rule(id INTEGER PRIMARY KEY, coc TEXT NOT NULL, project_type INT, kind INT NOT NULL,
    limit_ms INT NOT NULL, first_day TEXT NOT NULL, last_day TEXT) STRICT;

CREATE TABLE match_key(key INT NOT NULL, eno INT NOT NULL, PRIMARY KEY(key, eno)) STRICT,
    WITHOUT ROWID;
CREATE INDEX match_key_of ON match_key(eno);
CREATE TABLE scope(no INTEGER PRIMARY KEY, project BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE scope_home(eno INTEGER PRIMARY KEY, scope INT NOT NULL) STRICT;  -- belongs there for good
CREATE TABLE scope_member(scope INT NOT NULL, eno INT NOT NULL, PRIMARY KEY(scope, eno)) STRICT,
    WITHOUT ROWID;                           -- clients
CREATE INDEX scope_member_of ON scope_member(eno);
CREATE TABLE scope_change(scope INT NOT NULL, eno INT NOT NULL, hub_seq INT NOT NULL,
    PRIMARY KEY(scope, eno)) STRICT, WITHOUT ROWID;  -- where each was last written, or entered
CREATE TABLE office_run(first_hub INTEGER PRIMARY KEY) STRICT;  -- runs that every device needs
CREATE INDEX scope_change_at ON scope_change(scope, hub_seq, eno);

CREATE TABLE client_index(eno INTEGER PRIMARY KEY, hub_seq INT NOT NULL, day INT, person BLOB)
    STRICT;                                  -- canonical clients; no person: they left the index
CREATE INDEX client_index_at ON client_index(hub_seq, eno);
CREATE TABLE index_hidden_project(project BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
    -- of victim service providers

CREATE TABLE unmatched(eno INTEGER PRIMARY KEY) STRICT;  -- clients changed since they were compared
)sql";

}  // namespace streetlog::hub
