// The tokenizer's part of a GGUF file's metadata.
#pragma once

#include <string>

#include "engine/make/convert/hub_config.h"
#include "engine/make/convert/model_keys.h"
#include "engine/make/convert/tokenizer/hub_vocab.h"

namespace longhand {

/// Tokens, merges, the ids of special tokens, what is added around texts, and the chat templates: of
/// tokenizer_config.json, tokenizer.json, generation_config.json, chat_template.jinja and `config`.
/// Throws Error as HubConfig does.
void add_vocab_keys(const std::string& folder, const HubConfig& config, const HubVocab& vocab,
                    ModelKeys& keys);

}  // namespace longhand
