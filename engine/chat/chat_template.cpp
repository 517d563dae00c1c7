#include "engine/chat/chat_template.h"

#include "engine/api/access.h"
#include "engine/chat/conversation.h"
#include "engine/chat/jinja/functions/clock.h"
#include "engine/forward/model.h"

namespace longhand {
namespace {

ChatSource source_of(const Model& model, const ChatTemplateOptions& options) {
  ChatSource source = chat_source(model_data(model).tokenizer.vocab());
  if (!options.text.empty()) source.template_text = options.text;
  if (!options.now.empty()) source.now = jinja::parse_iso8601(options.now);
  return source;
}

}  // namespace

ChatTemplate::Impl::Impl(const Model& of, const ChatTemplateOptions& options)
    : model(of), format(source_of(of, options)), encoder(model_data(model).tokenizer) {}

ChatTemplate::ChatTemplate(const Model& model, const ChatTemplateOptions& options)
    : impl_(std::make_shared<const Impl>(model, options)) {}

std::vector<Token> ChatTemplate::encode(std::span<const ChatMessage> messages,
                                        const ChatOptions& options) const {
  return impl_->encoder.encode(impl_->format.render(messages, options));
}

std::string ChatTemplate::render(std::span<const ChatMessage> messages, const ChatOptions& options) const {
  return prompt_text(impl_->format.render(messages, options));
}

bool ChatTemplate::is_fallback() const noexcept { return impl_->format.is_fallback(); }
bool ChatTemplate::accepts_system() const noexcept { return impl_->format.accepts_system(); }
bool ChatTemplate::reasons() const noexcept {
  return impl_->format.reasoning().form != ReasoningStyle::Form::none;
}

std::vector<Token> ChatTemplate::reasoning_tokens() const {
  return marker_tokens(impl_->format.reasoning(), model_data(impl_->model).tokenizer);
}

std::vector<std::string> ChatTemplate::warnings() const {
  std::vector<std::string> out = impl_->format.warnings();
  if (begins_twice(impl_->format, model_data(impl_->model).tokenizer)) {
    out.push_back("the chat template and the vocabulary both begin a text: the model sees that token twice");
  }
  return out;
}

}  // namespace longhand
