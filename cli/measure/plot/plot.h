// Pictures of measurements as SVG, fit for a page: curves over a length, and a map of cells.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace longhand::cli {

struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;  // x ascending
};

struct CurvePlot {
  std::string title, x_label, y_label;
  std::vector<Curve> curves;
};

/// Curves from y = 0 up, each with its name at its end. The x axis is logarithmic to base 2 where the
/// greatest x is 16 times the least or more (of those above 0), else linear.
std::string curve_svg(const CurvePlot& plot);

struct CellPlot {
  std::string title, x_label, y_label;
  std::vector<std::string> columns, rows;
  std::vector<double> shares;  // (columns, rows), each 0..1
};

/// A cell is the darker the greater its share, and says it in percent.
std::string cell_svg(const CellPlot& plot);

}  // namespace longhand::cli
