// The C interface: functions that a model may call.
#include "engine/api/access.h"
#include "engine/api/c/guard.h"
#include "engine/api/c/handles.h"
#include "engine/api/c/messages.h"
#include "engine/api/c/options.h"
#include "engine/forward/model.h"
#include "engine/longhand_c_tools.h"

using namespace longhand;
using namespace longhand::c_api;

struct lh_answer {
  AnswerParser parser;
  Callbacks callbacks = {};
  std::atomic<bool> in_use{false};
};

namespace {

static_assert(LH_TOOLS_REQUIRED == int(ToolChoice::required));
static_assert(LH_ANSWER_CALL_END == int(AnswerEvent::Kind::call_end));

ToolOptions to_cpp(const lh_tool_offer& from) {
  ToolOptions to;
  const int choice = number_of(from.choice);
  if (choice < LH_TOOLS_AUTOMATIC || choice > LH_TOOLS_REQUIRED)
    throw Error(Errc::range, fmt::format("choice {} must be 0..{}", choice, int(LH_TOOLS_REQUIRED)));
  to.choice = ToolChoice(choice);
  to.name = string_or_empty(from.name);
  to.parallel = from.one_call == 0;
  to.answer_schema = text_of(from.answer_schema, "offer.answer_schema.data");
  return to;
}

lh_text view(const std::string& text) { return {text.data(), text.size()}; }

void tell(lh_answer& answer, const std::vector<AnswerEvent>& events, lh_on_answer on_event, void* user) {
  if (on_event == nullptr) return;
  for (const AnswerEvent& event : events) {
    const lh_answer_event told{lh_answer_kind(event.kind), view(event.text),   event.call,
                               event.id.c_str(),           event.name.c_str(), event.whole ? 1 : 0};
    if (!answer.callbacks.goes_on_unless_thrown([&] { return on_event(user, &told); })) return;
  }
}

}  // namespace

lh_status lh_tools_new(const lh_chat* chat, lh_tool_offer offer, lh_tools** tools, lh_error* error) {
  return guarded(error, [&] {
    lh_tools*& place = place_for(tools, "tools");
    const ToolSet made(need(chat, "chat").written, text_of(offer.tools, "offer.tools.data"), to_cpp(offer));
    place = new lh_tools{made, std::string(made.form()), made.notes()};
  });
}

void lh_tools_free(lh_tools* tools) { delete tools; }
const char* lh_tools_form(const lh_tools* tools) { return tools == nullptr ? "" : tools->form.c_str(); }
const char* lh_tools_note(const lh_tools* tools, size_t index) {
  return tools != nullptr && index < tools->notes.size() ? tools->notes[index].c_str() : nullptr;
}

lh_status lh_tools_encode(const lh_tools* tools, lh_conversation conversation,
                          const lh_render_options* options, lh_token_buffer* out, int32_t* opens_reasoning,
                          lh_error* error) {
  return guarded(error, [&] {
    const lh_tools& t = need(tools, "tools");
    const lh_render_options given = read_options(options, "render options");
    const ToolPrompt prompt = t.tools.prompt(messages_of(conversation, given), chat_options(given));
    if (opens_reasoning != nullptr) *opens_reasoning = prompt.opens_reasoning ? 1 : 0;
    write_buffer(need(out, "out"), prompt.tokens);
  });
}

lh_status lh_tools_written_out(const lh_tools* tools, lh_token_buffer* out, lh_error* error) {
  return guarded(error, [&] { write_buffer(need(out, "out"), need(tools, "tools").tools.written_out()); });
}

lh_status lh_tools_sampler(const lh_tools* tools, const lh_model* model, const lh_sampler_options* options,
                           int32_t opens_reasoning, lh_sampler** sampler, lh_error* error) {
  return guarded(error, [&] {
    lh_sampler*& place = place_for(sampler, "sampler");
    const Model& m = need(model, "model").model;
    SamplerOptions how = c_api::to_cpp(read_options(options, "sampler options"));
    need(tools, "tools").tools.constrain(how, {.tokens = {}, .opens_reasoning = opens_reasoning != 0});
    place = new lh_sampler{Sampler(m, how), std::size_t(model_data(m).tokenizer.size())};
  });
}

lh_status lh_answer_new(const lh_tools* tools, lh_tokens prompt, int32_t opens_reasoning, lh_answer** answer,
                        lh_error* error) {
  return guarded(error, [&] {
    lh_answer*& place = place_for(answer, "answer");
    const auto tokens = tokens_of(prompt);
    const ToolPrompt given{{tokens.begin(), tokens.end()}, opens_reasoning != 0};
    place = new lh_answer{need(tools, "tools").tools.parser(given)};
  });
}

void lh_answer_free(lh_answer* answer) { delete answer; }

lh_status lh_answer_push(lh_answer* answer, lh_text text, lh_on_answer on_event, void* user,
                         lh_error* error) {
  return guarded(error, [&] {
    lh_answer& a = need(answer, "answer");
    const InUse use(a.in_use, "answer");
    tell(a, a.parser.push(text_of(text, "text.data")), on_event, user);
  });
}

lh_status lh_answer_finish(lh_answer* answer, lh_on_answer on_event, void* user, lh_error* error) {
  return guarded(error, [&] {
    lh_answer& a = need(answer, "answer");
    const InUse use(a.in_use, "answer");
    tell(a, a.parser.finish(), on_event, user);
  });
}

lh_text lh_answer_content(const lh_answer* answer) {
  return answer == nullptr ? lh_text{nullptr, 0} : view(answer->parser.content());
}
lh_text lh_answer_reasoning(const lh_answer* answer) {
  return answer == nullptr ? lh_text{nullptr, 0} : view(answer->parser.reasoning());
}
size_t lh_answer_call_count(const lh_answer* answer) {
  return answer == nullptr ? 0 : answer->parser.calls().size();
}

lh_status lh_answer_call(const lh_answer* answer, size_t number, lh_tool_call* call, lh_error* error) {
  return guarded(error, [&] {
    const auto& calls = need(answer, "answer").parser.calls();
    lh_tool_call& place = need(call, "call");
    if (number >= calls.size())
      throw Error(Errc::range, fmt::format("call {} must be below {}", number, calls.size()));
    const ToolCall& from = calls[number];
    place = {from.id.c_str(), from.name.c_str(), view(from.arguments), from.whole ? 1 : 0};
  });
}

lh_status lh_answer_tool_calls(const lh_answer* answer, lh_text_buffer* out, lh_error* error) {
  return guarded(error,
                 [&] { write_buffer(need(out, "out"), need(answer, "answer").parser.message().tool_calls); });
}
