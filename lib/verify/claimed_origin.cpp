// Claims of where a file comes from: digests of its source and tokenizer, and what the file says of itself where
// --claims says what it is.
#include <filesystem>

#include "checkpoint/checkpoint.h"
#include "digest/digest.h"
#include "digest/tokenizer_digest.h"
#include "support/error.h"
#include "support/file_status.h"
#include "support/words.h"
#include "verify/held_claims.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;

using Answer = HeldClaim::Answer;

/// Another source is not yet another model: the check `source` compares what is in the file.
Answer compare(const std::string& claimed, const std::string& found) {
  return claimed == found ? Answer::kHeld : Answer::kDoubtful;
}

void hold_source(ClaimSubject& subject) {
  const auto& options = subject.context.options;
  const std::string& path = options.source.path;
  HeldClaim held{"source_sha512", subject.claims.source_sha512, "no checkpoint given with --source", ""};
  if (held.claimed.empty()) {
    return;
  }
  if (!path.empty() && path_is_folder(path) && options.source.init.empty()) {
    const MeaningDigest digest = digest_meaning(path, DigestKind::kWeights, {.threads = options.threads});
    held.found = to_hex(digest.digest);
    held.known_from = "weights of " + path;
    held.answer = compare(held.claimed, held.found);
  }
  subject.add(std::move(held));
}

void hold_tokenizer(ClaimSubject& subject) {
  const auto& options = subject.context.options;
  const std::string& folder = options.inputs.tokenizer.empty() ? options.source.path : options.inputs.tokenizer;
  HeldClaim held{"tokenizer_sha512", subject.claims.tokenizer_sha512, "no tokenizer given with --tokenizer or --source",
                 ""};
  if (held.claimed.empty()) {
    return;
  }
  const auto digest = folder.empty() ? std::nullopt : digest_tokenizer(folder);
  if (digest) {
    held.found = to_hex(*digest);
    held.known_from = "files of " + folder;
    held.answer = compare(held.claimed, held.found);
  }
  subject.add(std::move(held));
}

std::string flag_text(const std::optional<bool>& flag) {
  return !flag ? "" : *flag ? "true" : "false";
}

/// Field by field: what one of the two leaves open is no disagreement.
void hold_own(ClaimSubject& subject) {
  if (!subject.context.own_claims) {
    return;
  }
  const Claims& own = *subject.context.own_claims;
  const Claims& given = subject.claims;
  const std::vector<std::array<std::string, 3>> fields = {
      {"architecture", given.architecture, own.architecture},
      {"head", given.head, own.head},
      {"inputs", joined(given.inputs), joined(own.inputs)},
      {"outputs", joined(given.outputs), joined(own.outputs)},
      {"dtype", given.dtype, own.dtype},
      {"dynamic_batch", flag_text(given.dynamic_batch), flag_text(own.dynamic_batch)},
      {"dynamic_length", flag_text(given.dynamic_length), flag_text(own.dynamic_length)},
      {"attn_implementation", given.attn_implementation, own.attn_implementation},
      {"source_sha512", given.source_sha512, own.source_sha512},
      {"tokenizer_sha512", given.tokenizer_sha512, own.tokenizer_sha512},
  };
  for (const auto& [field, claimed, said] : fields) {
    if (!claimed.empty() && !said.empty() && claimed != said) {
      subject.add({field, claimed + ", by " + subject.context.options.claims, said,
                   std::string("extra/") + kClaimsRecord, Answer::kDoubtful});
    }
  }
}

}  // namespace

void hold_origin(ClaimSubject& subject) {
  hold_source(subject);
  hold_tokenizer(subject);
  hold_own(subject);
}

}  // namespace bertjit
