// Bytes per second of tokenizers on ordinary text and on one long word, with vocabularies made up on the
// spot.
//   LONGHAND_BENCH_VOCAB=file.gguf  measures that vocabulary instead
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <deque>
#include <memory>
#include <string>

#include "engine/text/tokenizer.h"
#include "loaders/gguf/gguf.h"

namespace longhand {
namespace {

// Words of a small made-up language, 1 MiB of them.
std::string ordinary_text(bool spaces) {
  constexpr const char* kSyllables[] = {"the", "an", "ing", "er", "ti", "on",
                                        "re",  "st", "al",  "or", "ou", "ma"};
  std::string text;
  std::uint32_t state = 1;
  while (text.size() < (1 << 20)) {
    state = state * 1664525 + 1013904223;
    text += kSyllables[(state >> 24) % 12];
    if (spaces && (state >> 16 & 3) == 0) text += (state >> 18 & 7) == 0 ? ".\n" : " ";
  }
  return text;
}

class Setup {
 public:
  explicit Setup(VocabKind kind) {
    if (const char* path = std::getenv("LONGHAND_BENCH_VOCAB")) {
      file_ = std::make_unique<Gguf>(Gguf::open(path));
      tokenizer = std::make_unique<Tokenizer>(load_vocab(*file_));
      return;
    }
    Vocab vocab;
    vocab.kind = kind;
    vocab.pre = "gpt-2";
    const auto add = [&](const std::string& text, float score) {
      vocab.tokens.push_back(texts_.emplace_back(text));
      vocab.types.push_back(TokenType::normal);
      vocab.scores.push_back(score);
    };
    const char* const space = kind == VocabKind::bpe    ? "\xC4\xA0"
                              : kind == VocabKind::rwkv ? " "
                                                        : "\xE2\x96\x81";
    add("<unk>", 0);
    vocab.types[0] = TokenType::unknown;
    vocab.unk = 0;
    add(space, -1e6f);
    for (char c = '!'; c <= '~'; ++c) {
      add(std::string(1, c), -1e6f);
      // A word's first piece is marked; to the others that is one more token.
      add(space + std::string(1, c), -1e6f);
    }
    // All pairs of what there is, three rounds of the most frequent syllables' letters.
    const std::string letters = "theaningrosulm";
    float score = 0;
    for (const char a : letters) {
      for (const char b : letters) {
        const std::string pair{a, b};
        add(pair, --score);
        vocab.merges.push_back(texts_.emplace_back(std::string{a, ' ', b}));
        for (const char c : letters) {
          add(pair + c, score - 1000);
          vocab.merges.push_back(texts_.emplace_back(pair + ' ' + c));
        }
      }
    }
    tokenizer = std::make_unique<Tokenizer>(std::move(vocab));
  }
  std::unique_ptr<Tokenizer> tokenizer;

 private:
  std::deque<std::string> texts_;
  std::unique_ptr<Gguf> file_;
};

void encode(benchmark::State& state, VocabKind kind, bool spaces) {
  const Setup setup(kind);
  const std::string text = ordinary_text(spaces);
  for (auto _ : state) benchmark::DoNotOptimize(setup.tokenizer->encode(text));
  state.SetBytesProcessed(std::int64_t(text.size()) * state.iterations());
}
BENCHMARK_CAPTURE(encode, bpe, VocabKind::bpe, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, bpe_one_word, VocabKind::bpe, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, spm, VocabKind::spm, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, spm_one_word, VocabKind::spm, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, unigram, VocabKind::unigram, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, unigram_one_word, VocabKind::unigram, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, wordpiece, VocabKind::wordpiece, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, wordpiece_one_word, VocabKind::wordpiece, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, rwkv, VocabKind::rwkv, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, rwkv_one_word, VocabKind::rwkv, false)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace longhand
