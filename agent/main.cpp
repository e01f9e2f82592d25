#include "agent/cli.hpp"

int main(int argc, char** argv) { return streetlog::agent::run_command_line(argc, argv); }
