// Adapters and control vectors of a small model: whatever a file says, it is refused with a clear error, or
// tokens can be computed with it.
#include <algorithm>
#include <vector>

#include "engine/longhand.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tiny_sessions.h"
#include "tests/support/tiny_model.h"

namespace longhand::fuzz {
namespace {

constexpr int kTokens = 5;

SessionOptions small() {
  SessionOptions options;
  options.context = 16;
  options.threads = 1;
  return options;
}

std::vector<float> copy(std::span<const float> row) { return {row.begin(), row.end()}; }

}  // namespace

void run(std::string_view input) {
  static const Model model = Model::load_memory(test::tiny_llama().bytes());
  static const std::vector<float> plain = [] {
    Session session(model, small());
    return copy(session.feed(tiny_text(kTokens, 1)));
  }();
  Session session(model, small());
  std::vector<AdapterUse> adapters;
  std::vector<ControlUse> controls;
  accepts([&] { adapters.push_back({Adapter::load_memory(model, as_bytes(input)), 0.5f}); });
  accepts([&] { controls.push_back({ControlVector::load_memory(model, as_bytes(input)), 0.5f}); });
  check(adapters.empty() || controls.empty(), "no file is both");
  session.set_adapters(adapters, controls);
  const std::vector<float> changed = copy(session.feed(tiny_text(kTokens, 1)));
  if (adapters.empty() && controls.empty()) check(changed == plain, "what was refused changes nothing");
  Session after(model, small());
  check(copy(after.feed(tiny_text(kTokens, 1))) == plain, "the model stays as it is");
}

}  // namespace longhand::fuzz
