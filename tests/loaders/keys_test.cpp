// Walks the key table: every key with every type and boundary value is read or refused as its row says.
#include "loaders/gguf/keys.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "loaders/gguf/gguf.h"
#include "ops/error.h"
#include "tests/support/all_keys.h"
#include "tests/support/gguf_writer.h"

namespace longhand::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kInf = std::numeric_limits<double>::infinity();

std::string full_name(const KeySpec& key) {
  std::string name(key.name);
  if (const auto at = name.find("%s"); at != std::string::npos) name.replace(at, 2, "arch");
  return name;
}

GgufWriter writer_for(const KeySpec& key) {
  GgufWriter writer;
  if (&key != &key::architecture) writer.add("general.architecture", "arch");
  return writer;
}

// Reads the key with the getter of its row.
void read(const Gguf& file, const KeySpec& key) {
  switch (key.type) {
    case KeyType::integer:
      file.get_int(key);
      break;
    case KeyType::number:
      file.get_float(key);
      break;
    case KeyType::boolean:
      file.get_bool(key);
      break;
    case KeyType::string:
      file.get_string(key);
      break;
    case KeyType::integers:
      file.get_ints(key);
      break;
    case KeyType::numbers:
      file.get_floats(key);
      break;
    case KeyType::strings:
      file.get_strings(key);
      break;
    case KeyType::bytes:
      file.get_bytes(key);
      break;
  }
}

// The code with which the file is refused, when it is parsed or when the key is read.
std::optional<Errc> outcome(const GgufWriter& writer, const KeySpec& key) {
  const auto bytes = writer.bytes();
  try {
    const Gguf file = Gguf::parse(bytes, "keys.gguf");
    EXPECT_TRUE(file.has(key));
    read(file, key);
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("keys.gguf: key '" + full_name(key)));
    EXPECT_THAT(error.what(), HasSubstr("(offset "));
    return error.code();
  }
  return std::nullopt;
}

constexpr std::optional<Errc> kFine = std::nullopt;

bool is_scalar(KeyType type) { return type <= KeyType::string; }

bool accepts(KeyType key, ValueType value) {
  const bool is_float = value == ValueType::f32 || value == ValueType::f64;
  const bool is_text = value == ValueType::string;
  const bool is_bool = value == ValueType::boolean;
  switch (key) {
    case KeyType::integer:
    case KeyType::integers:
    case KeyType::boolean:
      return !is_float && !is_text;
    case KeyType::number:
    case KeyType::numbers:
      return !is_text && !is_bool;
    case KeyType::string:
    case KeyType::strings:
      return is_text;
    case KeyType::bytes:
      return value == ValueType::u8 || value == ValueType::i8;
  }
  return false;
}

// `value` encoded as `type`.
std::string encode_as(ValueType type, double value) {
  switch (type) {
    case ValueType::u8:
      return encode(std::uint8_t(value));
    case ValueType::i8:
      return encode(std::int8_t(value));
    case ValueType::u16:
      return encode(std::uint16_t(value));
    case ValueType::i16:
      return encode(std::int16_t(value));
    case ValueType::u32:
      return encode(std::uint32_t(value));
    case ValueType::i32:
      return encode(std::int32_t(value));
    case ValueType::u64:
      return encode(std::uint64_t(value));
    case ValueType::i64:
      return encode(std::int64_t(value));
    case ValueType::f32:
      return encode(float(value));
    case ValueType::f64:
      return encode(value);
    case ValueType::boolean:
      return encode(value != 0);
    case ValueType::string:
      return encode("arch");
    case ValueType::array:
      break;
  }
  return {};
}

std::vector<ValueType> element_types() {
  std::vector<ValueType> types;
  for (std::uint32_t id = 0; id <= 12; ++id) {
    if (ValueType(id) != ValueType::array) types.push_back(ValueType(id));
  }
  return types;
}

// A small whole number every numeric row allows.
double legal_value(const KeySpec& key) { return std::ceil(std::max(key.min, 0.0)); }

TEST(Keys, AreUniqueAndHaveARange) {
  std::set<std::string_view> names;
  for (const KeySpec* key : kAllKeys) {
    EXPECT_TRUE(names.insert(key->name).second) << key->name << " has two rows";
    const bool has_range = key->type != KeyType::boolean && key->type != KeyType::bytes;
    EXPECT_TRUE(!has_range || key->min < key->max) << key->name;
    EXPECT_TRUE((std::isfinite(key->min) || key == &key::gate_cuts) && std::isfinite(key->max)) << key->name;
  }
  EXPECT_GT(names.size(), 90U);
}

TEST(Keys, EveryKeyWithEveryTypeIsReadOrRefusedAsItsRowSays) {
  for (const KeySpec* key : kAllKeys) {
    for (const ValueType type : element_types()) {
      SCOPED_TRACE(fmt::format("{} as {}", key->name, value_type_name(type)));
      // A bool cannot hold 2, the least value of some rows.
      if (type == ValueType::boolean && legal_value(*key) > 1) continue;
      const std::string value = encode_as(type, legal_value(*key));
      const auto expected = accepts(key->type, type) ? kFine : std::optional(Errc::type);

      GgufWriter scalar = writer_for(*key);
      scalar.add_raw(full_name(*key), std::uint32_t(type), value);
      EXPECT_EQ(outcome(scalar, *key), expected) << "scalar";

      GgufWriter array = writer_for(*key);
      array.add_raw(full_name(*key), std::uint32_t(ValueType::array),
                    encode(type) + encode(std::uint64_t{2}) + value + value);
      EXPECT_EQ(outcome(array, *key), is_scalar(key->type) ? std::optional(Errc::type) : expected) << "array";
    }
    for (const std::uint32_t type : {13U, 255U, 1U << 31}) {
      GgufWriter writer = writer_for(*key);
      writer.add_raw(full_name(*key), type, std::string(16, '\0'));
      EXPECT_EQ(outcome(writer, *key), Errc::type) << key->name;
    }
  }
}

// `value` in the middle of an array where the row asks for one.
GgufWriter with_value(const KeySpec& key, ValueType type, const std::string& value) {
  GgufWriter writer = writer_for(key);
  if (is_scalar(key.type)) {
    writer.add_raw(full_name(key), std::uint32_t(type), value);
  } else {
    const std::string legal = encode_as(type, legal_value(key));
    writer.add_raw(full_name(key), std::uint32_t(ValueType::array),
                   encode(type) + encode(std::uint64_t{3}) + legal + value + legal);
  }
  return writer;
}

TEST(Keys, NumbersOutsideTheirRangeAreRefused) {
  for (const KeySpec* key : kAllKeys) {
    if (key->type != KeyType::number && key->type != KeyType::numbers) continue;
    if (key == &key::gate_cuts) continue;  // where -inf says that nothing is cut
    SCOPED_TRACE(key->name);
    const double below = std::nextafter(key->min, -kInf), above = std::nextafter(key->max, kInf);
    for (const double value : {below, above, key->min - 1 - std::abs(key->min), key->max * 1.01, kInf, -kInf,
                               std::nan(""), -std::nan("")}) {
      EXPECT_EQ(outcome(with_value(*key, ValueType::f64, encode(value)), *key), Errc::range) << value;
    }
    for (const double value : {key->min, key->max}) {
      EXPECT_EQ(outcome(with_value(*key, ValueType::f64, encode(value)), *key), kFine) << value;
    }
    for (const float value : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
      EXPECT_EQ(outcome(with_value(*key, ValueType::f32, encode(value)), *key), Errc::range) << value;
    }
    for (const float value : {0.0F, -1.0F, 1e-45F}) {
      const auto expected = value >= key->min && value <= key->max ? kFine : std::optional(Errc::range);
      EXPECT_EQ(outcome(with_value(*key, ValueType::f32, encode(value)), *key), expected) << value;
    }
  }
}

TEST(Keys, IntegersOutsideTheirRangeAreRefused) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min(), k2p32 = std::int64_t{1} << 32;
  for (const KeySpec* key : kAllKeys) {
    if (key->type != KeyType::integer && key->type != KeyType::integers) continue;
    SCOPED_TRACE(key->name);
    const auto min = std::int64_t(key->min), max = std::int64_t(key->max);
    for (const std::int64_t value : {min - 1, max + 1, max + k2p32, kLeast, -k2p32}) {
      EXPECT_EQ(outcome(with_value(*key, ValueType::i64, encode(value)), *key), Errc::range) << value;
    }
    for (const std::uint64_t value : {1ULL << 63, (1ULL << 63) + 1, ~0ULL}) {
      EXPECT_EQ(outcome(with_value(*key, ValueType::u64, encode(value)), *key), Errc::range) << value;
    }
    // Keys with a meaning for the file itself have further rules, tested with the file.
    if (full_name(*key).starts_with("split.")) continue;
    for (const std::int64_t value : {min, max}) {
      EXPECT_EQ(outcome(with_value(*key, ValueType::i64, encode(value)), *key), kFine) << value;
    }
  }
}

TEST(Keys, StringsOutsideTheirLengthAreRefused) {
  for (const KeySpec* key : kAllKeys) {
    if (key->type != KeyType::string && key->type != KeyType::strings) continue;
    if (key == &key::chat_template || key == &key::rerank_template)
      continue;  // their limit is that of any string in a file
    SCOPED_TRACE(key->name);
    const auto max = std::size_t(key->max);
    EXPECT_EQ(outcome(with_value(*key, ValueType::string, encode(std::string(max, 'a'))), *key), kFine);
    EXPECT_EQ(outcome(with_value(*key, ValueType::string, encode(std::string(max + 1, 'a'))), *key),
              Errc::range);
    const auto empty = key->min > 0 ? std::optional(Errc::range) : kFine;
    EXPECT_EQ(outcome(with_value(*key, ValueType::string, encode("")), *key), empty);
  }
}

class Getters : public ::testing::Test {
 protected:
  // `writer` as a file that lives as long as the test.
  Gguf parse(const GgufWriter& writer) {
    bytes_.push_back(writer.bytes());
    return Gguf::parse(bytes_.back(), "getters.gguf");
  }
  std::vector<std::vector<std::byte>> bytes_;
};

TEST_F(Getters, CoerceIntegersOfEveryWidth) {
  for (const ValueType type : element_types()) {
    if (!accepts(KeyType::integer, type)) continue;
    const Gguf file =
        parse(writer_for(key::block_count)
                  .add_raw("arch.block_count", std::uint32_t(type), encode_as(type, 1))
                  .add_raw("arch.logit_scale", std::uint32_t(ValueType::u8), encode_as(ValueType::u8, 200)));
    EXPECT_EQ(file.get_int(key::block_count), 1) << value_type_name(type);
    EXPECT_EQ(file.require_int(key::block_count), 1);
    EXPECT_EQ(file.get_float(key::logit_scale), 200.0);
  }
  EXPECT_EQ(parse(writer_for(key::sampling_top_k).add("general.sampling.top_k", std::int8_t{-1}))
                .get_int(key::sampling_top_k),
            -1);
}

TEST_F(Getters, TakeAnyBoolButZeroForTrue) {
  for (const unsigned stored : {0U, 1U, 2U, 127U, 128U, 255U}) {
    const std::string byte(1, char(stored));
    const Gguf file =
        parse(writer_for(key::add_bos)
                  .add_raw("tokenizer.ggml.add_bos_token", std::uint32_t(ValueType::boolean), byte)
                  .add_raw("arch.attention.head_count", std::uint32_t(ValueType::array),
                           encode(ValueType::boolean) + encode(std::uint64_t{2}) + byte + byte));
    const std::int64_t expected = stored != 0 ? 1 : 0;
    EXPECT_EQ(file.get_bool(key::add_bos), stored != 0);
    EXPECT_THAT(file.get_ints(key::head_count), ElementsAre(expected, expected));
  }
}

TEST_F(Getters, ReadAScalarAsAnArrayOfOne) {
  const Gguf file = parse(writer_for(key::tokens)
                              .add("tokenizer.ggml.tokens", "only")
                              .add("tokenizer.ggml.scores", -0.5)
                              .add("arch.attention.head_count", std::uint16_t{12})
                              .add("tokenizer.ggml.precompiled_charsmap", std::uint8_t{7}));
  EXPECT_THAT(file.get_strings(key::tokens), ElementsAre("only"));
  EXPECT_THAT(file.get_floats(key::scores), ElementsAre(-0.5));
  EXPECT_THAT(file.get_ints(key::head_count), ElementsAre(12));
  EXPECT_THAT(file.get_bytes(key::charsmap), ElementsAre(std::byte{7}));
}

TEST_F(Getters, TellAbsentFromEmpty) {
  const Gguf file = parse(
      writer_for(key::name).add("general.name", "").add_array<std::int32_t>("arch.attention.head_count", {}));
  EXPECT_TRUE(file.has(key::name));
  EXPECT_EQ(file.get_string(key::name), "");
  EXPECT_TRUE(file.has(key::head_count));
  EXPECT_THAT(file.get_ints(key::head_count), IsEmpty());
  EXPECT_FALSE(file.has(key::tokens));
  for (const KeySpec* key : kAllKeys) {
    if (file.has(*key)) continue;
    EXPECT_NO_THROW(read(file, *key)) << key->name;
  }
  EXPECT_EQ(file.get_int(key::block_count), std::nullopt);
  EXPECT_EQ(file.get_string(key::chat_template), std::nullopt);
  EXPECT_THAT(file.get_strings(key::tokens), IsEmpty());
}

TEST_F(Getters, NameAMissingKeyInFull) {
  const Gguf file = parse(writer_for(key::block_count));
  const auto expect_missing = [](auto get, const std::string& name) {
    try {
      get();
      ADD_FAILURE() << name << " was found";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::missing);
      EXPECT_THAT(error.what(), HasSubstr("getters.gguf: key '" + name + "' is missing"));
    }
  };
  expect_missing([&] { file.require_int(key::block_count); }, "arch.block_count");
  expect_missing([&] { file.require_float(key::rms_epsilon); }, "arch.attention.layer_norm_rms_epsilon");
  expect_missing([&] { file.require_string(key::tokenizer_model); }, "tokenizer.ggml.model");
}

TEST_F(Getters, RefuseToReadARowAsAnotherType) {
  const Gguf file = parse(writer_for(key::block_count).add("arch.block_count", 3U));
  EXPECT_THROW(file.get_float(key::block_count), std::logic_error);
  EXPECT_THROW(file.get_ints(key::block_count), std::logic_error);
  EXPECT_THROW(file.get_int(key::head_count), std::logic_error);
  EXPECT_THROW(file.get_string(key::tokens), std::logic_error);
}

TEST_F(Getters, ReadNoMoreNumbersThanAVocabularyHas) {
  const auto with_scores = [](std::uint64_t count) {
    return writer_for(key::scores)
        .add_raw("tokenizer.ggml.scores", std::uint32_t(ValueType::array),
                 encode(ValueType::u8) + encode(count) + std::string(count, '\1'));
  };
  EXPECT_EQ(parse(with_scores(1 << 21)).get_floats(key::scores).size(), 1U << 21);
  EXPECT_EQ(outcome(with_scores((1 << 21) + 1), key::scores), Errc::limit);
}

}  // namespace
}  // namespace longhand::test
