// What stands behind the public ChatTemplate.
#pragma once

#include "engine/chat/chat_format.h"
#include "engine/chat/prompt.h"
#include "engine/longhand_chat.h"

namespace longhand {

struct ChatTemplate::Impl {
  Impl(const Model& of, const ChatTemplateOptions& options);

  Model model;  // keeps the tokenizer alive
  ChatFormat format;
  PromptEncoder encoder;
};

}  // namespace longhand
