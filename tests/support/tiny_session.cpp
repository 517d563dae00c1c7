#include "tests/support/tiny_session.h"

#include "engine/state/checksum.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand::test {
namespace {

const NamedMemory kMemories[] = {
    {"full", {}},
    {"window", {.memory = "window", .window = 10, .sinks = 2}},
    {"rerope", {.memory = "rerope", .window = 10}},
    {"leaky_rerope", {.memory = "leaky-rerope", .window = 10, .leak = 4}},
    {"vq", {.memory = "vq", .window = 8, .sinks = 2, .codes = 6}},
    {"vq_exact",
     {.memory = "vq",
      .window = 8,
      .sinks = 2,
      .codes = 6,
      .weighted = true,
      .second_order = true,
      .exact = 8}},
    {"performer", {.memory = "performer", .window = 8, .sinks = 2, .features = 6}},
};

// The most likely tokens after a fixed text.
std::vector<Token> greedy(const Model& model) {
  Session session(model, small_session());
  Sampler sampler(model, {.temperature = 0});
  return generate(session, some_tokens(5), sampler, {.max_tokens = 6}).tokens;
}

}  // namespace

const std::string& tiny_path() {
  static const TempDir dir;
  static const std::string path = [] {
    std::string file = dir.file("tiny.gguf");
    tiny_llama().write(file);
    return file;
  }();
  return path;
}

LoadOptions one_thread() {
  LoadOptions options;
  options.threads = 1;
  return options;
}

const Model& tiny() {
  static const Model model = Model::load(tiny_path(), one_thread());
  return model;
}

std::span<const NamedMemory> small_memories() { return kMemories; }

SessionOptions small_session(const AttentionOptions& attention, CacheType type) {
  SessionOptions options;
  options.context = 128;
  options.threads = 1;
  options.batch = 16;
  options.key_cache = options.value_cache = type;
  options.attention = attention;
  return options;
}

std::vector<Token> some_tokens(int n, unsigned seed) {
  std::vector<Token> tokens;
  for (int i = 0; i < n; ++i) {
    seed = seed * 1664525 + 1013904223;
    tokens.push_back(Token((seed >> 16) % 256));
  }
  return tokens;
}

std::vector<float> copy_of(std::span<const float> values) { return {values.begin(), values.end()}; }

std::uint32_t digest(std::span<const float> values, std::uint32_t before) noexcept {
  return crc32c(std::as_bytes(values), before);
}

bool a_model_works() {
  static const std::vector<Token> expected = greedy(tiny());
  return greedy(Model::load(tiny_path(), one_thread())) == expected;
}

}  // namespace longhand::test
