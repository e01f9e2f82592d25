#include "hub/cli.hpp"

int main(int argc, char** argv) { return streetlog::hub::run_command_line(argc, argv); }
