#include "tests/fuzz/gguf_words.h"

#include <set>

#include "loaders/model/tensors/tensor_list.h"
#include "tests/fuzz/small_models.h"

namespace longhand::fuzz {
namespace {

// Their sizes are the file's own choice, so that no list of tensors has them.
constexpr const char* kKeyCodes[] = {"attn_k_codebook.weight", "attn_k_codebook_proj.weight",
                                     "attn_k_fsq_in.weight", "attn_k_fsq_out.weight",
                                     "attn_k_features.weight"};

std::string without_layer(const std::string& name) {
  return name.starts_with("blk.") ? name.substr(name.find('.', 4) + 1) : name;
}

// What is asked for, whether the answer is yes or no, and what is taken without asking.
std::vector<std::string> all_names() {
  std::set<std::string> names(std::begin(kKeyCodes), std::end(kKeyCodes));
  for (const ArchSpec* arch : all_archs()) {
    for (const std::uint32_t experts : {0u, 2u}) {
      GgufHead head;
      add_metadata(head, {.arch = std::string(arch->name), .experts = experts});
      ModelConfig config = load_config(head);
      config.vocab = 12;
      for (const bool answer : {true, false}) {
        const auto asked = [&](const std::string& name) {
          names.insert(without_layer(name));
          return answer || (experts > 0 && name.ends_with("ffn_gate_inp.weight"));
        };
        for (const ListedTensor& t : list_tensors(config, asked)) names.insert(without_layer(t.name));
      }
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace

const std::vector<std::string>& tensor_words() {
  static const std::vector<std::string> names = all_names();
  return names;
}

}  // namespace longhand::fuzz
