#pragma once

#include <cstdint>
#include <vector>

#include "agent/workflow/refusal.hpp"
#include "agent/workflow/requests.hpp"
#include "agent/workflow/screen.hpp"
#include "schema/ports.hpp"
#include "sync/change/record.hpp"
#include "sync/validate/finding.hpp"

namespace streetlog::agent {

/// One Save, ready to be stamped and stored: everything of a record that the worker decided. It has
/// passed sync::validate_save without errors.
struct BuiltSave {
    struct NewEntity {
        EntityId id;
        std::uint16_t table = 0;

        friend bool operator==(const NewEntity&, const NewEntity&) = default;
    };

    sync::EventKind kind = sync::EventKind::kNone;
    sync::TimeSource source = sync::TimeSource::kNone;
    Instant occurred;
    std::int16_t tz_minutes = 0;
    std::vector<sync::Op> ops;
    std::vector<NewEntity> created;  // in the order of their create ops
    std::vector<sync::Finding> warnings;
};

/// `screen` and `random` outlive the call. `now` and `tz_minutes` are the device's, for
/// interactions that are entered as they happen.
struct BuildContext {
    const Screen& screen;
    Random& random;
    Instant now;
    std::int16_t tz_minutes = 0;
};

/// Each makes one record of a request. What they have in common:
/// - a group is written only if something of it was given; columns that were not given are carried
///   forward from the shown winner verbatim, and a group that would say what it says already is
///   not written;
/// - an op supersedes exactly what was on screen;
/// - refused with kNotFound and the id when something named does not exist here, with
///   kInvalidInput and every broken rule when the Save would not pass sync::validate_save, or the
///   interaction lies in the future. Ids are drawn only for what will be saved.

/// Clients, their household with its head, and an enrollment each.
[[nodiscard]] Checked<BuiltSave> build_intake(const IntakeRequest& request,
                                              const BuildContext& context);

/// A CurrentLivingSituation for each subject, its place and note.
[[nodiscard]] Checked<BuiltSave> build_contact(const ContactRequest& request,
                                               const BuildContext& context);

/// Exit groups on the enrollments' own ids.
[[nodiscard]] Checked<BuiltSave> build_exit(const ExitRequest& request,
                                            const BuildContext& context);

[[nodiscard]] Checked<BuiltSave> build_update(const UpdateRequest& request,
                                              const BuildContext& context);

/// Refused with kConflict when the entity is void already.
[[nodiscard]] Checked<BuiltSave> build_void(const VoidRequest& request,
                                            const BuildContext& context);

}  // namespace streetlog::agent
