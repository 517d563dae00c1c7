#include "tests/fuzz/tiny_sessions.h"

#include <fstream>
#include <iterator>

#include "tests/support/tiny_model.h"

namespace longhand::fuzz {

std::span<const AttentionOptions> small_memories() {
  static const AttentionOptions kMemories[] = {
      {.memory = "full"},
      {.memory = "window", .window = 6, .sinks = 2},
      {.memory = "rerope", .window = 6},
      {.memory = "leaky-rerope", .window = 6, .leak = 4},
      {.memory = "vq", .window = 6, .sinks = 2, .codes = 5},
      {.memory = "vq",
       .window = 6,
       .sinks = 1,
       .codes = 5,
       .weighted = true,
       .second_order = true,
       .exact = 4},
      {.memory = "performer", .window = 6, .sinks = 2, .features = 4},
  };
  return kMemories;
}

std::vector<Token> tiny_text(int n, int seed) {
  std::vector<Token> tokens;
  for (int i = 0; i < n; ++i) tokens.push_back((seed + i * 37) % 300);
  return tokens;
}

TinySessions::TinySessions() : model_(make_model()) {}

Model TinySessions::make_model() const {
  const std::string path = path_of("tiny.gguf");
  test::tiny_llama().write(path);
  return Model::load(path, {.threads = 1, .isa = "sse2"});
}

Session TinySessions::make(std::size_t memory) const {
  SessionOptions options;
  options.context = 48;
  options.threads = 1;
  options.batch = 8;
  options.attention = small_memories()[memory];
  return Session(model_, options);
}

std::string TinySessions::saved(std::size_t memory, int tokens) const {
  Session session = make(memory);
  session.feed(tiny_text(tokens, 1));
  session.save_state(path_of("saved"));
  return read_file(path_of("saved"));
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace longhand::fuzz
