// The C interface: sessions.
#include <limits>
#include <memory>
#include <vector>

#include "engine/api/c/guard.h"
#include "engine/api/c/handles.h"
#include "engine/api/c/options.h"

using namespace longhand;
using namespace longhand::c_api;

namespace {

lh_logits view_of(std::span<const float> logits) { return {logits.data(), logits.size()}; }

// `make` gives the session.
template <class Make>
void make_session(const lh_session_options* options, lh_session** session, const SharedFlag& flag,
                  const Make& make) {
  lh_session*& place = place_for(session, "session");
  const lh_session_options given = read_options(options, "session options");
  const auto kept = std::make_shared<const SessionOptions>(to_cpp(given));
  auto made = std::make_unique<lh_session>(make(*kept), kept, flag);
  tell_progress(*made, given);
  place = made.release();
}

}  // namespace

void longhand::c_api::tell_progress(lh_session& session, const lh_session_options& given) {
  if (given.progress == nullptr) return;
  session.session.on_progress(
      [&callbacks = session.callbacks, call = given.progress, user = given.progress_user](
          int done, int total) { callbacks.stop_unless([&] { return call(user, done, total); }); });
}

lh_status lh_session_new(const lh_model* model, const lh_session_options* options, lh_session** session,
                         lh_error* error) {
  return guarded(error, [&] {
    make_session(options, session, new_flag(),
                 [&](const SessionOptions& how) { return Session(need(model, "model").model, how); });
  });
}

lh_status lh_session_new_of(lh_runner* runner, const lh_session_options* options, lh_session** session,
                            lh_error* error) {
  return guarded(error, [&] {
    place_for(session, "session");
    lh_runner& r = need(runner, "runner");
    const InUse use(*r.in_use, "runner");
    make_session(options, session, r.in_use,
                 [&](const SessionOptions& how) { return Session(r.runner, how); });
  });
}

lh_status lh_session_fork(lh_session* session, lh_session** fork, lh_error* error) {
  return guarded(error, [&] {
    lh_session*& place = place_for(fork, "fork");
    lh_session& s = need(session, "session");
    const InUse use(*s.in_use, "session");
    // Options of its own: they tell sessions apart.
    place = new lh_session(s.session.fork(), std::make_shared<const SessionOptions>(*s.options), s.in_use);
  });
}

void lh_session_free(lh_session* session) {
  if (session != nullptr && session->own) delete session;
}

lh_status lh_feed(lh_session* session, lh_tokens tokens, lh_logits* logits, lh_error* error) {
  return guarded(error, [&] {
    lh_session& s = need(session, "session");
    const InUse use(*s.in_use, "session");
    s.callbacks.run([&] {
      const auto last = s.session.feed(tokens_of(tokens));
      if (logits != nullptr) *logits = view_of(last);
    });
  });
}

lh_status lh_feed_each(lh_session* session, lh_tokens tokens, lh_visit visit, void* user, lh_error* error) {
  return guarded(error, [&] {
    lh_session& s = need(session, "session");
    if (visit == nullptr) throw Refusal{LH_E_ARGUMENT, "visit is NULL"};
    const InUse use(*s.in_use, "session");
    s.callbacks.run([&] {
      s.session.feed(tokens_of(tokens), [&](int position, std::span<const float> logits) {
        s.callbacks.stop_unless([&] { return visit(user, position, view_of(logits)); });
      });
    });
  });
}

lh_status lh_feed_hidden(lh_session* session, lh_tokens tokens, lh_visit_hidden visit, void* user,
                         lh_error* error) {
  return guarded(error, [&] {
    lh_session& s = need(session, "session");
    if (visit == nullptr) throw Refusal{LH_E_ARGUMENT, "visit is NULL"};
    const InUse use(*s.in_use, "session");
    const auto show = [&](int position, std::span<const float> hidden) {
      s.callbacks.stop_unless([&] { return visit(user, position, hidden.data(), hidden.size()); });
    };
    s.callbacks.run([&] { s.session.feed(tokens_of(tokens), show, Want::hidden); });
  });
}

lh_status lh_feed_embeddings(lh_session* session, const float* values, size_t count,
                             const lh_position* positions, lh_logits* logits, lh_error* error) {
  return guarded(error, [&] {
    lh_session& s = need(session, "session");
    const auto hidden = std::size_t(s.session.model().info().hidden);
    if (count > std::numeric_limits<std::size_t>::max() / hidden)
      throw Refusal{LH_E_ARGUMENT, "count is more than memory holds"};
    std::vector<TokenPosition> places;
    if (positions != nullptr) {
      for (const lh_position& p : elements(positions, count, "positions")) places.push_back({p.t, p.h, p.w});
    }
    const InUse use(*s.in_use, "session");
    s.callbacks.run([&] {
      const auto last = s.session.feed(Embeddings{elements(values, count * hidden, "values"), places});
      if (logits != nullptr) *logits = view_of(last);
    });
  });
}

lh_status lh_get_logits(lh_session* session, int32_t position, lh_logits* logits, lh_error* error) {
  return guarded(error, [&] {
    lh_session& s = need(session, "session");
    lh_logits& place = need(logits, "logits");
    const InUse use(*s.in_use, "session");
    s.callbacks.run([&] { place = view_of(s.session.logits(position)); });
  });
}

lh_status lh_rewind(lh_session* session, int32_t size, lh_error* error) {
  return guarded(error, [&] {
    lh_session& s = need(session, "session");
    const InUse use(*s.in_use, "session");
    s.session.rewind(size);
  });
}

lh_status lh_save_state(lh_session* session, const char* path, lh_error* error) {
  return guarded(error, [&] {
    lh_session& s = need(session, "session");
    const InUse use(*s.in_use, "session");
    s.session.save_state(&need(path, "path"));
  });
}

lh_status lh_restore_state(lh_session* session, const char* path, lh_error* error) {
  return guarded(error, [&] {
    lh_session& s = need(session, "session");
    const InUse use(*s.in_use, "session");
    s.session.restore_state(&need(path, "path"));
  });
}

lh_status lh_state_bytes(lh_session* session, uint64_t* bytes, lh_error* error) {
  return guarded(error, [&] {
    lh_session& s = need(session, "session");
    std::uint64_t& place = need(bytes, "bytes");
    const InUse use(*s.in_use, "session");
    place = s.session.state_bytes();
  });
}

lh_status lh_save_state_memory(lh_session* session, lh_byte_buffer* out, lh_error* error) {
  return guarded(error, [&] {
    lh_session& s = need(session, "session");
    lh_byte_buffer& buffer = need(out, "out");
    const InUse use(*s.in_use, "session");
    make_room(buffer, std::size_t(s.session.state_bytes()));
    auto& first = need(static_cast<std::byte*>(buffer.data), "the buffer's data");
    s.session.save_state(std::span(&first, buffer.size));
  });
}

lh_status lh_restore_state_memory(lh_session* session, lh_bytes state, lh_error* error) {
  return guarded(error, [&] {
    lh_session& s = need(session, "session");
    const auto bytes = bytes_of(state, "state.data");
    const InUse use(*s.in_use, "session");
    s.session.restore_state(bytes);
  });
}

lh_status lh_cut(lh_session* session, int32_t from, int32_t to, int* done, lh_error* error) {
  return guarded(error, [&] {
    lh_session& s = need(session, "session");
    const InUse use(*s.in_use, "session");
    int& place = need(done, "done");
    place = s.session.cut(from, to) ? 1 : 0;
  });
}
int32_t lh_session_rewind_cost(const lh_session* session, int32_t size) {
  return session == nullptr ? 0 : session->session.rewind_cost(size);
}
int32_t lh_session_size(const lh_session* session) {
  return session == nullptr ? 0 : session->session.size();
}
int32_t lh_session_context(const lh_session* session) {
  return session == nullptr ? 0 : session->session.context();
}
int32_t lh_session_threads(const lh_session* session) {
  return session == nullptr ? 0 : session->session.threads();
}
uint64_t lh_session_bytes(const lh_session* session) {
  return session == nullptr ? 0 : session->session.bytes();
}
int lh_session_context_was_cut(const lh_session* session) {
  return session != nullptr && session->session.context_was_cut() ? 1 : 0;
}

lh_tokens lh_session_tokens(const lh_session* session) {
  if (session == nullptr) return {nullptr, 0};
  const auto tokens = session->session.tokens();
  return {tokens.data(), tokens.size()};
}

void lh_session_cancel(lh_session* session) {
  if (session != nullptr) session->session.cancel();
}
void lh_session_clear_cancel(lh_session* session) {
  if (session != nullptr) session->session.clear_cancel();
}
