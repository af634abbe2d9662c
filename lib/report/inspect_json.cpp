#include <sstream>

#include "report/evidence_json.h"
#include "report/graph_dot.h"
#include "report/inspect_report.h"

namespace bertjit {

namespace {

using nlohmann::ordered_json;

template <typename T, typename ToJson>
ordered_json array_of(const std::vector<T>& items, const ToJson& item_to_json) {
  ordered_json array = ordered_json::array();
  for (const auto& item : items) {
    array.push_back(item_to_json(item));
  }
  return array;
}

ordered_json texts_to_json(const std::vector<std::string>& texts) {
  return array_of(texts, json_text);
}

template <typename T>
ordered_json value_or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json tensor_to_json(const DescribedTensor& tensor) {
  return {{"name", json_text(tensor.name)},
          {"kind", tensor_kind_name(tensor.kind)},
          {"dtype", tensor.dtype},
          {"shape", tensor.shape},
          {"requires_grad", tensor.requires_grad},
          {"size_bytes", tensor.size_bytes},
          {"shares", json_text_or_null(tensor.shares)},
          {"scale", json_text_or_null(tensor.scale)}};
}

ordered_json constant_to_json(const DescribedTensor& constant) {
  return {{"name", json_text(constant.name)},
          {"dtype", constant.dtype},
          {"shape", constant.shape},
          {"size_bytes", constant.size_bytes}};
}

ordered_json archive_to_json(const ArchiveListing& archive) {
  return {{"size_bytes", archive.size_bytes},
          {"kind", archive_kind_name(archive.kind)},
          {"name", json_text(archive.root)},
          {"version", json_text_or_null(archive.version)},
          {"byteorder", json_text_or_null(archive.byteorder)},
          {"serialization_id", json_text_or_null(archive.serialization_id)},
          {"producer",
           archive.kind == ArchiveKind::kTorchScript ? ordered_json(producer_name(archive)) : ordered_json(nullptr)},
          {"lite_interpreter", archive.has_bytecode},
          {"record_count", archive.records.size()}};
}

ordered_json record_to_json(const ZipRecord& record) {
  return {{"name", json_text(record.name)},
          {"method", record.method == ZipMethod::kStored ? "stored" : "deflate"},
          {"size_bytes", record.size},
          {"stored_bytes", record.compressed_size},
          {"header_offset", record.header_offset},
          {"data_offset", record.data_offset},
          {"crc32", record.crc32}};
}

ordered_json claims_object(const Claims& claims) {
  return {{"architecture", json_text_or_null(claims.architecture)},
          {"head", json_text_or_null(claims.head)},
          {"inputs", texts_to_json(claims.inputs)},
          {"outputs", texts_to_json(claims.outputs)},
          {"dtype", json_text_or_null(claims.dtype)},
          {"dynamic_batch", value_or_null(claims.dynamic_batch)},
          {"dynamic_length", value_or_null(claims.dynamic_length)},
          {"attn_implementation", json_text_or_null(claims.attn_implementation)}};
}

ordered_json counts_to_json(const std::vector<NamedCount>& counts) {
  return array_of(counts, [](const NamedCount& entry) {
    return ordered_json{{"name", json_text(entry.name)}, {"count", entry.count}};
  });
}

ordered_json arguments_to_json(const std::vector<DescribedArgument>& arguments) {
  return array_of(arguments, [](const DescribedArgument& argument) {
    return ordered_json{
        {"name", json_text(argument.name)},
        {"type", json_text(argument.type)},
        {"default", argument.default_value ? json_text(*argument.default_value) : ordered_json(nullptr)}};
  });
}

ordered_json outputs_to_json(const std::vector<DescribedArgument>& outputs) {
  return array_of(outputs, [](const DescribedArgument& output) {
    return ordered_json{{"name", json_text(output.name)}, {"type", json_text(output.type)}};
  });
}

ordered_json summary_to_json(const ModuleSummary& summary) {
  ordered_json json;
  json["claims"] = summary.claims ? claims_object(*summary.claims) : ordered_json(nullptr);
  json["class"] = json_text(summary.class_name);
  json["qualified_class"] = json_text(summary.qualified_name);
  json["modules"] = summary.module_count;
  json["parameters"] = summary.parameter_count;
  json["parameter_tensors"] = summary.parameter_tensors;
  json["buffer_tensors"] = summary.buffer_tensors;
  json["size_bytes"] = summary.size_bytes;
  json["dtypes"] = counts_to_json(summary.dtypes);
  json["training"] = texts_to_json(summary.training_modules);
  json["quantized"] = texts_to_json(summary.quantized);
  json["methods"] = texts_to_json(summary.methods);
  json["method"] = json_text_or_null(summary.method);
  json["inputs"] = arguments_to_json(summary.inputs);
  json["outputs"] = outputs_to_json(summary.outputs);
  json["operators"] = counts_to_json(summary.operators);
  json["control"] = counts_to_json(summary.control);
  json["random"] = array_of(summary.random, [](const RandomOperator& entry) {
    return ordered_json{{"name", json_text(entry.name)}, {"location", json_text_or_null(entry.location)}};
  });
  json["constants"] = array_of(summary.constants, constant_to_json);
  json["source_files"] = texts_to_json(summary.source_files);
  return json;
}

ordered_json attribute_to_json(const DescribedAttribute& attribute) {
  return {{"name", json_text(attribute.name)},
          {"type", json_text(attribute.type)},
          {"value", json_text_or_null(attribute.value)}};
}

ordered_json module_to_json(const DescribedModule& module) {
  return {{"name", json_text(module.name)},
          {"path", json_text(module.path)},
          {"class", json_text(module.class_name)},
          {"qualified_class", json_text(module.qualified_name)},
          {"training", value_or_null(module.training)},
          {"parameters", module.parameter_count},
          {"size_bytes", module.size_bytes},
          {"methods", texts_to_json(module.methods)},
          {"tensors", array_of(module.tensors, tensor_to_json)},
          {"attributes", array_of(module.attributes, attribute_to_json)},
          {"children", array_of(module.children, module_to_json)}};
}

ordered_json repeated_to_json(const std::vector<RepeatedTensor>& repeated) {
  return array_of(repeated, [](const RepeatedTensor& tensor) {
    return ordered_json{{"names", texts_to_json(tensor.names)}, {"size_bytes", tensor.size_bytes}};
  });
}

ordered_json size_to_json(const SizeBreakdown& size) {
  return {
      {"total_bytes", size.total_bytes},
      {"groups",
       array_of(size.groups,
                [](const SizeGroup& group) {
                  return ordered_json{{"name", group.name}, {"items", group.items}, {"size_bytes", group.size_bytes}};
                })},
      {"stored_twice", repeated_to_json(size.stored_twice)},
      {"shared", repeated_to_json(size.shared)}};
}

ordered_json code_to_json(const CodeText& code) {
  return {{"method", json_text(code.method)},
          {"text", json_text(code.text)},
          {"constants", array_of(code.constants, constant_to_json)}};
}

std::string dot_text(const DrawnGraph& drawing) {
  std::ostringstream text;
  print_dot(drawing, text);
  return text.str();
}

}  // namespace

ordered_json to_json(const InspectResult& result) {
  ordered_json json;
  json["schema"] = "bertjit.inspect/1";
  json["module"] = json_text(result.module);
  json["submodule"] = json_text_or_null(result.submodule);
  json["archive"] = result.archive ? archive_to_json(*result.archive) : ordered_json(nullptr);
  if (result.summary) {
    json["summary"] = summary_to_json(*result.summary);
  }
  if (result.tree) {
    json["tree"] = module_to_json(*result.tree);
  }
  if (result.params) {
    json["params"] = array_of(*result.params, tensor_to_json);
  }
  if (result.size) {
    json["size"] = size_to_json(*result.size);
  }
  if (result.records && result.archive) {
    json["records"] = array_of(result.archive->records, record_to_json);
  }
  if (result.code) {
    json["code"] = code_to_json(*result.code);
  }
  if (result.graph) {
    json["graph"] = {{"method", json_text(result.graph->method)},
                     {"inlined", result.graph->inlined},
                     {"text", json_text(result.graph->text)}};
  }
  if (result.drawing) {
    json["dot"] = {{"method", json_text(result.drawing->method)},
                   {"inlined", result.drawing->inlined},
                   {"text", json_text(dot_text(*result.drawing))}};
  }
  return json;
}

}  // namespace bertjit
