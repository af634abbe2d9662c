#include "record/recordable.h"

namespace bertjit {

Recording RecordableModel::record(const BoundBatch& batch, const RecordOptions& options) {
  return record_model(*rebuild_model(model_), batch.tensors, options);
}

}  // namespace bertjit
