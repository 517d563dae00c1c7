#include <iostream>
#include "engine/longhand.h"

int main(int, char** argv) {
  auto model = longhand::Model::load(argv[1]);
  longhand::Session session(model);
  longhand::Sampler sampler(model);
  longhand::generate(session, model.encode("The capital of Peru"), sampler, {.max_tokens = 32},
                     [](std::string_view text) {
                       std::cout << text << std::flush;
                       return true;
                     });
}
