// Safetensors files, good and spoiled, and folders of them.
#include "loaders/safetensors/safetensors.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "loaders/safetensors/json_file.h"
#include "loaders/safetensors/safetensors_folder.h"
#include "tests/support/error_code.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using ::testing::HasSubstr;

std::string file_of(const std::string& header, std::size_t data) {
  const std::uint64_t size = header.size();
  std::string bytes(sizeof size, '\0');
  std::memcpy(bytes.data(), &size, sizeof size);
  bytes += header;
  for (std::size_t i = 0; i < data; ++i) bytes += char(i);
  return bytes;
}

std::vector<StoredTensor> parse(const std::string& bytes) {
  return parse_safetensors(std::as_bytes(std::span(bytes)), "some.safetensors");
}

const std::string kGood = R"({"__metadata__":{"format":"pt","note":""},)"
                          R"("b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
                          R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                          R"("none":{"shape":[0,7],"data_offsets":[16,16],"dtype":"I64"}}   )";

TEST(Safetensors, GivesTensorsInTheOrderOfTheirBytes) {
  const std::string bytes = file_of(kGood, 16);
  const std::vector<StoredTensor> tensors = parse(bytes);
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors[0].name, "a");
  EXPECT_TRUE(tensors[0].shape.empty());
  EXPECT_EQ(tensors[1].name, "b");
  EXPECT_EQ(tensors[1].type, StoredType::bf16);
  EXPECT_EQ(tensors[1].shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(tensors[1].data.size(), 12u);
  EXPECT_EQ(int(tensors[1].data[0]), 4);
  EXPECT_EQ(stored_type_name(tensors[2].type), "I64");
  EXPECT_TRUE(tensors[2].data.empty());
  EXPECT_TRUE(parse(file_of("{}", 0)).empty());
}

TEST(Safetensors, RefusesAFileCutShortAnywhere) {
  const std::string bytes = file_of(kGood, 16);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_TRUE(code_of([&] { parse(bytes.substr(0, size)); }).has_value()) << size;
}

struct Spoiled {
  const char* header;
  Errc code;
  const char* says;
};

// With 16 bytes of data.
constexpr Spoiled kSpoiled[] = {
    {"", Errc::corrupt, "not JSON"},
    {"[]", Errc::corrupt, "a list where none belongs"},
    {"null", Errc::corrupt, "null"},
    {"{} {}", Errc::corrupt, "not JSON"},
    {R"({"a":5})", Errc::corrupt, "'a'"},
    {R"({"a":[]})", Errc::corrupt, "a list"},
    {R"({"a":{}})", Errc::corrupt, "must give dtype, shape and data_offsets"},
    {R"({"a":{"dtype":"F32","shape":[4]}})", Errc::corrupt, "must give"},
    {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16],"more":1}})", Errc::corrupt, "a field 'more'"},
    {R"({"a":{"dtype":"F32","dtype":"F32","shape":[4],"data_offsets":[0,16]}})", Errc::duplicate, "'dtype'"},
    {R"({"a":{"dtype":4,"shape":[4],"data_offsets":[0,16]}})", Errc::corrupt, "a number"},
    {R"({"a":{"dtype":"F32","shape":4,"data_offsets":[0,16]}})", Errc::corrupt, "a number"},
    {R"({"a":{"dtype":"F32","shape":"4","data_offsets":[0,16]}})", Errc::corrupt, "a text"},
    {R"({"a":{"dtype":"F32","shape":[[4]],"data_offsets":[0,16]}})", Errc::corrupt, "a list"},
    {R"({"a":{"dtype":"F32","shape":[4.0],"data_offsets":[0,16]}})", Errc::corrupt, "a fraction"},
    {R"({"a":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}})", Errc::corrupt, "a negative number"},
    {R"({"a":{"dtype":"F32","shape":[true],"data_offsets":[0,16]}})", Errc::corrupt, "true or false"},
    {R"({"a":{"dtype":"F32","shape":[{}],"data_offsets":[0,16]}})", Errc::corrupt, "an object"},
    {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0]}})", Errc::corrupt, "1 numbers, must have 2"},
    {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16,16]}})", Errc::corrupt, "3 numbers"},
    {R"({"a":{"dtype":"F31","shape":[4],"data_offsets":[0,16]}})", Errc::unsupported, "type 'F31'"},
    {R"({"a":{"dtype":"F32","shape":[5],"data_offsets":[0,16]}})", Errc::shape,
     "has 20 bytes, data_offsets say 16"},
    {R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,4],"data_offsets":[0,16]}})", Errc::limit,
     "9 dimensions"},
    {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,16]}})", Errc::shape,
     "64 bits"},
    {R"({"a":{"dtype":"F32","shape":[4611686018427387908],"data_offsets":[0,16]}})", Errc::shape, "64 bits"},
    {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}})", Errc::range, "bytes 16 to 0 of 16"},
    {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[1,17]}})", Errc::range, "of 16"},
    {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[18446744073709551615,15]}})", Errc::range, "of 16"},
    {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}})", Errc::corrupt, "4 bytes behind the last"},
    {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[4,16]}})", Errc::corrupt, "begins at byte 4"},
    {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[3],"data_offsets":[4,16]}})",
     Errc::corrupt, "'b': begins at byte 4, must begin where the one before ends, at 8"},
    {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})",
     Errc::duplicate, "'a'"},
    {R"({"__metadata__":{"a":{}}})", Errc::corrupt, "an object"},
    {R"({"__metadata__":{"a":1}})", Errc::corrupt, "a number"},
    {R"({"__metadata__":{"a":"1","a":"2"}})", Errc::duplicate, "'a'"},
    {R"({"__metadata__":"x"})", Errc::corrupt, "a text"},
    {"{\"a\xFF\":{}}", Errc::corrupt, "not JSON"},
};

TEST(Safetensors, RefusesSpoiledHeaders) {
  for (const Spoiled& bad : kSpoiled) {
    std::string message;
    EXPECT_EQ(code_of([&] { parse(file_of(bad.header, 16)); }, &message), bad.code) << bad.header;
    EXPECT_THAT(message, HasSubstr(bad.says)) << bad.header;
    EXPECT_THAT(message, HasSubstr("some.safetensors")) << bad.header;
  }
}

TEST(Safetensors, RefusesHeadersThatAreTooLong) {
  std::string bytes = file_of("{}", 0), message;
  for (const std::uint64_t size :
       {std::uint64_t{3}, std::uint64_t{100'000'000}, std::uint64_t{100'000'001}, ~std::uint64_t{0}}) {
    std::memcpy(bytes.data(), &size, sizeof size);
    EXPECT_EQ(code_of([&] { parse(bytes); }), size > 100'000'000 ? Errc::limit : Errc::truncated) << size;
  }
}

// A header with one tensor of 4 bytes.
std::string one_tensor(const std::string& name) {
  return file_of(fmt::format(R"({{"{}":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}})", name), 4);
}

TEST(SafetensorsFolder, OpensOneFileOrThoseOfTheIndex) {
  const TempDir dir;
  EXPECT_EQ(code_of([&] { SafetensorsFolder::open(dir.path().string()); }), Errc::missing);
  dir.write("model.safetensors", one_tensor("x"));
  EXPECT_NE(SafetensorsFolder::open(dir.path().string()).find("x"), nullptr);
  dir.write("one.safetensors", one_tensor("a"));
  dir.write("two.safetensors", one_tensor("b"));
  dir.write("model.safetensors.index.json",
            R"({"weight_map":{"b":"two.safetensors","a":"one.safetensors"}})");
  const SafetensorsFolder folder = SafetensorsFolder::open(dir.path().string());
  EXPECT_EQ(folder.tensors().size(), 2u);
  ASSERT_NE(folder.find("b"), nullptr);
  EXPECT_EQ(folder.files()[std::size_t(folder.find("b")->file)], "two.safetensors");
  EXPECT_EQ(folder.find("x"), nullptr);
  folder.release(*folder.find("b"));
  EXPECT_EQ(int(folder.find("b")->data[3]), 3);
}

TEST(SafetensorsFolder, RefusesAnIndexThatIsNotOfItsFiles) {
  const std::pair<const char*, Errc> indexes[] = {
      {"", Errc::corrupt},
      {"[]", Errc::corrupt},
      {"{}", Errc::corrupt},
      {R"({"weight_map":[]})", Errc::corrupt},
      {R"({"weight_map":{"a":1}})", Errc::corrupt},
      {R"({"weight_map":{"a":"one.safetensors","a":"one.safetensors"}})", Errc::duplicate},
      {R"({"weight_map":{"a":"../one.safetensors"}})", Errc::range},
      {R"({"weight_map":{"a":"/etc/passwd"}})", Errc::range},
      {R"({"weight_map":{"a":".."}})", Errc::range},
      {R"({"weight_map":{"a":""}})", Errc::range},
      {R"({"weight_map":{"a":"gone.safetensors"}})", Errc::io},
      {R"({"weight_map":{"c":"one.safetensors"}})", Errc::mismatch},
      {R"({"weight_map":{"a":"one.safetensors","c":"one.safetensors"}})", Errc::missing},
      {R"({"weight_map":{"a":"two.safetensors","b":"one.safetensors"}})", Errc::mismatch},
      {R"({"weight_map":{"a":"one.safetensors","b":"again.safetensors"}})", Errc::duplicate}};
  for (const auto& [index, code] : indexes) {
    const TempDir dir;
    dir.write("one.safetensors", one_tensor("a"));
    dir.write("two.safetensors", one_tensor("b"));
    dir.write("again.safetensors", one_tensor("a"));
    dir.write("model.safetensors.index.json", index);
    EXPECT_EQ(code_of([&] { SafetensorsFolder::open(dir.path().string()); }), code) << index;
  }
}

TEST(JsonFile, RefusesDeepAndLargeDocuments) {
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  EXPECT_EQ(code_of([&] { parse_json_text(deep, "x.json"); }), Errc::limit);
  EXPECT_EQ(code_of([&] { parse_json_text(std::string(1'000'000, '['), "x.json"); }), Errc::limit);
  EXPECT_EQ(code_of([&] { parse_json_text(R"({"a":{"b":1,"b":2}})", "x.json"); }), Errc::duplicate);
  const TempDir dir;
  EXPECT_EQ(code_of([&] { read_json_file(dir.write("x.json", "[1, 2, 3]"), 8); }), Errc::limit);
}

}  // namespace
}  // namespace longhand::test
