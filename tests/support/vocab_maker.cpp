#include "tests/support/vocab_maker.h"

#include <fmt/format.h>
#include <pthread.h>

#include <set>
#include <stdexcept>
#include <utility>

#include "engine/text/byte_map.h"

namespace longhand::test {

Token VocabMaker::add(std::string text, TokenType type, float score) {
  vocab_.tokens.push_back(keep(std::move(text)));
  vocab_.types.push_back(type);
  vocab_.scores.push_back(score);
  return Token(vocab_.tokens.size() - 1);
}

void VocabMaker::add_bytes() {
  for (int b = 0; b < 256; ++b) add(fmt::format("<0x{:02X}>", b), TokenType::byte);
}

VocabMaker byte_level_vocab(const std::vector<std::string>& merges, const std::string& pre) {
  VocabMaker maker(VocabKind::bpe);
  maker.vocab().pre = pre;
  std::set<std::string> known;
  for (const char32_t c : kByteCharacters) {
    std::string text;
    append_utf8(text, c);
    maker.add(text);
  }
  for (const std::string& merge : merges) {
    const auto space = merge.find(' ', 1);
    const std::string joined = merge.substr(0, space) + merge.substr(space + 1);
    if (known.insert(joined).second) maker.add(joined);
    maker.merge(merge);
  }
  return maker;
}

void on_small_stack(void (*work)(void*), void* argument) {
  std::pair<void (*)(void*), void*> job(work, argument);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  pthread_t thread{};
  const auto run = [](void* j) -> void* {
    const auto& [function, data] = *static_cast<std::pair<void (*)(void*), void*>*>(j);
    function(data);
    return nullptr;
  };
  const int status = pthread_create(&thread, &attributes, run, &job);
  pthread_attr_destroy(&attributes);
  if (status != 0) throw std::runtime_error("no thread");
  pthread_join(thread, nullptr);
}

}  // namespace longhand::test
