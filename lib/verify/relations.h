// The relations that `metamorphic` asks: what a change of the inputs does, or does not do, to the answers of any BERT.
#pragma once

#include <vector>

#include "verify/probes.h"

namespace bertjit {

/// Two runs that should agree.
struct Asked {
  Gap gap;
  BoundBatch first, second;
};

/// What a relation that does not hold is.
enum class Fault {
  kAlways,
  kOfNetworks,  ///< of what is, or is said to be, a network; a finding elsewhere
  kWarning,
};

/// One relation, and whom it can be asked.
struct Relation {
  const char* name;
  const char* breach;  ///< what is so if it does not hold
  Fault fault = Fault::kAlways;
  ProbeShape least = {1, 1};    ///< rows and tokens that it takes
  bool changes_rows = false;    ///< runs on other numbers of rows than it is asked about
  bool changes_tokens = false;  ///< and of tokens
  bool needs_mask = false;
  Asked (*ask)(Probes& probes, const ProbeShape& shape) = nullptr;
  bool may_be_refused = false;  ///< asks for dtypes that nobody claims
  bool must_differ = false;     ///< the two answers, by more than rounding
};

const std::vector<Relation>& relations();

/// Whether arguments, claims and lengths allow to ask it about that shape.
bool applies(const Probes& probes, const Relation& relation, const ProbeShape& shape);

}  // namespace bertjit
