// A whole model file: whatever it says, it is refused with a clear error, or tokens can be computed with it.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "engine/longhand.h"
#include "loaders/gguf/gguf.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tiny_sessions.h"

namespace longhand::fuzz {
namespace {

constexpr int kContext = 32;

// How far inputs get; told at the end where LONGHAND_FUZZ_COUNTS is set.
struct Counts {
  std::uint64_t inputs = 0, parsed = 0, loaded = 0, decoded = 0;
  ~Counts() {
    if (std::getenv("LONGHAND_FUZZ_COUNTS") != nullptr) {
      std::fprintf(stderr, "counts: %llu inputs, %llu parsed, %llu loaded, %llu decoded\n",
                   static_cast<unsigned long long>(inputs), static_cast<unsigned long long>(parsed),
                   static_cast<unsigned long long>(loaded), static_cast<unsigned long long>(decoded));
    }
  }
};

bool is_container(std::string_view bytes) {
  return accepts([&] { static_cast<void>(Gguf::parse(as_bytes(bytes), "input.gguf")); });
}

SessionOptions options_from(std::uint64_t draw) {
  SessionOptions options;
  options.context = kContext;
  options.threads = 1;
  options.batch = draw % 2 == 0 ? 2 : 32;
  options.key_cache = CacheType(draw / 2 % 4);
  options.value_cache = CacheType(draw / 8 % 4);
  if (draw / 32 % 2 == 0) options.attention = small_memories()[draw / 64 % small_memories().size()];
  if (draw / 640 % 4 == 0) options.rope.scaling = static_cast<RopeScaling>(draw / 2560 % 7);
  options.rope.auto_factor =
      options.rope.scaling != RopeScaling::from_file && options.rope.scaling != RopeScaling::none;
  return options;
}

std::vector<float> copy(std::span<const float> row) { return {row.begin(), row.end()}; }

bool all_finite(const std::vector<float>& row) {
  return std::ranges::all_of(row, [](float x) { return std::isfinite(x); });
}

// Reads a text, writes two tokens, and takes all back.
void decode(const Model& model, const SessionOptions& options) {
  Session session(model, options);
  const int vocab = model.info().vocab;
  const std::vector<Token> text = {0, Token(vocab - 1), Token(vocab / 2), Token(vocab / 3), 0,
                                   0, Token(vocab - 1)};
  const std::vector<float> together = copy(session.feed(text));
  check(together.size() == std::size_t(vocab), "there is a logit for every token");
  check(session.size() == int(text.size()), "a session holds what it was fed");
  Sampler sampler(model, {.seed = 1, .temperature = 0});
  accepts([&] {
    const GenerateResult result = generate(session, {}, sampler, {.max_tokens = 2});
    check(result.tokens.size() <= 2, "no more tokens are written than asked for");
  });

  session.rewind(0);
  for (const Token token : text) session.feed(std::span(&token, 1));
  if (all_finite(together) && options.attention.memory.empty()) {
    const std::vector<float> alone = copy(session.logits(session.size() - 1));
    check(std::ranges::equal(alone, together), "logits do not depend on what is computed together");
  }
  static_cast<void>(model.decode(text));
  static_cast<void>(model.encode("Hello, w\xC3\xB6rld! 123\n<|im_end|>"));
}

// Vectors of a few texts, computed together and alone.
void embed(const Model& model, const SessionOptions& session, Pooling pooling) {
  Embedder embedder(model, {.pooling = pooling, .session = session});
  const int vocab = model.info().vocab;
  const std::vector<std::vector<Token>> texts = {{0, Token(vocab - 1)}, {Token(vocab / 2)}, {1, 0, 1, 0, 1}};
  std::vector<std::vector<float>> together;
  embedder.embed(texts, [&](std::size_t, std::span<const float> v) { together.push_back(copy(v)); });
  check(together.size() == texts.size(), "every text has vectors");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::size_t rows = embedder.pooling() == Pooling::none ? texts[i].size() : 1;
    check(together[i].size() == rows * std::size_t(embedder.width()), "vectors are as wide as they say");
    embedder.embed({&texts[i], 1}, [&](std::size_t, std::span<const float> v) {
      check(std::ranges::equal(v, together[i]), "vectors do not depend on what is computed together");
    });
  }
  static_cast<void>(embedder.encode("Hello, w\xC3\xB6rld!"));
  accepts([&] { static_cast<void>(embedder.encode_pair("Hello?", "w\xC3\xB6rld")); });
}

}  // namespace

void run(std::string_view input) {
  static Counts counts;
  static const MemoryFile file;
  ++counts.inputs;
  if (is_container(input)) ++counts.parsed;
  file.write(input);
  const std::uint64_t draw = hash(input);
  accepts([&] {
    const Model model =
        Model::load(file.path(), {.repack = draw % 5 != 0, .threads = 1, .isa = draw % 3 == 0 ? "sse2" : ""});
    ++counts.loaded;
    const SessionOptions options = options_from(draw / 7);
    SessionOptions plain;
    plain.context = kContext;
    plain.threads = 1;
    const bool decoded = accepts([&] { decode(model, plain); });
    const bool varied = accepts([&] { decode(model, options); });
    const bool embedded = accepts([&] { embed(model, plain, static_cast<Pooling>(draw % 6)); });
    if (decoded || varied || embedded) ++counts.decoded;
  });
}

}  // namespace longhand::fuzz
