#include <cstring>

#include "engine/longhand.h"
#include "tests/fuzz/seeds.h"
#include "tests/fuzz/tiny_sessions.h"

namespace longhand::fuzz {
namespace {

// A saved file in the form the target reads: sections behind the owner's, each as length and content.
std::string unsealed(const std::string& file) {
  std::string out;
  constexpr std::size_t kHead = 24, kSectionHead = 16, kTail = 8;
  for (std::size_t at = kHead; at + kTail < file.size();) {
    std::uint64_t length = 0;
    std::memcpy(&length, file.data() + at + 8, sizeof length);
    const auto low = std::uint16_t(length);
    if (at != kHead) {
      out.append(reinterpret_cast<const char*>(&low), sizeof low);
      out += file.substr(at + kSectionHead, length);
    }
    at += kSectionHead + length;
  }
  return out;
}

}  // namespace

std::vector<Seed> state_seeds() {
  TinySessions sessions;
  std::vector<Seed> seeds;
  for (std::size_t memory = 0; memory < small_memories().size(); ++memory) {
    for (const int tokens : {3, 20}) {
      const std::string file = sessions.saved(memory, tokens);
      const std::string name =
          std::to_string(memory) + "_" + small_memories()[memory].memory + "_" + std::to_string(tokens);
      seeds.push_back({"state", name, std::string{char(memory), 0} + unsealed(file)});
      if (tokens == 3) seeds.push_back({"state", name + "_whole", std::string{char(memory), 1} + file});
    }
  }
  return seeds;
}

}  // namespace longhand::fuzz
