#include "report/env_report.h"

#include <sstream>

#include "report/columns.h"
#include "report/visible.h"
#include "support/words.h"

namespace bertjit {

namespace {

std::string megabytes(uint64_t bytes) {
  return grouped(bytes / 1000000) + " MB";
}

std::string yes_or_no(bool value) {
  return value ? "yes" : "no";
}

/// Text of several lines below its name, indented.
void print_block(const std::string& name, const std::string& text, std::ostream& out) {
  out << name << "\n";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    out << (line.empty() ? "" : "  " + line) << "\n";
  }
}

/// One line: a message may have several.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

using Rows = std::vector<std::vector<std::string>>;

void add_libtorch(const EnvResult& result, Rows& rows) {
  if (!result.libtorch) {
    rows.push_back({"libtorch", "NOT LOADED: " + visible(first_line(result.libtorch_error))});
    rows.push_back({"built with", "libtorch " + result.built_with_libtorch});
    return;
  }
  const LibtorchFacts& libtorch = *result.libtorch;
  rows.push_back({"libtorch", libtorch.environment.libtorch + " in " + visible(result.libtorch_folder)});
  rows.push_back({"kernels", libtorch.environment.cpu_capability + "; MKL " + yes_or_no(libtorch.has_mkl) +
                                 ", oneDNN " + yes_or_no(libtorch.has_mkldnn) + ", OpenMP " +
                                 yes_or_no(libtorch.has_openmp) + ", LAPACK " + yes_or_no(libtorch.has_lapack)});
  rows.push_back({"int8 engines", joined(libtorch.quantized_engines) + " [" + libtorch.quantized_engine + "]"});
}

void add_system(const EnvResult& result, Rows& rows) {
  const SystemFacts& system = result.system;
  rows.push_back({"system", system.os + ", " + system.kernel + ", " + system.libc});
  std::string cpu = system.cpu + ", " + std::to_string(system.cores) + " cores to use";
  if (result.libtorch && !result.libtorch->environment.cpu_features.empty()) {
    cpu += "; " + joined(result.libtorch->environment.cpu_features);
  }
  rows.push_back({"cpu", cpu});
  rows.push_back(
      {"memory", megabytes(system.memory_bytes) + ", " + megabytes(system.available_memory_bytes) + " available"});
}

nlohmann::ordered_json libtorch_to_json(const EnvResult& result) {
  nlohmann::ordered_json json = {{"built_with", result.built_with_libtorch}, {"loaded", result.libtorch.has_value()}};
  if (!result.libtorch) {
    json["error"] = result.libtorch_error;
    return json;
  }
  const LibtorchFacts& libtorch = *result.libtorch;
  json.update({{"version", libtorch.environment.libtorch},
               {"folder", result.libtorch_folder},
               {"cpu_capability", libtorch.environment.cpu_capability},
               {"cpu_features", libtorch.environment.cpu_features},
               {"threads", libtorch.environment.cores},
               {"interop_threads", libtorch.environment.interop_threads},
               {"mkl", libtorch.has_mkl},
               {"mkldnn", libtorch.has_mkldnn},
               {"openmp", libtorch.has_openmp},
               {"lapack", libtorch.has_lapack},
               {"quantized_engines", libtorch.quantized_engines},
               {"quantized_engine", libtorch.quantized_engine},
               {"config", libtorch.config},
               {"parallel_info", libtorch.environment.parallel_info}});
  return json;
}

}  // namespace

void print_text(const EnvResult& result, std::ostream& out) {
  Rows rows = {{"bertjit", result.bertjit + ", " + result.compiler + ", " + result.build_type},
               {"program", visible(result.program)}};
  add_libtorch(result, rows);
  add_system(result, rows);
  for (const auto& [name, value] : result.variables) {
    rows.push_back({name, visible(value)});
  }
  print_columns(rows, {}, "", out);
  if (result.libtorch) {
    print_block("\nlibtorch's own words", result.libtorch->config, out);
    print_block("", result.libtorch->environment.parallel_info, out);
  }
}

nlohmann::ordered_json to_json(const EnvResult& result) {
  const SystemFacts& system = result.system;
  nlohmann::ordered_json json = {{"schema", "bertjit.env/1"},
                                 {"bertjit",
                                  {{"version", result.bertjit},
                                   {"compiler", result.compiler},
                                   {"build_type", result.build_type},
                                   {"program", result.program}}},
                                 {"libtorch", libtorch_to_json(result)},
                                 {"system",
                                  {{"os", system.os},
                                   {"kernel", system.kernel},
                                   {"libc", system.libc},
                                   {"cpu", system.cpu},
                                   {"cores", system.cores},
                                   {"memory_bytes", system.memory_bytes},
                                   {"available_memory_bytes", system.available_memory_bytes}}}};
  json["variables"] = result.variables;
  return json;
}

}  // namespace bertjit
