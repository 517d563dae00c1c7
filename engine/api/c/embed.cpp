// The C interface: vectors and scores of texts.
#include <memory>
#include <vector>

#include "engine/api/c/guard.h"
#include "engine/api/c/handles.h"
#include "engine/api/c/options.h"

using namespace longhand;
using namespace longhand::c_api;

struct lh_embedder {
  Embedder embedder;
  Callbacks callbacks = {};
  std::atomic<bool> in_use{false};
};

namespace {

void write_input(const Embedder::Input& input, lh_token_buffer* out, int32_t* left_out) {
  write_buffer(need(out, "out"), input.tokens);
  if (left_out != nullptr) *left_out = input.left_out;
}

}  // namespace

lh_status lh_embedder_new(const lh_model* model, const lh_embed_options* options, lh_embedder** embedder,
                          lh_error* error) {
  return guarded(error, [&] {
    lh_embedder*& place = place_for(embedder, "embedder");
    const lh_embed_options given = read_options(options, "embed options");
    std::unique_ptr<lh_embedder> made(new lh_embedder{Embedder(need(model, "model").model, to_cpp(given))});
    if (given.session != nullptr) {
      const lh_session_options session = read_options(given.session, "session options");
      if (session.progress != nullptr) {
        made->embedder.on_progress([&callbacks = made->callbacks, session](int done, int total) {
          callbacks.stop_unless([&] { return session.progress(session.progress_user, done, total); });
        });
      }
    }
    place = made.release();
  });
}

void lh_embedder_free(lh_embedder* embedder) { delete embedder; }

int32_t lh_embedder_width(const lh_embedder* embedder) {
  return embedder == nullptr ? 0 : embedder->embedder.width();
}
int32_t lh_embedder_context(const lh_embedder* embedder) {
  return embedder == nullptr ? 0 : embedder->embedder.context();
}
lh_pooling lh_embedder_pooling(const lh_embedder* embedder) {
  return embedder == nullptr ? LH_POOLING_FROM_FILE : lh_pooling(embedder->embedder.pooling());
}
const char* lh_embedder_label(const lh_embedder* embedder, size_t index) {
  if (embedder == nullptr || index >= embedder->embedder.labels().size()) return nullptr;
  return embedder->embedder.labels()[index].c_str();
}

lh_status lh_embed_encode(const lh_embedder* embedder, lh_text text, lh_token_buffer* out, int32_t* left_out,
                          lh_error* error) {
  return guarded(error, [&] {
    write_input(need(embedder, "embedder").embedder.encode(text_of(text, "text.data")), out, left_out);
  });
}

lh_status lh_embed_encode_pair(const lh_embedder* embedder, lh_text query, lh_text document,
                               lh_token_buffer* out, int32_t* left_out, lh_error* error) {
  return guarded(error, [&] {
    const Embedder& e = need(embedder, "embedder").embedder;
    write_input(e.encode_pair(text_of(query, "query.data"), text_of(document, "document.data")), out,
                left_out);
  });
}

lh_status lh_embed(lh_embedder* embedder, const lh_tokens* texts, size_t count, lh_visit_vectors visit,
                   void* user, lh_error* error) {
  return guarded(error, [&] {
    lh_embedder& e = need(embedder, "embedder");
    if (visit == nullptr) throw Refusal{LH_E_ARGUMENT, "visit is NULL"};
    std::vector<std::vector<Token>> given;
    for (const lh_tokens& tokens : elements(texts, count, "texts")) {
      const auto all = tokens_of(tokens);
      given.emplace_back(all.begin(), all.end());
    }
    const InUse use(e.in_use, "embedder");
    e.callbacks.run([&] {
      e.embedder.embed(given, [&](std::size_t text, std::span<const float> vectors) {
        e.callbacks.stop_unless([&] { return visit(user, text, {vectors.data(), vectors.size()}); });
      });
    });
  });
}

lh_status lh_embed_text(lh_embedder* embedder, lh_text text, lh_float_buffer* out, lh_error* error) {
  return guarded(error, [&] {
    lh_embedder& e = need(embedder, "embedder");
    lh_float_buffer& place = need(out, "out");
    const std::string_view given = text_of(text, "text.data");
    const InUse use(e.in_use, "embedder");
    std::vector<float> vectors;
    e.callbacks.run([&] { vectors = e.embedder.embed(given); });
    write_buffer(place, vectors);
  });
}

void lh_embedder_cancel(lh_embedder* embedder) {
  if (embedder != nullptr) embedder->embedder.cancel();
}
void lh_embedder_clear_cancel(lh_embedder* embedder) {
  if (embedder != nullptr) embedder->embedder.clear_cancel();
}
