// Runs a target over files, without libFuzzer: replay PATH... (files, or folders of files).
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

int ran = 0;

void replay(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> read(std::istreambuf_iterator<char>(in), {});
  const std::vector<std::uint8_t> exact(read.begin(), read.end());
  std::fprintf(stderr, "%s\n", path.c_str());  // the last line tells which input it was
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
  ++ran;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      replay(argv[i]);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) replay(entry.path());
  }
  std::printf("%d inputs\n", ran);
  return ran == 0;  // a corpus that is not there must not look like one that passes
}
