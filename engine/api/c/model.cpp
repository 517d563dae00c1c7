// The C interface: models, their vocabulary and metadata.
#include <functional>
#include <vector>

#include "engine/api/c/guard.h"
#include "engine/api/c/handles.h"
#include "engine/api/c/options.h"

using namespace longhand;
using namespace longhand::c_api;

namespace {

static_assert(LH_VALUE_TEXT == int(MetadataType::text) && LH_VALUE_BOOL == int(MetadataType::boolean) &&
              std::variant_size_v<MetadataValue> == LH_VALUE_TEXT + 1);

using Load = std::function<Model(const LoadOptions&)>;

void load_with(const lh_load_options* options, lh_model** model, const Load& load) {
  lh_model*& place = place_for(model, "model");
  const lh_load_options given = read_options(options, "load options");
  LoadOptions how = to_cpp(given);
  Callbacks callbacks;
  if (given.progress != nullptr) {
    how.progress = [&](float share) {
      return callbacks.goes_on([&] { return given.progress(given.progress_user, share); });
    };
  }
  if (given.log != nullptr) {
    how.log = [&](std::string_view line) {
      callbacks.stop_unless([&] { return given.log(given.log_user, {line.data(), line.size()}); });
    };
  }
  callbacks.run([&] {
    const Model loaded = load(how);
    place = new lh_model{loaded, loaded.info()};
  });
}

// What can be looked up in the vocabulary. Throws Error (range).
void check_tokens(const Model& model, std::span<const Token> tokens) {
  const int vocab = model.info().vocab;
  for (const Token token : tokens) {
    if (token < 0 || token >= vocab)
      throw Error(Errc::range, fmt::format("token {} must be 0..{}", token, vocab - 1));
  }
}

lh_text view_of(std::string_view text) { return {text.data(), text.size()}; }

lh_value value_of(const MetadataValue& from) {
  lh_value to{};
  to.type = lh_value_type(from.index());
  if (const auto* integer = std::get_if<std::int64_t>(&from)) to.as.integer = *integer;
  if (const auto* natural = std::get_if<std::uint64_t>(&from)) to.as.natural = *natural;
  if (const auto* number = std::get_if<double>(&from)) to.as.number = *number;
  if (const auto* boolean = std::get_if<bool>(&from)) to.as.boolean = *boolean ? 1 : 0;
  if (const auto* text = std::get_if<std::string_view>(&from)) to.as.text = view_of(*text);
  return to;
}

}  // namespace

lh_status lh_model_load(const char* path, const lh_load_options* options, lh_model** model, lh_error* error) {
  return guarded(error, [&] {
    load_with(options, model, [&](const LoadOptions& how) { return Model::load(&need(path, "path"), how); });
  });
}

lh_status lh_model_load_descriptor(int descriptor, const lh_load_options* options, lh_model** model,
                                   lh_error* error) {
  return guarded(error, [&] {
    load_with(options, model,
              [&](const LoadOptions& how) { return Model::load_descriptor(descriptor, how); });
  });
}

lh_status lh_model_load_memory(lh_bytes file, int copy, const lh_load_options* options, lh_model** model,
                               lh_error* error) {
  return guarded(error, [&] {
    load_with(options, model, [&](const LoadOptions& how) {
      const std::span<const std::byte> bytes = bytes_of(file, "file.data");
      if (copy == 0) return Model::load_memory(bytes, how);
      return Model::load_memory(std::vector<std::byte>(bytes.begin(), bytes.end()), how);
    });
  });
}

void lh_model_free(lh_model* model) { delete model; }

lh_status lh_model_get_info(const lh_model* model, lh_model_info* info, lh_error* error) {
  return guarded(error, [&] {
    const ModelInfo& from = need(model, "model").info;
    check_size<lh_model_info>(need(info, "info").size, "model info");
    lh_model_info to = {};
    to.name = from.name.c_str();
    to.architecture = from.architecture.c_str();
    to.type = from.type.c_str();
    to.isa = from.isa.c_str();
    to.parameters = from.parameters;
    to.weight_bytes = from.weight_bytes;
    to.vocab = from.vocab;
    to.trained_context = from.trained_context;
    to.hidden = from.hidden;
    to.layers = from.layers;
    to.heads = from.heads;
    to.kv_heads = from.kv_heads;
    write_result(info, to);
  });
}

const char* lh_model_warning(const lh_model* model, size_t index) {
  if (model == nullptr || index >= model->info.warnings.size()) return nullptr;
  return model->info.warnings[index].c_str();
}

lh_status lh_encode(const lh_model* model, lh_text text, uint32_t flags, lh_token_buffer* out,
                    lh_error* error) {
  return guarded(error, [&] {
    constexpr std::uint32_t kKnown = LH_ENCODE_SPECIAL | LH_ENCODE_PARSE_SPECIAL;
    if ((flags & ~kKnown) != 0)
      throw Refusal{LH_E_ARGUMENT, fmt::format("flags are {:#x}, known are {:#x}", flags, kKnown)};
    const Model& m = need(model, "model").model;
    write_buffer(need(out, "out"), m.encode(text_of(text, "text.data"), (flags & LH_ENCODE_SPECIAL) != 0,
                                            (flags & LH_ENCODE_PARSE_SPECIAL) != 0));
  });
}

lh_status lh_decode(const lh_model* model, lh_tokens tokens, lh_text_buffer* out, lh_error* error) {
  return guarded(error, [&] {
    const Model& m = need(model, "model").model;
    const auto ids = tokens_of(tokens);
    check_tokens(m, ids);
    write_buffer(need(out, "out"), m.decode(ids));
  });
}

lh_status lh_piece(const lh_model* model, lh_token token, lh_text_buffer* out, lh_error* error) {
  return guarded(error, [&] {
    const Model& m = need(model, "model").model;
    check_tokens(m, {&token, 1});
    write_buffer(need(out, "out"), m.piece(token));
  });
}

int lh_ends_generation(const lh_model* model, lh_token token) {
  return model != nullptr && model->model.ends_generation(token) ? 1 : 0;
}

lh_status lh_decode_written_out(const lh_model* model, lh_tokens tokens, lh_text_buffer* out,
                                lh_error* error) {
  return guarded(error, [&] {
    const Model& m = need(model, "model").model;
    const auto ids = tokens_of(tokens);
    check_tokens(m, ids);
    write_buffer(need(out, "out"), m.decode(ids, true));
  });
}

lh_status lh_piece_written_out(const lh_model* model, lh_token token, lh_text_buffer* out, lh_error* error) {
  return guarded(error, [&] {
    const Model& m = need(model, "model").model;
    check_tokens(m, {&token, 1});
    write_buffer(need(out, "out"), m.piece(token, true));
  });
}

size_t lh_metadata_count(const lh_model* model) {
  return model == nullptr ? 0 : model->model.metadata_count();
}

lh_status lh_metadata_get(const lh_model* model, size_t number, lh_metadata_entry* entry, lh_error* error) {
  return guarded(error, [&] {
    const Model& m = need(model, "model").model;
    check_size<lh_metadata_entry>(need(entry, "entry").size, "metadata entry");
    const MetadataEntry from = m.metadata(number);
    lh_metadata_entry to = {};
    to.key = view_of(from.key);
    to.type = lh_value_type(from.type);
    to.is_array = from.is_array ? 1 : 0;
    to.count = from.count;
    write_result(entry, to);
  });
}

lh_status lh_metadata_find(const lh_model* model, lh_text key, size_t* number, lh_error* error) {
  return guarded(error, [&] {
    const Model& m = need(model, "model").model;
    std::size_t& place = need(number, "number");
    const std::string_view wanted = text_of(key, "key.data");
    const auto found = m.find_metadata(wanted);
    if (!found) throw Error(Errc::missing, fmt::format("the file has no key '{}'", wanted));
    place = *found;
  });
}

lh_status lh_metadata_values(const lh_model* model, size_t number, lh_value_buffer* out, lh_error* error) {
  return guarded(error, [&] {
    const Model& m = need(model, "model").model;
    std::vector<lh_value> values;
    for (const MetadataValue& value : m.metadata_values(number)) values.push_back(value_of(value));
    write_buffer(need(out, "out"), values);
  });
}
