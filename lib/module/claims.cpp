#include "module/claims.h"

#include "support/error.h"
#include "support/json.h"

namespace bertjit {

namespace {

constexpr const char* kSchema = "bertjit.claims/1";

/// The field as T; `fallback` where it is absent or null.
template <typename T>
T field(const nlohmann::json& json, const std::string& name, const std::string& key, const char* expected,
        T fallback = {}) {
  const auto it = json.find(key);
  if (it == json.end() || it->is_null()) {
    return fallback;
  }
  try {
    return it->get<T>();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::kCorrupt, name + ": " + key + " is " +
                                         it->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
                                         ", expected " + expected);
  }
}

std::optional<bool> flag(const nlohmann::json& json, const std::string& name, const std::string& key) {
  if (!json.contains(key) || json[key].is_null()) {
    return std::nullopt;
  }
  return field<bool>(json, name, key, "true or false");
}

}  // namespace

std::string claims_to_json(const Claims& claims) {
  nlohmann::json json = {{"schema", kSchema}, {"inputs", claims.inputs}, {"outputs", claims.outputs}};
  for (const auto& [key, value] : {std::pair("architecture", claims.architecture),
                                   {"head", claims.head},
                                   {"dtype", claims.dtype},
                                   {"attn_implementation", claims.attn_implementation},
                                   {"source_sha512", claims.source_sha512},
                                   {"tokenizer_sha512", claims.tokenizer_sha512}}) {
    if (!value.empty()) {
      json[key] = value;
    }
  }
  if (claims.dynamic_batch) {
    json["dynamic_batch"] = *claims.dynamic_batch;
  }
  if (claims.dynamic_length) {
    json["dynamic_length"] = *claims.dynamic_length;
  }
  return json.dump(2) + "\n";
}

Claims claims_from_json(const std::string& text, const std::string& name) {
  const nlohmann::json json = parse_json(text, name);
  if (!json.is_object()) {
    throw Error(ErrorKind::kCorrupt, name + ": holds a JSON " + json.type_name() + ", expected an object");
  }
  Claims claims;
  claims.architecture = field<std::string>(json, name, "architecture", "a string");
  claims.head = field<std::string>(json, name, "head", "a string");
  claims.inputs = field<std::vector<std::string>>(json, name, "inputs", "a list of argument names");
  claims.outputs = field<std::vector<std::string>>(json, name, "outputs", "a list of output names");
  claims.dtype = field<std::string>(json, name, "dtype", "a string");
  claims.attn_implementation = field<std::string>(json, name, "attn_implementation", "a string");
  claims.source_sha512 = field<std::string>(json, name, "source_sha512", "a string");
  claims.tokenizer_sha512 = field<std::string>(json, name, "tokenizer_sha512", "a string");
  claims.dynamic_batch = flag(json, name, "dynamic_batch");
  claims.dynamic_length = flag(json, name, "dynamic_length");
  return claims;
}

}  // namespace bertjit
