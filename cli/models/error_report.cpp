#include "cli/models/error_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/make/long_work.h"
#include "cli/terminal/output_filter.h"
#include "engine/longhand_edit.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

// "up to 0.01"
std::string step_name(std::size_t step) {
  const auto& ends = ErrorHistogram::kEnds;
  return step < ends.size() ? fmt::format("up to {}", ends[step]) : fmt::format("above {}", ends.back());
}

std::string histogram_text(const ErrorHistogram& histogram) {
  constexpr double kWidth = 40;
  const double total = double(std::max<std::uint64_t>(1, histogram.total()));
  std::string out;
  const auto row = [&](const std::string& name, std::uint64_t count) {
    const double share = double(count) / total;
    out += fmt::format("  {:<14} {:6.2f} %  {}\n", name, 100 * share,
                       std::string(std::size_t(std::lround(kWidth * share)), '#'));
  };
  row("equal", histogram.equal);
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) row(step_name(i), histogram.counts[i]);
  return out;
}

// Why two tensors were not compared.
std::string refusal_of(const TensorDifference& t) {
  if (!t.same_shape())
    return fmt::format("shapes [{}] and [{}] differ", fmt::join(t.first_dims, ", "),
                       fmt::join(t.second_dims, ", "));
  return fmt::format("{} and {} cannot be compared", t.first_type, t.second_type);
}

std::string_view name_of(Side side) {
  return side == Side::both ? "both" : side == Side::first ? "other" : "model";
}

std::string text_report(const ModelDifferences& found) {
  std::string out;
  for (const TensorDifference& t : found.tensors) {
    const std::string name = make_visible(t.name);
    if (t.side != Side::both) {
      out += fmt::format("  {:<44} only in the {}\n", name, name_of(t.side));
    } else if (!t.compared) {
      out += fmt::format("  {:<44} {}\n", name, refusal_of(t));
    } else {
      out += fmt::format("  {:<44} {:<8} {:<8} relative error {:.3e}\n", name, t.first_type, t.second_type,
                         t.relative_error);
    }
  }
  out += fmt::format("the same: {} tensors; relative error of all others: {:.3e}\n", found.equal_tensors,
                     found.relative_error);
  if (found.histogram.total() == 0) return out;
  return out + "errors, over the root mean square of the weights around:\n" + histogram_text(found.histogram);
}

// JSON has no infinity.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string json_report(const ModelDifferences& found) {
  Json tensors = Json::array();
  for (const TensorDifference& t : found.tensors) {
    Json row = {{"name", make_visible(t.name)}, {"side", name_of(t.side)},    {"other_type", t.first_type},
                {"type", t.second_type},        {"other_dims", t.first_dims}, {"dims", t.second_dims}};
    if (t.compared) row["relative_error"] = number(t.relative_error);
    if (!t.compared && t.side == Side::both) row["not_compared"] = refusal_of(t);
    tensors.push_back(std::move(row));
  }
  return Json({{"equal_tensors", found.equal_tensors},
               {"relative_error", number(found.relative_error)},
               {"ends", ErrorHistogram::kEnds},
               {"equal", found.histogram.equal},
               {"counts", found.histogram.counts},
               {"tensors", std::move(tensors)}})
             .dump(2) +
         "\n";
}

}  // namespace

std::string error_report(const std::string& model, const std::string& other, bool json) {
  const ModelDifferences found =
      with_bar("comparing", [&](const Progress& progress) { return diff_models(other, model, progress); });
  return json ? json_report(found) : text_report(found);
}

}  // namespace longhand::cli
