#include <iostream>
#include "engine/longhand.h"

int main(int, char** argv) {
  auto model = longhand::Model::load(argv[1]);
  longhand::Chat chat(model, {.sampler = {.temperature = 0}});
  for (std::string line; std::getline(std::cin, line);) std::cout << chat.ask(line).text << '\n';
}
