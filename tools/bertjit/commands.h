// One function a subcommand: adds it to the program and, when it is called, runs it.
#pragma once

#include <CLI/CLI.hpp>

#include "invocation.h"

namespace bertjit {

void setup_trace(CLI::App& app, Invocation& invocation);
void setup_run(CLI::App& app, Invocation& invocation);
void setup_verify(CLI::App& app, Invocation& invocation);
void setup_scan(CLI::App& app, Invocation& invocation);
void setup_diff(CLI::App& app, Invocation& invocation);
void setup_inspect(CLI::App& app, Invocation& invocation);
void setup_quantize(CLI::App& app, Invocation& invocation);
void setup_eval(CLI::App& app, Invocation& invocation);
void setup_bench(CLI::App& app, Invocation& invocation);
void setup_checksum(CLI::App& app, Invocation& invocation);
void setup_tokenize(CLI::App& app, Invocation& invocation);
void setup_report(CLI::App& app, Invocation& invocation);
void setup_env(CLI::App& app, Invocation& invocation);
/// `man` and `completions`, made of the commands that `app` has.
void setup_pages(CLI::App& app, Invocation& invocation);

}  // namespace bertjit
