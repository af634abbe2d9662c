// What must be known of a model besides its outputs before a task can be put to it: its arguments' names, its
// tokenizer, which output is for which class.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "glue/glue_task.h"
#include "glue/label_order.h"
#include "module/claims.h"
#include "module/load.h"
#include "source/source.h"

namespace bertjit {

/// The folder of a checkpoint that is named by its folder or its config.json.
std::filesystem::path checkpoint_folder(const std::filesystem::path& path);

/// What a TorchScript file says of itself; nullptr where it says nothing, and for other sources.
const Claims* claims_of(const Source& source);

/// Whether the tokenizer of `folder` has the digest that the model was made with; true where it does not say.
bool fits_tokenizer(const Claims* claims, const std::filesystem::path& folder);

/// Gives arguments such as `x` and `m` their meaning, as claims, where the code shows it, and adds a note. `owner`
/// stands in it.
void name_arguments(LoadedModule& loaded, const std::string& owner, std::vector<std::string>& notes);

/// Which class each output is for: by `labels`, else config.json of the checkpoint, or of the folder `tokenizer` for
/// what is none.
LabelOrder order_of(const Source& source, const std::vector<std::string>& labels, const GlueTask& task,
                    const std::filesystem::path& tokenizer);

}  // namespace bertjit
