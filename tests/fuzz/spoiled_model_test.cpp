// A whole small model, spoiled in every single place: what is still read must compute, and nothing may crash.
// Each file goes through the fuzz target of models, which says what must hold.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "engine/longhand.h"
#include "loaders/gguf/gguf.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/seeds.h"
#include "tests/support/error_code.h"
#include "tests/support/tiny_model.h"

namespace longhand::fuzz {
namespace {

using test::GgufWriter;

// 9 KiB, nearly all of it weights.
const std::string& small_model() {
  static const std::string bytes = [] {
    for (const Seed& seed : model_seeds())
      if (seed.name == "llama") return seed.bytes;
    return std::string();
  }();
  return bytes;
}

std::size_t head_bytes() {
  const Gguf file = Gguf::parse(as_bytes(small_model()), "small.gguf");
  return std::size_t(file.tensors().front().data.data() - as_bytes(small_model()).data());
}

std::vector<Token> known_tokens() {
  const MemoryFile file;
  file.write(test::tiny_llama().build());
  const Model model = Model::load(file.path(), {.threads = 1, .isa = "sse2"});
  Session session(model, {.context = 32, .threads = 1});
  Sampler sampler(model, {.temperature = 0});
  return generate(session, std::vector<Token>{1, 2, 3}, sampler, {.max_tokens = 4}).tokens;
}

class SpoiledModel : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(known_tokens(), before_) << "a good model gives other tokens afterwards";
  }
  std::vector<Token> before_ = known_tokens();
};

TEST_F(SpoiledModel, CutAnywhereIsTruncated) {
  const MemoryFile file;
  for (std::size_t length = 0; length < small_model().size(); ++length) {
    file.write(small_model().substr(0, length));
    ASSERT_EQ(test::code_of([&] { Model::load(file.path(), {.threads = 1}); }), Errc::truncated) << length;
  }
}

TEST_F(SpoiledModel, AnyFlippedBitIsReadOrRefused) {
  std::string spoiled = small_model();
  for (std::size_t bit = 0; bit < 8 * head_bytes(); ++bit) {
    spoiled[bit / 8] = char(spoiled[bit / 8] ^ 1 << bit % 8);
    run(spoiled);
    spoiled[bit / 8] = small_model()[bit / 8];
  }
}

TEST_F(SpoiledModel, AnyByteSetToAnExtremeIsReadOrRefused) {
  std::string spoiled = small_model();
  for (std::size_t i = 0; i < head_bytes(); ++i) {
    for (const unsigned value : {0x00U, 0x7FU, 0x80U, 0xFFU}) {
      spoiled[i] = char(value);
      run(spoiled);
    }
    spoiled[i] = small_model()[i];
  }
}

TEST_F(SpoiledModel, AnyIntegerAtItsBoundariesIsReadOrRefused) {
  const GgufWriter writer = test::tiny_llama();
  const std::string good = writer.build();
  for (const GgufWriter::Field& field : writer.fields()) {
    std::uint64_t now = 0;
    std::memcpy(&now, good.data() + field.offset, std::min(field.bytes, sizeof now));
    constexpr std::uint64_t k31 = std::uint64_t{1} << 31, k63 = std::uint64_t{1} << 63;
    const std::uint64_t values[] = {0,   1,       now - 1,          now + 1, k31 - 1,
                                    k31, k31 + 1, 2 * k31 - 1,      2 * k31, k63 - 1,
                                    k63, k63 + 1, ~std::uint64_t{0}};
    for (const std::uint64_t value : values) {
      std::string spoiled = good;
      std::memcpy(spoiled.data() + field.offset, &value, std::min(field.bytes, sizeof value));
      run(spoiled);
    }
  }
}

// Every key of the file with every type of value, small and large.
TEST_F(SpoiledModel, AnyKeyOfAnyTypeIsReadOrRefused) {
  const GgufWriter good = test::tiny_llama();
  for (std::size_t i = 0; i < good.entries.size(); ++i) {
    const auto with = [&](const GgufWriter::Entry& entry) {
      GgufWriter spoiled = good;
      spoiled.entries[i] = entry;
      run(spoiled.build());
    };
    const std::string& key = good.entries[i].key;
    for (const int n : {0, 1, 100, 127}) {
      with(gguf_entry(key, std::uint8_t(n))), with(gguf_entry(key, std::int8_t(-n)));
      with(gguf_entry(key, std::uint16_t(n))), with(gguf_entry(key, std::int16_t(n)));
      with(gguf_entry(key, std::uint32_t(n))), with(gguf_entry(key, std::int32_t(-n)));
      with(gguf_entry(key, std::uint64_t(n))), with(gguf_entry(key, std::int64_t(n)));
      with(gguf_entry(key, float(n))), with(gguf_entry(key, double(n))), with(gguf_entry(key, n != 0));
      with(gguf_entry(key, std::string(std::size_t(n), 'x')));
      with(gguf_array(key, std::vector<std::uint32_t>(std::size_t(n), 1)));
      with(gguf_array(key, std::vector<float>(std::size_t(n), 1.0f)));
      with(gguf_array(key, std::vector<std::string>(std::size_t(n), "a")));
    }
  }
}

TEST_F(SpoiledModel, AnyTensorChangedIsReadOrRefused) {
  const GgufWriter good = test::tiny_llama();
  const std::vector<std::function<void(GgufWriter::Tensor&)>> changes = {
      [](auto& t) { t.name += "x"; },
      [](auto& t) { std::swap(t.dims.front(), t.dims.back()); },
      [](auto& t) { t.dims.back() += 1, t.data += t.data.substr(0, t.data.size() / (t.dims.back() - 1)); },
      [](auto& t) { t.dims.back() -= 1; },
      [](auto& t) { t.dims.push_back(1); },
      [](auto& t) { t.dims = {t.dims.front() * t.dims.back()}; },
  };
  for (std::size_t i = 0; i < good.tensors.size(); ++i) {
    const auto with = [&](const std::function<void(GgufWriter&)>& change) {
      GgufWriter spoiled = good;
      change(spoiled);
      run(spoiled.build());
    };
    with([&](GgufWriter& w) { w.tensors.erase(w.tensors.begin() + long(i)); });
    with([&](GgufWriter& w) { w.tensors.push_back(w.tensors[i]); });
    with([&](GgufWriter& w) { std::swap(w.tensors[i].name, w.tensors[(i + 1) % w.tensors.size()].name); });
    for (const auto& change : changes) with([&](GgufWriter& w) { change(w.tensors[i]); });
    for (std::uint32_t type = 0; type < 42; ++type) {
      with([&](GgufWriter& w) {
        w.tensors[i].type = type;
        w.tensors[i].data.resize(std::size_t{1} << 15, '\3');
      });
    }
  }
}

}  // namespace
}  // namespace longhand::fuzz
