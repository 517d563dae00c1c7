#include "cli/measure/plot/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string_view>
#include <utility>

namespace longhand::cli {
namespace {

// Colours that people with any vision tell apart (Okabe and Ito 2008), the lightest left out.
constexpr std::array<std::string_view, 7> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                      "#e69f00", "#56b4e9", "#000000"};

struct Box {
  double left, top, right, bottom;
};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (std::uint8_t(c) >= 0x20) {
      out += c;
    }
  }
  return out;
}

/// An SVG document on a white ground.
class Picture {
 public:
  Picture(double width, double height) {
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
        "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\">\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        width, height);
  }

  void text(double x, double y, std::string_view anchor, std::string_view text, std::string_view more = "") {
    add("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" {}>{}</text>\n", x, y, anchor, more,
        escaped(text));
  }
  void line(double x0, double y0, double x1, double y1, std::string_view colour) {
    add("<path d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\" stroke=\"{}\"/>\n", x0, y0, x1, y1, colour);
  }
  void frame(const Box& box, const std::string& title, const std::string& x_label,
             const std::string& y_label) {
    const double middle = (box.top + box.bottom) / 2;
    text(box.left, box.top - 18, "start", title, "font-size=\"15\" font-weight=\"bold\"");
    text((box.left + box.right) / 2, box.bottom + 40, "middle", x_label);
    text(18, middle, "middle", y_label, fmt::format("transform=\"rotate(-90 18 {:.1f})\"", middle));
  }
  template <class... Values>
  void add(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Values>(values)...);
  }
  std::string finish() { return std::move(out_) + "</svg>\n"; }

 private:
  std::string out_;
};

// "4k" for 4096, "300" for 300.
std::string short_number(double value) {
  if (value >= 1 << 20 && std::fmod(value, 1 << 20) == 0) return fmt::format("{}M", value / (1 << 20));
  if (value >= 1024 && std::fmod(value, 1024) == 0) return fmt::format("{}k", value / 1024);
  return fmt::format("{:.6g}", value);
}

// 1, 2 or 5 times a power of ten, for about `count` steps up to `most`.
double round_step(double most, int count) {
  const double rough = most / count, power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (step * power >= rough) return step * power;
  }
  return 10 * power;
}

/// Where values stand along the x axis.
class XAxis {
 public:
  XAxis(const std::vector<Curve>& curves, const Box& box) : left_(box.left), width_(box.right - box.left) {
    double least = std::numeric_limits<double>::infinity();
    for (const Curve& curve : curves) {
      for (const auto& [x, y] : curve.points) {
        most_ = std::max(most_, x);
        if (x > 0) least = std::min(least, x);
      }
    }
    constexpr double kWide = 16;
    logarithmic_ = least * kWide <= most_;
    if (most_ <= 0) most_ = 1;
    // Nothing lies at no distance from zero: it stands one step before the least.
    least_ = logarithmic_ ? least / 2 : 0;
  }

  double at(double x) const {
    if (!logarithmic_) return left_ + width_ * x / most_;
    return left_ + width_ * std::log2(std::max(x, least_) / least_) / std::log2(most_ / least_);
  }
  std::vector<double> ticks() const {
    std::vector<double> ticks = {0};
    if (logarithmic_) {
      for (double x = std::exp2(std::ceil(std::log2(least_ * 2))); x <= most_; x *= 2) ticks.push_back(x);
    } else {
      const double step = round_step(most_, 8);
      for (double x = step; x <= most_; x += step) ticks.push_back(x);
    }
    return ticks;
  }

 private:
  double left_, width_, most_ = 0, least_ = 0;
  bool logarithmic_ = false;
};

double greatest(const std::vector<Curve>& curves) {
  double most = 0;
  for (const Curve& curve : curves) {
    for (const auto& point : curve.points) most = std::max(most, point.second);
  }
  return most > 0 && std::isfinite(most) ? most : 1;
}

// Names beside the ends of their curves, moved apart where they would lie on one another.
void name_curves(Picture& picture, const std::vector<Curve>& curves, const Box& box,
                 const std::vector<double>& ends) {
  std::vector<std::size_t> order(curves.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) { return ends[i]; });
  constexpr double kLine = 15;
  std::vector<double> places(curves.size());
  double above = 0, below = box.bottom + kLine;
  for (const std::size_t i : order) above = places[i] = std::max(ends[i] + 4, above + kLine);
  std::ranges::reverse(order);
  for (const std::size_t i : order) {
    below = places[i] = std::min(places[i], below - kLine);
    picture.text(box.right + 8, below, "start", curves[i].name,
                 fmt::format("fill=\"{}\"", kColours[i % kColours.size()]));
  }
}

}  // namespace

std::string curve_svg(const CurvePlot& plot) {
  constexpr Box box{70, 50, 570, 380};
  Picture picture(760, 440);
  picture.frame(box, plot.title, plot.x_label, plot.y_label);
  const XAxis axis(plot.curves, box);
  const double most = greatest(plot.curves), step = round_step(most, 6), top = std::ceil(most / step) * step;
  const auto height = [&](double y) { return box.bottom - (box.bottom - box.top) * y / top; };
  for (double y = 0; y <= top * 1.0001; y += step) {
    picture.line(box.left, height(y), box.right, height(y), y == 0 ? "#333" : "#ddd");
    picture.text(box.left - 8, height(y) + 4, "end", fmt::format("{:.6g}", y));
  }
  for (const double x : axis.ticks()) {
    picture.line(axis.at(x), box.bottom, axis.at(x), box.bottom + 5, "#333");
    picture.text(axis.at(x), box.bottom + 20, "middle", short_number(x));
  }
  std::vector<double> ends;
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    std::string path;
    double end = box.bottom;
    for (const auto& [x, y] : plot.curves[i].points) {
      if (!std::isfinite(y)) continue;
      end = height(y);
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? 'M' : 'L', axis.at(x), end);
    }
    picture.add("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", path,
                kColours[i % kColours.size()]);
    ends.push_back(end);
  }
  name_curves(picture, plot.curves, box, ends);
  return picture.finish();
}

std::string cell_svg(const CellPlot& plot) {
  constexpr double kWidth = 76, kHeight = 40;
  const Box box{90, 50, 90 + kWidth * double(plot.columns.size()), 50 + kHeight * double(plot.rows.size())};
  Picture picture(std::max(380.0, box.right + 30), box.bottom + 60);
  picture.frame(box, plot.title, plot.x_label, plot.y_label);
  for (std::size_t row = 0; row < plot.rows.size(); ++row) {
    picture.text(box.left - 8, box.top + kHeight * (double(row) + 0.5) + 4, "end", plot.rows[row]);
  }
  for (std::size_t column = 0; column < plot.columns.size(); ++column) {
    const double x = box.left + kWidth * double(column);
    picture.text(x + kWidth / 2, box.bottom + 20, "middle", plot.columns[column]);
    for (std::size_t row = 0; row < plot.rows.size(); ++row) {
      const double share = std::clamp(plot.shares[column * plot.rows.size() + row], 0.0, 1.0);
      const double y = box.top + kHeight * double(row);
      picture.add(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{}\" height=\"{}\" fill=\"#0072b2\" "
          "fill-opacity=\"{:.2f}\" "
          "stroke=\"#fff\"/>\n",
          x, y, kWidth, kHeight, 0.06 + 0.9 * share);
      picture.text(x + kWidth / 2, y + kHeight / 2 + 4, "middle", fmt::format("{:.0f}", 100 * share),
                   share > 0.5 ? "fill=\"#fff\"" : "");
    }
  }
  return picture.finish();
}

}  // namespace longhand::cli
