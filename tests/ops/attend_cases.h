// Attention kernels of every instruction set and cache type, and what their caches make of numbers.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ops/format.h"
#include "ops/hadamard.h"
#include "ops/kernel_table.h"
#include "tests/support/guarded.h"

namespace longhand::test {

struct AttendCase {
  const Kernels* kernels;
  CacheFormat format;
};

inline std::vector<AttendCase> attend_cases() {
  std::vector<AttendCase> cases;
  for (const Kernels* k : available_kernels()) {
    for (int f = 0; f < kCacheFormats; ++f) cases.push_back({k, CacheFormat(f)});
  }
  return cases;
}

inline std::string attend_case_name(const testing::TestParamInfo<AttendCase>& info) {
  constexpr const char* kNames[] = {"f32", "f16", "q8_0", "bf16", "q4_0", "q4_1", "q5_0", "q5_1", "iq4_nl"};
  return std::string(info.param.kernels->name) + "_" + kNames[int(info.param.format)];
}

// What storing rounds away: 2^-11 of a value in f16, 1/254 of the largest in q8_0, 2^-8 in bf16. Of packed
// formats that is known, and products of transformed vectors are as good as others.
inline double attend_tolerance(CacheFormat format) {
  constexpr double kTolerances[] = {1e-5, 3e-3, 4e-2, 8 * 3e-3};
  return is_packed(format) ? 2e-5 : kTolerances[int(format)];
}

inline FormatId tensor_format(CacheFormat format) {
  constexpr std::uint32_t kTypes[] = {Q4_0::info.gguf, Q4_1::info.gguf, Q5_0::info.gguf, Q5_1::info.gguf,
                                      IQ4_NL::info.gguf};
  return FormatId(find_format(kTypes[int(format) - int(CacheFormat::q4_0)]));
}

// What packed formats make of a vector: the same for keys and values.
inline std::vector<float> rounded(const Kernels& k, CacheFormat format, const Guarded<float>& x) {
  const int n = int(x.size());
  KvView view;
  view.value_dim = n;
  view.value_row_bytes = n / kQ8Group * kCacheGroupBytes[int(format)];
  Guarded<std::byte> row(std::size_t(view.value_row_bytes));
  view.values = row.data();
  k.store_value[int(format)](view, 0, x.data());
  std::vector<float> numbers(x.size());
  decode_blocks(tensor_format(format), row.data(), n / kQ8Group, numbers.data());
  hadamard(numbers.data(), n);
  return numbers;
}

// Room for unpacked keys or values, and queries.
inline Guarded<float> unpacked(int widest) {
  return Guarded<float>(std::size_t((kAttendKeys + kAttendRows) * widest));
}

}  // namespace longhand::test
