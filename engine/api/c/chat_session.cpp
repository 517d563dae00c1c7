// The C interface: conversations with a session kept in step with them.
#include <memory>
#include <vector>

#include "engine/api/c/guard.h"
#include "engine/api/c/handles.h"
#include "engine/api/c/options.h"

using namespace longhand;
using namespace longhand::c_api;

namespace {

lh_text view_of(const std::string& text) { return {text.data(), text.size()}; }

ChatSettings settings_of(const lh_chat_settings* settings) {
  return to_cpp(read_options(settings, "chat settings"));
}

lh_chat_listener read_listener(const lh_chat_listener* given) {
  lh_chat_listener listener{};
  if (given != nullptr) overlay(listener, given, given->size, "chat listener");
  return listener;
}

ChatListener to_cpp(const lh_chat_listener& from, Callbacks& callbacks) {
  ChatListener to;
  if (from.on_text != nullptr) {
    to.on_text = [&](std::string_view text, bool reasoning) {
      return callbacks.goes_on_unless_thrown([&] {
        return from.on_text(from.user, {text.data(), text.size()}, reasoning ? 1 : 0);
      });
    };
  }
  if (from.on_prompt != nullptr) {
    to.on_prompt = [&](const std::string& prompt) {
      callbacks.stop_unless([&] { return from.on_prompt(from.user, view_of(prompt)); });
    };
  }
  if (from.on_reading != nullptr) {
    to.on_reading = [&](int tokens) {
      callbacks.stop_unless([&] { return from.on_reading(from.user, tokens); });
    };
  }
  return to;
}

void write_answer(lh_chat_answer* place, const ChatAnswer& from) {
  if (place == nullptr) return;
  lh_chat_answer to = {};
  to.text = view_of(from.text);
  to.reasoning = view_of(from.reasoning);
  to.reason = lh_stop_reason(from.reason);
  to.dropped_turns = from.dropped_turns;
  to.read_tokens = from.read_tokens;
  to.written_tokens = from.written_tokens;
  to.read_seconds = from.read_seconds;
  to.write_seconds = from.write_seconds;
  to.moved_tokens = from.moved_tokens;
  write_result(place, to);
}

// `answer_with` answers with a listener.
template <class AnswerWith>
lh_status answer_turn(lh_chat_session* chat, const lh_chat_listener* listener, lh_chat_answer* answer,
                      lh_error* error, const AnswerWith& answer_with) {
  return guarded(error, [&] {
    lh_chat_session& c = need(chat, "chat");
    const lh_chat_listener given = read_listener(listener);
    if (answer != nullptr) check_size<lh_chat_answer>(answer->size, "chat answer");
    const InUse use(*c.session.in_use, "chat session");
    Callbacks& callbacks = c.session.callbacks;
    callbacks.run([&] { c.answer = answer_with(c.chat, to_cpp(given, callbacks)); });
    write_answer(answer, c.answer);
  });
}

// f(chat), while nobody else uses it.
template <class Function>
lh_status use_chat(lh_chat_session* chat, lh_error* error, const Function& f) {
  return guarded(error, [&] {
    lh_chat_session& c = need(chat, "chat");
    const InUse use(*c.session.in_use, "chat session");
    f(c);
  });
}

ChatTurn rotation_of(const lh_chat_turn& given) {
  return {.user = std::string(text_of(given.user, "user.data")),
          .answer = std::string(text_of(given.answer, "answer.data")),
          .reasoning = std::string(text_of(given.reasoning, "reasoning.data")),
          .answered = given.answered != 0,
          .cut = given.cut != 0};
}

// Turns lie as far apart as the caller's version of the struct is large.
std::vector<ChatTurn> turns_of(const lh_chat_turn* given, std::size_t count) {
  std::vector<ChatTurn> turns;
  if (count == 0) return turns;
  const std::size_t size = need(given, "turns").size;
  const auto* bytes = reinterpret_cast<const std::byte*>(given);
  for (std::size_t i = 0; i < count; ++i) {
    lh_chat_turn turn{};
    overlay(turn, bytes + i * size, size, "chat turn");
    if (turn.size != size) throw Refusal{LH_E_ARGUMENT, "the turns have different sizes"};
    turns.push_back(rotation_of(turn));
  }
  return turns;
}

}  // namespace

lh_status lh_chat_session_new(const lh_model* model, const lh_chat_settings* settings,
                              const lh_session_options* session, const lh_chat_options* written,
                              lh_chat_session** chat, lh_error* error) {
  return guarded(error, [&] {
    lh_chat_session*& place = place_for(chat, "chat");
    const Model& m = need(model, "model").model;
    const lh_session_options given = read_options(session, "session options");
    const auto options = std::make_shared<const SessionOptions>(c_api::to_cpp(given));
    Chat made(m, settings_of(settings), *options, c_api::to_cpp(read_options(written, "chat options")));
    Session& own = made.session();
    // The session stays where it is when the chat is moved.
    std::unique_ptr<lh_chat_session> handle(new lh_chat_session{std::move(made), {own, options}});
    tell_progress(handle->session, given);
    place = handle.release();
  });
}

void lh_chat_session_free(lh_chat_session* chat) { delete chat; }

lh_status lh_chat_session_ask(lh_chat_session* chat, lh_text message, const lh_chat_listener* listener,
                              lh_chat_answer* answer, lh_error* error) {
  return answer_turn(chat, listener, answer, error, [&](Chat& c, const ChatListener& to) {
    return c.ask(std::string(text_of(message, "message.data")), to);
  });
}

lh_status lh_chat_session_retry(lh_chat_session* chat, const lh_chat_listener* listener,
                                lh_chat_answer* answer, lh_error* error) {
  return answer_turn(chat, listener, answer, error,
                     [](Chat& c, const ChatListener& to) { return c.retry(to); });
}

lh_status lh_chat_session_undo(lh_chat_session* chat, lh_error* error) {
  return use_chat(chat, error, [](lh_chat_session& c) {
    if (!c.chat.undo()) throw Error(Errc::range, "the conversation has no turn to forget");
  });
}

lh_status lh_chat_session_clear(lh_chat_session* chat, lh_error* error) {
  return use_chat(chat, error, [](lh_chat_session& c) { c.chat.clear(); });
}

lh_status lh_chat_session_change(lh_chat_session* chat, const lh_chat_settings* settings, lh_error* error) {
  return use_chat(chat, error, [&](lh_chat_session& c) { c.chat.change(settings_of(settings)); });
}

lh_status lh_chat_session_restore(lh_chat_session* chat, const lh_chat_settings* settings,
                                  const lh_chat_turn* turns, size_t count, lh_error* error) {
  return use_chat(chat, error,
                  [&](lh_chat_session& c) { c.chat.restore(settings_of(settings), turns_of(turns, count)); });
}

lh_status lh_chat_session_speculate(lh_chat_session* chat, int on, const lh_speculation_options* options,
                                    lh_error* error) {
  return use_chat(chat, error, [&](lh_chat_session& c) {
    if (on == 0) return c.chat.speculate(std::nullopt);
    const SpeculationOptions how = c_api::to_cpp(read_options(options, "speculation options"));
    c.chat.speculate(Speculation(c.session.session, *c.session.options, how));
  });
}

size_t lh_chat_session_count(const lh_chat_session* chat) {
  return chat == nullptr ? 0 : chat->chat.turns().size();
}

lh_status lh_chat_session_turn(const lh_chat_session* chat, size_t number, lh_chat_turn* turn,
                               lh_error* error) {
  return guarded(error, [&] {
    const std::vector<ChatTurn>& turns = need(chat, "chat").chat.turns();
    check_size<lh_chat_turn>(need(turn, "turn").size, "chat turn");
    if (number >= turns.size())
      throw Error(Errc::range, fmt::format("turn {} must be below {}", number, turns.size()));
    const ChatTurn& from = turns[number];
    lh_chat_turn to = {};
    to.user = view_of(from.user);
    to.answer = view_of(from.answer);
    to.reasoning = view_of(from.reasoning);
    to.answered = from.answered ? 1 : 0;
    to.cut = from.cut ? 1 : 0;
    write_result(turn, to);
  });
}

int32_t lh_chat_session_forgotten(const lh_chat_session* chat) {
  return chat == nullptr ? 0 : chat->chat.forgotten();
}
int32_t lh_chat_session_kept(const lh_chat_session* chat) { return chat == nullptr ? 0 : chat->chat.kept(); }
uint32_t lh_chat_session_seed(const lh_chat_session* chat) { return chat == nullptr ? 0 : chat->chat.seed(); }

lh_status lh_chat_session_tokens_with(const lh_chat_session* chat, lh_text message, size_t* tokens,
                                      lh_error* error) {
  return guarded(error, [&] {
    const Chat& c = need(chat, "chat").chat;
    need(tokens, "tokens") = c.tokens_with(std::string(text_of(message, "message.data")));
  });
}

lh_status lh_chat_session_way_back(const lh_chat_session* chat, int32_t* to, int32_t* cost, lh_error* error) {
  return guarded(error, [&] {
    const Chat& c = need(chat, "chat").chat;
    std::int32_t &to_place = need(to, "to"), &cost_place = need(cost, "cost");
    const Chat::WayBack way = c.way_back();
    to_place = way.to;
    cost_place = way.cost;
  });
}

lh_session* lh_chat_session_of(lh_chat_session* chat) { return chat == nullptr ? nullptr : &chat->session; }
