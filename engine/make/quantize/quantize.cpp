#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "engine/longhand_quantize.h"
#include "engine/make/quantize/choose_types.h"
#include "engine/make/quantize/output_files.h"
#include "engine/make/quantize/quantize_plan.h"
#include "engine/make/quantize/tensor_rows.h"
#include "engine/make/tensor_copy.h"
#include "ops/error.h"
#include "ops/format.h"

namespace longhand {
namespace {

/// Everything that is settled before a byte is written.
struct Work {
  Gguf file;
  std::optional<ImportanceMatrix> matrix;
  QuantizePlan plan;
  std::vector<OutputPart> parts;
  int threads;

  const ImportanceMatrix* importance() const { return matrix ? &*matrix : nullptr; }
};

/// The share done, of all steps of some work.
class Share {
 public:
  Share(const QuantizeOptions& options, std::uint64_t total) : tell_(options.progress), total_(total) {}

  /// Throws Error(cancelled).
  void add(std::uint64_t bytes) {
    done_ += bytes;
    if (tell_ && !tell_(float(double(done_) / double(std::max<std::uint64_t>(total_, 1)))))
      throw Error(Errc::cancelled, "quantizing was cancelled");
  }

 private:
  const Progress& tell_;
  std::uint64_t total_, done_ = 0;
};

void check_tensors(const Work& work, const QuantizeOptions& options) {
  Share share(options, tensor_bytes(work.file));
  check_finite(work.file, work.threads, [&](std::uint64_t bytes) { share.add(bytes); });
}

// The recipe whose main type most weights have.
std::uint32_t nearest_file_type(const QuantizePlan& plan) {
  std::map<std::uint32_t, std::uint64_t> weights;
  for (const PlannedTensor& t : plan.tensors) {
    if (t.open) weights[t.type] += t.weights();
  }
  const auto most = std::ranges::max_element(weights, {}, [](const auto& entry) { return entry.second; });
  if (most == weights.end()) return 0;
  const auto recipe = std::ranges::find(recipes(), most->first, [](const Recipe& r) { return r.base->gguf; });
  return recipe == recipes().end() ? 0 : recipe->file_type;
}

// Bytes that stay for the data of tensors, each rounded up as in the file.
std::uint64_t budget_of(const Work& work, const QuantizeOptions& options) {
  std::uint64_t weights = 0, heads = 0;
  for (const PlannedTensor& t : work.plan.tensors) weights += t.weights();
  if (options.target_bits > 0) return std::uint64_t(options.target_bits * double(weights) / 8);
  for (const OutputPart& part : work.parts) heads += part.head.bytes().size();
  return options.target_bytes - std::min(options.target_bytes, heads);
}

// Bits of a weight that are left for those whose type is chosen.
double average_bits(const Work& work, std::uint64_t budget) {
  std::uint64_t weights = 0, fixed = 0;
  for (const PlannedTensor& t : work.plan.tensors) {
    if (t.open && !t.ruled) {
      weights += t.weights();
    } else {
      fixed += t.bytes();
    }
  }
  return weights == 0 ? 0 : 8 * double(budget - std::min(budget, fixed)) / double(weights);
}

void choose_for_target(Work& work, const QuantizeOptions& options) {
  const std::uint64_t alignment = work.parts[0].head.alignment, budget = budget_of(work, options);
  auto choices =
      measure_choices(work.file, work.plan, {work.threads, average_bits(work, budget), options.progress});
  std::uint64_t least = 0;
  for (auto& list : choices) {
    for (TypeChoice& c : list) c.bytes = (c.bytes + alignment - 1) / alignment * alignment;
    least += std::ranges::min(list, {}, &TypeChoice::bytes).bytes;
  }
  const std::vector<std::size_t> chosen = choose(choices, budget);
  if (chosen.empty()) {
    constexpr double kMiB = 1 << 20;
    throw Error(Errc::limit,
                fmt::format("{}: cannot be made that small: tensors need {:.2f} MiB at least, the"
                            " target leaves {:.2f} MiB for them",
                            work.file.name(), double(least) / kMiB, double(budget) / kMiB));
  }
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    PlannedTensor& t = work.plan.tensors[i];
    t.type = choices[i][chosen[i]].type;
    if (t.open && !t.ruled) t.wanted = nullptr;
  }
  work.plan.file_type = nearest_file_type(work.plan);
}

// What refuses to write, as far as it can be known now. With a target types are not chosen yet, and neither
// is the size.
void check_writing(const Work& work, const std::string& in, const QuantizeOptions& options) {
  check_names(work.file, in, options.importance, work.parts);
  check_importance(work.file, work.plan);
  if (!options.type.empty()) check_room(work.parts);
}

// `writes`: whether it is for more than a look.
Work prepare(const std::string& in, const std::string& out, const QuantizeOptions& options, bool writes) {
  Work work{Gguf::open(in), {}, {}, {}, options.threads > 0 ? options.threads : omp_get_max_threads()};
  if (!options.importance.empty()) work.matrix = read_importance(options.importance);
  work.plan = plan_types(work.file, work.importance(), options);
  const auto plan_parts = [&] { return plan_output(work.file, work.plan, out, options, work.importance()); };
  work.parts = plan_parts();
  if (writes) check_writing(work, in, options);
  if (options.check_tensors) check_tensors(work, options);
  if (options.type.empty()) {
    choose_for_target(work, options);
    work.parts = plan_parts();
  }
  return work;
}

QuantizedTensor describe(const PlannedTensor& t) {
  const TensorInfo& info = *t.tensor;
  QuantizedTensor out;
  out.name = info.name;
  out.dims.assign(info.dims.begin(), info.dims.begin() + info.n_dims);
  out.from = known_tensor_type(info.type_id)->name;
  out.to = known_tensor_type(t.type)->name;
  if (t.wanted != nullptr) out.wanted = t.wanted->name;
  out.bytes_before = info.data.size();
  out.bytes = t.bytes();
  out.weighed = t.importance != nullptr;
  return out;
}

QuantizeReport report_of(const Work& work) {
  QuantizeReport report;
  for (const PlannedTensor& t : work.plan.tensors) {
    const QuantizedTensor& tensor = report.tensors.emplace_back(describe(t));
    report.bytes_before += tensor.bytes_before;
    report.bytes += tensor.bytes;
    report.weights += t.weights();
  }
  for (const OutputPart& part : work.parts) {
    report.files.push_back(part.path);
    report.file_bytes += part.bytes();
  }
  return report;
}

// What the data of the new files depends on, besides what stands in their heads.
std::string sources_of(const Work& work, const std::string& in, const QuantizeOptions& options) {
  std::vector<std::string> files = files_of(work.file, in);
  if (!options.importance.empty()) files.push_back(options.importance);
  return "quantize\n" + source_state(files);
}

/// Writes the tensors of one part, or passes over those that an earlier run has written.
class PartWriter {
 public:
  PartWriter(const Work& work, const OutputPart& part, Share& share)
      : work_(work), part_(part), share_(share) {}

  /// The first `tensors` are there. Throws Error(cancelled).
  void pass(std::size_t tensors) {
    for (; done_ < tensors; ++done_) share_.add(part_.tensors[done_]->tensor->data.size());
    share_.add(0);
  }
  void write(GgufOutput& out) {
    pass(out.finished());
    for (; done_ < part_.tensors.size(); ++done_) {
      write_tensor(work_.file, *part_.tensors[done_], work_.threads, out,
                   [&](std::uint64_t bytes) { share_.add(bytes); });
    }
  }

 private:
  const Work& work_;
  const OutputPart& part_;
  Share& share_;
  std::size_t done_ = 0;
};

// A model is opened by its first part: where this is ended in between, that one is missing, and parts of two
// models are never taken for one.
void commit_all(const Work& work, const GgufOutputs& outputs) {
  if (outputs.size() > 1) {
    std::error_code not_there;
    std::filesystem::remove(work.parts[0].path, not_there);
  }
  for (std::size_t i = outputs.size(); i-- > 0;) outputs[i]->commit();
}

// All parts are written before one gets its name.
void write_all(const Work& work, const std::string& in, const QuantizeOptions& options) {
  const std::string sources = sources_of(work, in, options);
  Share share(options, tensor_bytes(work.file));
  GgufOutputs outputs;
  keeping_for_later(outputs, options.keep_seconds, [&] {
    for (const OutputPart& part : work.parts) {
      PartWriter writer(work, part, share);
      const auto checked = [&](std::size_t tensors) { writer.pass(tensors); };
      outputs.push_back(std::make_unique<GgufOutput>(part.path, part.head, sources, checked));
      writer.write(*outputs.back());
    }
    commit_all(work, outputs);
  });
}

}  // namespace

std::vector<std::string> quantize_types() {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) names.emplace_back(recipe.name);
  return names;
}

QuantizeReport quantize(const std::string& in, const std::string& out, const QuantizeOptions& options) {
  const Work work = prepare(in, out, options, true);
  check_importance(work.file, work.plan);
  check_room(work.parts);
  write_all(work, in, options);
  return report_of(work);
}

QuantizeReport plan_quantize(const std::string& in, const std::string& out, const QuantizeOptions& options) {
  const Work work = prepare(in, out, options, false);
  QuantizeReport report = report_of(work);
  try {
    check_importance(work.file, work.plan);
  } catch (const Error& error) { report.refusal = error.what(); }
  return report;
}

}  // namespace longhand
