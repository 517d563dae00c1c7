// A sampler of one's own: feed() gives logits, and what token comes next is anyone's choice. This one takes
// the most likely token that does not repeat the one before. sampler MODEL
#include <algorithm>
#include <exception>
#include <iostream>
#include <numeric>
#include <vector>

#include "engine/longhand.h"

namespace {

longhand::Token choose(std::span<const float> logits, longhand::Token previous) {
  std::vector<longhand::Token> tokens(logits.size());
  std::iota(tokens.begin(), tokens.end(), 0);
  std::partial_sort(tokens.begin(), tokens.begin() + 2, tokens.end(),
                    [&](auto a, auto b) { return logits[std::size_t(a)] > logits[std::size_t(b)]; });
  return tokens[0] == previous ? tokens[1] : tokens[0];
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) return 2;
  const auto model = longhand::Model::load(argv[1]);
  longhand::Session session(model, {.context = 256});
  auto logits = session.feed(model.encode("The capital of Peru"));
  longhand::Token token = -1;
  for (int i = 0; i < 16; ++i) {
    token = choose(logits, token);
    if (model.ends_generation(token)) break;
    std::cout << model.piece(token);
    logits = session.feed({&token, 1});
  }
  std::cout << "\n";
} catch (const std::exception& error) {
  std::cerr << "error: " << error.what() << "\n";
  return 1;
}
