"""Makes testdata/source/corpus.json: what Python answers for the functions and modules of testdata/source/corpus.

Each entry names a function or class, the inputs it is traced with, inputs that take the same path through it (`keep`)
and inputs that take another (`leave`), with the outputs that Python's own run gives, flattened, or the error it raises.
Modules are made after torch.manual_seed(0). torch.jit.trace of the same is run too: `trace` is false where it fails.

    python scripts/testdata_source.py
"""

import ast
import inspect
import json
import math
import pathlib
import sys
import types
import warnings

import torch

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "testdata" / "source"


def number(index, phase):
    return round(2 * math.sin(1.7 * index + phase), 3)


def wave(*shape, phase=0.3):
    """Numbers in [-2, 2] as nested lists, others for another phase."""
    count = math.prod(shape)
    values = [number(i, phase) for i in range(count)]
    for size in reversed(shape[1:]):
        values = [values[i : i + size] for i in range(0, len(values), size)]
    return values


def above(*shape, phase=0.3):
    """Numbers in [0.5, 4.5]."""

    def lift(x):
        return [lift(y) for y in x] if isinstance(x, list) else round(x + 2.5, 3)

    return lift(wave(*shape, phase=phase))


def below(*shape):
    def sink(x):
        return [sink(y) for y in x] if isinstance(x, list) else -x

    return sink(above(*shape))


W, A, B = wave, above, below

PADDING = [[False, False, False], [False, False, True]]

# source: (example, [inputs that keep the path], [inputs that leave it], findings)
# Inputs are listed in the order of the arguments. Findings are those that the trace of the example must report.
CORPUS = {
    "loops.py:scaled_three_times": ([W(2, 3)], [[W(4, 5)]], [], []),
    "loops.py:product_of_rows": ([W(3, 4)], [[W(3, 5, phase=1)]], [[W(4, 4)], [W(2, 4)]], ["loop-unrolled"]),
    "loops.py:running_sum": ([W(3, 4)], [[W(3, 2)]], [[W(5, 4)]], ["loop-unrolled"]),
    "loops.py:pairs": ([W(2, 3)], [[W(4, 6)]], [], []),
    "loops.py:doubled_until": ([A(2, 3)], [[A(2, 3, phase=0.31)]], [[A(20, 30)]], ["loop-unrolled"]),
    "loops.py:first_large_row": ([[[0.1, 0.2], [1.0, 2.0], [3.0, 4.0]]], [[[[0.2, 0.1], [5.0, 2.0], [3.0, 1.0]]]],
                                 [[[[4.0, 0.2], [1.0, 2.0], [3.0, 4.0]]]], ["branch-flattened", "loop-unrolled"]),
    "loops.py:sum_of_positive_rows": ([[[1.0, 2.0], [-1.0, -2.0], [3.0, 4.0]]], [[[[2.0, 2.0], [-1.0, 0.0], [1.0, 1.0]]]],
                                      [[[[-1.0, 0.0], [1.0, 2.0], [3.0, 4.0]]]], ["branch-flattened", "loop-unrolled"]),
    "loops.py:scaled_by_fibonacci": ([W(3)], [[W(2, 2)]], [], []),
    "loops.py:rows_as_they_come": ([W(3, 4)], [[W(3, 6)]], [[W(5, 4)]], ["loop-unrolled"]),
    "loops.py:weighted_columns": ([W(4, 3)], [[W(2, 3)]], [], []),
    "loops.py:halved_down_to_one": ([W(8, 2)], [[W(8, 3)]], [[W(3, 2)]], ["loop-unrolled"]),
    "loops.py:zipped": ([W(3, 2), W(3, 2, phase=1)], [[W(3, 4), W(3, 4, phase=2)]], [[W(4, 2), W(4, 2)]], ["loop-unrolled"]),
    "loops.py:counted_down": ([W(2)], [[W(3, 3)]], [], []),
    "branches.py:double_if_positive": ([A(2, 2)], [[A(3, 3)]], [[B(2, 2)]], ["branch-flattened"]),
    "branches.py:in_three_bands": ([[[0.5, 0.25]]], [[[[0.1, 0.9]]]], [[A(1, 2)], [B(1, 2)]], ["branch-flattened"]),
    "branches.py:early_return": ([W(2, 3)], [[W(4, 4)]], [[[[11.0, 1.0, 2.0]]]], ["branch-flattened"]),
    "branches.py:by_dimensions": ([W(2, 3)], [[W(4, 3)]], [[W(2, 3, 4)]], []),
    "branches.py:by_length": ([W(4, 2)], [[W(6, 2)]], [[W(2, 2)]], ["branch-flattened"]),
    "branches.py:signed": ([W(2)], [[W(4)]], [], []),
    "branches.py:shifted": ([W(2), W(2, phase=1)], [[W(3), W(3, phase=1)]], [], []),
    "branches.py:both_hold": ([A(3), A(3)], [[A(4), A(4)]], [[A(3), B(3)], [B(3), A(3)]], ["branch-flattened"]),
    "branches.py:either_holds": ([A(3), B(3)], [[A(2), B(2)]], [[B(3), B(3)]], ["branch-flattened"]),
    "branches.py:guarded": ([W(2, 4)], [[W(3, 6)]], [[W(2, 3)]], []),
    "branches.py:chosen_by_where": ([W(2, 3)], [[B(2, 3)], [A(3, 3)]], [], []),
    "branches.py:largest_first": ([A(3), B(3)], [[A(2), B(2)]], [[B(3), A(3)]], ["branch-flattened", "value-constant"]),
    "inplace.py:first_row_cleared": ([W(3, 4)], [[W(2, 2)]], [], ["inplace-view"]),
    "inplace.py:augmented": ([W(2, 3)], [[W(3, 4)]], [], []),
    "inplace.py:written_through_a_view": ([W(2, 3)], [[W(4, 2)]], [], ["inplace-view"]),
    "inplace.py:negatives_cleared": ([W(2, 3)], [[B(2, 3)], [A(3, 3)]], [], []),
    "inplace.py:shifted_left": ([W(2, 3)], [[W(3, 5)]], [], ["inplace-view"]),
    "inplace.py:input_changed": ([W(2, 3)], [[W(3)]], [], ["input-mutated"]),
    "inplace.py:put_by_index": ([W(4, 2), [0, 2]], [[W(5, 3), [1]]], [], []),
    "inplace.py:column_by_column": ([W(2, 3)], [[W(4, 3)]], [[W(2, 5)]], ["loop-unrolled", "inplace-view"]),
    "inplace.py:filled_diagonal": ([W(3, 3)], [[W(4, 4)]], [], ["inplace-view"]),
    "inplace.py:accumulated": ([W(2, 3)], [[W(3, 5)]], [], []),
    "inplace.py:masked_scores": ([W(2, 3), [[1, 1, 0], [1, 0, 0]]], [[W(1, 4), [[0, 1, 1, 1]]]], [], []),
    "containers.py:halves_swapped": ([W(2, 4)], [[W(3, 6)]], [], []),
    "containers.py:parts_by_name": ([W(2, 3)], [[W(4)]], [], []),
    "containers.py:given_back_by_name": ([W(2, 3)], [[W(4, 2)]], [], ["container-output"]),
    "containers.py:given_back_as_list": ([W(2, 3)], [[W(4)]], [], ["container-output"]),
    "containers.py:nested_outputs": ([W(2, 3), W(2, 3, phase=1)], [[W(4), W(4, phase=2)]], [], ["container-output"]),
    "containers.py:stacked_sum": ([[W(2, 3), W(2, 3, phase=1)]], [[[W(4), W(4, phase=1)]]], [[[W(2), W(2), W(2)]]], []),
    "containers.py:total_of_all": ([[W(2), W(2, phase=1), W(2, phase=2)]], [[[W(4), W(4), W(4)]]], [[[W(2), W(2)]]], []),
    "containers.py:looked_up": ([{"left": W(2, 3), "right": W(3, 2)}], [[{"left": W(1, 4), "right": W(4, 2)}]], [], []),
    "containers.py:swapped": ([[W(2), W(3)]], [[[W(4), W(1)]]], [], []),
    "containers.py:nested_inputs": ([W(2), [W(2, phase=1), [W(3), W(3, phase=2)]]], [[W(4), [W(4), [W(2), W(2)]]]], [], []),
    "containers.py:multiples": ([W(2, 3)], [[W(4)]], [], []),
    "containers.py:pushed_and_popped": ([W(2, 3)], [[W(4, 2)]], [], []),
    "containers.py:sum_over_names": ([W(3)], [[W(2, 2)]], [], []),
    "containers.py:min_and_max": ([W(2, 3)], [[W(3, 5)]], [], []),
    "containers.py:sorted_pairs": ([W(2, 3)], [[W(3, 5)]], [], []),
    "sizes.py:flattened": ([W(2, 3, 4)], [[W(5, 2, 2)], [W(1, 4)]], [], []),
    "sizes.py:split_heads": ([W(2, 3, 4)], [[W(1, 5, 8)]], [], []),
    "sizes.py:joined_heads": ([W(2, 2, 3, 2)], [[W(1, 4, 5, 3)]], [], []),
    "sizes.py:with_positions": ([W(2, 3)], [[W(4, 7)]], [], []),
    "sizes.py:mean_over_rows": ([W(2, 3)], [[W(5, 2)]], [], []),
    "sizes.py:causal": ([W(2, 3, 3)], [[W(1, 5, 5)]], [], []),
    "sizes.py:with_zero_column": ([W(2, 3)], [[W(5, 2)]], [], []),
    "sizes.py:front_half": ([W(4, 2)], [[W(7, 3)]], [], []),
    "sizes.py:last_column": ([W(2, 3)], [[W(4, 6)]], [], []),
    "sizes.py:counted": ([W(2, 3)], [[W(4, 6)]], [], []),
    "sizes.py:padded_to_eight": ([W(2, 3)], [[W(3, 6)]], [], []),
    "sizes.py:repeated_to_length": ([W(1, 3), W(4, 2)], [[W(1, 2), W(6, 1)]], [], []),
    "sizes.py:square_of_longest": ([W(2, 3)], [[W(3, 3)], [W(4, 3)]], [], ["inplace-view"]),
    "sizes.py:scaled_by_width": ([W(2, 3)], [[W(4, 6)]], [], []),
    "sizes.py:by_value": ([[3.5, 1.0]], [[[3.9, 2.0]]], [[[7.0, 1.0]]], ["value-constant"]),
    "sizes.py:rolled": ([W(3, 2)], [[W(5, 2)]], [], []),
    "functions.py:attention": ([W(2, 3, 4), W(2, 5, 4), W(2, 5, 4)], [[W(1, 2, 4), W(1, 3, 4), W(1, 3, 4)], [W(1, 2, 9), W(1, 3, 9), W(1, 3, 9)]], [], []),
    "functions.py:matrix_products": ([W(2, 3), W(3, 4)], [[W(5, 2), W(2, 1)]], [], []),
    "functions.py:with_constants": ([W(2)], [[W(3, 3)]], [], []),
    "functions.py:with_table": ([W(2, 3)], [[W(1, 3)]], [], ["captured-tensor"]),
    "functions.py:with_new_tensor": ([W(2, 3)], [[W(4, 3)]], [], []),
    "functions.py:typed_by_comment": ([W(2), W(2)], [[W(3), W(1)]], [], []),
    "functions.py:with_default": ([W(2)], [[W(3)]], [], []),
    "functions.py:calls_helpers": ([W(2, 4)], [[W(3, 5)]], [], []),
    "functions.py:rescaled": ([W(2, 4)], [[W(3, 5)]], [], []),
    "functions.py:grid": ([W(2, 4)], [[W(3, 5)]], [], []),
    "functions.py:converted": ([W(2, 4)], [[W(3)]], [], []),
    "functions.py:logic": ([W(4), W(4, phase=1)], [[A(2), B(2)]], [], []),
    "functions.py:gathered": ([W(2, 3), [[0, 2], [1, 1]]], [[W(3, 4), [[3], [0], [1]]]], [], []),
    "functions.py:activations": ([W(2, 4)], [[B(3)]], [], []),
    "functions.py:normalised": ([W(2, 4)], [[W(3, 2, 4)]], [], []),
    "functions.py:keyword_arguments": ([W(2, 4)], [[W(3, 2)]], [], []),
    "functions.py:with_f_string": ([W(2, 4)], [[W(3, 2)]], [], []),
    "meaning.py:one_of_two": ([W(2, 3)], [[W(4, 5)]], [], []),
    "meaning.py:rows_added_up": ([W(2, 3)], [[W(2, 5)]], [[W(3, 3)]], ["loop-unrolled"]),
    "meaning.py:largest_entries": ([[[1.0, 2.0], [3.0, 4.0]]], [[[[1.5, 2.5], [3.0, 4.0]]]], [[[[5.0, 2.0], [3.0, 4.0]]]], ["branch-flattened", "loop-unrolled"]),
    "meaning.py:smallest_extent": ([W(2, 3)], [[W(5, 4)]], [], []),
    "meaning.py:number_first": ([A(2, 3)], [], [[A(2, 3, phase=1)]], ["value-constant"]),
    "meaning.py:true_first": ([W(2, 3)], [[W(4)]], [], []),
    "meaning.py:total_from_zero": ([W(2, 3)], [[W(2, 5)]], [[W(3, 3)]], ["loop-unrolled"]),
    "meaning.py:none_at_first": ([W(2, 3), W(2, 3, phase=1)], [[W(4), W(4, phase=1)]], [], []),
    "meaning.py:none_until_positive": ([A(2, 3)], [[A(4)]], [[B(2, 3)]], ["branch-flattened"]),
    "meaning.py:norms": ([W(2, 3)], [[W(4, 5)]], [], []),
    "meaning.py:limits": ([[[0.0, 1.0]]], [[[[0.0], [2.0]]]], [], []),
    "meaning.py:sections": ([W(2, 3)], [[W(2, 3, phase=1)]], [], []),
    "meaning.py:spectrum": ([W(3, 4)], [[W(2, 6)]], [], []),
    "meaning.py:updated_by_index": ([W(2, 3)], [[W(4, 5)]], [], ["inplace-view"]),
    "meaning.py:numbered_rows": ([W(2, 3)], [[W(2, 5)]], [[W(3, 3)]], ["loop-unrolled"]),
    "meaning.py:counted_elements": ([W(2, 3)], [[W(4, 5)]], [], []),
    "meaning.py:padded_by_whole_number": ([W(2, 3)], [[W(4, 5)]], [], []),
    "meaning.py:without_gradients": ([W(2, 3)], [[W(4, 5)]], [], []),
    "meaning.py:numbers_of_math": ([W(2, 3)], [[W(4, 5)]], [], []),
    "meaning.py:unique_values": ([[[1.0, 0.0, 1.0]]], [[[[2.0, 2.0, 3.0]]]], [], []),
    "modules.py:Perceptron": ([W(2, 4)], [[W(3, 5, 4)]], [], []),
    "modules.py:Residual": ([W(2, 4)], [[W(3, 4)]], [], []),
    "modules.py:Numbered": ([W(2, 4)], [[W(3, 4)]], [], []),
    "modules.py:Chosen": ([W(2, 4)], [[W(3, 4)]], [], []),
    "modules.py:Positions": ([W(2, 3, 4)], [[W(1, 7, 4)]], [], []),
    "modules.py:Constants": ([W(2)], [[W(3, 3)]], [], []),
    "modules.py:Direct": ([W(2, 4)], [[W(5, 4)]], [], []),
    "modules.py:Attention": ([W(2, 3, 8), [[1, 1, 0], [1, 1, 1]]], [[W(1, 5, 8), [[1, 1, 1, 0, 0]]]], [], []),
    "modules.py:tiny_transformer": ([[[3, 5, 7, 0], [2, 4, 0, 0]]], [[[[1, 9, 19, 6, 5, 4, 3]]]], [], []),
    "modules.py:SharedTwice": ([W(2, 4)], [[W(3, 4)]], [], []),
    "modules.py:Counting": ([W(2)], [[W(3)]], [], ["state-not-recorded"]),
    "modules.py:Remembering": ([W(3)], [[W(3, phase=2)]], [], []),
    "modules.py:Sequence": ([W(2, 3, 4)], [[W(1, 6, 4)]], [], ["device-constant"]),
    "modules.py:Gated": ([W(3, 2, 4), W(2, 2, 3)], [[W(5, 1, 4), W(2, 1, 3)]], [], []),
    "modules.py:ByHand": ([W(3, 2, 4), [W(2, 3), W(2, 3, phase=1)]], [[W(3, 1, 4), [W(1, 3), W(1, 3)]]], [[W(4, 2, 4), [W(2, 3), W(2, 3)]]], ["loop-unrolled"]),
    "modules.py:image": ([W(2, 1, 8, 8)], [[W(1, 1, 12, 10)]], [], []),
    "modules.py:Named": ([W(2, 4)], [[W(3, 4)]], [], ["container-output"]),
    "modules.py:Derived": ([W(2, 4)], [[W(3, 4)]], [], []),
    "modules.py:Router": ([A(2, 4)], [[A(3, 4)]], [[B(2, 4)]], ["branch-flattened"]),
    "modules.py:Fixed": ([W(2, 3)], [[W(2, 3, phase=1)]], [], ["output-constant"]),
    "mixed.py:calls_scripted": ([W(3), A(3), W(3)], [[B(3), A(3), W(3)], [A(2), B(2), W(2)]], [], []),
    "mixed.py:scripted_loop_inside": ([W(3, 2)], [[W(5, 2)], [W(1, 4)]], [], []),
    "mixed.py:calls_traced": ([W(3)], [[W(2, 2)]], [], []),
    "mixed.py:scripted_calls_traced": ([A(3)], [[B(3)]], [], []),
    "mixed.py:Cell": ([W(2, 4), W(2, 4)], [[B(2, 4), A(2, 4)], [A(3, 4), B(3, 4)]], [], []),
    "mixed.py:Loop": ([W(3, 2, 4)], [[B(3, 2, 4)]], [[W(5, 2, 4)]], ["loop-unrolled"]),
    "mixed.py:Wrapped": ([W(3, 2, 4)], [[B(5, 2, 4)], [A(1, 2, 4)]], [], []),
    "chance.py:noisy": ([W(2, 3)], [[W(4)]], [], ["nondeterminism"]),
    "chance.py:random_rows": ([W(2, 3)], [[W(4, 2)]], [], ["nondeterminism"]),
    "chance.py:dropped": ([W(2, 3)], [[W(4, 2)]], [], ["nondeterminism"]),
    "chance.py:shuffled": ([W(3, 3)], [[W(5, 2)]], [], ["nondeterminism"]),
    "chance.py:fresh": ([W(2, 3)], [[W(2, 3)]], [], ["nondeterminism", "output-constant"]),
    "chance.py:Dropping": ([W(2, 4)], [[W(3, 4)]], [], ["nondeterminism"]),
    "layers.py:linear": ([W(3, 8)], [[W(2, 4, 8)]], [], []),
    "layers.py:linear_without_bias": ([W(3, 8)], [[W(2, 4, 8)]], [], []),
    "layers.py:bilinear": ([W(3, 8), W(3, 8, phase=1)], [[W(2, 8), W(2, 8)]], [], []),
    "layers.py:identity": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:conv1d": ([W(2, 3, 8)], [[W(1, 3, 11)]], [], []),
    "layers.py:conv1d_same": ([W(2, 3, 8)], [[W(1, 3, 11)]], [], []),
    "layers.py:conv2d": ([W(2, 4, 6, 6)], [[W(1, 4, 7, 9)]], [], []),
    "layers.py:conv2d_circular": ([W(2, 4, 6, 6)], [[W(1, 4, 7, 9)]], [], []),
    "layers.py:conv3d": ([W(1, 2, 3, 3, 3)], [[W(2, 2, 2, 4, 3)]], [], []),
    "layers.py:conv_transpose1d": ([W(2, 3, 5)], [[W(1, 3, 8)]], [], []),
    "layers.py:conv_transpose2d": ([W(2, 4, 3, 3)], [[W(1, 4, 5, 2)]], [], []),
    "layers.py:batch_norm1d": ([W(4, 3)], [[W(2, 3)]], [], []),
    "layers.py:batch_norm2d": ([W(2, 4, 3, 3)], [[W(1, 4, 2, 5)]], [], []),
    "layers.py:batch_norm2d_training": ([W(2, 4, 3, 3)], [], [], []),
    "layers.py:batch_norm3d": ([W(1, 2, 3, 3, 3)], [[W(2, 2, 2, 4, 3)]], [], []),
    "layers.py:instance_norm1d": ([W(2, 3, 8)], [[W(1, 3, 11)]], [], []),
    "layers.py:instance_norm2d": ([W(2, 4, 3, 3)], [[W(1, 4, 2, 5)]], [], []),
    "layers.py:layer_norm": ([W(3, 8)], [[W(2, 4, 8)]], [], []),
    "layers.py:layer_norm_of_two": ([W(2, 3, 8)], [[W(3, 8)]], [], []),
    "layers.py:group_norm": ([W(2, 4, 3, 3)], [[W(1, 4, 2, 5)]], [], []),
    "layers.py:rms_norm": ([W(3, 8)], [[W(2, 4, 8)]], [], []),
    "layers.py:local_response_norm": ([W(2, 4, 3, 3)], [[W(1, 4, 2, 5)]], [], []),
    "layers.py:embedding": ([[[1, 2, 4], [0, 3, 3]]], [[[4, 1]]], [], []),
    "layers.py:embedding_bag": ([[[1, 2, 4], [0, 3, 3]]], [[[[4, 1]]]], [], ["device-constant"]),
    "layers.py:dropout": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:relu": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:relu6": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:hardtanh": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:elu": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:selu": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:leaky_relu": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:prelu": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:gelu": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:gelu_tanh": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:glu": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:silu": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:mish": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:hardswish": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:softplus": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:tanh": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:sigmoid": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:log_sigmoid": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:softmax": ([W(3, 8)], [[W(2)]], [], []),
    "layers.py:log_softmax": ([W(3, 8)], [[W(2, 3, 2)]], [], []),
    "layers.py:max_pool1d": ([W(2, 3, 8)], [[W(1, 3, 11)]], [], []),
    "layers.py:max_pool2d": ([W(2, 4, 6, 6)], [[W(1, 4, 7, 9)]], [], []),
    "layers.py:avg_pool1d": ([W(2, 3, 8)], [[W(1, 3, 11)]], [], []),
    "layers.py:avg_pool2d": ([W(2, 4, 6, 6)], [[W(1, 4, 7, 9)]], [], []),
    "layers.py:adaptive_avg_pool1d": ([W(2, 3, 8)], [[W(1, 3, 11)]], [], []),
    "layers.py:adaptive_avg_pool2d": ([W(2, 4, 6, 6)], [[W(1, 4, 7, 9)]], [], []),
    "layers.py:adaptive_max_pool2d": ([W(2, 4, 6, 6)], [[W(1, 4, 7, 9)]], [], []),
    "layers.py:flatten": ([W(2, 4, 3, 3)], [[W(1, 4, 2)]], [], []),
    "layers.py:unflatten": ([W(2, 4, 3)], [[W(1, 4, 2, 5)]], [], []),
    "layers.py:zero_pad2d": ([W(2, 4, 3, 3)], [[W(1, 4, 2, 5)]], [], []),
    "layers.py:reflection_pad1d": ([W(2, 3, 8)], [[W(1, 3, 11)]], [], []),
    "layers.py:pixel_shuffle": ([W(2, 4, 3, 3)], [[W(1, 8, 2, 5)]], [], []),
    "layers.py:upsample": ([W(2, 4, 3, 3)], [[W(1, 4, 2, 5)]], [], []),
    "layers.py:cosine_similarity": ([W(3, 4), A(3, 4)], [[W(2, 5), W(2, 5)]], [], []),
    "layers.py:pairwise_distance": ([W(3, 4), A(3, 4)], [[W(2, 5), A(2, 5)]], [], []),
    "layers.py:mse_loss": ([W(3, 4), A(3, 4)], [[W(2, 5), A(2, 5)]], [], []),
    "layers.py:cross_entropy": ([W(3, 4), [1, 0, 3]], [[W(2, 5), [4, 2]]], [], []),
    "layers.py:bce_with_logits": ([W(2, 2), [[0.0, 1.0], [0.5, 1.0]]], [[W(2), [1.0, 0.0]]], [], []),
    "layers.py:rnn": ([W(5, 3, 8)], [[W(2, 1, 8)]], [], ["device-constant"]),
    "layers.py:lstm": ([W(3, 5, 8)], [[W(1, 2, 8)]], [], ["device-constant"]),
    "layers.py:gru": ([W(5, 3, 8)], [[W(2, 1, 8)]], [], ["device-constant"]),
    "layers.py:rnn_cell": ([W(3, 8)], [[W(2, 8)]], [], ["device-constant"]),
    "layers.py:lstm_cell": ([W(3, 8)], [[W(2, 8)]], [], ["device-constant"]),
    "layers.py:gru_cell": ([W(3, 8), W(3, 4)], [[W(2, 8), W(2, 4)]], [], []),
    "layers.py:multihead_attention": ([W(2, 3, 8), W(2, 5, 8), W(2, 5, 8)], [[W(1, 4, 8), W(1, 2, 8), W(1, 2, 8)]], [], []),
    "layers.py:encoder_layer": ([W(5, 3, 8)], [[W(2, 1, 8)]], [], []),
    "layers.py:encoder": ([W(5, 3, 8)], [[W(2, 1, 8)]], [], []),
    "layers.py:sequential": ([W(3, 8)], [[W(2, 4, 8)]], [], []),
    "library.py:masked_encoder": ([W(2, 3, 8), PADDING], [[W(1, 2, 8), [[False, False]]]], [], []),
    "library.py:masked_layer": (
        [W(3, 2, 8), [[False, True, True], [False, False, True], [False, False, False]], PADDING],
        [[W(2, 1, 8), [[False, True], [False, False]], [[False, False]]]],
        [],
        [],
    ),
    "library.py:decoder": ([W(2, 4, 8), W(2, 3, 8, phase=1), PADDING], [], [], ["branch-flattened"]),
    "library.py:cross_attention": ([W(2, 3, 8), W(2, 4, 8, phase=1)], [[W(1, 2, 8), W(1, 2, 8, phase=1)]], [], []),
    "library.py:wide_attention": (
        [W(2, 2, 8), W(3, 2, 4), W(3, 2, 6), [[False, True, False], [False, False, True]]],
        [[W(1, 1, 8), W(2, 1, 4), W(2, 1, 6), [[False, True]]]],
        [],
        ["device-constant"],
    ),
    "library.py:transformer": ([W(2, 3, 8), W(2, 4, 8, phase=1)], [[W(1, 2, 8), W(1, 2, 8, phase=1)]], [], []),
    "library.py:enlarged": ([W(2, 3, 4, 5)], [[W(1, 2, 3, 3)]], [], []),
    "library.py:enlarged_lines": ([W(2, 3, 4)], [[W(1, 2, 6)]], [], []),
    "library.py:resized": ([W(2, 3, 4, 5)], [[W(1, 2, 3, 3)]], [], []),
    "library.py:padded": ([W(2, 3, 4)], [[W(1, 2, 6)]], [], []),
    "library.py:places_of_largest": ([W(2, 3, 4, 6)], [[W(1, 2, 6, 5)]], [], []),
    "library.py:adaptive": ([W(2, 3, 4, 6)], [[W(1, 2, 6, 5)]], [], []),
    "library.py:power_averages": ([W(2, 3, 4)], [[W(1, 2, 6)]], [], []),
    "library.py:turned": ([W(2, 3, 4, 5), W(2, 2, 3, phase=1)], [[W(1, 2, 3, 3), W(1, 2, 3)]], [], []),
    "library.py:losses": ([W(3, 4), W(3, 4, phase=1)], [[W(2, 5), W(2, 5, phase=1)]], [], []),
    "library.py:side_by_side": ([W(3, 4), W(2, 4)], [[W(1, 5), W(4, 5)]], [], []),
    "library.py:unit_rows": ([W(3, 4)], [[W(2, 5)]], [], []),
}

# Where Python's own tracer cannot do it, or records other operators than bertjit: why.
PEER = {}


def is_tensor(value):
    while isinstance(value, list):
        value = value[0]
    return not isinstance(value, dict)


def to_value(value, annotation):
    """The value that Python is given: lists of numbers are tensors unless the annotation says otherwise."""
    text = str(annotation)
    if isinstance(value, dict):
        return {key: torch.tensor(entry) for key, entry in value.items()}
    if "Tuple" in text:
        arguments = annotation.__args__
        return tuple(to_value(entry, kind) for entry, kind in zip(value, arguments))
    if "List" in text:
        return [torch.tensor(entry) for entry in value]
    return torch.tensor(value)


def parameters(target):
    function = target.forward if isinstance(target, torch.nn.Module) else target
    if isinstance(function, torch.jit.ScriptFunction):
        return [(argument.name, None) for argument in function.schema.arguments]
    return [(name, parameter.annotation) for name, parameter in inspect.signature(function).parameters.items()]


def leaves(value, path=""):
    """(path, tensor) of all tensors, sorted by path: "1.0" is the first of the second, "mean" a dict's entry."""
    if isinstance(value, torch.Tensor):
        return [(path, value)]
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    found = [leaf for key, entry in entries for leaf in leaves(entry, f"{path}.{key}" if path else str(key))]
    return sorted(found, key=lambda leaf: leaf[0])


def written(tensor):
    dtype = str(tensor.dtype).replace("torch.", "")
    values = tensor.detach().reshape(-1).tolist()
    if tensor.dtype == torch.float32:
        values = [float(f"{value:.9g}") for value in values]
    return {"dtype": dtype, "shape": list(tensor.shape), "values": values}


def bound_names(statement):
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def target_in(source):
    """What FILE.py:NAME is, evaluated after torch.manual_seed(0) with those statements alone that NAME needs."""
    file, name = source.rsplit(":", 1)
    tree = ast.parse(pathlib.Path(file).read_text(), file)
    needed, kept = {name}, []
    for statement in reversed(tree.body):
        if bound_names(statement) & needed:
            needed |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
            kept.insert(0, statement)
    module = types.ModuleType("corpus")
    module.__file__ = file
    sys.modules["corpus"] = module
    module.__dict__["__name__"] = "corpus"
    torch.manual_seed(0)
    exec(compile(ast.Module(kept, []), file, "exec"), module.__dict__)
    value = module.__dict__[name]
    return value() if inspect.isclass(value) else value


def target_of(source):
    return target_in(str(FOLDER / "corpus" / source))


def named_values(target, inputs):
    """The inputs of `target` in call order, from values by name."""
    return tuple(to_value(inputs[name], kind) for name, kind in parameters(target) if name in inputs)


def answer(source, inputs):
    target = target_of(source)
    values = named_values(target, named(source, inputs))
    torch.manual_seed(0)
    try:
        outputs = [tensor for _, tensor in leaves(target(*values))]
    except Exception as error:
        return {"error": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
    if any(not torch.isfinite(output).all() for output in outputs):
        raise SystemExit(f"{source}: an output is not finite")
    return {"outputs": [written(output) for output in outputs]}


def named(source, inputs):
    names = [name for name, _ in parameters(target_of(source))]
    return dict(zip(names, inputs))


def entry(source, example, keep, leave, findings):
    row = {"source": source, "example": named(source, example), "findings": findings}
    for kind, sets in (("keep", [example] + keep), ("leave", leave)):
        row[kind] = [{"inputs": named(source, inputs)} | answer(source, inputs) for inputs in sets]
    if any("error" in case for case in row["keep"]):
        raise SystemExit(f"{source}: {row['keep']}")
    if source in PEER:
        row["peer"] = PEER[source]
    return row


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rows = [entry(source, *rest) for source, rest in CORPUS.items()]
    document = {"made_by": "scripts/testdata_source.py", "torch": torch.__version__.split("+")[0], "entries": rows}
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    head = json.dumps({key: value for key, value in document.items() if key != "entries"})[:-1]
    text = head + ', "entries": [\n' + lines + "\n]}\n"
    (FOLDER / "corpus.json").write_text(text)
    print(f"{len(rows)} entries, {len(text)} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
