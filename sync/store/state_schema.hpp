#pragma once

namespace streetlog::store {

/// The tables that are made from a log, the same in agent.db and in the hub's projection: states
/// (replica, entity, state), links with what follows from them (link, canon), and one row an entity
/// for lists and search. A migration step. Ids are 16 bytes, dates text, eno a store's own number.
inline constexpr const char* kStateTables = R"sql(
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
CREATE TABLE conflict(eno INT NOT NULL, tbl INT NOT NULL, grp INT NOT NULL,
    PRIMARY KEY(eno, tbl, grp)) STRICT, WITHOUT ROWID;   -- groups whose own view a person should decide
)sql";

/// The second step of these tables: what is looked up by random keys gets tables of its own in key
/// order, because the rows of a whole generation can be written in the order of such a table in
/// small steps (agent_bootstrap), and an index cannot. client_key kinds: 1 last name, 2 first name,
/// 3 SSN, 4 date of birth.
inline constexpr const char* kLookupTables = R"sql(
CREATE TABLE entity_id(id BLOB PRIMARY KEY, eno INT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE client_key(kind INT NOT NULL, key TEXT NOT NULL, eno INT NOT NULL,
    PRIMARY KEY(kind, key, eno)) STRICT, WITHOUT ROWID;
INSERT INTO entity_id SELECT id, eno FROM entity ORDER BY id;
CREATE TABLE entity_rows(eno INTEGER PRIMARY KEY, id BLOB NOT NULL, tbl INT NOT NULL, parent INT,
    first_ms INT, first_seq INT) STRICT;
INSERT INTO entity_rows SELECT eno, id, tbl, parent, first_ms, first_seq FROM entity;
DROP TABLE entity;
ALTER TABLE entity_rows RENAME TO entity;
CREATE INDEX entity_parent ON entity(parent, tbl) WHERE parent IS NOT NULL;
INSERT INTO client_key SELECT 1, last_key, eno FROM client_read WHERE last_key <> '' ORDER BY 2, 3;
INSERT INTO client_key SELECT 2, first_key, eno FROM client_read WHERE first_key <> '' ORDER BY 2, 3;
INSERT INTO client_key SELECT 3, ssn, eno FROM client_read WHERE ssn <> '' ORDER BY 2, 3;
INSERT INTO client_key SELECT 4, dob, eno FROM client_read WHERE dob <> '' ORDER BY 2, 3;
DROP INDEX client_last;
DROP INDEX client_first;
DROP INDEX client_ssn;
DROP INDEX client_ssn4;
DROP INDEX client_dob;
)sql";

}  // namespace streetlog::store
