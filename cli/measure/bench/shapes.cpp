#include "cli/measure/bench/shapes.h"

#include <algorithm>

namespace longhand::cli {
namespace {

constexpr bool kTied = true, kUntied = false;

// Widths are those of the published models' configurations. The last two are of no model: for tests.
// clang-format off
constexpr ModelShape kShapes[] = {
    // name         arch      layers hidden heads kv dim  ff     vocab   head     context rope base  epsilon
    {"smollm-135m", "llama",      30,  576,    9, 3,  64, 1536,  49152,  kTied,    8192,   100000, 1e-5f},
    {"llama-1b",    "llama",      16, 2048,   32, 8,  64, 8192,  128256, kTied,    131072, 500000, 1e-5f},
    {"llama-3b",    "llama",      28, 3072,   24, 8, 128, 8192,  128256, kTied,    131072, 500000, 1e-5f},
    {"llama-8b",    "llama",      32, 4096,   32, 8, 128, 14336, 128256, kUntied,  131072, 500000, 1e-5f},
    {"qwen3-0.6b",  "qwen3",      28, 1024,   16, 8, 128, 3072,  151936, kTied,    40960, 1000000, 1e-6f},
    {"qwen3-1.7b",  "qwen3",      28, 2048,   16, 8, 128, 6144,  151936, kTied,    40960, 1000000, 1e-6f},
    {"qwen3-4b",    "qwen3",      36, 2560,   32, 8, 128, 9728,  151936, kTied,    40960, 1000000, 1e-6f},
    {"qwen3-8b",    "qwen3",      36, 4096,   32, 8, 128, 12288, 151936, kUntied,  40960, 1000000, 1e-6f},
    {"olmoe-1b-7b", "olmoe",      16, 2048,   16, 16, 128, 1024, 50304,  kUntied,  4096,    10000, 1e-5f, 64, 8},
    {"tiny",        "llama",       8,  256,    4, 2,  64, 512,   512,    kTied,    4096,    10000, 1e-5f},
    {"tiny-moe",    "qwen3moe",    2,  256,    4, 2,  64, 256,   512,    kUntied,  4096,    10000, 1e-6f, 4, 2},
};
// clang-format on

}  // namespace

std::span<const ModelShape> model_shapes() noexcept { return kShapes; }

const ModelShape* find_shape(std::string_view name) noexcept {
  const auto found = std::ranges::find(kShapes, name, &ModelShape::name);
  return found == std::end(kShapes) ? nullptr : &*found;
}

}  // namespace longhand::cli
