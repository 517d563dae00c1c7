#include <array>

#include "loaders/model/arch.h"

namespace longhand {
namespace {

// One line a family.
auto families() noexcept {
  return std::array{llama_family(),
                    qwen_family(),
                    gemma_family(),
                    scaled_family(),
                    layer_norm_family(),
                    experts_family(),
                    windowed_experts_family(),
                    latent_family(),
                    lfm_family(),
                    hunyuan_family(),
                    plamo_family(),
                    no_rope_family(),
                    mamba_family(),
                    rwkv_family(),
                    bert_family()};
}

}  // namespace

const ArchSpec* find_arch(std::string_view name) noexcept {
  for (const auto& family : families()) {
    for (const ArchSpec& spec : family) {
      if (spec.name == name) return &spec;
    }
  }
  return nullptr;
}

std::vector<const ArchSpec*> all_archs() {
  std::vector<const ArchSpec*> all;
  for (const auto& family : families()) {
    for (const ArchSpec& spec : family) all.push_back(&spec);
  }
  return all;
}

std::string known_archs() {
  std::string names;
  for (const ArchSpec* spec : all_archs()) names += (names.empty() ? "" : ", ") + std::string(spec->name);
  return names;
}

}  // namespace longhand
