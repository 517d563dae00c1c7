// GGUF files turned back into what they were converted from: names, orders and numbers by the definitions of
// the models' own code, apart from the converter's tables.
#pragma once

#include "loaders/gguf/gguf.h"
#include "tests/make/hub_folder.h"

namespace longhand::test {

/// Of float32 tensors, and MXFP4 experts. Without a tokenizer.
HubFolder unconvert(const Gguf& file);

/// tokenizer.json of the file's vocabulary.
nlohmann::json tokenizer_of(const Gguf& file);
/// tokenizer_config.json of it.
nlohmann::json tokenizer_config_of(const Gguf& file);

}  // namespace longhand::test
