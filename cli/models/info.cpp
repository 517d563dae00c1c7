// longhand info: what a GGUF file holds. Reads the container alone, so it works for files this program cannot
// run.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "cli/exit_status.h"
#include "cli/flags/session_flags.h"
#include "cli/models/advice_report.h"
#include "cli/models/error_report.h"
#include "cli/models/meta_value.h"
#include "cli/models/model_card.h"
#include "cli/models/model_names.h"
#include "cli/models/tensor_dump.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/units.h"
#include "cli/verbs.h"
#include "loaders/gguf/gguf.h"
#include "ops/host/machine.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

// Files without a context length are no text models; what they would need for text is not worth guessing.
struct Shape {
  std::int64_t layers = 0, width = 0, heads = 0, kv_heads = 0, context = 0;
  std::uint64_t cache_bytes_per_token = 0;  // all layers, f16; 0 where the file does not say
};

struct TypeShare {
  std::uint64_t tensors = 0, bytes = 0;
};

struct Summary {
  std::uint64_t parameters = 0, tensor_bytes = 0;
  std::map<std::string_view, TypeShare> types;
  Shape shape;
};

std::string_view type_name(const TensorInfo& tensor) {
  const TensorTypeInfo* type = known_tensor_type(tensor.type_id);
  return type != nullptr ? type->name : "?";
}

std::uint64_t elements(const TensorInfo& tensor) {
  std::uint64_t product = 1;
  for (const std::uint64_t dim : tensor.dims) product *= dim;  // checked when the file was opened
  return product;
}

// A value of the wrong type or range is the loader's business; here it just is not shown.
template <class Read>
auto lenient(Read read) -> decltype(read()) {
  try {
    return read();
  } catch (const Error&) { return {}; }
}

std::int64_t integer(const Gguf& file, const KeySpec& key) {
  return lenient([&] { return file.get_int(key); }).value_or(0);
}

std::int64_t per_layer(const std::vector<std::int64_t>& values, std::int64_t layer) {
  if (values.empty()) return 0;
  return values[std::min(values.size() - 1, std::size_t(layer))];
}

Shape read_shape(const Gguf& file) {
  Shape shape;
  shape.layers = integer(file, key::block_count);
  shape.width = integer(file, key::embedding_length);
  shape.context = integer(file, key::context_length);
  const auto heads = lenient([&] { return file.get_ints(key::head_count); });
  auto kv_heads = lenient([&] { return file.get_ints(key::head_count_kv); });
  if (kv_heads.empty()) kv_heads = heads;
  if (!heads.empty()) shape.heads = *std::max_element(heads.begin(), heads.end());
  if (!kv_heads.empty()) shape.kv_heads = *std::max_element(kv_heads.begin(), kv_heads.end());
  if (shape.heads == 0) return shape;
  shape.cache_bytes_per_token = read_card(file).cache_bytes_per_token;
  if (shape.cache_bytes_per_token > 0) return shape;

  const std::int64_t head = shape.width / shape.heads;
  const auto key_length = lenient([&] { return file.get_int(key::key_length); }).value_or(head);
  const auto value_length = lenient([&] { return file.get_int(key::value_length); }).value_or(head);
  constexpr std::int64_t kBytesPerNumber = 2;
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    shape.cache_bytes_per_token +=
        std::uint64_t(per_layer(kv_heads, layer) * (key_length + value_length) * kBytesPerNumber);
  }
  return shape;
}

Summary summarise(const Gguf& file) {
  Summary summary;
  summary.shape = read_shape(file);
  for (const TensorInfo& tensor : file.tensors()) {
    summary.parameters += elements(tensor);
    summary.tensor_bytes += tensor.data.size();
    TypeShare& share = summary.types[type_name(tensor)];
    share.tensors += 1;
    share.bytes += tensor.data.size();
  }
  return summary;
}

std::string model_name(const Gguf& file) {
  return make_visible(lenient([&] { return file.get_string(key::name); }).value_or(""));
}

std::string dims_text(const TensorInfo& tensor, std::string_view separator) {
  return fmt::format("{}", fmt::join(tensor.dims.begin(), tensor.dims.begin() + tensor.n_dims, separator));
}

void append_row(std::string& out, std::string_view label, const std::string& text) {
  if (!text.empty()) out += fmt::format("{:<14}{}\n", label, text);
}

std::string shape_text(const Shape& shape) {
  std::string out;
  const auto add = [&](std::string_view what, std::int64_t value) {
    if (value > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", value, what);
  };
  add("layers", shape.layers);
  add("wide", shape.width);
  add("heads", shape.heads);
  add("kv heads", shape.kv_heads);
  add("tokens of context", shape.context);
  return out;
}

std::string memory_text(const Summary& summary) {
  std::string out = fmt::format("{} of weights", format_bytes(summary.tensor_bytes));
  const Shape& shape = summary.shape;
  if (shape.cache_bytes_per_token == 0 || shape.context <= 0) return out;
  return out + fmt::format(" + {} for {} tokens (f16 cache)",
                           format_bytes(shape.cache_bytes_per_token * std::uint64_t(shape.context)),
                           shape.context);
}

// All bits of all tensors, scales and norms included.
double bits_per_weight(const Summary& summary) {
  return summary.parameters == 0 ? 0 : 8.0 * double(summary.tensor_bytes) / double(summary.parameters);
}

std::string text_report(const Gguf& file) {
  const Summary summary = summarise(file);
  std::string out, types;
  for (const auto& [name, share] : summary.types) {
    types += fmt::format("{}{} x {} ({})", types.empty() ? "" : ", ", share.tensors, name,
                         format_bytes(share.bytes));
  }
  append_row(out, "file",
             fmt::format("{}, GGUF version {}, {}", make_visible(file.name()), file.version(),
                         format_bytes(file.file_bytes())));
  append_row(out, "name", model_name(file));
  append_row(out, "architecture", make_visible(lenient([&] { return file.architecture(); })));
  append_row(out, "shape", shape_text(summary.shape));
  append_row(out, "parameters",
             fmt::format("{}, {:.2f} bits each", format_count(summary.parameters), bits_per_weight(summary)));
  append_row(out, "types", types);
  append_row(out, "memory", memory_text(summary));
  append_row(out, "runs here", fit_text(read_card(file), available_memory()));
  if (const auto reach = lenient([&] { return context_reach(file); }))
    append_row(out, "reach", reach_text(*reach));

  constexpr std::size_t kValueWidth = 100;
  out += fmt::format("\nmetadata ({})\n", file.metadata().size());
  for (const MetaEntry& entry : file.metadata()) {
    out += fmt::format("  {:<44} {:<7} {}\n", make_visible(entry.key), value_type_name(entry.type),
                       meta_text(entry, kValueWidth));
  }
  out += fmt::format("\ntensors ({})\n", file.tensors().size());
  for (const TensorInfo& tensor : file.tensors()) {
    const double share =
        double(tensor.data.size()) / double(std::max<std::uint64_t>(1, summary.tensor_bytes));
    out += fmt::format("  {:<44} {:<8} {:<22} {:>12} {:5.1f} %\n", make_visible(tensor.name),
                       type_name(tensor), dims_text(tensor, " x "), tensor.data.size(), 100 * share);
  }
  return out;
}

std::string json_report(const Gguf& file, std::size_t array_elements) {
  const Summary summary = summarise(file);
  const ModelCard card = read_card(file);
  Json types = Json::object(), metadata = Json::object(), tensors = Json::array();
  for (const auto& [name, share] : summary.types)
    types[name] = {{"tensors", share.tensors}, {"bytes", share.bytes}};
  for (const MetaEntry& entry : file.metadata()) {
    metadata[make_visible(entry.key)] = meta_value(entry, array_elements);
  }
  for (const TensorInfo& tensor : file.tensors()) {
    tensors.push_back({{"name", make_visible(tensor.name)},
                       {"type", type_name(tensor)},
                       {"dims", std::vector(tensor.dims.begin(), tensor.dims.begin() + tensor.n_dims)},
                       {"bytes", tensor.data.size()}});
  }
  const Json report = {{"file", make_visible(file.name())},
                       {"version", file.version()},
                       {"file_bytes", file.file_bytes()},
                       {"name", model_name(file)},
                       {"architecture", make_visible(lenient([&] { return file.architecture(); }))},
                       {"parameters", summary.parameters},
                       {"weight_bytes", summary.tensor_bytes},
                       {"bits_per_weight", bits_per_weight(summary)},
                       {"runs_here", card.problem.empty() && fit(card, available_memory()).fits},
                       {"cache_bytes_per_token", summary.shape.cache_bytes_per_token},
                       {"types", types},
                       {"metadata", metadata},
                       {"tensors", tensors}};
  return report.dump(2) + "\n";
}

// Of a file this program can run; the rest of `info` needs the container alone.
std::string advice_report(const Gguf& file, bool json) {
  const auto advice = context_advice(file);
  if (json) return (advice ? advice_json(*advice) : Json()).dump(2) + "\n";
  return advice ? advice_text(*advice) : "This model has no rotary positions; there is nothing to stretch.\n";
}

struct Flags {
  std::string model, tensor, output, against;
  bool json = false, advise = false;
  std::size_t array_elements = 16;
};

int show_info(const Flags& flags) {
  if (flags.tensor.empty() != flags.output.empty()) throw UsageError("--tensor and -o go together");
  if (!flags.against.empty()) {
    write_output(error_report(model_path(flags.model), model_path(flags.against), flags.json));
    return kSuccess;
  }
  const Gguf file = Gguf::open(model_path(flags.model));
  if (!flags.tensor.empty()) {
    dump_tensor(file, flags.tensor, flags.output);
  } else if (flags.advise) {
    write_output(advice_report(file, flags.json));
  } else {
    write_output(flags.json ? json_report(file, flags.array_elements) : text_report(file));
  }
  return kSuccess;
}

}  // namespace

void add_info(CLI::App& app, Action& action) {
  auto* verb =
      app.add_subcommand("info", "Show what a model file holds, also of models this program cannot run");
  auto flags = std::make_shared<Flags>();
  add_model_option(*verb, flags->model);
  require_model(*verb);
  verb->add_flag("--json", flags->json, "As JSON");
  verb->add_option("--array-elements", flags->array_elements, "With --json: elements shown of each array")
      ->capture_default_str()
      ->type_name("N");
  verb->add_flag("--advise", flags->advise,
                 "Show instead how far its positions carry, and what longer texts would need");
  verb->add_option("--against", flags->against,
                   "Show instead how far its weights are from those of this model, with a histogram")
      ->excludes("--advise")
      ->type_name("OTHER");
  verb->add_option("--tensor", flags->tensor, "Write this tensor to -o instead, as raw little-endian float32")
      ->excludes("--advise")
      ->excludes("--against")
      ->type_name("NAME");
  verb->add_option("-o,--output", flags->output, "File for --tensor; - is stdout")->type_name("OUT");
  verb->callback([flags, &action] { action = [flags] { return show_info(*flags); }; });
}

}  // namespace longhand::cli
