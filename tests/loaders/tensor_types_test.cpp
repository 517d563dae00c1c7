#include "loaders/gguf/tensor_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>

namespace longhand {
namespace {

using ::testing::HasSubstr;

__extension__ using Wide = unsigned __int128;

std::set<std::uint32_t> known_ids() {
  std::set<std::uint32_t> ids;
  for (std::uint32_t id = 0; id < 1000; ++id) {
    if (known_tensor_type(id) != nullptr) ids.insert(id);
  }
  return ids;
}

TEST(TensorTypes, KnowsAllIdsExceptRemovedOnes) {
  std::set<std::uint32_t> expected;
  for (std::uint32_t id = 0; id <= 42; ++id) expected.insert(id);
  for (const std::uint32_t removed : {4U, 5U, 31U, 32U, 33U, 36U, 37U, 38U}) expected.erase(removed);
  // Those of ik_llama.cpp.
  for (const std::uint32_t id :
       {133U, 137U, 138U, 139U, 140U, 141U, 144U, 145U, 146U, 152U, 153U, 154U, 155U, 156U,
        157U, 158U, 202U, 206U, 208U, 210U, 211U, 212U, 213U, 214U, 216U, 217U, 218U, 219U,
        220U, 221U, 222U, 223U, 229U, 230U, 233U, 337U, 338U, 339U, 340U, 344U, 352U, 353U})
    expected.insert(id);
  EXPECT_EQ(known_ids(), expected);
  EXPECT_EQ(known_tensor_type(0xFFFFFFFF), nullptr);
}

TEST(TensorTypes, NamesAndBitsPerWeight) {
  const struct {
    std::uint32_t id;
    std::string_view name;
    double bits;
  } rows[] = {{0, "F32", 32},          {1, "F16", 16},        {2, "Q4_0", 4.5},    {3, "Q4_1", 5},
              {6, "Q5_0", 5.5},        {7, "Q5_1", 6},        {8, "Q8_0", 8.5},    {10, "Q2_K", 2.625},
              {11, "Q3_K", 3.4375},    {12, "Q4_K", 4.5},     {13, "Q5_K", 5.5},   {14, "Q6_K", 6.5625},
              {18, "IQ3_XXS", 3.0625}, {23, "IQ4_XS", 4.25},  {28, "F64", 64},     {30, "BF16", 16},
              {34, "TQ1_0", 1.6875},   {39, "MXFP4", 4.25},   {40, "NVFP4", 4.5},  {41, "Q1_0", 1.125},
              {42, "Q2_0", 2.25},      {29, "IQ1_M", 1.75},   {20, "IQ4_NL", 4.5}, {16, "IQ2_XXS", 2.0625},
              {139, "IQ4_K", 4.5},     {144, "IQ4_KS", 4.25}, {146, "IQ4_KSS", 4}, {153, "IQ2_KT", 2.125}};
  for (const auto& row : rows) {
    const TensorTypeInfo* info = known_tensor_type(row.id);
    ASSERT_NE(info, nullptr) << row.name;
    EXPECT_EQ(info->name, row.name);
    EXPECT_DOUBLE_EQ(8.0 * info->block_bytes / info->block_elements, row.bits) << row.name;
  }
}

TEST(TensorTypes, AdviceNamesRemovedAndForeignTypes) {
  EXPECT_THAT(unknown_tensor_type_advice(4), HasSubstr("Q4_2 (id 4) was removed"));
  EXPECT_THAT(unknown_tensor_type_advice(31), HasSubstr("use a Q4_0 file"));
  EXPECT_THAT(unknown_tensor_type_advice(38), HasSubstr("use a IQ4_NL file"));
  EXPECT_THAT(unknown_tensor_type_advice(142), HasSubstr("of a fork"));
  EXPECT_THAT(unknown_tensor_type_advice(43), HasSubstr("must be 0..42"));
  EXPECT_THAT(unknown_tensor_type_advice(0xFFFFFFFF), HasSubstr("4294967295"));
}

// The definition, in numbers that cannot overflow: dims are below 2^64, so the last product is below 2^74
// before it is cut to "too large".
std::optional<std::uint64_t> wide_bytes(const TensorTypeInfo& type,
                                        const std::array<std::uint64_t, 4>& dims) {
  if (dims[0] % type.block_elements != 0) return std::nullopt;
  Wide bytes = Wide{dims[0] / type.block_elements} * type.block_bytes + type.row_head;
  for (std::size_t i = 1; i < 4; ++i) {
    if (bytes > Wide{1} << 62) return std::nullopt;
    bytes *= dims[i];
  }
  return bytes <= Wide{1} << 62 ? std::optional(std::uint64_t(bytes)) : std::nullopt;
}

TEST(TensorBytes, EqualsWideArithmeticOnRandomShapes) {
  std::mt19937_64 random(2);
  int fitting = 0;
  for (const std::uint32_t id : known_ids()) {
    const TensorTypeInfo& type = *known_tensor_type(id);
    for (int i = 0; i < 30'000; ++i) {
      std::array<std::uint64_t, 4> dims;
      for (auto& dim : dims) dim = (random() >> (random() % 64)) | 1;
      if (i % 8 != 0) dims[0] = (dims[0] >> 8) * type.block_elements + type.block_elements;
      const auto bytes = tensor_bytes(type, dims);
      ASSERT_EQ(bytes, wide_bytes(type, dims))
          << type.name << " of " << dims[0] << "," << dims[1] << "," << dims[2] << "," << dims[3];
      fitting += bytes ? 1 : 0;
    }
  }
  EXPECT_GT(fitting, 10'000);
}

TEST(TensorBytes, RefusesExactlyFromTheFirstSizeThatIsTooLarge) {
  constexpr std::uint64_t kLimit = 1ULL << 62;
  for (const std::uint32_t id : known_ids()) {
    const TensorTypeInfo& type = *known_tensor_type(id);
    const std::uint64_t row_bytes = type.block_bytes + type.row_head;
    const std::uint64_t most_blocks = kLimit / row_bytes;
    // As rows, so that the number of elements does not overflow where the number of bytes fits.
    EXPECT_EQ(tensor_bytes(type, {type.block_elements, most_blocks, 1, 1}), most_blocks * row_bytes)
        << type.name;
    EXPECT_FALSE(tensor_bytes(type, {type.block_elements, most_blocks + 1, 1, 1})) << type.name;
    const std::uint64_t wrapping = ~0ULL / row_bytes + 1;  // the first whose size wraps to something small
    for (const std::uint64_t blocks : {wrapping - 1, wrapping, wrapping + 1}) {
      if (row_bytes == 1) break;  // of one byte nothing wraps
      EXPECT_FALSE(tensor_bytes(type, {type.block_elements, blocks, 1, 1})) << type.name;
      EXPECT_FALSE(tensor_bytes(type, {type.block_elements, 1, blocks, 1})) << type.name;
    }
    EXPECT_FALSE(tensor_bytes(type, {type.block_elements, 1ULL << 31, 1ULL << 31, 1ULL << 31})) << type.name;
  }
}

TEST(TensorBytes, OneBlockAndPartsOfBlocks) {
  for (const std::uint32_t id : known_ids()) {
    const TensorTypeInfo& type = *known_tensor_type(id);
    EXPECT_EQ(tensor_bytes(type, {type.block_elements, 1, 1, 1}), type.block_bytes + type.row_head);
    EXPECT_EQ(tensor_bytes(type, {3 * type.block_elements, 2, 1, 1}),
              6 * type.block_bytes + 2 * type.row_head);
    if (type.block_elements == 1) continue;
    for (const std::uint64_t row : {1U, type.block_elements - 1, type.block_elements + 1}) {
      EXPECT_FALSE(tensor_bytes(type, {row, type.block_elements, 1, 1})) << type.name << " row of " << row;
    }
  }
}

}  // namespace
}  // namespace longhand
