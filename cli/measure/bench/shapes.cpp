#include "cli/measure/bench/shapes.h"

#include <algorithm>
#include <array>

namespace longhand::cli {
namespace {

constexpr bool kTied = true, kUntied = false;

// Delta nets with an attention layer after every three.
constexpr int kSections[] = {11, 11, 10, 0}, kTinySections[] = {3, 3, 2, 0};
constexpr ShapeKey kQwen35[] = {{&key::rope_dimensions, 64}, {&key::rope_sections, kSections},
                                {&key::conv_kernel, 4},      {&key::state_size, 128},
                                {&key::state_groups, 16},    {&key::time_step_rank, 32},
                                {&key::inner_size, 4096}};
constexpr ShapeKey kTinyQwen35[] = {{&key::rope_dimensions, 16}, {&key::rope_sections, kTinySections},
                                    {&key::conv_kernel, 4},      {&key::state_size, 64},
                                    {&key::state_groups, 2},     {&key::time_step_rank, 4},
                                    {&key::inner_size, 256}};

// Layers without heads for keys are short convolutions.
constexpr int kLfm2Heads[] = {0, 0, 8, 0, 0, 8, 0, 0, 8, 0, 8, 0, 8, 0, 8, 0}, kTinyHeads[] = {0, 2, 0, 2};
constexpr ShapeKey kLfm2[] = {{&key::conv_cache, 3}, {&key::head_count_kv, kLfm2Heads}};
constexpr ShapeKey kTinyLfm2[] = {{&key::conv_cache, 3}, {&key::head_count_kv, kTinyHeads}};

constexpr ShapeKey kGptOss[] = {{&key::sliding_window, 128},
                                {&key::rope_scaling_type, "yarn"},
                                {&key::rope_scaling_factor, 32.0f},
                                {&key::rope_original, 4096}};
constexpr ShapeKey kTinyGptOss[] = {{&key::sliding_window, 32},
                                    {&key::rope_scaling_type, "yarn"},
                                    {&key::rope_scaling_factor, 32.0f},
                                    {&key::rope_original, 128}};
constexpr std::string_view kGptOssTensors[] = {
    "attn_q.bias",       "attn_k.bias",        "attn_v.bias",      "attn_output.bias",  "attn_sinks.weight",
    "ffn_gate_inp.bias", "ffn_gate_exps.bias", "ffn_up_exps.bias", "ffn_down_exps.bias"};

// Four layers with a window, one that sees everything and has larger heads; the last twenty share keys and
// values with earlier ones and have twice the width instead.
template <int n, class Function>
constexpr std::array<int, n> each_layer(const Function& f) {
  std::array<int, n> values{};
  for (int il = 0; il < n; ++il) values[std::size_t(il)] = f(il);
  return values;
}
constexpr auto kLocal = each_layer<35>([](int il) { return il % 5 < 4 ? 1 : 0; });
constexpr auto kWidths = each_layer<35>([](int il) { return il < 15 ? 6144 : 12288; });
constexpr ShapeKey kGemma4[] = {{&key::key_length, 512},
                                {&key::value_length, 512},
                                {&key::key_length_swa, 256},
                                {&key::value_length_swa, 256},
                                {&key::rope_dimensions, 512},
                                {&key::rope_dimensions_swa, 256},
                                {&key::rope_base_swa, 1e4f},
                                {&key::sliding_window, 512},
                                {&key::shared_kv_layers, 20},
                                {&key::per_layer_input, 256},
                                {&key::final_softcap, 30.0f},
                                {&key::sliding_pattern, kLocal},
                                {&key::feed_forward_length, kWidths}};
constexpr auto kTinyLocal = each_layer<4>([](int il) { return il % 2 == 0 ? 1 : 0; });
constexpr ShapeKey kTinyGemma4[] = {
    {&key::key_length, 128},      {&key::value_length, 128},    {&key::key_length_swa, 64},
    {&key::value_length_swa, 64}, {&key::rope_dimensions, 128}, {&key::rope_dimensions_swa, 64},
    {&key::rope_base_swa, 1e4f},  {&key::sliding_window, 32},   {&key::shared_kv_layers, 2},
    {&key::per_layer_input, 64},  {&key::final_softcap, 30.0f}, {&key::sliding_pattern, kTinyLocal}};

// Widths are those of the published models' configurations. Tiny ones are of no model: for tests.
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
    {"qwen3-30b-a3b", "qwen3moe", 48, 2048,   32, 4, 128, 768,   151936, kUntied,  40960, 1000000, 1e-6f, 128, 8},
    {"qwen35-4b",   "qwen35",     32, 2560,   16, 4, 256, 9216,  248320, kTied,   262144, 1e7f,    1e-6f, 0, 0, kQwen35},
    {"gpt-oss-20b", "gpt-oss",    24, 2880,   64, 8,  64, 2880,  201088, kUntied, 131072, 150000,  1e-5f, 32, 4, kGptOss, kGptOssTensors},
    {"lfm2-1.2b",   "lfm2",       16, 2048,   32, 8,  64, 8192,  65536,  kTied,   128000, 1000000, 1e-5f, 0, 0, kLfm2},
    {"gemma4-e2b",  "gemma4",     35, 1536,    8, 1, 512, 6144,  262144, kTied,   131072, 1000000, 1e-6f, 0, 0, kGemma4},
    {"olmoe-1b-7b", "olmoe",      16, 2048,   16, 16, 128, 1024, 50304,  kUntied,  4096,    10000, 1e-5f, 64, 8},
    {"tiny",        "llama",       8,  256,    4, 2,  64, 512,   512,    kTied,    4096,    10000, 1e-5f},
    {"tiny-moe",    "qwen3moe",    2,  256,    4, 2,  64, 256,   512,    kUntied,  4096,    10000, 1e-6f, 4, 2},
    {"tiny-qwen35", "qwen35",      4,  256,    4, 2,  64, 512,   512,    kTied,    4096,    10000, 1e-6f, 0, 0, kTinyQwen35},
    {"tiny-lfm2",   "lfm2",        4,  256,    4, 2,  64, 512,   512,    kTied,    4096,    10000, 1e-5f, 0, 0, kTinyLfm2},
    {"tiny-gpt-oss", "gpt-oss",    2,  256,    4, 2,  64, 256,   512,    kUntied,  4096,    10000, 1e-5f, 4, 2, kTinyGptOss, kGptOssTensors},
    {"tiny-gemma4", "gemma4",      4,  256,    4, 2, 128, 512,   512,    kTied,    4096,    10000, 1e-6f, 0, 0, kTinyGemma4},
};
// clang-format on

}  // namespace

std::span<const ModelShape> model_shapes() noexcept { return kShapes; }

const ModelShape* find_shape(std::string_view name) noexcept {
  const auto found = std::ranges::find(kShapes, name, &ModelShape::name);
  return found == std::end(kShapes) ? nullptr : &*found;
}

}  // namespace longhand::cli
