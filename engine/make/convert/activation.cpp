#include "engine/make/convert/activation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "loaders/model/arch.h"

namespace longhand {
namespace {

struct ActivationRow {
  Act act;
  std::string_view name;  // in config.json
};

// Gemma 1 says "gelu" and means the form with tanh, as do its readers. gpt-oss says "silu", and has limits
// that no key states.
constexpr ActivationRow kRows[] = {{Act::silu, "silu"},
                                   {Act::silu, "swish"},
                                   {Act::swiglu_oai, "silu"},
                                   {Act::swiglu_oai, "swish"},
                                   {Act::gelu, "gelu_pytorch_tanh"},
                                   {Act::gelu, "gelu_new"},
                                   {Act::gelu, "gelu_fast"},
                                   {Act::gelu, "gelu"},
                                   {Act::gelu_erf, "gelu"},
                                   {Act::relu, "relu"},
                                   {Act::relu_squared, "relu2"}};

std::vector<std::string_view> names_of(Act act) {
  std::vector<std::string_view> names;
  for (const ActivationRow& row : kRows) {
    if (row.act == act) names.push_back(row.name);
  }
  return names;
}

}  // namespace

void check_activation(const HubConfig& config, std::string_view architecture) {
  const ArchSpec* arch = find_arch(architecture);
  if (arch == nullptr) return;
  const std::vector<std::string_view> names = names_of(arch->act);
  for (const std::string_view key : {"hidden_act", "hidden_activation"}) {
    const auto stated = config.find_text(key);
    if (!stated || std::ranges::find(names, *stated) != names.end()) continue;
    config.fail(Errc::unsupported, key,
                fmt::format("'{}', models of architecture '{}' have {}", escape_controls(*stated, 40),
                            architecture, fmt::join(names, " or ")));
  }
}

}  // namespace longhand
