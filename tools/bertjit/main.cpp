#include <csignal>
#include <iostream>

#include "cli.h"

int main(int argc, char** argv) {
  // A reader that went away (`bertjit run … | head`) is no error worth a message.
  std::signal(SIGPIPE, SIG_DFL);
  std::ios::sync_with_stdio(false);
  return bertjit::run_cli(argc, argv, std::cin, std::cout, std::cerr, bertjit::Process::kOwn);
}
