// tokenizer.model from raw bytes.
#include "loaders/vocab/spm_model.h"

#include "tests/fuzz/fuzz.h"

namespace longhand::fuzz {

void run(std::string_view input) {
  accepts([&] { check(!parse_spm_model(as_bytes(input), "fuzz").pieces.empty(), "a model has pieces"); });
}

}  // namespace longhand::fuzz
