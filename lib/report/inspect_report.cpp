#include "report/inspect_report.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <iomanip>
#include <sstream>

#include "container/tensors.h"
#include "report/columns.h"
#include "report/graph_dot.h"

namespace bertjit {

namespace {

/// Lists of tensors in the text stop here; JSON has all.
constexpr size_t kMaxRepeatedLines = 20;
/// So do lists of module paths.
constexpr size_t kMaxPaths = 8;

std::string hex8(uint32_t value) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", value);
  return text;
}

std::string bytes_text(uint64_t size_bytes) {
  return grouped_count(size_bytes, "byte");
}

std::string remark_of(const DescribedTensor& tensor) {
  if (tensor.kind == DescribedTensor::Kind::kPacked) {
    return tensor.scale;
  }
  return (tensor.requires_grad ? "" : "no grad") +
         (tensor.shares.empty() ? "" : (tensor.requires_grad ? "" : ", ") + ("storage of " + tensor.shares));
}

uint64_t element_count(const DescribedTensor& tensor) {
  uint64_t count = 1;
  for (const int64_t size : tensor.shape) {
    count *= static_cast<uint64_t>(size);
  }
  return count;
}

void print_archive(const ArchiveListing& archive, std::ostream& out) {
  out << "file       " << archive.path << ": " << bytes_text(archive.size_bytes) << ", "
      << grouped_count(archive.records.size(), "record") << " under " << archive.root << "/\n"
      << "format     TorchScript version " << (archive.version.empty() ? "not given" : archive.version) << ", "
      << (archive.byteorder.empty() ? "byte order not given" : archive.byteorder + "-endian")
      << (archive.has_bytecode ? ", with bytecode for the lite interpreter" : "") << "\n"
      << "producer   " << producer_name(archive)
      << (archive.has_claims          ? " (it has extra/bertjit.json)"
          : archive.has_traced_inputs ? " of Python (it has traced_inputs.pkl)"
                                      : " (nothing says what made the module)")
      << "\n";
}

void print_claims(const Claims& claims, std::ostream& out) {
  std::vector<std::string> words;
  if (!claims.architecture.empty() || !claims.head.empty()) {
    words.push_back(claims.architecture + (claims.architecture.empty() || claims.head.empty() ? "" : " ") +
                    claims.head);
  }
  for (const auto& [text, suffix] :
       {std::pair(claims.dtype, ""), std::pair(claims.attn_implementation, " attention")}) {
    if (!text.empty()) {
      words.push_back(text + suffix);
    }
  }
  for (const auto& [is_dynamic, what] :
       {std::pair(claims.dynamic_batch, "batch size"), std::pair(claims.dynamic_length, "length")}) {
    if (is_dynamic) {
      words.push_back((*is_dynamic ? "any " : "one ") + std::string(what));
    }
  }
  print_wrapped("claims     ", words, out);
}

void print_modules(const ModuleSummary& summary, std::ostream& out) {
  out << "class      " << summary.class_name << " (" << summary.qualified_name << ")\n";
  std::vector<std::string> training;
  for (const auto& path : summary.training_modules) {
    if (training.size() == kMaxPaths) {
      training.push_back(grouped(summary.training_modules.size() - kMaxPaths) + " more");
      break;
    }
    training.push_back(path.empty() ? "the root" : path);
  }
  out << "modules    " << grouped(static_cast<uint64_t>(summary.module_count)) << "\n";
  print_wrapped("training   ", training.empty() ? std::vector<std::string>{"off everywhere"} : training, out);
  std::vector<std::string> weights{grouped_count(static_cast<uint64_t>(summary.parameter_count), "parameter") + " in " +
                                       grouped_count(static_cast<uint64_t>(summary.parameter_tensors), "tensor"),
                                   grouped_count(static_cast<uint64_t>(summary.buffer_tensors), "buffer"),
                                   bytes_text(summary.size_bytes)};
  for (const auto& dtype : summary.dtypes) {
    weights.push_back(dtype.name + (summary.dtypes.size() > 1 ? " x " + std::to_string(dtype.count) : ""));
  }
  print_wrapped("weights    ", weights, out);
  print_wrapped("methods    ", summary.methods.empty() ? std::vector<std::string>{"none"} : summary.methods, out);
}

void print_arguments(const std::string& head, const std::vector<DescribedArgument>& arguments, std::ostream& out) {
  out << head << (arguments.empty() ? "   none" : "") << "\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& argument : arguments) {
    rows.push_back({argument.name, argument.type + (argument.default_value ? " = " + *argument.default_value : "")});
  }
  print_columns(rows, {}, "  ", out);
}

int64_t total(const std::vector<NamedCount>& counts) {
  int64_t sum = 0;
  for (const auto& entry : counts) {
    sum += entry.count;
  }
  return sum;
}

void print_method(const ModuleSummary& summary, std::ostream& out) {
  print_arguments("inputs of " + summary.method, summary.inputs, out);
  print_arguments("outputs", summary.outputs, out);
  out << "operators  " << grouped(static_cast<uint64_t>(total(summary.operators))) << " of "
      << grouped_count(summary.operators.size(), "kind") << ", those of called methods included\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : summary.operators) {
    rows.push_back({grouped(static_cast<uint64_t>(entry.count)), entry.name});
  }
  print_columns(rows, {Align::kRight}, "  ", out);
  std::vector<std::string> control;
  for (const auto& entry : summary.control) {
    control.push_back(std::to_string(entry.count) + " " + entry.name);
  }
  print_wrapped("control    ", control.empty() ? std::vector<std::string>{"none: no branch, no loop"} : control, out);
  std::vector<std::string> random;
  for (const auto& entry : summary.random) {
    random.push_back(entry.name + (entry.location.empty() ? "" : " at " + entry.location));
  }
  print_wrapped("random     ", random.empty() ? std::vector<std::string>{"none"} : random, out);
  uint64_t constant_bytes = 0;
  for (const auto& constant : summary.constants) {
    constant_bytes += constant.size_bytes;
  }
  out << "constants  "
      << (summary.constants.empty()
              ? "no tensor in the code"
              : grouped_count(summary.constants.size(), "tensor") + " in the code, " + bytes_text(constant_bytes))
      << "\n";
  print_wrapped(
      "sources    ",
      summary.source_files.empty() ? std::vector<std::string>{"no source lines in the file"} : summary.source_files,
      out);
}

void print_summary(const InspectResult& result, std::ostream& out) {
  const ModuleSummary& summary = *result.summary;
  if (result.archive) {
    print_archive(*result.archive, out);
  }
  if (summary.claims) {
    print_claims(*summary.claims, out);
  }
  if (!result.submodule.empty()) {
    out << "submodule  " << result.submodule << "\n";
  }
  print_modules(summary, out);
  print_wrapped("quantized  ", summary.quantized.empty() ? std::vector<std::string>{"no"} : summary.quantized, out);
  if (!summary.method.empty()) {
    print_method(summary, out);
  } else if (!summary.methods.empty()) {
    out << "forward    none; --method NAME shows inputs, outputs and operators of another\n";
  }
}

void print_code(const CodeText& code, std::ostream& out) {
  out << code.text;
  for (const auto& constant : code.constants) {
    out << "# " << constant.name << ": " << constant.dtype << " " << shape_text(constant.shape) << "\n";
  }
}

void add_tree_rows(const DescribedModule& module, size_t depth, std::vector<std::vector<std::string>>& rows) {
  const std::string indent(2 * depth, ' ');
  rows.push_back({indent + (module.name.empty() ? "" : module.name + ": ") + module.class_name,
                  grouped(static_cast<uint64_t>(module.parameter_count)), grouped(module.size_bytes),
                  module.training.value_or(false) ? "training" : ""});
  for (const auto& tensor : module.tensors) {
    const bool is_parameter = tensor.kind == DescribedTensor::Kind::kParameter;
    const bool is_weight = is_parameter || tensor.kind == DescribedTensor::Kind::kPacked;
    rows.push_back({indent + "  " + tensor.name.substr(module.path.empty() ? 0 : module.path.size() + 1),
                    is_weight ? grouped(element_count(tensor)) : "", grouped(tensor.size_bytes),
                    tensor.dtype + " " + shape_text(tensor.shape) + (is_parameter ? "" : ", ") +
                        (is_parameter ? "" : tensor_kind_name(tensor.kind)) +
                        (tensor.shares.empty() ? "" : ", storage of " + tensor.shares) +
                        (tensor.scale.empty() ? "" : ", " + tensor.scale)});
  }
  for (const auto& attribute : module.attributes) {
    rows.push_back({indent + "  " + attribute.name, "", "",
                    attribute.type + (attribute.value.empty() ? "" : " = " + attribute.value)});
  }
  for (const auto& child : module.children) {
    add_tree_rows(child, depth + 1, rows);
  }
}

void print_tree(const DescribedModule& tree, std::ostream& out) {
  std::vector<std::vector<std::string>> rows{{"module", "parameters", "bytes", ""}};
  add_tree_rows(tree, 0, rows);
  print_columns(rows, {Align::kLeft, Align::kRight, Align::kRight, Align::kLeft}, "", out);
}

void print_params(const std::vector<DescribedTensor>& params, std::ostream& out) {
  std::vector<std::vector<std::string>> rows{{"name", "kind", "dtype", "shape", "bytes", ""}};
  for (const auto& tensor : params) {
    const bool is_plain_buffer = tensor.kind == DescribedTensor::Kind::kBuffer && tensor.shares.empty();
    rows.push_back({tensor.name, tensor_kind_name(tensor.kind), tensor.dtype, shape_text(tensor.shape),
                    grouped(tensor.size_bytes), is_plain_buffer ? "" : remark_of(tensor)});
  }
  print_columns(rows, {Align::kLeft, Align::kLeft, Align::kLeft, Align::kLeft, Align::kRight, Align::kLeft}, "", out);
}

void print_records(const ArchiveListing& archive, std::ostream& out) {
  std::vector<std::vector<std::string>> rows{{"offset", "stored", "bytes", "method", "crc32", "name"}};
  uint64_t stored = 0;
  uint64_t size = 0;
  for (const auto& record : archive.records) {
    rows.push_back({std::to_string(record.data_offset), std::to_string(record.compressed_size),
                    std::to_string(record.size), record.method == ZipMethod::kStored ? "stored" : "deflate",
                    hex8(record.crc32), record.name});
    stored += record.compressed_size;
    size += record.size;
  }
  rows.push_back({"", std::to_string(stored), std::to_string(size), "", "",
                  grouped_count(archive.records.size(), "record") + ", " + bytes_text(archive.size_bytes) + " in all"});
  print_columns(rows, {Align::kRight, Align::kRight, Align::kRight}, "", out);
}

void print_repeated(const std::string& head, const std::vector<RepeatedTensor>& repeated, std::ostream& out) {
  out << head << (repeated.empty() ? ": nothing" : ":") << "\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& tensor : repeated) {
    if (rows.size() == kMaxRepeatedLines) {
      rows.push_back({"", "and " + grouped(repeated.size() - kMaxRepeatedLines) + " more"});
      break;
    }
    std::string names;
    for (const auto& name : tensor.names) {
      names += (names.empty() ? "" : ", ") + name;
    }
    rows.push_back({bytes_text(tensor.size_bytes), names});
  }
  print_columns(rows, {Align::kRight}, "  ", out);
}

void print_size(const SizeBreakdown& size, std::ostream& out) {
  std::vector<std::vector<std::string>> rows{{"group", "items", "bytes", "share"}};
  for (const auto& group : size.groups) {
    if (group.size_bytes == 0 && group.items == 0) {
      continue;
    }
    std::ostringstream share;
    share << std::fixed << std::setprecision(1)
          << 100. * static_cast<double>(group.size_bytes) / static_cast<double>(std::max<uint64_t>(size.total_bytes, 1))
          << "%";
    rows.push_back({group.name, grouped(static_cast<uint64_t>(group.items)), grouped(group.size_bytes), share.str()});
  }
  rows.push_back({"total", "", grouped(size.total_bytes), ""});
  print_columns(rows, {Align::kLeft, Align::kRight, Align::kRight, Align::kRight}, "", out);
  print_repeated("stored twice (equal bytes in storages of their own)", size.stored_twice, out);
  print_repeated("shared (one storage under several names)", size.shared, out);
}

/// One part of the text with the heading it has beside others.
struct Section {
  std::string heading;
  std::function<void(std::ostream&)> print;
};

std::vector<Section> sections_of(const InspectResult& result) {
  std::vector<Section> sections;
  const std::string of = " of " + result.module + (result.submodule.empty() ? "" : ", " + result.submodule);
  const auto add = [&](bool is_asked_for, const std::string& heading, std::function<void(std::ostream&)> print) {
    if (is_asked_for) {
      sections.push_back({heading + of, std::move(print)});
    }
  };
  add(result.summary.has_value(), "summary", [&](std::ostream& out) { print_summary(result, out); });
  add(result.tree.has_value(), "modules", [&](std::ostream& out) { print_tree(*result.tree, out); });
  add(result.params.has_value(), "parameters and buffers",
      [&](std::ostream& out) { print_params(*result.params, out); });
  add(result.size.has_value(), "size", [&](std::ostream& out) { print_size(*result.size, out); });
  add(result.records && result.archive.has_value(), "records",
      [&](std::ostream& out) { print_records(*result.archive, out); });
  add(result.code.has_value(), "code", [&](std::ostream& out) { print_code(*result.code, out); });
  add(result.graph.has_value(), "graph", [&](std::ostream& out) { out << result.graph->text; });
  add(result.drawing.has_value(), "drawing", [&](std::ostream& out) { print_dot(*result.drawing, out); });
  return sections;
}

}  // namespace

const char* producer_name(const ArchiveListing& archive) {
  return archive.has_claims ? "bertjit" : archive.has_traced_inputs ? "torch.jit.trace" : "torch.jit.save";
}

void print_text(const InspectResult& result, std::ostream& out) {
  const auto sections = sections_of(result);
  for (size_t i = 0; i < sections.size(); ++i) {
    if (sections.size() > 1) {
      out << (i == 0 ? "" : "\n") << "# " << sections[i].heading << "\n";
    }
    sections[i].print(out);
  }
}

}  // namespace bertjit
