#include <string>

#include "engine/longhand.h"
#include "tests/fuzz/seeds.h"
#include "tests/support/lora.h"
#include "tests/support/tiny_model.h"

namespace longhand::fuzz {
namespace {

std::string control_vector() {
  test::GgufWriter w;
  w.add("general.architecture", "controlvector").add("controlvector.model_hint", "llama");
  w.tensor("direction.1", {32}, std::vector<float>(32, 0.5f));
  return w.build();
}

}  // namespace

std::vector<Seed> adapter_seeds() {
  const Model model = Model::load_memory(test::tiny_llama().bytes());
  const auto only = [](const std::string& name) {
    return [name](const std::string& tensor) { return tensor == name; };
  };
  std::vector<Seed> seeds;
  for (const char* name : {"blk.0.attn_q.weight", "blk.1.ffn_down.weight", "token_embd.weight"})
    seeds.push_back({"adapter", name, test::random_lora(model, {.rank = 2, .wanted = only(name)}).build()});
  seeds.push_back(
      {"adapter", "f16",
       test::random_lora(
           model,
           {.rank = 1, .alpha = 0, .format = FormatId(find_format(1)), .wanted = only("blk.0.ffn_up.weight")})
           .build()});
  seeds.push_back({"adapter", "control_vector", control_vector()});
  return seeds;
}

}  // namespace longhand::fuzz
