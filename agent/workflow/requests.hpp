#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/id.hpp"
#include "schema/time.hpp"
#include "sync/change/record.hpp"

/// What a worker entered, before it is turned into ops (build.hpp). Types holding answers have no
/// operator<<: they hold names.
namespace streetlog::agent {

/// Cells of one table by ascending column. An Absent cell was emptied on the form; a column that is
/// missing was not shown and keeps what it has.
using Answers = std::vector<sync::Cell>;

/// When the interaction took place; the 24 hours run from it.
struct Interaction {
    sync::TimeSource source = sync::TimeSource::kLive;
    Instant occurred;  // only when typed
    /// East of Greenwich, when typed with an offset; none: the device's.
    std::optional<std::int16_t> tz_minutes;

    friend bool operator==(const Interaction&, const Interaction&) = default;
};

struct ClientInput {
    std::optional<EntityId> personal_id;  // none: a new client
    Answers answers;                      // of table Client
};

struct EnrollmentInput {
    Answers answers;  // of table Enrollment, without HouseholdID
};

struct Member {
    ClientInput client;
    EnrollmentInput enrollment;
};

struct IntakeRequest {
    std::vector<Member> members;
    std::optional<EntityId> household;  // joins this one; none: a new household
    EntityId project;
    Answers shared;  // of table Enrollment, for members who do not say otherwise; EntryDate here
    Interaction interaction;
};

/// One client met. Without an enrollment, the client's only open one is meant.
struct ContactSubject {
    std::optional<EntityId> enrollment;
    std::optional<EntityId> client;
    Answers answers;  // of table CurrentLivingSituation
};

struct ContactRequest {
    std::vector<ContactSubject> subjects;
    Answers shared;    // of table CurrentLivingSituation, for subjects who do not say otherwise
    std::string note;  // empty: none; each subject gets it
    Interaction interaction;
};

struct ExitInput {
    EntityId enrollment;
    Answers answers;  // of table Exit
};

struct ExitRequest {
    std::vector<ExitInput> exits;
    Answers shared;  // of table Exit
    Interaction interaction;
};

/// Any groups of one entity; of an enrollment also those of its exit.
struct UpdateRequest {
    EntityId entity;
    std::uint16_t table = 0;  // Client, Enrollment or another table with entities of its own
    Answers answers;
    Interaction interaction;
};

/// Marks an entity as entered in error. Not an interaction: it gets no verdict.
struct VoidRequest {
    EntityId entity;
    std::uint16_t table = 0;
    std::string reason;
    std::optional<EntityId> replaced_by;
};

}  // namespace streetlog::agent
