#pragma once

namespace streetlog::hub {

/// The command line of streetlog-hub. Returns the exit code: 0, or the number of the ErrorCode.
int run_command_line(int argc, char** argv);

}  // namespace streetlog::hub
