#include "quantize/subject.h"

#include <filesystem>
#include <memory>

#include "infer/batch.h"
#include "source/origin.h"
#include "support/error.h"
#include "tokenize/load.h"

namespace bertjit {

namespace {

/// `named` is where a tokenizer of another folder is kept.
Batch example_batch(const Source& source, const InputOptions& inputs, std::unique_ptr<Tokenizer>& named) {
  if (source.written.example && !names_inputs(inputs)) {
    return *source.written.example;
  }
  if (source.tokenizer() == nullptr && !inputs.tokenizer.empty()) {
    named = load_tokenizer(inputs.tokenizer);
  }
  return make_batch(inputs, source.program->signature(), named ? named.get() : source.tokenizer());
}

/// The batch to compare on; nullopt where the command line names none and none can be made up.
std::optional<BoundBatch> example_of(const Source& source, const InputOptions& inputs) {
  std::unique_ptr<Tokenizer> named;
  try {
    return source.program->settle(source.program->bind(example_batch(source, inputs, named)));
  } catch (const Error&) {
    if (names_inputs(inputs)) {
      throw;
    }
    return std::nullopt;
  }
}

torch::jit::Module record(const Source& source, const std::optional<BoundBatch>& example, const std::string& name) {
  if (!example) {
    throw Error(ErrorKind::kInvalidArgument, name + ": is traced before it is quantized; give its inputs (--input)");
  }
  return source.program->record(example->copy(), RecordOptions{}).module;
}

Claims int8_claims(const QuantizeSubject& subject, const std::optional<BoundBatch>& example,
                   const QuantizeOptions& options) {
  Claims claims;
  const Source& source = subject.source;
  if (source.compiled && source.compiled->claims) {
    claims = *source.compiled->claims;
  } else if (source.checkpoint) {
    claims = checkpoint_claims(*source.checkpoint, /*dynamic_shapes=*/true);
    const Origin origin = digest_origin(source, options.source, options.inputs.tokenizer).get();
    claims.source_sha512 = origin.source_sha512;
    claims.tokenizer_sha512 = origin.tokenizer_sha512;
  }
  if (claims.inputs.empty() && (source.compiled || example)) {
    for (const auto& input : source.program->signature().inputs) {
      claims.inputs.push_back(input.name);
    }
  }
  if (claims.outputs.empty()) {
    claims.outputs = source.program->output_names();
  }
  claims.dtype = "int8";
  return claims;
}

}  // namespace

uint64_t serialized_bytes(const torch::jit::Module& module, const SaveOptions& options) {
  uint64_t bytes = 0;
  serialize_module(module, options, [&](std::span<const std::byte> piece) { bytes += piece.size(); });
  return bytes;
}

QuantizeSubject open_quantize_subject(const QuantizeOptions& options, std::optional<BoundBatch>& example) {
  QuantizeSubject subject{.source = open_source(options.source, options.inputs.seed, options.inputs.tokenizer)};
  Source& source = subject.source;
  // What was traced already is quantized as it is, with its own code.
  example = example_of(source, options.inputs);
  subject.module = source.compiled ? source.compiled->module : record(source, example, source.name);
  subject.size_bytes = source.kind == SourceKind::kArchive
                           ? std::filesystem::file_size(options.source.path)
                           : serialized_bytes(subject.module, {default_archive_name(options.output), {}});
  subject.claims = int8_claims(subject, example, options);
  return subject;
}

}  // namespace bertjit
