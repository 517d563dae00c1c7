// A model from files, descriptors and memory; what is told meanwhile, and what its file says.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "engine/longhand.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tiny_session.h"

namespace longhand {
namespace {

using test::code_of;
using test::copy_of;
using test::one_thread;
using test::tiny_path;
using testing::HasSubstr;

std::vector<float> logits_of(const Model& model) {
  Session session(model, test::small_session());
  return copy_of(session.feed(test::some_tokens(20)));
}

TEST(Load, FromMemoryIsAsFromAFile) {
  const std::vector<float> want = logits_of(test::tiny());
  std::vector<std::byte> file = test::read_bytes(tiny_path());
  for (const bool repack : {true, false}) {
    LoadOptions options = one_thread();
    options.repack = repack;
    // Wherever in memory it begins.
    for (const std::size_t shift : {0, 1, 4, 31}) {
      std::vector<std::byte> shifted(shift);
      shifted.insert(shifted.end(), file.begin(), file.end());
      const std::vector<std::byte> before = shifted;
      {
        const Model model = Model::load_memory(std::span(shifted).subspan(shift), options);
        EXPECT_EQ(logits_of(model), want) << shift;
      }
      EXPECT_EQ(shifted, before) << "the caller's memory is only read";
    }
    std::optional<Model> kept;
    {
      std::vector<std::byte> own = file;
      kept = Model::load_memory(std::move(own), options);
    }
    EXPECT_EQ(logits_of(*kept), want);
  }
}

TEST(Load, NamesWhatHasNoPath) {
  std::vector<std::byte> file = test::read_bytes(tiny_path());
  file.resize(file.size() / 2);
  const auto message = [&](const std::string& name) -> std::string {
    try {
      Model::load_memory(std::span<const std::byte>(file), {.name = name});
    } catch (const Error& error) { return error.what(); }
    return "";
  };
  EXPECT_THAT(message("blob 7"), HasSubstr("blob 7"));
  EXPECT_THAT(message(""), HasSubstr("memory"));
  EXPECT_EQ(code_of([] { Model::load_memory(std::span<const std::byte>()); }), Errc::truncated);
}

TEST(Load, FromADescriptorThatIsThenClosed) {
  const int descriptor = ::open(tiny_path().c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(descriptor, 0);
  const Model model = Model::load_descriptor(descriptor, one_thread());
  ASSERT_EQ(::close(descriptor), 0) << "it stays the caller's";
  EXPECT_EQ(logits_of(model), logits_of(test::tiny()));
}

TEST(Load, RefusesDescriptorsThatAreNoFiles) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_EQ(code_of([&] { Model::load_descriptor(ends[0]); }), Errc::io);
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_EQ(code_of([] { Model::load_descriptor(-1); }), Errc::io);
  const test::TempDir dir;
  const int folder = ::open(dir.path().c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(code_of([&] { Model::load_descriptor(folder); }), Errc::io);
  ::close(folder);
}

// Its siblings could not be found.
TEST(Load, RefusesPartsOfASplitModelWithoutAPath) {
  test::GgufWriter writer = test::tiny_llama();
  writer.add("split.no", std::uint16_t{0}).add("split.count", std::uint16_t{2});
  const test::TempDir dir;
  const std::string path = dir.file("a-00001-of-00002.gguf");
  writer.write(path);
  const std::vector<std::byte> file = test::read_bytes(path);
  EXPECT_EQ(code_of([&] { Model::load_memory(std::span<const std::byte>(file)); }), Errc::unsupported);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(code_of([&] { Model::load_descriptor(descriptor); }), Errc::unsupported);
  ::close(descriptor);
}

TEST(Load, TellsWhoWantsToKnow) {
  std::vector<std::string> lines;
  LoadOptions options = one_thread();
  options.log = [&](std::string_view line) { lines.emplace_back(line); };
  Model::load(tiny_path(), options);
  ASSERT_GE(lines.size(), 3u);
  EXPECT_THAT(lines[0], HasSubstr("tiny.gguf"));
  EXPECT_THAT(lines[1], HasSubstr("llama"));
  for (const std::string& line : lines) EXPECT_EQ(line.find('\n'), std::string::npos);
  struct Own {};
  options.log = [](std::string_view) { throw Own(); };
  EXPECT_THROW(Model::load(tiny_path(), options), Own);
}

class Metadata : public testing::Test {
 protected:
  static Model model_with(const std::function<void(test::GgufWriter&)>& add) {
    test::GgufWriter writer = test::tiny_llama();
    add(writer);
    const test::TempDir dir;
    writer.write(dir.file("m.gguf"));
    return Model::load(dir.file("m.gguf"), one_thread());
  }
  static std::vector<MetadataValue> values(const Model& model, std::string_view key) {
    return model.metadata_values(model.find_metadata(key).value());
  }
};

TEST_F(Metadata, OfEveryTypeIsRead) {
  const std::string odd("a\0b\xff", 4);
  const Model model = model_with([&](test::GgufWriter& w) {
    w.add("x.u8", std::uint8_t{250}).add("x.i8", std::int8_t{-6}).add("x.u64", ~std::uint64_t{0});
    w.add("x.i64", std::numeric_limits<std::int64_t>::min()).add("x.f32", 0.5f).add("x.f64", 1e300);
    w.add("x.bool", true).add("x.text", odd).add_array("x.texts", std::vector<std::string>{"", odd, "c"});
    w.add_array("x.numbers", std::vector<std::int16_t>{-1, 2}).add_array("x.none", std::vector<float>{});
  });
  using Values = std::vector<MetadataValue>;
  EXPECT_EQ(values(model, "x.u8"), (Values{std::uint64_t{250}}));
  EXPECT_EQ(values(model, "x.i8"), (Values{std::int64_t{-6}}));
  EXPECT_EQ(values(model, "x.u64"), (Values{~std::uint64_t{0}}));
  EXPECT_EQ(values(model, "x.i64"), (Values{std::numeric_limits<std::int64_t>::min()}));
  EXPECT_EQ(values(model, "x.f32"), (Values{0.5}));
  EXPECT_EQ(values(model, "x.f64"), (Values{1e300}));
  EXPECT_EQ(values(model, "x.bool"), (Values{true}));
  EXPECT_EQ(values(model, "x.text"), (Values{std::string_view(odd)}));
  EXPECT_EQ(values(model, "x.texts"),
            (Values{std::string_view(), std::string_view(odd), std::string_view("c")}));
  EXPECT_EQ(values(model, "x.numbers"), (Values{std::int64_t{-1}, std::int64_t{2}}));
  EXPECT_EQ(values(model, "x.none"), Values());
}

TEST_F(Metadata, IsListedInTheOrderOfTheFile) {
  const Model& model = test::tiny();
  ASSERT_GT(model.metadata_count(), 5u);
  for (std::size_t i = 0; i < model.metadata_count(); ++i) {
    const MetadataEntry entry = model.metadata(i);
    EXPECT_EQ(model.find_metadata(entry.key), i);
    const auto all = model.metadata_values(i);
    EXPECT_EQ(all.size(), entry.count) << entry.key;
    EXPECT_TRUE(entry.is_array || entry.count == 1);
    for (const MetadataValue& value : all) EXPECT_EQ(value.index(), std::size_t(entry.type));
  }
  EXPECT_EQ(model.metadata(0).key, "general.architecture");
  EXPECT_EQ(model.find_metadata("no.such.key"), std::nullopt);
  EXPECT_EQ(code_of([&] { model.metadata(model.metadata_count()); }), Errc::range);
  EXPECT_EQ(code_of([&] { model.metadata_values(model.metadata_count()); }), Errc::range);
}

TEST_F(Metadata, RecommendsSampling) {
  const Model model = model_with([&](test::GgufWriter& w) {
    w.add("general.sampling.temp", 0.6f).add("general.sampling.top_k", std::int32_t{20});
  });
  const SamplerOptions options = model.recommended_sampling();
  EXPECT_EQ(options.temperature, 0.6f);
  EXPECT_EQ(options.top_k, 20);
  EXPECT_EQ(options.min_p, SamplerOptions().min_p);
  const Model bad = model_with([&](test::GgufWriter& w) { w.add("general.sampling.top_p", 7.0f); });
  EXPECT_EQ(code_of([&] { bad.recommended_sampling(); }), Errc::range);
}

TEST(Version, IsOne) {
  EXPECT_THAT(std::string(version()), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

}  // namespace
}  // namespace longhand
