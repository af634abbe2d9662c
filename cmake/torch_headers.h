// Precompiled once for every room that uses libtorch. torch/script.h and torch/torch.h stay out: what only they declare
// is not used, and their templates are instantiated anew in every file (10 s a file with them, 4.5 s without).
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/serialization/export.h>
#include <torch/csrc/jit/serialization/import.h>
