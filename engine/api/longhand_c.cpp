// The C interface: statuses, errors, models and their vocabulary.
#include "engine/longhand_c.h"

#include <array>
#include <memory>

#include "engine/api/longhand_c_guard.h"
#include "engine/api/longhand_c_handles.h"
#include "engine/api/longhand_c_options.h"

namespace longhand::c_api {
namespace {

constexpr lh_status status_of(Errc code) noexcept {
  return static_cast<lh_status>(static_cast<int>(code) + 1);
}
static_assert(status_of(Errc::io) == LH_E_IO && status_of(Errc::range) == LH_E_RANGE &&
              status_of(Errc::cancelled) == LH_E_CANCELLED && status_of(Errc::busy) == LH_E_BUSY);

// The message of an Error is at most 500 bytes, and a cut of other messages may fall inside a character.
std::string_view fit(std::string_view message) noexcept {
  constexpr std::size_t kMost = sizeof(lh_error::message) - 1;
  if (message.size() <= kMost) return message;
  std::size_t size = kMost;
  while (size > 0 && (static_cast<unsigned char>(message[size]) & 0xC0) == 0x80) --size;
  return message.substr(0, size);
}

std::string own_message(lh_status status, std::string_view message) {
  return fmt::format("{} [{}]", escape_controls(message, 480), lh_status_name(status));
}

}  // namespace

lh_status report(lh_error* error, lh_status status, std::string_view message) noexcept {
  if (error == nullptr) return status;
  const std::string_view text = fit(message);
  error->status = status;
  *std::copy(text.begin(), text.end(), error->message) = '\0';
  return status;
}

lh_status report_current(lh_error* error) noexcept {
  try {
    try {
      throw;
    } catch (const Error& e) {
      return report(error, status_of(e.code()), e.what());
    } catch (const Refusal& r) {
      return report(error, r.status, own_message(r.status, r.message));
    } catch (const std::bad_alloc&) { throw; } catch (const std::length_error& e) {
      return report(error, LH_E_NO_MEMORY, own_message(LH_E_NO_MEMORY, e.what()));
    } catch (const std::exception& e) {
      return report(error, LH_E_INTERNAL, own_message(LH_E_INTERNAL, e.what()));
    }
  } catch (const std::bad_alloc&) {
    return report(error, LH_E_NO_MEMORY, "not enough memory [E_NO_MEMORY]");
  } catch (...) { return report(error, LH_E_INTERNAL, "an exception of no known type [E_INTERNAL]"); }
}

namespace {

// What can be looked up in the vocabulary. Throws Error (range).
void check_tokens(const Model& model, std::span<const Token> tokens) {
  const int vocab = model.info().vocab;
  for (const Token token : tokens) {
    if (token < 0 || token >= vocab)
      throw Error(Errc::range, fmt::format("token {} must be 0..{}", token, vocab - 1));
  }
}

}  // namespace
}  // namespace longhand::c_api

using namespace longhand;
using namespace longhand::c_api;

const char* lh_status_name(lh_status status) {
  const int number = number_of(status);
  if (number == LH_OK) return "OK";
  if (number >= LH_E_IO && number <= LH_E_BUSY)
    return errc_name(static_cast<Errc>(number - 1)).data();  // of a string literal
  constexpr std::array kOwn = {"E_ARGUMENT", "E_BUFFER", "E_CALLBACK", "E_INTERNAL"};
  if (number >= LH_E_ARGUMENT && number <= LH_E_INTERNAL)
    return kOwn[static_cast<std::size_t>(number - LH_E_ARGUMENT)];
  return "E_UNKNOWN";
}

const char* lh_version(void) { return LONGHAND_VERSION; }

lh_text lh_string(const char* text) {
  return text == nullptr ? lh_text{nullptr, 0} : lh_text{text, std::strlen(text)};
}

lh_status lh_model_load(const char* path, const lh_load_options* options, lh_model** model, lh_error* error) {
  return guarded(error, [&] {
    lh_model*& place = place_for(model, "model");
    const lh_load_options given = read_options(options, "load options");
    LoadOptions load = to_cpp(given);
    Callbacks callbacks;
    if (given.progress != nullptr) {
      load.progress = [&](float share) {
        return callbacks.goes_on([&] { return given.progress(given.progress_user, share); });
      };
    }
    callbacks.run([&] {
      const Model loaded = Model::load(&need(path, "path"), load);
      place = new lh_model{loaded, loaded.info()};
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
