// Drawn evidence for a terminal.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "report/drawn_evidence.h"

namespace bertjit {

/// Batches down, lengths across, a mark for each shape that was tried, and what the marks mean. Lengths that do not fit
/// into 100 columns go on below.
void print_grid(const ShapeGrid& grid, size_t indent, std::ostream& out);

/// A line for each kind of trouble: the smallest shape that has it, and what it said.
std::vector<std::string> grid_troubles(const ShapeGrid& grid);

/// The layers around the blamed one, which has a mark, and how many there are before and after.
void print_layers(const std::vector<DrawnLayer>& layers, size_t blamed, size_t indent, std::ostream& out);

}  // namespace bertjit
