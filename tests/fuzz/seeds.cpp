// fuzz_seeds FOLDER: writes the first inputs of every target below FOLDER. Always the same bytes.
#include "tests/fuzz/seeds.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

int main(int argc, char** argv) {
  using namespace longhand::fuzz;
  if (argc != 2) {
    std::fprintf(stderr, "fuzz_seeds FOLDER\n");
    return 2;
  }
  for (const auto& seeds : {model_seeds(), vocab_seeds(), text_seeds(), state_seeds(), adapter_seeds()}) {
    for (const Seed& seed : seeds) {
      const std::filesystem::path folder = std::filesystem::path(argv[1]) / seed.target;
      std::filesystem::create_directories(folder);
      std::ofstream out(folder / seed.name, std::ios::binary);
      out.write(seed.bytes.data(), std::streamsize(seed.bytes.size()));
      if (!out.flush()) {
        std::fprintf(stderr, "cannot write %s\n", seed.name.c_str());
        return 1;
      }
    }
  }
}
