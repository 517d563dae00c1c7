// From a folder to a file.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "engine/longhand_convert.h"
#include "engine/make/convert/activation.h"
#include "engine/make/convert/pooling_keys.h"
#include "engine/make/convert/tensor_plan.h"
#include "engine/make/convert/tensor_writer.h"
#include "engine/make/convert/tokenizer/hub_vocab.h"
#include "engine/make/convert/tokenizer/vocab_keys.h"
#include "engine/make/disk_room.h"
#include "engine/make/tensor_copy.h"
#include "engine/sampling/schema/schema_set.h"
#include "loaders/safetensors/json_file.h"
#include "loaders/vocab/vocab.h"

namespace longhand {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostConfigBytes = std::size_t{16} << 20;

/// What matrices may be written as.
struct OutputType {
  std::string_view name;
  std::uint32_t gguf;
  std::uint32_t file_type;  // general.file_type
};
constexpr OutputType kOutputTypes[] = {{"f32", F32::info.gguf, 0},
                                       {"f16", F16::info.gguf, 1},
                                       {"q8_0", Q8_0::info.gguf, 7},
                                       {"bf16", BF16::info.gguf, 32}};

std::string file_in(const std::string& folder, std::string_view name) {
  return (fs::path(folder) / name).string();
}

/// config.json; what describes the text model of a larger one stands with the rest.
HubConfig read_config(const std::string& folder) {
  const std::string path = file_in(folder, "config.json");
  const HubConfig whole(read_json_file(path, kMostConfigBytes), path);
  HubConfig config = HubConfig(whole.object("text_config").json(), path).completed_with(whole);
  config.check_counts();
  return config;
}

const Family& family_of(const HubConfig& config) {
  const std::vector<std::string> classes = config.texts("architectures");
  if (classes.empty()) config.fail(Errc::missing, "architectures", "required, absent");
  if (const Family* family = find_family(classes.front(), config)) return *family;
  config.fail(Errc::unsupported, "architectures",
              fmt::format("models of class '{}' are not converted, must be one of {}",
                          escape_controls(classes.front(), 80), known_classes()));
}

HubConfig with_defaults(const HubConfig& config, const Family& family) {
  nlohmann::json values = nlohmann::json::object();
  for (const DefaultValue& value : family.defaults) {
    const auto whole = std::uint64_t(value.value);
    if (double(whole) == value.value) {
      values[std::string(value.key)] = whole;
    } else {
      values[std::string(value.key)] = value.value;
    }
  }
  return config.completed_with(HubConfig(std::move(values), config.where()));
}

const OutputType& stored_as(const SafetensorsFolder& folder) {
  for (const StoredTensor& tensor : folder.tensors()) {
    if (tensor.shape.size() < 2) continue;
    switch (tensor.type) {
      case StoredType::f16:
        return kOutputTypes[1];
      case StoredType::bf16:
      case StoredType::f8_e4m3:
      case StoredType::f8_e5m2:
        return kOutputTypes[3];
      case StoredType::f32:
      case StoredType::f64:
        return kOutputTypes[0];
      default:
        break;  // no fractions
    }
  }
  return kOutputTypes[1];
}

const OutputType& output_type(const std::string& name, const SafetensorsFolder& folder) {
  if (name == "auto") return stored_as(folder);
  const auto* type = std::ranges::find(kOutputTypes, name, &OutputType::name);
  if (type == std::end(kOutputTypes)) {
    throw Error(Errc::range,
                fmt::format("type '{}', must be auto, f32, f16, bf16 or q8_0", escape_controls(name, 40)));
  }
  return *type;
}

/// The last part of the path; in the cache of Hugging Face, whose folders are named by checksums, that of the
/// repository.
std::string model_name(const std::string& folder) {
  fs::path path = fs::weakly_canonical(folder);
  if (path.filename().empty()) path = path.parent_path();
  if (path.parent_path().filename() != "snapshots") return path.filename().string();
  const std::string repository = path.parent_path().parent_path().filename().string();
  const std::size_t at = repository.rfind("--");
  return at == std::string::npos ? repository : repository.substr(at + 2);
}

void add_general_keys(const std::string& folder, const OutputType& type, ModelKeys& keys) {
  keys.set(gguf_entry("general.type", std::string("model")));
  keys.set(gguf_entry("general.name", model_name(folder)));
  keys.set(gguf_entry("general.file_type", type.file_type));
  constexpr std::uint32_t kQuantizationVersion = 2;
  keys.set(gguf_entry("general.quantization_version", kQuantizationVersion));
}

GgufHead head_of(const TensorPlan& plan, const ModelKeys& keys) {
  GgufHead head;
  head.entries = keys.entries();
  for (const OutputTensor& tensor : plan.tensors)
    head.tensors.push_back({tensor.name, tensor.dims(), format_info(tensor.format).gguf, tensor.bytes()});
  return head;
}

// What a reader of the file would say, before it is written.
void check_vocab(const GgufHead& head) {
  GgufHead alone;
  alone.entries = head.entries;
  const std::string bytes = alone.bytes();
  load_vocab(Gguf::parse(std::as_bytes(std::span(bytes)), "the tokenizer"));
}

// Files of these names are results, or what an ended run has left of them.
bool is_result(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".gguf" || extension == kUnfinished || extension == kJournal;
}

// The file takes the place of `out` at the end, which must not be one that it is made of.
void refuse_sources(const std::string& folder, const std::string& out) {
  std::error_code listing;
  fs::recursive_directory_iterator file(folder, listing);
  for (; !listing && file != fs::recursive_directory_iterator(); file.increment(listing)) {
    if (is_result(file->path()) || !is_file_of(file->path().string(), out)) continue;
    throw Error(Errc::range, fmt::format("{}: is a file of the folder that is converted, or one that stands"
                                         " beside {} while that is written",
                                         file->path().string(), out));
  }
  if (listing) throw Error(Errc::io, fmt::format("cannot list {}: {}", folder, listing.message()));
}

// The shapes of the tensors are known to be right.
OutputTensor& embedding_of(TensorPlan& plan) {
  return *std::ranges::find(plan.tensors, "token_embd.weight", &OutputTensor::name);
}

// A head that is neither there nor said to be the embedding would become the embedding without a word. Models
// that make vectors need none.
void check_head(const HubConfig& config, const Family& family, const TensorPlan& plan) {
  const bool tied = family.ties_head || config.flag_or("tie_word_embeddings", true);
  if (tied || std::ranges::find(plan.tensors, "output.weight", &OutputTensor::name) != plan.tensors.end())
    return;
  config.fail(Errc::missing, "tie_word_embeddings",
              "false, but no tensor of the folder becomes 'output.weight'");
}

void fit_embedding(const Family& family, HubVocab& vocab, TensorPlan& plan) {
  OutputTensor& embedding = embedding_of(plan);
  const std::size_t tokens = vocab.tokens.size();
  if (family.trims_embedding && tokens > 0 && tokens < embedding.rows.rows()) {
    plan.notes.push_back(fmt::format("{} rows of the embedding belong to no token and are left out",
                                     embedding.rows.rows() - tokens));
    embedding.rows = with_outputs(std::move(embedding.rows), steps(0, tokens));
  }
  fit_vocab(vocab, std::size_t(embedding.rows.rows()), plan.notes);
}

/// Says of every error which folder it is about, unless the message does.
template <class Work>
auto about(const std::string& folder, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    const std::string message = plain_message(error);
    if (message.find(folder) != std::string::npos) throw;
    throw Error(error.code(), fmt::format("{}: {}", folder, message));
  }
}

// What the data of the file depends on, besides what stands in its head.
std::string sources_of(const std::string& folder, const SafetensorsFolder& weights,
                       const ConvertOptions& options) {
  std::vector<std::string> files = {file_in(folder, "config.json")};
  for (const std::string& name : weights.files()) files.push_back(file_in(folder, name));
  return fmt::format("convert {} {}\n", kConverterVersion, options.check_tensors ? "checked" : "unchecked") +
         source_state(files);
}

/// What a file is made of.
struct Ingredients {
  const SafetensorsFolder& weights;
  TensorPlan& plan;
  std::string sources;
};

void write_file(const Ingredients& from, const ConvertOptions& options, GgufHead head,
                const std::string& out) {
  GgufOutputs outputs;
  const auto still_wanted = [&](std::size_t) {
    if (options.progress && !options.progress(0)) throw Error(Errc::cancelled, "stopped");
  };
  keeping_for_later(outputs, options.keep_seconds, [&] {
    outputs.push_back(std::make_unique<GgufOutput>(out, std::move(head), from.sources, still_wanted));
    write_tensors(from.plan, from.weights, {options.check_tensors, options.progress}, *outputs[0]);
    outputs[0]->commit();
  });
}

ConvertedModel convert(const std::string& folder, const std::string& out, const ConvertOptions& options) {
  const HubConfig stated = read_config(folder);
  refuse_sources(folder, out);
  const Family& family = family_of(stated);
  const HubConfig config = with_defaults(stated, family);
  check_activation(config, family.architecture);
  const SafetensorsFolder weights = SafetensorsFolder::open(folder);
  const OutputType& type = output_type(options.type, weights);
  TensorSource source(weights, config);
  TensorPlan plan = plan_tensors(family, config, source, FormatId(find_format(type.gguf)));

  ModelKeys keys{std::string(family.architecture)};
  add_general_keys(folder, type, keys);
  add_common_keys(config, keys);
  if (family.keys) family.keys(config, keys);
  check_against_architecture(plan, head_of(plan, keys));
  if (!add_pooling_keys(folder, keys)) check_head(config, family, plan);
  HubVocab vocab = read_hub_vocab(folder, family, options.pre_tokenizer);
  fit_embedding(family, vocab, plan);
  add_vocab_keys(folder, config, vocab, keys);

  GgufHead head = head_of(plan, keys);
  check_vocab(head);
  ConvertedModel made{keys.architecture(), format_info(FormatId(find_format(type.gguf))).name,
                      plan.tensors.size(), head.bytes().size(), plan.notes};
  for (const GgufHead::Tensor& tensor : head.tensors) made.bytes += head.round_up(tensor.bytes);
  need_room(folder_of(out).string(), made.bytes - std::min(made.bytes, left_over(out)));
  write_file({weights, plan, sources_of(folder, weights, options)}, options, std::move(head), out);
  return made;
}

}  // namespace

bool is_model_folder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error) && fs::exists(file_in(path, "config.json"), error);
}

ConvertedModel convert_model(const std::string& folder, const std::string& out,
                             const ConvertOptions& options) {
  return about(folder, [&] { return convert(folder, out, options); });
}

}  // namespace longhand
