// Parts, other metadata, and differences, of the bundled model and of small files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "engine/longhand.h"
#include "engine/longhand_edit.h"
#include "engine/make/edit/head_in_place.h"
#include "loaders/gguf/gguf.h"
#include "ops/error.h"
#include "tests/support/error_code.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string floats(std::initializer_list<float> values) {
  return std::string(reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(float));
}

GgufWriter small_file() {
  GgufWriter file;
  file.add("general.architecture", std::string("llama"));
  file.add("llama.context_length", std::uint32_t{64});
  file.add("general.name", std::string("a name that is long enough to leave room"));
  file.add_array("tokenizer.ggml.tokens", std::vector<std::string>{"<s>", "</s>", "a"});
  file.tensor("a", {2, 3}, 0, floats({1, 2, 3, 4, 5, 6}));
  file.tensor("b", {4}, 0, floats({0, 0, 0, 0}));
  file.tensor("c", {1}, 0, floats({7}));
  return file;
}

std::string text_of(const GgufWriter& file) {
  const std::vector<std::byte> bytes = file.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class Edit : public testing::Test {
 protected:
  std::string small() const { return dir_.write("small.gguf", text_of(small_file())); }
  std::size_t files() const {
    return std::size_t(std::distance(fs::directory_iterator(dir_.path()), fs::directory_iterator{}));
  }
  const TempDir dir_;
};

TEST_F(Edit, PartsOpenAsTheModelAndMergeIntoItsBytes) {
  const auto parts = split_model(kGuide, dir_.file("part"), {.max_bytes = 1 << 20});
  ASSERT_GT(parts.size(), 3u);
  std::uint64_t tensors = 0;
  for (const ModelPart& part : parts) {
    EXPECT_EQ(fs::file_size(part.path), part.bytes);
    tensors += std::uint64_t(part.tensors);
  }
  EXPECT_EQ(tensors, Gguf::open(kGuide).tensors().size());
  EXPECT_TRUE(diff_models(kGuide, parts[0].path).tensors.empty());
  EXPECT_EQ(Model::load(parts[0].path).info().layers, Model::load(kGuide).info().layers);

  const std::string merged = dir_.file("merged.gguf");
  merge_model(parts[0].path, merged);
  EXPECT_TRUE(diff_models(kGuide, merged).none());
  EXPECT_EQ(content(merged), content(kGuide));
}

TEST_F(Edit, PartsKeepToTheirLimits) {
  const std::string model = small();
  const auto one_each = plan_split(model, dir_.file("x"), {.max_tensors = 1});
  ASSERT_EQ(one_each.size(), 3u);
  EXPECT_EQ(one_each[0].path, dir_.file("x-00001-of-00003.gguf"));
  const auto alone = plan_split(model, dir_.file("x"), {.max_tensors = 2, .metadata_alone = true});
  ASSERT_EQ(alone.size(), 3u);
  EXPECT_EQ(alone[0].tensors, 0);
  EXPECT_EQ(alone[1].tensors, 2);
  // A tensor larger than the limit has a part of its own.
  EXPECT_EQ(plan_split(model, dir_.file("x"), {.max_bytes = 8}).size(), 3u);
  EXPECT_EQ(code_of([&] { plan_split(model, dir_.file("x"), {}); }), Errc::range);
  EXPECT_EQ(files(), 1u);
}

TEST_F(Edit, PartsThatFailLeaveNothingAndReplaceNothing) {
  const std::string model = small();
  int told = 0;
  EXPECT_EQ(code_of([&] {
              split_model(model, dir_.file("x"), {.max_tensors = 1}, [&told](float) { return ++told < 3; });
            }),
            Errc::cancelled);
  EXPECT_EQ(files(), 1u);
  dir_.write("x-00002-of-00003.gguf", "mine");
  EXPECT_EQ(code_of([&] { split_model(model, dir_.file("x"), {.max_tensors = 1}); }), Errc::io);
  EXPECT_EQ(content(dir_.file("x-00002-of-00003.gguf")), "mine");
  EXPECT_EQ(files(), 2u);
}

TEST_F(Edit, AMergedFileNeverReplacesOneOfItsParts) {
  const auto parts = split_model(small(), dir_.file("x"), {.max_tensors = 1});
  fs::create_symlink(parts[1].path, dir_.file("link"));
  for (const std::string& out : {parts[0].path, parts[1].path, dir_.file("link")})
    EXPECT_EQ(code_of([&] { merge_model(parts[0].path, out); }), Errc::range) << out;
}

TEST_F(Edit, ValuesKeepTheirTypeOrGetOne) {
  const std::string model = small();
  edit_metadata(
      model, "",
      {.set = {"llama.context_length=128", "new.number=f32:0.5", "new.flag=bool:true", "general.name=x=y"}});
  const Gguf file = Gguf::open(model);
  EXPECT_EQ(file.find("llama.context_length")->type, ValueType::u32);
  EXPECT_EQ(file.require_int(key::context_length), 128);
  EXPECT_EQ(file.find("new.number")->type, ValueType::f32);
  EXPECT_EQ(file.find("new.flag")->type, ValueType::boolean);
  EXPECT_EQ(file.get_string(key::name), "x=y");
}

TEST_F(Edit, RenamesAndRemoves) {
  const std::string model = small();
  edit_metadata(model, "",
                {.rename = {{"general.name", "general.label"}}, .remove = {"llama.context_length"}});
  const Gguf file = Gguf::open(model);
  EXPECT_EQ(file.find("general.name"), nullptr);
  EXPECT_EQ(file.find("llama.context_length"), nullptr);
  EXPECT_NE(file.find("general.label"), nullptr);
}

TEST_F(Edit, WhatFitsIsWrittenInPlaceAndTensorsStay) {
  const std::string model = small();
  const std::string before = content(model);
  // Shorter by a little, by much, back again, and at last longer than there is room.
  for (const std::string& name : {std::string("a name that is long enough to leave roo"), std::string(1, 'x'),
                                  std::string(""), std::string("a name that is long enough to leave room")}) {
    EXPECT_TRUE(edit_metadata(model, "", {.set = {"general.name=" + name}})) << name;
    EXPECT_EQ(content(model).size(), before.size());
    EXPECT_EQ(Gguf::open(model).get_string(key::name), name);
    EXPECT_TRUE(diff_models(model, dir_.write("before.gguf", before)).tensors.empty());
  }
  EXPECT_EQ(content(model), before);
  EXPECT_FALSE(edit_metadata(model, "", {.set = {"general.name=" + std::string(200, 'y')}}));
  EXPECT_TRUE(diff_models(model, dir_.file("before.gguf")).tensors.empty());
}

TEST_F(Edit, AnotherFileLeavesTheModelAsItIs) {
  const std::string model = small(), before = content(model);
  EXPECT_FALSE(edit_metadata(model, dir_.file("out.gguf"), {.set = {"general.name=x"}}));
  EXPECT_EQ(content(model), before);
  const ModelDifferences found = diff_models(model, dir_.file("out.gguf"));
  ASSERT_EQ(found.keys.size(), 1u);
  EXPECT_EQ(found.keys[0].key, "general.name");
}

TEST_F(Edit, WrongChangesAreRefusedAndChangeNothing) {
  const std::string model = small(), before = content(model);
  const std::pair<MetadataEdit, Errc> kCases[] = {
      {{.remove = {"no.such.key"}}, Errc::missing},
      {{.rename = {{"no.such.key", "x"}}}, Errc::missing},
      {{.rename = {{"general.name", "llama.context_length"}}}, Errc::duplicate},
      {{.remove = {"general.architecture"}}, Errc::range},
      {{.set = {"general.alignment=u32:64"}}, Errc::range},
      {{.set = {"split.count=u16:2"}}, Errc::range},
      {{.set = {"no.type=1"}}, Errc::missing},
      {{.set = {"llama.context_length=-1"}}, Errc::range},
      {{.set = {"x=u8:256"}}, Errc::range},
      {{.set = {"x=f32:nan"}}, Errc::range},
      {{.set = {"x=bool:yes"}}, Errc::range},
      {{.set = {"=1"}}, Errc::range},
      {{.set = {"tokenizer.ggml.tokens=a"}}, Errc::range},
  };
  for (const auto& [edit, code] : kCases) {
    EXPECT_EQ(code_of([&] { edit_metadata(model, "", edit); }), code);
    EXPECT_EQ(content(model), before);
  }
  EXPECT_EQ(files(), 1u);
}

TEST_F(Edit, AnInterruptedEditIsTakenBack) {
  const std::string model = small(), before = content(model);
  replace_head(model, before.substr(0, before.find(floats({1, 2, 3, 4, 5, 6}))));  // leaves all as it is
  EXPECT_EQ(content(model), before);
  EXPECT_EQ(files(), 1u);

  // What a power failure leaves: the kept head, and half of a new one.
  const std::size_t head = before.find(floats({1, 2, 3, 4, 5, 6}));
  keep_head(model, head);
  std::string broken = before;
  std::fill_n(broken.begin(), head / 2, '\xff');
  dir_.write("small.gguf", broken);
  EXPECT_TRUE(edit_metadata(model, "", {.set = {"llama.context_length=65"}}));
  EXPECT_EQ(Gguf::open(model).require_int(key::context_length), 65);
  EXPECT_FALSE(fs::exists(model + ".head"));

  // Of another file it is refused.
  keep_head(model, head);
  dir_.write("small.gguf", text_of(small_file().tensor("d", {1}, 0, floats({1}))));
  EXPECT_EQ(code_of([&] { edit_metadata(model, "", {.set = {"llama.context_length=66"}}); }), Errc::mismatch);
}

TEST_F(Edit, DifferencesAreNamedAndMeasured) {
  const std::string first = small();
  GgufWriter other = small_file();
  other.tensors[0].data = floats({1, 2, 3, 4, 5, 8});
  other.tensors[1].data = floats({0, 0, 1, 0});
  other.tensors[2].name = "e";
  other.add("general.extra", true);
  const std::string second = dir_.write("second.gguf", text_of(other));
  const ModelDifferences found = diff_models(first, second);
  ASSERT_EQ(found.keys.size(), 1u);
  EXPECT_EQ(found.keys[0].side, Side::second);
  ASSERT_EQ(found.tensors.size(), 4u);
  EXPECT_NEAR(found.tensors[0].relative_error, std::sqrt(4.0 / 91), 1e-12);
  EXPECT_EQ(found.tensors[0].largest_error, 2);
  EXPECT_TRUE(std::isinf(found.tensors[1].relative_error));
  // One of six numbers, half of what is usual there, and one of four zeros.
  ErrorHistogram histogram = found.tensors[0].histogram;
  EXPECT_EQ(histogram.equal, 5u);
  EXPECT_EQ(histogram.counts[6], 1u);
  histogram.add(found.tensors[1].histogram);
  EXPECT_EQ(histogram.equal, 8u);
  EXPECT_EQ(histogram.counts[7], 1u);
  EXPECT_EQ(histogram.counts, found.histogram.counts);
  EXPECT_EQ(found.histogram.total(), 10u);
  EXPECT_NEAR(found.relative_error, std::sqrt(5.0 / 91), 1e-12);
  EXPECT_EQ(found.tensors[2].side, Side::first);
  EXPECT_EQ(found.tensors[3].side, Side::second);
  EXPECT_EQ(found.equal_keys, 4);
  EXPECT_EQ(found.tensors[2].first_dims, std::vector<std::uint64_t>{1});
  EXPECT_TRUE(found.tensors[2].second_dims.empty());
  EXPECT_TRUE(diff_models(first, first).none());
  EXPECT_EQ(diff_models(first, first).histogram.equal, 6u + 4u + 1u);
}

TEST_F(Edit, ValuesThatAreNotFiniteDifferUnlessTheyAreTheSame) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  const auto difference = [&](std::initializer_list<float> a, std::initializer_list<float> b) {
    GgufWriter first = small_file(), second = small_file();
    first.tensors[0].data = floats(a);
    second.tensors[0].data = floats(b);
    const ModelDifferences found =
        diff_models(dir_.write("first.gguf", text_of(first)), dir_.write("second.gguf", text_of(second)));
    return std::pair(found.tensors.at(0).relative_error, found.tensors.at(0).largest_error);
  };
  const std::pair<double, double> infinite = {inf, inf};
  EXPECT_EQ(difference({1, 2, 3, 4, 5, 6}, {1, 2, nan, 4, 5, 6}), infinite);
  EXPECT_EQ(difference({1, 2, nan, 4, 5, 6}, {1, 2, 3, 4, 5, 6}), infinite);
  EXPECT_EQ(difference({1, 2, inf, 4, 5, 6}, {1, 2, -inf, 4, 5, 6}), infinite);
  EXPECT_EQ(difference({1, 2, inf, 4, 5, 6}, {1, 2, nan, 4, 5, 6}), infinite);
  EXPECT_EQ(difference({1, 2, nan, 4, inf, 6}, {1, 2, nan, 4, inf, 8}).second, 2);
}

TEST_F(Edit, TheProgramSplitsMergesEditsAndCompares) {
  const auto program = [](Arguments arguments) {
    arguments.insert(arguments.begin(), LONGHAND_PROGRAM);
    return run_process(arguments);
  };
  const std::string model = small(), stem = dir_.file("p");
  EXPECT_EQ(program({"split", model, stem}).status, 2);
  EXPECT_THAT(program({"split", model, stem, "--max-size", "20", "--dry-run"}).out,
              HasSubstr("p-00001-of-00002.gguf  1 tensors"));
  EXPECT_EQ(program({"split", model, stem + ".gguf", "--max-tensors", "2"}).status, 0);
  EXPECT_EQ(program({"merge", stem + "-00001-of-00002.gguf", dir_.file("m.gguf")}).status, 0);
  EXPECT_EQ(program({"diff", model, dir_.file("m.gguf")}).status, 0);
  EXPECT_EQ(
      program({"edit", dir_.file("m.gguf"), "--special", "eos=</s>", "--set", "general.name=other"}).status,
      0);
  const ProcessResult diff = program({"diff", model, dir_.file("m.gguf")});
  EXPECT_EQ(diff.status, 3);
  EXPECT_THAT(diff.out, HasSubstr("> tokenizer.ggml.eos_token_id = 1"));
  EXPECT_THAT(diff.out, HasSubstr("> general.name = other"));
  EXPECT_THAT(program({"edit", model, "--special", "eos=nothing"}).err, HasSubstr("must be the text of one"));
  EXPECT_EQ(program({"edit", model}).status, 2);
  EXPECT_THAT(program({"info", dir_.file("m.gguf"), "--against", model}).out, HasSubstr("the same: "));
}

}  // namespace
}  // namespace longhand::test
