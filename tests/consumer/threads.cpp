// Four sessions in four threads share one model: threads MODEL
#include <array>
#include <exception>
#include <iostream>
#include <string>
#include <thread>

#include "engine/longhand.h"

namespace {

std::string answer(const longhand::Model& model, const std::string& prompt) {
  longhand::Session session(model, {.context = 256, .threads = 1});
  longhand::Sampler sampler(model, {.temperature = 0});
  return longhand::generate(session, model.encode(prompt), sampler, {.max_tokens = 16}).text;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) return 2;
  const auto model = longhand::Model::load(argv[1]);
  const std::array<std::string, 4> prompts = {"The capital of Peru", "The opposite of hot", "The KV cache",
                                              "The capital of Peru"};
  std::array<std::string, 4> answers;
  {
    std::array<std::jthread, 4> threads;
    for (std::size_t i = 0; i < prompts.size(); ++i)
      threads[i] = std::jthread([&, i] { answers[i] = answer(model, prompts[i]); });
  }
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    std::cout << prompts[i] << answers[i] << "\n";
    if (answers[i] != answer(model, prompts[i])) throw std::runtime_error("alone it answers differently");
  }
} catch (const std::exception& error) {
  std::cerr << "error: " << error.what() << "\n";
  return 1;
}
