// Tells libFuzzer to change GGUF files as such.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/fuzz/gguf_mutator.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

std::string mutate_bytes(std::string bytes, std::size_t most) {
  std::vector<std::uint8_t> room(std::max(most, bytes.size()) + 1);
  std::copy(bytes.begin(), bytes.end(), room.begin());
  const std::size_t size =
      LLVMFuzzerMutate(room.data(), std::min(bytes.size(), most), std::max<std::size_t>(most, 1));
  return {room.begin(), room.begin() + std::ptrdiff_t(std::min(size, most))};
}

std::string_view view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

std::size_t put(const std::string& bytes, std::uint8_t* out, std::size_t most) {
  const std::size_t size = std::min(bytes.size(), most);
  std::memcpy(out, bytes.data(), size);
  return size;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned seed) {
  longhand::fuzz::Random random(seed);
  return put(longhand::fuzz::mutate_gguf(view(data, size), most, random, mutate_bytes), data, most);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* a, std::size_t a_size,
                                                 const std::uint8_t* b, std::size_t b_size, std::uint8_t* out,
                                                 std::size_t most, unsigned seed) {
  longhand::fuzz::Random random(seed);
  return put(longhand::fuzz::cross_gguf(view(a, a_size), view(b, b_size), random), out, most);
}
