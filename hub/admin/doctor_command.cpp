#include "hub/admin/doctor_command.hpp"

#include "hub/admin/doctor.hpp"
#include "hub/admin/hub_clock.hpp"
#include "hub/commands.hpp"
#include "sync/net/control_socket.hpp"
#include "sync/net/system_clock.hpp"

namespace streetlog::hub {

Checkup doctor_command(const std::filesystem::path& data, store::CheckDepth depth) {
    // A log too damaged to say by which clock the hub lives does not keep the rest from being seen.
    const auto clock = open_clock(data);
    const Instant now = clock ? (*clock)->now() : net::SystemClock{}.now();
    return examine_hub({.data = data,
                        .now = now,
                        .depth = depth,
                        .answers = net::control_listens(control_socket(data))});
}

}  // namespace streetlog::hub
