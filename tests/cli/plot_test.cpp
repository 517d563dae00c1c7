#include "cli/measure/plot/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>

namespace longhand::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

// The y of every point of the curve that is drawn in `colour`.
std::vector<double> heights(const std::string& svg, const std::string& colour) {
  const std::regex path("<path d=\"([^\"]*)\" fill=\"none\" stroke=\"" + colour + "\"");
  std::smatch found;
  if (!std::regex_search(svg, found, path)) return {};
  const std::string points = found[1];
  const std::regex point("[ML]([0-9.-]+) ([0-9.-]+)");
  std::vector<double> out;
  for (std::sregex_iterator i(points.begin(), points.end(), point), end; i != end; ++i)
    out.push_back(std::stod((*i)[2]));
  return out;
}

CurvePlot two_curves() {
  return {"a < b & c",
          "x",
          "y",
          {{"first", {{512, 1}, {1024, 2}, {8192, 4}}}, {"second", {{512, 4}, {8192, 3}}}}};
}

TEST(Plot, CurvesStandInProportionFromZero) {
  const std::vector<double> y = heights(curve_svg(two_curves()), "#0072b2");
  ASSERT_EQ(y.size(), 3u);
  // Zero stands as far below 1 as 1 below 2.
  const double zero = 2 * y[0] - y[1];
  EXPECT_NEAR(zero - y[2], 4 * (zero - y[0]), 0.5);
  EXPECT_NEAR(zero, 380, 0.5) << "the bottom of the frame";
}

TEST(Plot, NamesAreEscapedAndEveryCurveHasOne) {
  const std::string svg = curve_svg(two_curves());
  EXPECT_THAT(svg, HasSubstr("a &lt; b &amp; c"));
  EXPECT_THAT(svg, HasSubstr(">first<"));
  EXPECT_THAT(svg, HasSubstr(">second<"));
  EXPECT_THAT(svg, HasSubstr(">1k<"));
  EXPECT_THAT(svg, HasSubstr(">8k<"));
}

TEST(Plot, WhatCannotBeDrawnIsLeftOut) {
  CurvePlot plot = two_curves();
  plot.curves[1].points[0].second = std::numeric_limits<double>::quiet_NaN();
  plot.curves.push_back({"empty", {}});
  const std::string svg = curve_svg(plot);
  EXPECT_EQ(heights(svg, "#d55e00").size(), 1u);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(curve_svg({"", "", "", {}}), Not(HasSubstr("nan")));
  EXPECT_THAT(curve_svg({"", "", "", {{"zero", {{0, 0}}}}}), Not(HasSubstr("inf")));
}

TEST(Plot, CellsStandByColumnAndRow) {
  const std::string svg =
      cell_svg({"t", "x", "y", {"c0", "c1"}, {"r0", "r1", "r2"}, {0, 0.25, 0.5, 0.75, 1, 0.1}});
  for (const char* share : {">0<", ">25<", ">50<", ">75<", ">100<", ">10<"})
    EXPECT_THAT(svg, HasSubstr(share));
  EXPECT_LT(svg.find(">c0<"), svg.find(">25<"));
  EXPECT_LT(svg.find(">50<"), svg.find(">c1<"));
}

}  // namespace
}  // namespace longhand::cli
