#pragma once

namespace streetlog::agent {

/// The command line of streetlog-agent. Returns the exit code: 0, or the number of the ErrorCode.
int run_command_line(int argc, char** argv);

}  // namespace streetlog::agent
